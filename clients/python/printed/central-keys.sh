# Keys in a central account, used from another: the key policy trusts the other account as a whole, and the other
# account's IAM says who. Admin and the key are of 111122223333, Other (an administrator) and Dora of 444455556666.
KEY=$(aws kms create-key --policy file://central.json --query KeyMetadata.Arn --output text)        # ok
aws iam create-user --user-name Dora                                                                # as Other: ok
aws iam create-access-key --user-name Dora                                                          # as Other: ok → Dora
#: as Dora
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # AccessDeniedException (no IAM policy yet)
aws iam put-user-policy --user-name Dora --policy-name use --policy-document "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kms:Encrypt\",\"kms:Decrypt\",\"kms:PutKeyPolicy\"],\"Resource\":\"$KEY\"}]}"   # as Other: ok
aws kms encrypt --key-id $KEY --plaintext fileb://m --query CiphertextBlob --output text | base64 -d > c   # ok
aws kms decrypt --ciphertext-blob fileb://c --query Plaintext --output text | base64 -d | cmp - m   # ok
aws kms encrypt --key-id ${KEY##*/} --plaintext fileb://m                                           # NotFoundException (a bare id is one of the own account)
aws kms put-key-policy --key-id $KEY --policy file://central.json                                   # AccessDeniedException (never across accounts)
aws kms list-keys                                                                                   # AccessDeniedException (no right to list)
aws kms list-keys --query "length(Keys[?KeyArn=='$KEY'])" --output text | grep -x 0                 # as Other: ok (another account's keys are never listed)
aws kms list-aliases --query "length(Aliases[?TargetKeyId=='${KEY##*/}'])" --output text | grep -x 0   # as Other: ok
aws iam delete-user-policy --user-name Dora --policy-name use                                       # as Other: ok
aws kms decrypt --ciphertext-blob fileb://c                                                         # AccessDeniedException
