"""Calls that nobody made are decided as the calls themselves: with sessions, second factors, services between, grants.

Invariant: each case makes the real call and supposes it; outcome, what the client is told, the kind of reason and every
statement that was considered are the same.
"""

import json

import pytest
from botocore.exceptions import ClientError

import totp
from aws import connect
from neighbour import for_caller, for_itself
from policies import ADMIN, ENABLE_IAM, HOME, OTHER, allow, deny, document, identity, role, role_session, root, user
from test_detective_explain import explain
from test_identity_mfa import given
from world import HOME_REGION

ACTION = "kms:GenerateDataKey"
MAY = document(identity("Allow", "kms:*"))
MAY_NOT = document(identity("Allow", "s3:*"))
FORBIDS = document(identity("Allow", "*"), identity("Deny", "kms:GenerateDataKey"))
LONG_ROLE = role_session("UserRole", "night")


@pytest.fixture(scope="module")
def place(steered):
    """A server whose `UserRole` can be assumed with tags and a source identity."""
    trust = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": user("Admin")},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }
    )
    steered.iam().update_assume_role_policy(RoleName="UserRole", PolicyDocument=trust)
    made = steered.iam().create_policy(PolicyName="Ceiling", PolicyDocument=MAY)["Policy"]["Arn"]
    assert made.endswith("policy/Ceiling")
    return steered


@pytest.fixture(scope="module")
def key(place):
    """A key whose policy names principals in every way, under conditions of every kind."""

    def when(operator, name, value):
        return {operator: {name: value}}

    return place.make_key(
        ENABLE_IAM,
        {**allow(role("UserRole"), ACTION), "Sid": "TheRole"},
        {**allow(LONG_ROLE, ACTION), "Sid": "TheSession"},
        {**allow(user("Bob"), ACTION, Condition=when("StringEquals", "kms:ViaService", f"s3.{HOME_REGION}.amazonaws.com")), "Sid": "Via"},
        {**allow(user("ExampleUser"), ACTION, Condition=when("NumericLessThan", "aws:MultiFactorAuthAge", "300")), "Sid": "Recent"},
        {**allow(role("RoleForExampleApp"), ACTION, Condition=when("StringEquals", "aws:SourceIdentity", "carol")), "Sid": "Carol"},
        {**deny("*", ACTION, Condition=when("StringEquals", "aws:PrincipalTag/team", "red")), "Sid": "NoRed"},
        {**deny("*", ACTION, Condition=when("StringEquals", "aws:CalledViaFirst", "backup.amazonaws.com")), "Sid": "NoBackup"},
        {**deny(role("UserRole"), ACTION, Condition=when("NotIpAddress", "aws:SourceIp", "127.0.0.0/8")), "Sid": "Inside"},
        {**allow("*", ACTION, Condition=when("StringEquals", "aws:SourceAccount", HOME)), "Principal": {"Service": "logs.amazonaws.com"}},
        {**allow(root(OTHER), ACTION), "Sid": "Other"},
        {**allow(user("OneAlias"), ACTION, Condition=when("StringEquals", "kms:RequestAlias", "alias/supposed")), "Sid": "ByAlias"},
    )  # fmt: skip


def session(place, who="Admin", role_name="UserRole", name="s9", **more):
    answer = place.sts(who).assume_role(RoleArn=role(role_name), RoleSessionName=name, **more)
    return connect(place.server, given(answer))


def federated(place, name, **more):
    return connect(place.server, given(place.sts().get_federation_token(Name=name, **more)))


def write(folder, text) -> str:
    path = folder / "session-policy.json"
    path.write_text(text)
    return str(path)


USERS = [
    ("Admin", user("Admin")), ("Alice", user("Alice")), ("Bob", user("Bob")), ("IamAllows", user("IamAllows")),
    ("Auditor", user("Auditor")), (f"{OTHER}/Carla", user("Carla", OTHER)), (f"{OTHER}/Bob", user("Bob", OTHER)),
]  # fmt: skip

# A real client, and the options that suppose it; `folder` is for files.
CASES = {
    **{
        f"user {who}": lambda place, folder, who=who, arn=arn: (place.kms(who), ["--principal", arn])
        for who, arn in USERS
    },
    "role session": lambda place, folder: (
        session(place), ["--principal", role("UserRole"), "--as-role-session", "s9"]),
    "named session": lambda place, folder: (session(place, name="night"), ["--principal", LONG_ROLE]),
    "a role that nothing names": lambda place, folder: (
        session(place, role_name="OneKeyRole"), ["--principal", role_session("OneKeyRole", "s9")]),
    "session policy allows": lambda place, folder: (
        session(place, Policy=MAY), ["--principal", role_session("UserRole", "s9"), "--session-policy", write(folder, MAY)]),
    "session policy lacks": lambda place, folder: (
        session(place, Policy=MAY_NOT), ["--principal", role_session("UserRole", "s9"), "--session-policy", write(folder, MAY_NOT)]),
    "session policy lacks, policy names the session": lambda place, folder: (
        session(place, name="night", Policy=MAY_NOT), ["--principal", LONG_ROLE, "--session-policy", write(folder, MAY_NOT)]),
    "session policy denies": lambda place, folder: (
        session(place, name="night", Policy=FORBIDS), ["--principal", LONG_ROLE, "--session-policy", write(folder, FORBIDS)]),
    "managed session policy": lambda place, folder: (
        session(place, PolicyArns=[{"arn": f"arn:aws:iam::{HOME}:policy/Ceiling"}]),
        ["--principal", role_session("UserRole", "s9"), "--session-policy-arn", f"arn:aws:iam::{HOME}:policy/Ceiling"]),
    "session tag": lambda place, folder: (
        session(place, Tags=[{"Key": "team", "Value": "red"}]),
        ["--principal", role_session("UserRole", "s9"), "--session-tag", "team=red"]),
    "source identity": lambda place, folder: (
        session(place, SourceIdentity="carol"),
        ["--principal", role_session("UserRole", "s9"), "--source-identity", "carol"]),
    "federated, allowed": lambda place, folder: (
        federated(place, "fed1", Policy=MAY),
        ["--principal", user("Admin"), "--as-federated-user", "fed1", "--session-policy", write(folder, MAY)]),
    "federated, without a policy": lambda place, folder: (
        federated(place, "fed1"), ["--principal", user("Admin"), "--as-federated-user", "fed1"]),
    "federated, tagged": lambda place, folder: (
        federated(place, "fed1", Policy=MAY, Tags=[{"Key": "team", "Value": "red"}]),
        ["--principal", user("Admin"), "--as-federated-user", "fed1", "--session-policy", write(folder, MAY), "--session-tag", "team=red"]),
    "temporary": lambda place, folder: (
        connect(place.server, given(place.sts("Bob").get_session_token())), ["--principal", user("Bob"), "--temporary"]),
    "long-term keys without a code": lambda place, folder: (
        place.kms("ExampleUser"), ["--principal", user("ExampleUser")]),
    "via the right service": lambda place, folder: (
        for_caller(place, "Bob", "s3"), ["--principal", user("Bob"), "--via", "s3.amazonaws.com"]),
    "via the wrong service": lambda place, folder: (
        for_caller(place, "Bob", "ssm"), ["--principal", user("Bob"), "--via", "ssm.amazonaws.com"]),
    "via two": lambda place, folder: (
        for_caller(place, "Bob", "backup", "s3"),
        ["--principal", user("Bob"), "--via", "backup.amazonaws.com", "--via", "s3.amazonaws.com"]),
    "a service for an account": lambda place, folder: (
        for_itself(place, "logs", HOME), ["--principal", "logs.amazonaws.com", "--source-account", HOME]),
    "a service for another account": lambda place, folder: (
        for_itself(place, "logs", OTHER), ["--principal", "logs.amazonaws.com", "--source-account", OTHER]),
    "another service": lambda place, folder: (
        for_itself(place, "s3", HOME), ["--principal", "s3.amazonaws.com", "--source-account", HOME]),
}  # fmt: skip


def agree(place, kms, arguments: list[str], resource: str, context: dict | None = None) -> str:
    """Makes the call and supposes it; answers the decision."""
    context = context or {}
    pairs = [part for name, value in context.items() for part in ("--context", f"{name}={value}")]
    place_of_call = [] if "--via" in arguments or arguments[1].endswith(".com") else ["--source-ip", "127.0.0.1"]
    supposed = explain(
        place.server, *arguments, "--action", ACTION, "--resource", resource, *place_of_call, *pairs
    )  # fmt: skip
    (demand,) = supposed["demands"]
    try:
        kms.generate_data_key(KeyId=resource, KeySpec="AES_256", EncryptionContext=context)
    except ClientError as error:
        told, request = error.response["Error"]["Message"], error.response["ResponseMetadata"]["RequestId"]
        assert error.response["Error"]["Code"] == "AccessDeniedException", error
        assert not supposed["allowed"], json.dumps(supposed, indent=1)
        assert supposed["message"] == told
        (recorded,) = explain(place.server, "--request-id", request)["demands"]
        for member in ("decision", "by", "reason", "resource", "documents", "grants"):
            assert demand[member] == recorded[member], member
    else:
        assert supposed["allowed"] and "message" not in supposed, json.dumps(supposed, indent=1)
        assert demand["decision"] == "Allow"
    return demand["decision"]


@pytest.mark.parametrize("case", CASES)
def test_a_supposed_call_and_the_call_agree(place, key, tmp_path, case):
    kms, arguments = CASES[case](place, tmp_path)
    agree(place, kms, arguments, key.arn)


def test_the_cases_have_every_outcome(place, key, tmp_path):
    """Else they would agree about nothing."""
    wanted = {
        "named session": "Allow", "role session": "Allow", "session policy lacks": "ImplicitDeny",
        "session policy lacks, policy names the session": "Allow", "session policy denies": "ExplicitDeny",
        "managed session policy": "Allow", "session tag": "ExplicitDeny", "federated, allowed": "Allow",
        "federated, without a policy": "ImplicitDeny", "via the right service": "Allow", "via two": "ExplicitDeny",
        "via the wrong service": "ImplicitDeny", "a service for an account": "Allow", "another service": "ImplicitDeny",
        "a service for another account": "ImplicitDeny", f"user {OTHER}/Carla": "Allow",
    }  # fmt: skip
    for case, decision in wanted.items():
        _, arguments = CASES[case](place, tmp_path)
        ip = [] if "--via" in arguments or arguments[1].endswith(".com") else ["--source-ip", "127.0.0.1"]
        supposed = explain(place.server, *arguments, "--action", ACTION, "--resource", key.arn, *ip)
        assert supposed["demands"][0]["decision"] == decision, case


def test_a_second_factor_has_an_age(place, key):
    """Both sides of the limit; the clock of the server moves, the supposed age with it."""
    device = totp.make(place, "ExampleUser")
    totp.give(place, device, "ExampleUser")
    for age, decision in ((10, "Allow"), (299, "Allow"), (300, "ImplicitDeny")):
        answer = place.sts("ExampleUser").get_session_token(SerialNumber=device.serial, TokenCode=device.fresh())
        place.server.advance(age)
        arguments = ["--principal", user("ExampleUser"), "--mfa-age", str(age)]
        assert agree(place, connect(place.server, given(answer)), arguments, key.arn) == decision


def test_grants_and_aliases_count_as_in_the_call(place, key):
    place.kms().create_alias(AliasName="alias/supposed", TargetKeyId=key.id)
    grant = place.kms().create_grant(
        KeyId=key.id,
        GranteePrincipal=user("Auditor"),
        Operations=["GenerateDataKey"],
        Constraints={"EncryptionContextSubset": {"app": "payroll"}},
    )
    federated_arn = f"arn:aws:sts::{HOME}:federated-user/fed2"
    place.kms().create_grant(KeyId=key.id, GranteePrincipal=federated_arn, Operations=["GenerateDataKey"])
    auditor = ["--principal", user("Auditor"), "--grant-token", grant["GrantToken"]]
    assert agree(place, place.kms("Auditor"), auditor, key.arn, {"app": "payroll"}) == "Allow"
    assert agree(place, place.kms("Auditor"), auditor, key.arn, {"app": "mail"}) == "ImplicitDeny"
    # A grant to a federated session reaches it without any policy of its own.
    fed2 = ["--principal", user("Admin"), "--as-federated-user", "fed2"]
    assert agree(place, federated(place, "fed2"), fed2, key.arn) == "Allow"
    one = ["--principal", user("OneAlias")]
    alias = f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/supposed"
    assert agree(place, place.kms("OneAlias"), one, alias) == "Allow"
    assert agree(place, place.kms("OneAlias"), one, key.arn) == "ImplicitDeny"


def test_time_and_attested_values_can_be_supposed(place):
    condition = {
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
        "StringEquals": {"kms:RecipientAttestation:PCR0": "abcd"},
    }
    key = place.make_key(allow(user("Bob"), "kms:Decrypt", Condition=condition))
    call = ["--principal", user("Bob"), "--action", "kms:Decrypt", "--resource", key.arn]
    for more, allowed in (
        (["--at", "2029-12-31T23:59:59Z", "--attestation", "PCR0=abcd"], True),
        (["--at", "2030-01-01T00:00:00Z", "--attestation", "PCR0=abcd"], False),
        (["--at", "2029-12-31T23:59:59Z", "--attestation", "PCR0=abce"], False),
        (["--at", "2029-12-31T23:59:59Z"], False),
    ):
        assert explain(place.server, *call, *more)["allowed"] == allowed, more


def test_what_nobody_could_call_with_is_refused(place, key, tmp_path):
    """A session that could not be, a service that is none: said plainly, and nothing is explained."""
    bob = ["--principal", user("Bob")]
    a_role = ["--principal", role("UserRole"), "--as-role-session", "s9"]
    policy = write(tmp_path, MAY)
    for arguments in (
        [*bob, "--as-role-session", "s1"],
        [*bob, "--session-policy", policy],
        [*bob, "--session-tag", "a=b"],
        [*bob, "--source-identity", "carol"],
        [*bob, "--via", "nobody"],
        [*bob, "--source-account", HOME],
        [*bob, "--at", "yesterday"],
        [*bob, "--grant-token", "none"],
        [*bob, "--grant", "a" * 64],
        [*a_role, "--as-federated-user", "x2"],
        [*a_role, "--session-policy-arn", f"arn:aws:iam::{HOME}:policy/Gone"],
        [*a_role, "--session-policy", write(tmp_path, "{}")],
        ["--principal", role_session("UserRole", "s1"), "--as-role-session", "s2"],
        ["--principal", f"arn:aws:sts::{HOME}:federated-user/fed1"],
        ["--principal", "logs.amazonaws.com", "--mfa-age", "1"],
        ["--principal", "logs.amazonaws.com", "--via", "s3.amazonaws.com"],
    ):
        done = place.server.command("explain", *arguments, "--action", ACTION, "--resource", key.arn)
        assert done.returncode != 0 and done.stderr.strip(), arguments


def test_another_services_action_is_decided_by_identity_policies(place):
    call = ["--action", "s3:PutObject", "--resource", "arn:aws:s3:::bucket/x"]
    assert explain(place.server, "--principal", user("Admin"), *call)["allowed"]
    refused = explain(place.server, "--principal", user("Bob"), *call)
    assert not refused["allowed"] and refused["demands"][0]["by"] == "default"
    assert ADMIN["Sid"] not in json.dumps(refused)
