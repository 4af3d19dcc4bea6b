# S0 world (as Admin)
# The endpoint and the Region stand in the environment; loopback is served without TLS here, so no CA bundle is named.
aws iam create-user --user-name ExampleUser                                                         # ok
aws iam create-access-key --user-name ExampleUser                                                   # ok → ExampleUser
aws iam create-user --user-name Bob                                                                 # ok
aws iam create-role --role-name UserRole --assume-role-policy-document file://trust.json            # ok
aws iam create-role --role-name RoleForExampleApp --assume-role-policy-document file://trust.json   # ok
aws iam create-role --role-name SecretReader --assume-role-policy-document file://trust.json        # ok
aws kms create-key --policy file://p1.txt                                                           # MalformedPolicyDocumentException
aws kms create-key --policy file://p2.txt                                                           # MalformedPolicyDocumentException
aws kms create-key --policy file://p3.txt                                                           # MalformedPolicyDocumentException
KEY=$(aws kms create-key --policy file://p1.json --tags TagKey=Class,TagValue=Confidential --query KeyMetadata.Arn --output text)   # ok
aws kms list-resource-tags --key-id $KEY --query 'Tags[?TagKey==`Class`].TagValue' --output text | grep -x Confidential   # ok
