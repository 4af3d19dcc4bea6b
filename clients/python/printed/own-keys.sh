# Keys in the account that uses them, and their users listed in the key policy alone: no statement leaves anything to an
# account. A role of the own account needs the key policy only; one of another account needs its own IAM as well.
aws iam create-user --user-name Eve                                                                 # as Other: ok
aws iam create-access-key --user-name Eve                                                           # as Other: ok → Eve
aws iam create-role --role-name ForeignRole --assume-role-policy-document file://trust-eve.json     # as Other: ok
aws iam create-user --user-name Alice                                                               # ok
aws iam create-access-key --user-name Alice                                                         # ok → Alice
aws iam attach-user-policy --user-name Alice --policy-arn arn:aws:iam::aws:policy/AdministratorAccess   # ok
KEY=$(aws kms create-key --policy file://listed.json --query KeyMetadata.Arn --output text)         # ok
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # as UserRole: ok (no IAM policy)
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # as Alice: AccessDeniedException (IAM alone is not enough)
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # as ForeignRole: AccessDeniedException (no IAM policy yet)
aws iam put-role-policy --role-name ForeignRole --policy-name use --policy-document "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"$KEY\"}]}"   # as Other: ok
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # as ForeignRole: ok
aws kms describe-key --key-id $KEY                                                                  # as ForeignRole: AccessDeniedException (IAM alone is not enough)
