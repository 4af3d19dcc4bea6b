# S2 P2-EC (as RoleForExampleApp)
KEY=$(aws kms create-key --policy file://p2.json --query KeyMetadata.Arn --output text)             # ok
#: as RoleForExampleApp
aws kms encrypt --key-id $KEY --plaintext fileb://m --encryption-context AppName=ExampleApp,Version=1.0.24 --query CiphertextBlob --output text | base64 -d > c   # ok
aws kms decrypt --ciphertext-blob fileb://c --encryption-context AppName=ExampleApp,Version=1.0.24 --query Plaintext --output text | base64 -d | cmp - m  # ok, equal
aws kms decrypt --ciphertext-blob fileb://c --encryption-context AppName=ExampleApp,Version=1.0.25  # AccessDeniedException (policy, before crypto)
aws kms decrypt --ciphertext-blob fileb://c                                                         # AccessDeniedException
aws kms decrypt --ciphertext-blob fileb://c --encryption-context AppName=ExampleApp                 # as Admin: InvalidCiphertextException (AAD)
aws kms encrypt --key-id $KEY --plaintext fileb://m --encryption-context AppName=ExampleApp,Version=1.0.25   # AccessDeniedException
aws kms encrypt --key-id $KEY --plaintext fileb://m --encryption-context AppName=ExampleApp         # AccessDeniedException
aws kms encrypt --key-id $KEY --plaintext fileb://m --encryption-context AppName=ExampleApp,Version=1.0.24,Extra=1 --query CiphertextBlob --output text | base64 -d > c   # ok
aws kms decrypt --ciphertext-blob fileb://c --encryption-context AppName=ExampleApp,Version=1.0.24  # InvalidCiphertextException
aws kms decrypt --ciphertext-blob fileb://c --encryption-context AppName=ExampleApp,Version=1.0.24,Extra=1   # ok
