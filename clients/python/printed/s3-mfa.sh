# S3 P3-MFA
KEY=$(aws kms create-key --policy file://p3.json --query KeyMetadata.Arn --output text)             # ok
EXT=$(aws kms create-key --origin EXTERNAL --policy file://p3.json --query KeyMetadata.Arn --output text)   # ok
#: bring in EXT
aws kms create-alias --alias-name alias/x --target-key-id $KEY                                      # ok
aws iam put-user-policy --user-name ExampleUser --policy-name aliases --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:DeleteAlias","Resource":"arn:aws:kms:us-west-2:111122223333:alias/x"}]}'   # ok
aws iam create-virtual-mfa-device --virtual-mfa-device-name m --outfile seed --bootstrap-method Base32StringSeed   # ok
#: codes
aws iam enable-mfa-device --user-name ExampleUser --serial-number arn:aws:iam::111122223333:mfa/m --authentication-code1 $T0 --authentication-code2 $T1   # ok

# Long-term credentials, and a session without a code
#: as ExampleUser
aws kms put-key-policy --key-id $KEY --policy file://p3.json                                        # AccessDeniedException
aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7                              # AccessDeniedException
aws kms delete-alias --alias-name alias/x                                                           # AccessDeniedException
aws kms delete-imported-key-material --key-id $EXT                                                  # AccessDeniedException
aws sts get-session-token --duration-seconds 900                                                    # ok → session
#: as session
aws kms put-key-policy --key-id $KEY --policy file://p3.json                                        # AccessDeniedException
aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7                              # AccessDeniedException
aws kms delete-alias --alias-name alias/x                                                           # AccessDeniedException
aws kms delete-imported-key-material --key-id $EXT                                                  # AccessDeniedException
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T1 --duration-seconds 900   # as ExampleUser: AccessDenied (used before)

# Age 10 s
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: AccessDenied (used before)
#: age 10
aws kms put-key-policy --key-id $KEY --policy file://p3.json                                        # ok
aws kms delete-alias --alias-name alias/x                                                           # ok
aws kms delete-imported-key-material --key-id $EXT                                                  # ok
aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7                              # ok
#: as Admin
aws kms cancel-key-deletion --key-id $KEY                                                           # ok
aws kms describe-key --key-id $KEY --query KeyMetadata.KeyState --output text | grep -x Disabled    # ok
aws kms create-alias --alias-name alias/x --target-key-id $KEY                                      # ok
#: bring in EXT

# Age 299 s, to the second: a session for each call
#: as session
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
#: age 299
aws kms put-key-policy --key-id $KEY --policy file://p3.json                                        # ok
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
#: age 299
aws kms delete-alias --alias-name alias/x                                                           # ok
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
#: age 299
aws kms delete-imported-key-material --key-id $EXT                                                  # ok
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
#: age 299
aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7                              # ok
#: as Admin
aws kms cancel-key-deletion --key-id $KEY                                                           # ok
aws kms create-alias --alias-name alias/x --target-key-id $KEY                                      # ok
#: bring in EXT

# Age 300 s
#: as session
#: code
aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/m --token-code $T2 --duration-seconds 900   # as ExampleUser: ok → session
#: age 300
aws kms put-key-policy --key-id $KEY --policy file://p3.json                                        # AccessDeniedException
aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7                              # AccessDeniedException
aws kms delete-alias --alias-name alias/x                                                           # AccessDeniedException
aws kms delete-imported-key-material --key-id $EXT                                                  # AccessDeniedException
