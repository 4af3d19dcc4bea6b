"""Forward access: a service calls KMS for its caller, or for itself; and nobody else can claim that.

Source: "Forward access sessions", "AWS global condition context keys", AWS IAM user guide; "Condition keys for AWS
KMS" of the developer guide.
"""

import json
import re

import pytest

import rawhttp
import trail
from aws import connect, error_of, refused, request_id
from neighbour import DOOR, add_headers, for_caller, for_itself
from policies import (
    ADMIN,
    ENABLE_IAM,
    HOME,
    OTHER,
    allow,
    deny,
    document,
    explicit_deny,
    hidden,
    no_identity_policy,
    no_resource_policy,
    role,
    role_session,
    user,
)
from rawhttp import Draft
from world import FAR_REGION, HOME_REGION, caller

BOB = user("Bob")
VOLUME = f"arn:aws:ec2:{HOME_REGION}:{HOME}:volume/vol-1"
OTHER_VOLUME = f"arn:aws:ec2:{HOME_REGION}:{HOME}:volume/vol-2"
NO_RIGHT = re.compile(".* is not authorized to perform: kms:.*")


def via(*services: str) -> dict:
    """The condition that a call comes through one of these services."""
    return {"StringEquals": {"kms:ViaService": [f"{name}.{HOME_REGION}.amazonaws.com" for name in services]}}


def service(name: str, *actions: str, **more) -> dict:
    """A key policy statement for a service that calls by itself."""
    return {**allow("unused", *actions, **more), "Principal": {"Service": f"{name}.amazonaws.com"}}


def encrypts(kms, key, **more) -> bytes:
    return kms.encrypt(KeyId=key.arn, Plaintext=b"m", **more)["CiphertextBlob"]


def test_a_key_can_be_kept_to_one_service(world):
    """R11: allowed through the service of the policy alone; not directly, nor through another, nor from a Region of
    another name."""
    key = world.make_key(allow(BOB, "kms:Encrypt", Condition=via("s3")))
    denied = no_resource_policy(BOB, "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").encrypt, KeyId=key.arn, Plaintext=b"m")
    assert encrypts(for_caller(world, "Bob", "s3"), key)
    refused("AccessDeniedException", denied, for_caller(world, "Bob", "ssm").encrypt, KeyId=key.arn, Plaintext=b"m")
    far = world.make_key(allow(BOB, "kms:Encrypt", Condition=via("s3")), region=FAR_REGION)
    client = for_caller(world, "Bob", "s3", region=FAR_REGION)
    denied = no_resource_policy(BOB, "kms:Encrypt", far.arn)
    refused("AccessDeniedException", denied, client.encrypt, KeyId=far.arn, Plaintext=b"m")


def test_the_policy_of_encrypted_volumes(world):
    """R11, policy P1: data keys and decryption for the role itself, grants only through EC2."""
    user_role = role("UserRole")
    key = world.make_key(
        allow(user_role, "kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt"),
        allow(user_role, "kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant", Condition=via("ec2")),
    )
    direct, ec2 = world.kms("role/UserRole"), for_caller(world, "role/UserRole", "ec2")
    blob = direct.generate_data_key_without_plaintext(KeyId=key.arn, KeySpec="AES_256")["CiphertextBlob"]
    assert len(direct.decrypt(CiphertextBlob=blob)["Plaintext"]) == 32
    assert error_of(direct.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    assert error_of(direct.generate_data_key, KeyId=key.arn, KeySpec="AES_256") == "AccessDeniedException"
    grant = {"KeyId": key.arn, "GranteePrincipal": role("RoleForExampleApp"), "Operations": ["Decrypt"]}
    assert error_of(direct.create_grant, **grant) == "AccessDeniedException"
    made = ec2.create_grant(**grant)
    assert error_of(direct.list_grants, KeyId=key.arn) == "AccessDeniedException"
    (listed,) = ec2.list_grants(KeyId=key.arn)["Grants"]
    assert listed["GrantId"] == made["GrantId"] and listed["IssuingAccount"].endswith(f":{HOME}:root")
    assert world.kms("role/RoleForExampleApp").decrypt(CiphertextBlob=blob)["Plaintext"]
    assert error_of(direct.revoke_grant, KeyId=key.arn, GrantId=made["GrantId"]) == "AccessDeniedException"
    ec2.revoke_grant(KeyId=key.arn, GrantId=made["GrantId"])
    assert ec2.list_grants(KeyId=key.arn)["Grants"] == []


def test_a_service_adds_no_right_to_its_callers(world):
    """The caller's own policies decide: what it may not do, no service does for it."""
    key = world.make_key(ENABLE_IAM)
    denied = no_identity_policy(BOB, "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, for_caller(world, "Bob", "s3").encrypt, KeyId=key.arn, Plaintext=b"m")
    denied = explicit_deny(user("IamDenies"), "kms:Encrypt", key.arn, "an identity-based policy")
    client = for_caller(world, "IamDenies", "s3")
    refused("AccessDeniedException", denied, client.encrypt, KeyId=key.arn, Plaintext=b"m")
    assert encrypts(for_caller(world, "Alice", "s3"), key)


def test_a_service_cannot_be_asked_to_act_for_itself(world):
    """A policy for the service's own calls gives nothing to a call that it makes for somebody."""
    key = world.make_key(service("s3", "kms:Encrypt"))
    denied = no_resource_policy(BOB, "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, for_caller(world, "Bob", "s3").encrypt, KeyId=key.arn, Plaintext=b"m")
    assert encrypts(for_itself(world, "s3", HOME), key)


def test_a_call_across_accounts_needs_both_sides(world):
    """`kms:CallerAccount` is the account of the user, not of the service; the hidden wording stays."""
    everyone = {"StringEquals": {"kms:CallerAccount": HOME, **via("s3")["StringEquals"]}}
    key = world.make_key(allow("*", "kms:Encrypt", Condition=everyone))
    assert encrypts(for_caller(world, "Bob", "s3"), key)
    carla = for_caller(world, f"{OTHER}/Carla", "s3")
    denied = hidden(caller(f"{OTHER}/Carla"), "kms:Encrypt")
    refused("AccessDeniedException", denied, carla.encrypt, KeyId=key.arn, Plaintext=b"m")
    both = {"StringEquals": {"kms:CallerAccount": OTHER, **via("s3")["StringEquals"]}}
    world.put_policy(key, allow(f"arn:aws:iam::{OTHER}:root", "kms:Encrypt", Condition=both))
    assert encrypts(carla, key)
    assert error_of(world.kms(f"{OTHER}/Carla").encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    # Bob of the other account has no policy of his own.
    denied = hidden(caller(f"{OTHER}/Bob"), "kms:Encrypt")
    refused(
        "AccessDeniedException", denied, for_caller(world, f"{OTHER}/Bob", "s3").encrypt, KeyId=key.arn, Plaintext=b"m"
    )


CHAIN = ("cloudformation", "s3")
FACTS = [
    # The condition, whether it holds directly, and whether through CloudFormation and S3.
    ("ViaService", via("s3"), False, True),
    ("ViaService-first", via("cloudformation"), False, False),
    ("CalledVia", {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}, False, True),
    ("CalledVia-all", {"ForAllValues:StringEquals": {"aws:CalledVia": "s3.amazonaws.com"}}, True, False),
    ("CalledViaFirst", {"StringEquals": {"aws:CalledViaFirst": "cloudformation.amazonaws.com"}}, False, True),
    ("CalledViaLast", {"StringEquals": {"aws:CalledViaLast": "s3.amazonaws.com"}}, False, True),
    ("ViaAWSService", {"Bool": {"aws:ViaAWSService": "true"}}, False, True),
    ("ViaAWSService-false", {"Bool": {"aws:ViaAWSService": "false"}}, True, False),
    ("SourceIp", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True, False),
    ("SourceIp-absent", {"Null": {"aws:SourceIp": "true"}}, False, True),
    ("UserAgent", {"StringEquals": {"aws:UserAgent": "s3.amazonaws.com"}}, False, True),
    ("PrincipalIsAWSService", {"Bool": {"aws:PrincipalIsAWSService": "false"}}, True, True),
    ("PrincipalArn", {"ArnEquals": {"aws:PrincipalArn": BOB}}, True, True),
    ("PrincipalAccount", {"StringEquals": {"aws:PrincipalAccount": HOME}}, True, True),
    ("CallerAccount", {"StringEquals": {"kms:CallerAccount": HOME}}, True, True),
    ("username", {"StringEquals": {"aws:username": "Bob"}}, True, True),
    ("SourceArn", {"Null": {"aws:SourceArn": "false"}}, False, False),
    ("SourceAccount", {"Null": {"aws:SourceAccount": "false"}}, False, False),
    ("PrincipalServiceName", {"Null": {"aws:PrincipalServiceName": "false"}}, False, False),
    ("RequestedRegion", {"StringEquals": {"aws:RequestedRegion": HOME_REGION}}, True, True),
    ("context", {"StringEquals": {"kms:EncryptionContext:a": "b", **via("s3")["StringEquals"]}}, False, True),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "direct", "forwarded"), [row[1:] for row in FACTS], ids=[r[0] for r in FACTS])
def test_what_policies_see_of_a_forwarded_call(world, condition, direct, forwarded):
    """Each condition key of forward access, and those that stay the caller's."""
    key = world.make_key(allow(BOB, "kms:Encrypt", Condition=condition))
    for kms, allowed in [(world.kms("Bob"), direct), (for_caller(world, "Bob", *CHAIN), forwarded)]:
        got = error_of(kms.encrypt, KeyId=key.arn, Plaintext=b"m", EncryptionContext={"a": "b"})
        assert got == (None if allowed else "AccessDeniedException")


@pytest.mark.parametrize(
    ("name", "more"),
    [("CreateGrant", {"GranteePrincipal": BOB, "Operations": ["Decrypt"]}), ("ListGrants", {}), ("RevokeGrant", {})],
)
def test_grants_for_resources_of_services(world, name, more):
    """R11, R25: `kms:GrantIsForAWSResource` is true of what a service asks, and false, not absent, of what a user asks:
    so an allow and a deny can both rest on it."""
    kms, key = world.kms(), world.make_key()
    given = kms.create_grant(KeyId=key.arn, GranteePrincipal=BOB, Operations=["Encrypt"])["GrantId"]
    parameters = {"KeyId": key.arn, **more, **({"GrantId": given} if name == "RevokeGrant" else {})}
    method = {"CreateGrant": "create_grant", "ListGrants": "list_grants", "RevokeGrant": "revoke_grant"}[name]
    direct, ec2 = getattr(world.kms("Bob"), method), getattr(for_caller(world, "Bob", "ec2"), method)
    only = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    not_for_users = {"Bool": {"kms:GrantIsForAWSResource": "false"}}
    world.put_policy(key, allow(BOB, f"kms:{name}"), deny(BOB, f"kms:{name}", Condition=not_for_users))
    denied = explicit_deny(BOB, f"kms:{name}", key.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, direct, **parameters)
    world.put_policy(key, allow(BOB, f"kms:{name}", Condition=only))
    refused("AccessDeniedException", no_resource_policy(BOB, f"kms:{name}", key.arn), direct, **parameters)
    ec2(**parameters)


def test_a_service_calls_by_itself_for_one_resource(world):
    """A service principal is let in by name, account and resource; the deputy is not to be confused."""
    condition = {"StringEquals": {"aws:SourceAccount": HOME}, "ArnEquals": {"aws:SourceArn": VOLUME}}
    key = world.make_key(service("ec2", "kms:Encrypt", "kms:Decrypt", Condition=condition))
    ours = for_itself(world, "ec2", HOME, VOLUME)
    blob = encrypts(ours, key)
    assert ours.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    denied = no_resource_policy("ec2.amazonaws.com", "kms:Encrypt", key.arn)
    for other in [for_itself(world, "ec2", HOME, OTHER_VOLUME), for_itself(world, "ec2", HOME)]:
        refused("AccessDeniedException", denied, other.encrypt, KeyId=key.arn, Plaintext=b"m")
    refused(
        "AccessDeniedException",
        hidden("ec2.amazonaws.com", "kms:Encrypt"),
        for_itself(world, "ec2", OTHER, VOLUME).encrypt,
        KeyId=key.arn,
        Plaintext=b"m",
    )
    denied = no_resource_policy("s3.amazonaws.com", "kms:Encrypt", key.arn)
    refused(
        "AccessDeniedException", denied, for_itself(world, "s3", HOME, VOLUME).encrypt, KeyId=key.arn, Plaintext=b"m"
    )
    denied = no_resource_policy("ec2.amazonaws.com", "kms:GenerateDataKey", key.arn)
    refused("AccessDeniedException", denied, ours.generate_data_key, KeyId=key.arn, KeySpec="AES_256")


OWN_FACTS = [
    ("PrincipalIsAWSService", {"Bool": {"aws:PrincipalIsAWSService": "true"}}, True),
    ("PrincipalServiceName", {"StringEquals": {"aws:PrincipalServiceName": "logs.us-west-2.amazonaws.com"}}, True),
    (
        "PrincipalServiceNamesList",
        {"ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": "logs.amazonaws.com"}},
        True,
    ),
    ("SourceArn", {"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:*:volume/*"}}, True),
    ("SourceAccount", {"StringEquals": {"aws:SourceAccount": HOME}}, True),
    ("ViaAWSService", {"Bool": {"aws:ViaAWSService": "false"}}, True),
    ("ViaService", {"Null": {"kms:ViaService": "true"}}, True),
    ("CalledVia", {"Null": {"aws:CalledVia": "true"}}, True),
    ("CallerAccount", {"Null": {"kms:CallerAccount": "true"}}, True),
    ("PrincipalArn", {"Null": {"aws:PrincipalArn": "true"}}, True),
    ("PrincipalAccount", {"Null": {"aws:PrincipalAccount": "true"}}, True),
    ("userid", {"Null": {"aws:userid": "true"}}, True),
    ("SourceIp", {"Null": {"aws:SourceIp": "true"}}, True),
    ("SecureTransport", {"Bool": {"aws:SecureTransport": "true"}}, True),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "holds"), [row[1:] for row in OWN_FACTS], ids=[row[0] for row in OWN_FACTS])
def test_what_policies_see_of_a_service_that_calls_by_itself(world, condition, holds):
    key = world.make_key(service("logs.us-west-2", "kms:Encrypt", Condition=condition))
    kms = for_itself(world, "logs.us-west-2", HOME, VOLUME)
    assert (error_of(kms.encrypt, KeyId=key.arn, Plaintext=b"m") is None) is holds


def test_a_service_has_no_identity_policies(world):
    """What only identity policies allow is not a service's: lists, new keys, aliases, and keys left to the account."""
    key = world.make_key(ENABLE_IAM)
    kms = for_itself(world, "s3", HOME)
    for call, parameters in [
        (kms.list_keys, {}),
        (kms.list_aliases, {}),
        (kms.create_key, {}),
        (kms.generate_random, {"NumberOfBytes": 16}),
        (kms.encrypt, {"KeyId": key.arn, "Plaintext": b"m"}),
        (kms.create_alias, {"AliasName": "alias/of-a-service", "TargetKeyId": key.arn}),
    ]:
        refused("AccessDeniedException", NO_RIGHT, call, **parameters)


def test_a_grant_to_a_service_holds_for_its_resource(world):
    """R76: a grant with a SourceArn is in force only for calls that the service makes for that resource."""
    key = world.make_key()
    blob = encrypts(world.kms(), key)
    made = world.kms().create_grant(
        KeyId=key.arn,
        GranteeServicePrincipal="ec2.amazonaws.com",
        RetiringServicePrincipal="ec2.amazonaws.com",
        Operations=["Decrypt", "DescribeKey"],
        Constraints={"SourceArn": VOLUME},
    )
    ours = for_itself(world, "ec2", HOME, VOLUME)
    assert ours.decrypt(CiphertextBlob=blob, KeyId=key.arn)["Plaintext"] == b"m"
    assert ours.describe_key(KeyId=key.arn)["KeyMetadata"]["Arn"] == key.arn
    refused("AccessDeniedException", NO_RIGHT, ours.encrypt, KeyId=key.arn, Plaintext=b"m")
    for other in [
        for_itself(world, "ec2", HOME, OTHER_VOLUME),
        for_itself(world, "ec2", HOME),
        for_itself(world, "s3", HOME, VOLUME),
        for_caller(world, "Bob", "ec2"),
    ]:
        refused("AccessDeniedException", NO_RIGHT, other.decrypt, CiphertextBlob=blob, KeyId=key.arn)
    grants = ours.list_retirable_grants
    world.put_policy(key, service("ec2", "kms:ListGrants"))
    (listed,) = ours.list_grants(KeyId=key.arn, GranteeServicePrincipal="ec2.amazonaws.com")["Grants"]
    assert listed["GrantId"] == made["GrantId"] and listed["GranteeServicePrincipal"] == "ec2.amazonaws.com"
    refused("AccessDeniedException", NO_RIGHT, grants, RetiringServicePrincipal="ec2.amazonaws.com")
    denied = for_itself(world, "s3", HOME, VOLUME).retire_grant
    assert error_of(denied, KeyId=key.arn, GrantId=made["GrantId"]) == "AccessDeniedException"
    ours.retire_grant(KeyId=key.arn, GrantId=made["GrantId"])
    refused("AccessDeniedException", NO_RIGHT, ours.decrypt, CiphertextBlob=blob, KeyId=key.arn)


def test_only_services_look_for_grants_of_services(world, key):
    """Users cannot use the members that are for service principals."""
    message = "GranteeServicePrincipal can be used only by callers that are service principals."
    call = world.kms().list_grants
    refused("ValidationException", message, call, KeyId=key.arn, GranteeServicePrincipal="ec2.amazonaws.com")
    call = for_caller(world, "Admin", "ec2").list_grants
    refused("ValidationException", message, call, KeyId=key.arn, GranteeServicePrincipal="ec2.amazonaws.com")


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("kms:GranteeServicePrincipal", "ec2.amazonaws.com"),
        ("kms:RetiringServicePrincipal", "rds.amazonaws.com"),
        ("kms:GrantConstraintSourceArn", VOLUME),
    ],
)
def test_policies_limit_the_grants_to_services(world, fact, value):
    """R25: the condition keys of grants to services."""
    key = world.make_key(allow(BOB, "kms:CreateGrant", Condition={"StringEquals": {fact: value}}))
    right = {
        "GranteeServicePrincipal": "ec2.amazonaws.com",
        "RetiringServicePrincipal": "rds.amazonaws.com",
        "Constraints": {"SourceArn": VOLUME},
    }
    wrong = {
        "GranteeServicePrincipal": "s3.amazonaws.com",
        "RetiringServicePrincipal": "s3.amazonaws.com",
        "Constraints": {"SourceArn": OTHER_VOLUME},
    }
    create = world.kms("Bob").create_grant
    assert error_of(create, KeyId=key.arn, Operations=["Decrypt"], **wrong) == "AccessDeniedException"
    user_grant = {"GranteePrincipal": BOB, "RetiringPrincipal": BOB}
    assert error_of(create, KeyId=key.arn, Operations=["Decrypt"], **user_grant) == "AccessDeniedException"
    assert error_of(create, KeyId=key.arn, Operations=["Decrypt"], **right) is None


def test_detective_the_record_of_a_forwarded_call(world):
    """The user is who calls, and the service is named: in `invokedBy`, as source and as agent."""
    key = world.make_key(allow(BOB, "kms:Encrypt"))
    answer = for_caller(world, "Bob", *CHAIN).encrypt(KeyId=key.arn, Plaintext=b"m")
    record = trail.record_of(world.server, request_id(answer))
    assert record["userIdentity"] == {
        "type": "IAMUser",
        "principalId": record["userIdentity"]["principalId"],
        "arn": BOB,
        "accountId": HOME,
        "accessKeyId": world.keys("Bob").access_key_id,
        "userName": "Bob",
        "invokedBy": "s3.amazonaws.com",
    }
    assert record["sourceIPAddress"] == record["userAgent"] == "s3.amazonaws.com"
    assert (record["eventName"], record["eventSource"]) == ("Encrypt", "kms.amazonaws.com")
    assert record["requestParameters"]["keyId"] == key.arn and record["recipientAccountId"] == HOME
    assert record["resources"] == [{"accountId": HOME, "type": "AWS::KMS::Key", "ARN": key.arn}]
    direct = trail.record_of(world.server, request_id(world.kms("Bob").encrypt(KeyId=key.arn, Plaintext=b"m")))
    assert "invokedBy" not in direct["userIdentity"] and direct["sourceIPAddress"] == "127.0.0.1"


def test_detective_the_record_of_a_forwarded_session(world):
    """A role session stays one, with the service beside it; a refusal is recorded the same way."""
    key = world.make_key()
    client = for_caller(world, "role/UserRole", "ssm")
    answer = refused("AccessDeniedException", NO_RIGHT, client.encrypt, KeyId=key.arn, Plaintext=b"m")
    record = trail.record_of(world.server, request_id(answer))
    identity = record["userIdentity"]
    assert (identity["type"], identity["invokedBy"]) == ("AssumedRole", "ssm.amazonaws.com")
    assert identity["arn"] == role_session("UserRole", "s1")
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role("UserRole")
    assert record["errorCode"] == "AccessDenied" and record["sourceIPAddress"] == "ssm.amazonaws.com"


def test_detective_the_record_of_a_service(world):
    """A service that calls by itself is the identity; the record is the account's whose resource it is."""
    key = world.make_key(service("ec2", "kms:Encrypt"))
    answer = for_itself(world, "ec2", HOME, VOLUME).encrypt(KeyId=key.arn, Plaintext=b"m")
    record = trail.record_of(world.server, request_id(answer))
    assert record["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert record["sourceIPAddress"] == record["userAgent"] == "ec2.amazonaws.com"
    assert record["recipientAccountId"] == HOME and record["eventType"] == "AwsApiCall"


FORGED_HEADERS = {
    "x-insecure-source-account": HOME,
    "x-insecure-source-arn": VOLUME,
    "x-amz-source-arn": VOLUME,
    "x-amz-source-account": HOME,
    "aws-sourcearn": VOLUME,
    "kms-viaservice": f"s3.{HOME_REGION}.amazonaws.com",
    "x-amz-via-service": f"s3.{HOME_REGION}.amazonaws.com",
    "x-amz-forwarded-for": "s3.amazonaws.com",
    "x-amz-invoked-by": "s3.amazonaws.com",
    "user-agent": "s3.amazonaws.com",
}


def test_no_header_makes_a_call_a_forwarded_one(world):
    """R11: whatever a client sends through the front door, it is a direct call of the client, and recorded as one."""
    key = world.make_key(
        allow(BOB, "kms:Encrypt", Condition={"Bool": {"aws:ViaAWSService": "true"}}),
        allow(BOB, "kms:Encrypt", Condition=via("s3")),
        allow(BOB, "kms:Encrypt", Condition={"Null": {"aws:SourceArn": "false"}}),
        allow(BOB, "kms:Encrypt", Condition={"Null": {"aws:SourceAccount": "false"}}),
        allow(BOB, "kms:Encrypt", Condition={"Null": {"aws:CalledVia": "false"}}),
        allow(BOB, "kms:Encrypt", Condition={"Bool": {"aws:PrincipalIsAWSService": "true"}}),
        service("s3", "kms:Encrypt"),
        service("ec2", "kms:Encrypt"),
    )
    kms = connect(world.server, world.keys("Bob"))
    add_headers(kms, FORGED_HEADERS)
    denied = no_resource_policy(BOB, "kms:Encrypt", key.arn)
    answer = refused("AccessDeniedException", denied, kms.encrypt, KeyId=key.arn, Plaintext=b"m")
    record = trail.record_of(world.server, request_id(answer))
    assert "invokedBy" not in record["userIdentity"] and record["sourceIPAddress"] == "127.0.0.1"


@pytest.mark.parametrize(
    "members",
    [
        {"ViaService": "s3.us-west-2.amazonaws.com", "kms:ViaService": "s3.us-west-2.amazonaws.com"},
        {"ForwardAccessSession": "s3.amazonaws.com", "Forwarded": {"service": "s3.amazonaws.com"}},
        {"CalledVia": ["s3.amazonaws.com"], "aws:CalledVia": ["s3.amazonaws.com"], "SourceArn": VOLUME},
    ],
)
def test_no_parameter_makes_a_call_a_forwarded_one(world, members):
    """R11: members of the request that speak of services change nothing."""
    key = world.make_key(allow(BOB, "kms:DescribeKey", Condition={"Bool": {"aws:ViaAWSService": "true"}}))
    body = json.dumps({"KeyId": key.arn, **members}).encode()
    answer = Draft(world.server, world.keys("Bob"), "DescribeKey", body).send()
    assert answer.code == "AccessDeniedException"


def test_the_door_is_there_in_the_test_mode_only(servers):
    """Another server takes such a request as any other: as a direct call of who signed it."""
    server = servers.make("plain", seeded=False)
    admin = server.profiles()["default"]
    kms = connect(server, admin)
    made = kms.create_key()["KeyMetadata"]
    arn, admin_arn = made["Arn"], f"arn:aws:iam::{made['AWSAccountId']}:user/Admin"
    policy = document(
        {**ADMIN, "Principal": {"AWS": admin_arn}},
        deny("*", "kms:Encrypt", Condition={"Bool": {"aws:ViaAWSService": "false"}}),
    )
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    client = connect(server, admin, path=f"{DOOR}/s3.amazonaws.com/for-caller")
    denied = explicit_deny(admin_arn, "kms:Encrypt", arn, "a resource-based policy")
    refused("AccessDeniedException", denied, client.encrypt, KeyId=arn, Plaintext=b"m")
    assert server.log().count("insecure") == 0


def test_the_door_asks_for_a_signature(world):
    """Nobody is served through it whose signature is wrong; the refusal has its one record."""
    key = world.make_key()
    body = json.dumps({"KeyId": key.arn}).encode()
    draft = Draft(world.server, world.keys("Bob"), "DescribeKey", body)
    draft.target = f"{DOOR}/s3.amazonaws.com/for-caller"
    answer = draft.send()  # signed for another path
    assert answer.code == "InvalidSignatureException"
    assert trail.record_of(world.server, answer.request_id)["errorCode"] == "InvalidSignatureException"
    unsigned = rawhttp.request("POST", draft.target, [("Host", "h"), ("X-Amz-Target", "TrentService.ListKeys")], b"{}")
    answer = rawhttp.send(world.server, unsigned)
    assert answer.code == "MissingAuthenticationTokenException"
    assert trail.record_of(world.server, answer.request_id)["userIdentity"]["type"] == "Unknown"


@pytest.mark.parametrize(
    "path",
    [
        "/s3.amazonaws.com",
        "/s3/for-caller",
        "//for-caller",
        "/s3.amazonaws.com/for-nobody",
        "/s3.amazonaws.com/for-itself",
        "/s3.amazonaws.com,ssm.amazonaws.com/for-itself",
        "/" + ",".join(["s3.amazonaws.com"] * 9) + "/for-caller",
    ],
)
def test_the_door_refuses_what_it_does_not_understand(world, path):
    """A wrong path, a missing account, or a chain of services without an end."""
    client = connect(world.server, world.keys("Admin"), path=DOOR + path)
    message = re.compile("The path is /_insecure/neighbour/.*|The call has come through more than 8 services.")
    answer = refused("ValidationException", message, client.list_keys)
    assert trail.record_of(world.server, request_id(answer))["errorCode"] == "ValidationException"
