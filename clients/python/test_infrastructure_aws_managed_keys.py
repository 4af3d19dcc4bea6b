"""AWS managed keys: one for each service, account and Region, made on first use, usable through its service alone.

Source: "AWS managed keys", "Alias", AWS KMS developer guide; the key policies that the services show.
"""

import concurrent.futures
import json
import re

import pytest

import trail
from aws import error_of, refused, request_id
from conftest import Servers
from neighbour import for_caller, for_itself
from policies import HOME, OTHER, hidden, no_identity_policy, no_resource_policy, role, root, user
from world import FAR_REGION, HOME_REGION, World, caller

DAY = 86_400
OTHER_ROOT = f"{OTHER}/root"
SERVICES = [
    "acm", "backup", "codecommit", "dynamodb", "ebs", "elasticfilesystem", "es", "glue", "kafka", "kinesis", "lambda",
    "rds", "redshift", "s3", "secretsmanager", "sns", "sqs", "ssm", "workspaces", "xray",
]  # fmt: skip
DRY_RUN = "The request would have succeeded, but the DryRun option is set."


def aliases(kms) -> dict[str, dict]:
    """Every alias of the caller's account, by name."""
    listed = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 7}).search("Aliases[]")
    found = list(listed)
    names = [alias["AliasName"] for alias in found]
    assert len(names) == len(set(names)) and names == sorted(names), names
    return dict(zip(names, found, strict=True))


def describe(kms, service: str) -> dict:
    """The key of a service, made if it is not there yet."""
    return kms.describe_key(KeyId=f"alias/aws/{service}")["KeyMetadata"]


def creations(server, arn: str) -> list[dict]:
    """The CreateKey events of a key."""
    found = [record for record in trail.records(server) if record["eventName"] == "CreateKey"]
    return [record for record in found if record["resources"][0]["ARN"] == arn]


def missing(service: str, region: str = HOME_REGION) -> str:
    return f"Alias arn:aws:kms:{region}:{HOME}:alias/aws/{service} is not found."


def test_predefined_aliases_are_listed_before_their_first_use(fresh):
    """Names alone; the key comes with its first use, and takes none of the others along."""
    kms = fresh.kms()
    before = aliases(kms)
    assert [name.removeprefix("alias/aws/") for name in before if name.startswith("alias/aws/")] == SERVICES
    for name, alias in before.items():
        if name.startswith("alias/aws/"):
            assert alias == {"AliasName": name, "AliasArn": f"arn:aws:kms:{HOME_REGION}:{HOME}:{name}"}
    keys_before = kms.list_keys()["Keys"]
    made = describe(kms, "ssm")
    after = aliases(kms)
    assert after.keys() == before.keys()
    assert after["alias/aws/ssm"]["TargetKeyId"] == made["KeyId"]
    assert after["alias/aws/ssm"]["CreationDate"] == after["alias/aws/ssm"]["LastUpdatedDate"] == made["CreationDate"]
    assert [name for name in after if after[name] != before[name]] == ["alias/aws/ssm"]
    keys_after = kms.list_keys()["Keys"]
    assert [key for key in keys_after if key not in keys_before] == [{"KeyId": made["KeyId"], "KeyArn": made["Arn"]}]
    (of_key,) = kms.list_aliases(KeyId=made["KeyId"])["Aliases"]
    assert of_key == after["alias/aws/ssm"]


def test_what_such_a_key_is(fresh):
    """R46, R48: its metadata, its rotation, its policy; none of it a customer's."""
    kms = fresh.kms()
    made = describe(kms, "s3")
    material = made.pop("CurrentKeyMaterialId")
    assert re.fullmatch("[0-9a-f]{64}", material)
    assert made == {
        "AWSAccountId": HOME,
        "KeyId": made["KeyId"],
        "Arn": f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{made['KeyId']}",
        "CreationDate": made["CreationDate"],
        "Enabled": True,
        "Description": "Default key that protects my S3 objects when no other key is defined",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "AWS",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    again = describe(kms, "s3")
    assert again.pop("CurrentKeyMaterialId") == material and again == made
    status = kms.get_key_rotation_status(KeyId=made["KeyId"])
    assert status["KeyRotationEnabled"] is True and status["RotationPeriodInDays"] == 365
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == []
    assert kms.list_key_policies(KeyId=made["KeyId"])["PolicyNames"] == ["default"]
    assert kms.list_grants(KeyId=made["KeyId"])["Grants"] == []


POLICY_OF_S3 = """{
  "Version" : "2012-10-17",
  "Id" : "auto-s3-2",
  "Statement" : [ {
    "Sid" : "Allow access through S3 for all principals in the account that are authorized to use S3",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "111122223333",
        "kms:ViaService" : "s3.us-west-2.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  } ]
}"""


def test_its_policy_is_the_one_that_the_service_shows(fresh):
    """R47: use through the service for the account; a look at it for the account; and what grants need."""
    kms = fresh.kms()
    text = kms.get_key_policy(KeyId=describe(kms, "s3")["KeyId"])["Policy"]
    assert text == POLICY_OF_S3
    ebs = json.loads(kms.get_key_policy(KeyId=describe(kms, "ebs")["KeyId"])["Policy"])
    use, look = ebs["Statement"]
    assert ebs["Id"] == "auto-ebs-2" and "kms:CreateGrant" in use["Action"] and "kms:RevokeGrant" in look["Action"]
    assert use["Condition"]["StringEquals"]["kms:ViaService"] == f"ec2.{HOME_REGION}.amazonaws.com"
    secrets = json.loads(kms.get_key_policy(KeyId=describe(kms, "secretsmanager")["KeyId"])["Policy"])
    data_keys = secrets["Statement"][1]
    assert secrets["Id"] == "auto-secretsmanager-2" and data_keys["Action"] == "kms:GenerateDataKey*"
    assert data_keys["Condition"]["StringLike"] == {"kms:ViaService": "secretsmanager.*.amazonaws.com"}


def test_the_first_use_through_a_service_makes_it(fresh):
    """R46: a user without any policy of its own encrypts through the service, and reads again through it alone."""
    s3 = for_caller(fresh, "Bob", "s3")
    answer = s3.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256", EncryptionContext={"aws:s3:arn": "b/o"})
    made = describe(fresh.kms(), "s3")
    assert answer["KeyId"] == made["Arn"] and made["KeyManager"] == "AWS"
    wrapped = {"CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": {"aws:s3:arn": "b/o"}}
    assert s3.decrypt(**wrapped)["Plaintext"] == answer["Plaintext"]
    assert for_caller(fresh, "Alice", "s3").decrypt(**wrapped)["Plaintext"] == answer["Plaintext"]
    ciphertext = "the resource associated with this ciphertext"
    denied = re.compile(f".*kms:Decrypt on {ciphertext} because no resource-based policy allows the kms:Decrypt action")
    for other in [fresh.kms("Bob"), fresh.kms("Admin"), for_caller(fresh, "Bob", "ssm"), for_itself(fresh, "s3", HOME)]:
        refused("AccessDeniedException", denied, other.decrypt, **wrapped)


def test_it_cannot_be_used_directly(fresh):
    """R47: not there before its first use, and not for users after it, by alias or id."""
    kms = fresh.kms()
    refused("NotFoundException", missing("s3"), kms.encrypt, KeyId="alias/aws/s3", Plaintext=b"m")
    assert "TargetKeyId" not in aliases(kms)["alias/aws/s3"]
    key = describe(kms, "s3")["Arn"]
    for who in ["Admin", "Alice"]:
        for action, method, more in [
            ("Encrypt", "encrypt", {"Plaintext": b"m"}),
            ("GenerateDataKey", "generate_data_key", {"KeySpec": "AES_256"}),
            ("GenerateDataKeyPair", "generate_data_key_pair", {"KeyPairSpec": "ECC_NIST_P256"}),
        ]:
            denied = no_resource_policy(user(who), f"kms:{action}", key)
            for name in ["alias/aws/s3", key]:
                refused("AccessDeniedException", denied, getattr(fresh.kms(who), method), KeyId=name, **more)


@pytest.mark.parametrize("name", ["nothing", "S3", "s3/x", "ec2"])
def test_other_reserved_names_stand_for_nothing(world, name):
    refused("NotFoundException", missing(name), world.kms().describe_key, KeyId=f"alias/aws/{name}")
    client = for_caller(world, "Admin", "s3")
    refused("NotFoundException", missing(name), client.encrypt, KeyId=f"alias/aws/{name}", Plaintext=b"m")


def test_each_account_and_region_has_its_own(fresh):
    """R46: by name from each side; the alias ARN of another Region or account makes nothing."""
    here, far = describe(fresh.kms(), "ssm"), describe(fresh.kms(region=FAR_REGION), "ssm")
    carla = fresh.kms(f"{OTHER}/Carla")
    theirs = describe(carla, "ssm")
    assert len({here["KeyId"], far["KeyId"], theirs["KeyId"]}) == 3
    assert far["Arn"].split(":")[3:5] == [FAR_REGION, HOME] and theirs["Arn"].split(":")[3:5] == [HOME_REGION, OTHER]
    policy = json.loads(carla.get_key_policy(KeyId=theirs["KeyId"])["Policy"])
    assert policy["Statement"][0]["Condition"]["StringEquals"]["kms:CallerAccount"] == OTHER
    foreign = f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/aws/rds"
    denied = hidden(caller(f"{OTHER}/Carla"), "kms:DescribeKey")
    refused("AccessDeniedException", denied, carla.describe_key, KeyId=foreign)
    client = for_caller(fresh, f"{OTHER}/Carla", "rds")
    denied = hidden(caller(f"{OTHER}/Carla"), "kms:Encrypt")
    refused("AccessDeniedException", denied, client.encrypt, KeyId=foreign, Plaintext=b"m")
    far_arn = f"arn:aws:kms:{FAR_REGION}:{HOME}:alias/aws/rds"
    refused("NotFoundException", f"Invalid arn {FAR_REGION}", fresh.kms().describe_key, KeyId=far_arn)
    assert "TargetKeyId" not in aliases(fresh.kms())["alias/aws/rds"]
    own = fresh.kms().describe_key(KeyId=f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/aws/rds")["KeyMetadata"]
    assert own["KeyManager"] == "AWS" and own["KeyId"] == describe(fresh.kms(), "rds")["KeyId"]


def test_no_other_account_can_use_it(fresh):
    """Its policy is for the callers of its own account, through whatever service."""
    arn = describe(fresh.kms(), "s3")["Arn"]
    for client in [fresh.kms(f"{OTHER}/Carla"), for_caller(fresh, f"{OTHER}/Carla", "s3")]:
        for action, method, more in [
            ("Encrypt", "encrypt", {"Plaintext": b"m"}),
            ("GenerateDataKey", "generate_data_key", {"KeySpec": "AES_256"}),
            ("DescribeKey", "describe_key", {}),
        ]:
            denied = hidden(caller(f"{OTHER}/Carla"), f"kms:{action}")
            refused("AccessDeniedException", denied, getattr(client, method), KeyId=arn, **more)


FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
# What nobody may do to such a key: operation, action, parameters beside the key.
FORBIDDEN = [
    ("put_key_policy", "PutKeyPolicy", {"Policy": json.dumps({"Version": "2012-10-17", "Statement": []})}),
    ("tag_resource", "TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ("untag_resource", "UntagResource", {"TagKeys": ["a"]}),
    ("disable_key", "DisableKey", {}),
    ("enable_key", "EnableKey", {}),
    ("schedule_key_deletion", "ScheduleKeyDeletion", {"PendingWindowInDays": 7}),
    ("cancel_key_deletion", "CancelKeyDeletion", {}),
    ("enable_key_rotation", "EnableKeyRotation", {"RotationPeriodInDays": 90}),
    ("disable_key_rotation", "DisableKeyRotation", {}),
    ("rotate_key_on_demand", "RotateKeyOnDemand", {}),
    ("update_key_description", "UpdateKeyDescription", {"Description": "mine"}),
    ("import_key_material", "ImportKeyMaterial", {"ImportToken": b"t", "EncryptedKeyMaterial": b"m", **FOREVER}),
    ("delete_imported_key_material", "DeleteImportedKeyMaterial", {}),
    ("replicate_key", "ReplicateKey", {"ReplicaRegion": FAR_REGION}),
    ("update_primary_region", "UpdatePrimaryRegion", {"PrimaryRegion": FAR_REGION}),
    ("create_grant", "CreateGrant", {"GranteePrincipal": user("Bob"), "Operations": ["Decrypt"]}),
    ("revoke_grant", "RevokeGrant", {"GrantId": "0" * 64}),
    ("generate_mac", "GenerateMac", {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}),
    ("sign", "Sign", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def managed():
    """A server, and an account whose root has an access key, with a key of S3 in it."""
    made = Servers()
    world = World(made.make("managed"))
    yield world, describe(world.kms(OTHER_ROOT), "s3"), describe(world.kms(), "s3")
    made.close()


@pytest.mark.parametrize(("method", "action", "more"), FORBIDDEN, ids=[row[1] for row in FORBIDDEN])
def test_nobody_manages_it(managed, method, action, more):
    """R48: neither an administrator with every right, nor the root of the account, nor the service for one of them."""
    world, of_other, of_home = managed
    for who, arn, client in [
        (user("Admin"), of_home["Arn"], world.kms()),
        (root(OTHER), of_other["Arn"], world.kms(OTHER_ROOT)),
        (user("Admin"), of_home["Arn"], for_caller(world, "Admin", "s3")),
        (root(OTHER), of_other["Arn"], for_caller(world, OTHER_ROOT, "s3")),
    ]:
        got = error_of(getattr(client, method), KeyId=arn, **more)
        if got == "UnknownOperationException":
            pytest.skip(f"{action} is not served yet")
        denied = no_resource_policy(who, f"kms:{action}", arn)
        refused("AccessDeniedException", denied, getattr(client, method), KeyId=arn, **more)
    assert describe(world.kms(), "s3") == of_home and describe(world.kms(OTHER_ROOT), "s3") == of_other


def test_its_material_comes_from_here_alone(managed):
    """R48: what the policy would let pass is refused by what the key is."""
    world, _, of_home = managed
    ask = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    call = world.kms().get_parameters_for_import
    assert error_of(call, KeyId=of_home["KeyId"], **ask) == "UnsupportedOperationException"
    assert error_of(world.kms().get_public_key, KeyId=of_home["KeyId"]) == "UnsupportedOperationException"


def test_its_aliases_are_nobodys_to_change(managed):
    """Neither the reserved names nor the keys behind them can be given to anything else."""
    world, _, of_home = managed
    kms, key = world.kms(), world.make_key()
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key.id)
    for name in ["alias/aws/s3", "alias/aws/rds", "alias/aws/mine"]:
        refused("NotAuthorizedException", re.compile(".*"), kms.create_alias, AliasName=name, TargetKeyId=key.id)
        refused("NotAuthorizedException", re.compile(".*"), kms.update_alias, AliasName=name, TargetKeyId=key.id)
        refused("NotAuthorizedException", re.compile(".*"), kms.delete_alias, AliasName=name)
    for action, call, name in [
        ("kms:CreateAlias", kms.create_alias, "alias/not-mine"),
        ("kms:UpdateAlias", kms.update_alias, "alias/mine"),
    ]:
        denied = no_resource_policy(user("Admin"), action, of_home["Arn"])
        refused("AccessDeniedException", denied, call, AliasName=name, TargetKeyId=of_home["KeyId"])
    assert aliases(kms)["alias/mine"]["TargetKeyId"] == key.id
    assert aliases(kms)["alias/aws/s3"]["TargetKeyId"] == of_home["KeyId"]


def test_identity_who_may_not_look_does_not_make_it(fresh):
    """The right to describe comes first; a refusal names the alias, and leaves nothing behind."""
    alias = f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/aws/rds"
    denied = no_identity_policy(user("Bob"), "kms:DescribeKey", alias)
    answer = refused("AccessDeniedException", denied, fresh.kms("Bob").describe_key, KeyId="alias/aws/rds")
    record = trail.record_of(fresh.server, request_id(answer))
    assert record["resources"] == [{"accountId": HOME, "type": "AWS::KMS::Key", "ARN": alias}]
    # Another service than its own, and a service without a caller.
    denied = no_resource_policy(user("Bob"), "kms:Encrypt", alias)
    client = for_caller(fresh, "Bob", "s3")
    refused("AccessDeniedException", denied, client.encrypt, KeyId="alias/aws/rds", Plaintext=b"m")
    client = for_itself(fresh, "rds", HOME)
    refused("NotFoundException", missing("rds"), client.encrypt, KeyId="alias/aws/rds", Plaintext=b"m")
    assert "TargetKeyId" not in aliases(fresh.kms())["alias/aws/rds"]
    assert describe(fresh.kms("Auditor"), "rds")["KeyManager"] == "AWS"


def test_a_dry_run_makes_nothing(fresh):
    """A use that is only tried would have succeeded, and leaves no key."""
    client = for_caller(fresh, "Bob", "s3")
    refused(
        "DryRunOperationException", DRY_RUN, client.encrypt, KeyId="alias/aws/s3", Plaintext=b"m", DryRun=True
    )
    assert "TargetKeyId" not in aliases(fresh.kms())["alias/aws/s3"]


def test_calls_that_race_make_one_key(fresh):
    """Many first uses at once, of users and of the service: one key, one alias, one event, no failure."""
    clients = [fresh.kms(), for_caller(fresh, "Bob", "ssm"), for_caller(fresh, "Alice", "ssm")]

    def use(number: int) -> str:
        client = clients[number % 3]
        if number % 3 == 0:
            return describe(client, "ssm")["Arn"]
        return client.encrypt(KeyId="alias/aws/ssm", Plaintext=b"m")["KeyId"]

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        arns = set(pool.map(use, range(72)))
    assert len(arns) == 1
    kms = fresh.kms()
    by_aws = [key["KeyId"] for key in kms.list_keys()["Keys"] if key["KeyArn"] in arns]
    managed = [k for k in kms.list_keys()["Keys"] if kms.describe_key(KeyId=k["KeyId"])["KeyMetadata"]["KeyManager"] == "AWS"]
    assert len(by_aws) == len(managed) == 1
    assert aliases(kms)["alias/aws/ssm"]["TargetKeyId"] == by_aws[0]
    assert len(creations(fresh.server, arns.pop())) == 1


def test_detective_its_making_is_recorded(fresh):
    """An event of the service itself, and the call that led to it, which names the key."""
    answer = for_caller(fresh, "Bob", "s3").encrypt(KeyId="alias/aws/s3", Plaintext=b"m")
    (event,) = creations(fresh.server, answer["KeyId"])
    assert event["eventType"] == "AwsServiceEvent"
    assert event["userIdentity"] == {"accountId": HOME, "invokedBy": "AWS Internal"}
    assert event["serviceEventDetails"] == {"keyId": answer["KeyId"].split("/")[1], "aliases": ["alias/aws/s3"]}
    assert event["readOnly"] is False and event["awsRegion"] == HOME_REGION
    record = trail.record_of(fresh.server, request_id(answer))
    assert record["resources"] == [{"accountId": HOME, "type": "AWS::KMS::Key", "ARN": answer["KeyId"]}]
    assert (record["userIdentity"]["arn"], record["userIdentity"]["invokedBy"]) == (user("Bob"), "s3.amazonaws.com")


def test_it_rotates_every_year(servers):
    """R48: by the schedule that nobody set; what was encrypted before opens after."""
    world = World(servers.make("yearly"))
    s3 = for_caller(world, "Bob", "s3")
    old = s3.encrypt(KeyId="alias/aws/s3", Plaintext=b"old")
    kms, key = world.kms(), old["KeyId"]
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    world.server.advance(364 * DAY)
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    world.server.advance(2 * DAY)
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert rotation["RotationType"] == "AUTOMATIC"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == rotation["KeyMaterialId"] != first
    assert s3.decrypt(CiphertextBlob=old["CiphertextBlob"])["Plaintext"] == b"old"
    world.server.advance(365 * DAY)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 2


def test_a_service_can_go_on_by_a_grant(fresh):
    """R46, EBS: a grant is made through the service alone; the account can revoke it directly."""
    ec2, kms = for_caller(fresh, "role/UserRole", "ec2"), fresh.kms()
    blob = ec2.generate_data_key_without_plaintext(KeyId="alias/aws/ebs", KeySpec="AES_256")["CiphertextBlob"]
    key = describe(kms, "ebs")["Arn"]
    grant = {"KeyId": key, "GranteePrincipal": role("RoleForExampleApp"), "Operations": ["Decrypt"]}
    denied = no_resource_policy(user("Admin"), "kms:CreateGrant", key)
    refused("AccessDeniedException", denied, kms.create_grant, **grant)
    made = ec2.create_grant(**grant)["GrantId"]
    app = fresh.kms("role/RoleForExampleApp")
    assert len(app.decrypt(CiphertextBlob=blob)["Plaintext"]) == 32
    kms.revoke_grant(KeyId=key, GrantId=made)
    assert error_of(app.decrypt, CiphertextBlob=blob) == "AccessDeniedException"


def test_it_outlives_a_kill(servers):
    """A key that was used is there after `kill -9`, with its alias, its rotation and its one event."""
    server = servers.make("killed")
    world = World(server)
    used = for_caller(world, "Bob", "s3").encrypt(KeyId="alias/aws/s3", Plaintext=b"m")
    server.kill()
    server.start()
    world = World(server)
    assert describe(world.kms(), "s3")["Arn"] == used["KeyId"]
    opened = for_caller(world, "Bob", "s3").decrypt(CiphertextBlob=used["CiphertextBlob"])
    assert opened["Plaintext"] == b"m"
    assert world.kms().get_key_rotation_status(KeyId=used["KeyId"])["KeyRotationEnabled"] is True
    assert len(creations(server, used["KeyId"])) == 1


def test_it_counts_for_no_quota(servers, tmp_path):
    """The limit on keys is one on customer managed keys: those of services neither use it up nor are stopped by it."""
    config = tmp_path / "kanuki.toml"
    config.write_text("[limits]\nkeys_per_account_max = 2\n")
    kms = World(servers.make("few-keys", config=config)).kms(region=FAR_REGION)
    kms.create_key()
    made = {describe(kms, service)["KeyId"] for service in ["s3", "ssm", "ebs"]}
    kms.create_key()
    assert error_of(kms.create_key) == "LimitExceededException"
    made.add(describe(kms, "rds")["KeyId"])
    assert len(made) == 4 and made <= {key["KeyId"] for key in kms.list_keys()["Keys"]}
