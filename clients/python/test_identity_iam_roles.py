"""Roles and the trust in them: bound to principals that exist, and to no later ones of their names."""

import json
import re

import aws
from aws import error_of, refused
from policies import HOME, OTHER, allow, document, identity, root, user
from principals import access_key, fresh_name, make_role, make_user, trusting
from sigv4 import Keys
from world import FAR_REGION, HOME_REGION

LIST_KEYS = identity("Allow", "kms:ListKeys")


def drop_user(world, made) -> None:
    """Deletes a user with its access key."""
    world.iam().delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    world.iam().delete_user(UserName=made.name)


def test_a_role_is_made_shown_changed_and_deleted(world):
    """Everything that was given comes back; the trust policy in the order of its bytes."""
    iam, name = world.iam(), fresh_name("role")
    trust = trusting(user("Admin"))
    made = iam.create_role(
        RoleName=name,
        Path="/app/",
        AssumeRolePolicyDocument=trust,
        Description="what it is for",
        MaxSessionDuration=7200,
        Tags=[{"Key": "Team", "Value": "blue"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{HOME}:role/app/{name}" and re.fullmatch(r"AROA[A-Z2-7]{17}", made["RoleId"])
    assert made["AssumeRolePolicyDocument"] == json.loads(trust)
    shown = iam.get_role(RoleName=name)["Role"]
    assert {**shown, "RoleLastUsed": None} == {**made, "RoleLastUsed": None}
    iam.update_role(RoleName=name, MaxSessionDuration=3600)
    iam.update_role(RoleName=name, Description="other words")
    assert iam.update_role_description(RoleName=name, Description="last")["Role"]["Description"] == "last"
    shown = iam.get_role(RoleName=name)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("last", 3600)
    listed = iam.list_roles(PathPrefix="/app/")["Roles"]
    assert name in [role["RoleName"] for role in listed] and all("Tags" not in role for role in listed)
    message = f"Role with name {name.upper()} already exists."
    refused(
        "EntityAlreadyExists", message, iam.create_role, RoleName=name.upper(), AssumeRolePolicyDocument=trust
    )
    iam.delete_role(RoleName=name)
    refused("NoSuchEntity", f"The role with name {name} cannot be found.", iam.get_role, RoleName=name)


def test_trust_needs_principals_that_exist(world):
    """A missing user, role or a wildcard is refused with the words that tools wait for."""
    iam = world.iam()
    for principal in (user("nosuch"), f"arn:aws:iam::{HOME}:role/nosuch", "AIDAEXAMPLEEXAMPLE234"):
        message = f'Invalid principal in policy: "AWS":"{principal}"'
        for call, more in (
            (iam.create_role, {"RoleName": "untrusted", "AssumeRolePolicyDocument": trusting(principal)}),
            (iam.update_assume_role_policy, {"RoleName": "UserRole", "PolicyDocument": trusting(principal)}),
        ):
            refused("MalformedPolicyDocument", message, call, **more)
    no_action = document({"Effect": "Allow", "Principal": {"AWS": root()}, "Action": "kms:*"})
    create = {"RoleName": "untrusted", "AssumeRolePolicyDocument": no_action}
    assert error_of(iam.create_role, **create) == "MalformedPolicyDocument"
    assert error_of(iam.get_role, RoleName="untrusted") == "NoSuchEntity"


def test_a_changed_trust_policy_holds_for_the_next_call(world):
    """Who is dropped from it can no longer assume the role; who is added can."""
    iam, role = world.iam(), make_role(world)
    one, two = make_user(world), make_user(world)
    assume = {"RoleArn": role.arn, "RoleSessionName": "s1"}
    for trusted, other in ((one, two), (two, one), (one, two)):
        iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trusting(trusted.arn))
        assert error_of(trusted.client("sts").assume_role, **assume) is None
        assert error_of(other.client("sts").assume_role, **assume) == "AccessDenied"


def test_trust_in_a_deleted_user_is_trust_in_nobody(world):
    """The trust policy shows the id from then on, a new user of that name is not trusted, and the text is refused."""
    iam, made = world.iam(), make_user(world)
    role = make_role(world, AssumeRolePolicyDocument=trusting(made.arn, user("Admin")))
    assume = {"RoleArn": role.arn, "RoleSessionName": "s1"}
    assert error_of(made.client("sts").assume_role, **assume) is None
    drop_user(world, made)
    again = make_user(world, made.name)
    assert again.arn == made.arn
    assert error_of(again.client("sts").assume_role, **assume) == "AccessDenied"
    shown = iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == [made.id, user("Admin")]
    put = {"RoleName": role.name, "PolicyDocument": json.dumps(shown)}
    message = f'Invalid principal in policy: "AWS":"{made.id}"'
    refused("MalformedPolicyDocument", message, iam.update_assume_role_policy, **put)


def test_key_policies_show_the_id_of_a_deleted_principal(world):
    """And give nothing to a new one of the name; until then the text stays as it was put, byte for byte."""
    made, role = make_user(world), make_role(world)
    key = world.make_key(allow([made.arn, role.arn], "kms:Encrypt"))
    kms = world.kms()
    before = kms.get_key_policy(KeyId=key.id)["Policy"]
    assert error_of(made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") is None
    drop_user(world, made)
    world.iam().delete_role(RoleName=role.name)
    again = make_user(world, made.name)
    assert error_of(again.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    after = kms.get_key_policy(KeyId=key.id)["Policy"]
    assert after == before.replace(f'"{made.arn}"', f'"{made.id}"').replace(f'"{role.arn}"', f'"{role.id}"')
    code = error_of(kms.put_key_policy, KeyId=key.id, PolicyName="default", Policy=after)
    assert code == "MalformedPolicyDocumentException"


def test_a_renamed_user_keeps_what_its_id_has(world):
    """Policies, trust and keys follow the id; documents show the new ARN."""
    made = make_user(world, None, LIST_KEYS)
    role = make_role(world, AssumeRolePolicyDocument=trusting(made.arn, user("Admin")))
    key = world.make_key(allow(made.arn, "kms:Encrypt"))
    name = fresh_name("renamed")
    world.iam().update_user(UserName=made.name, NewUserName=name, NewPath="/moved/")
    arn = f"arn:aws:iam::{HOME}:user/moved/{name}"
    sts = made.client("sts")
    assert sts.get_caller_identity()["Arn"] == arn
    assert error_of(made.client("kms").list_keys) is None
    assert error_of(made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") is None
    assert error_of(sts.assume_role, RoleArn=role.arn, RoleSessionName="s1") is None
    shown = world.iam().get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == [arn, user("Admin")]
    assert arn in world.kms().get_key_policy(KeyId=key.id)["Policy"]
    assert error_of(world.iam().get_user, UserName=made.name) == "NoSuchEntity"


def test_sessions_of_a_deleted_role_are_dead(world):
    """At once, and a role of the same name does not bring them back."""
    role = make_role(world, None, LIST_KEYS)
    assert error_of(role.client("kms").list_keys) is None
    world.iam().delete_role_policy(RoleName=role.name, PolicyName="own")
    assert error_of(role.client("kms").list_keys) == "AccessDeniedException"
    world.iam().delete_role(RoleName=role.name)
    make_role(world, role.name, LIST_KEYS)
    assert error_of(role.client("kms").list_keys) == "UnrecognizedClientException"


def test_nobody_gives_themselves_a_role_in_another_account(world):
    """Neither with a name of theirs nor as their root."""
    foreign = world.iam(f"{OTHER}/root")
    name = fresh_name("role")
    foreign.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(root(OTHER)))
    arn = f"arn:aws:iam::{OTHER}:role/{name}"
    assert error_of(world.sts().assume_role, RoleArn=arn, RoleSessionName="s1") == "AccessDenied"
    assert error_of(world.iam().get_role, RoleName=name) == "NoSuchEntity"
    policy = document(identity("Allow", "sts:AssumeRole", resource=arn))
    made = make_user(world)
    world.iam().put_user_policy(UserName=made.name, PolicyName="p", PolicyDocument=policy)
    assert error_of(made.client("sts").assume_role, RoleArn=arn, RoleSessionName="s1") == "AccessDenied"
    assert access_key(world, made.name)


def test_the_last_use_of_a_role_is_told(steered):
    """Fed by what its sessions sign, not by who takes them; in GetRole and the account's details; durable, for 400 days."""
    world, iam = steered, steered.iam()
    name = fresh_name("used")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(user("Admin")))["Role"]["Arn"]
    given = world.sts().assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def last_used():
        told = iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]
        details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
        assert [role["RoleLastUsed"] for role in details if role["RoleName"] == name] == [told]
        return told

    assert last_used() == {}
    aws.connect(world.server, keys, service="sts", region=HOME_REGION).get_caller_identity()
    first = last_used()
    assert first["Region"] == HOME_REGION
    world.server.advance(600)
    assert error_of(aws.connect(world.server, keys, service="iam", region=FAR_REGION).list_users) == "AccessDenied"
    second = last_used()
    assert second["Region"] == FAR_REGION
    assert 600 <= (second["LastUsedDate"] - first["LastUsedDate"]).total_seconds() < 700
    world.server.restart()
    iam = world.iam()
    assert last_used() == second
    assert "RoleLastUsed" not in next(role for role in iam.list_roles()["Roles"] if role["RoleName"] == name)
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(user("Admin")))
    assert last_used() == {}


def test_a_use_of_long_ago_is_no_longer_told(steered):
    """Activity is reported for 400 days."""
    made, iam = make_role(steered), steered.iam()
    made.client("sts").get_caller_identity()
    steered.server.advance(400 * 86_400 - 60)
    assert iam.get_role(RoleName=made.name)["Role"]["RoleLastUsed"] != {}
    steered.server.advance(120)
    assert iam.get_role(RoleName=made.name)["Role"]["RoleLastUsed"] == {}
