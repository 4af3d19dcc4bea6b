# S1 P1-EBS (as UserRole)
KEY=$(aws kms create-key --policy file://p1.json --query KeyMetadata.Arn --output text)             # ok
#: as UserRole
aws kms generate-data-key-without-plaintext --key-id $KEY --key-spec AES_256 --query CiphertextBlob --output text | base64 -d > blob   # ok
aws kms decrypt --ciphertext-blob fileb://blob                                                      # ok
aws kms encrypt --key-id $KEY --plaintext fileb://m                                                 # AccessDeniedException
aws kms generate-data-key --key-id $KEY --number-of-bytes 64                                        # AccessDeniedException
aws kms list-grants --key-id $KEY                                                                   # AccessDeniedException (no ViaService)
aws kms create-grant --key-id $KEY --grantee-principal arn:aws:iam::111122223333:user/Bob --operations Decrypt   # AccessDeniedException
aws kms revoke-grant --key-id $KEY --grant-id 0c237476b39f8bc44e45212e08498fbe3151305030726c0590dd8d3e9f3d6a60   # AccessDeniedException
aws ec2 create-volume --availability-zone us-west-2a --size 1 --encrypted --kms-key-id $KEY         # not walked: there are no volumes yet
aws ec2 attach-volume --volume-id vol-0598c7d356eba48d7 --instance-id i-1234567890abcdef0 --device /dev/sdf   # not walked: there are no volumes yet
aws kms list-grants --key-id $KEY --query 'length(Grants)' --output text | grep -x 0                # as Admin: ok (none, since no volume was attached)
