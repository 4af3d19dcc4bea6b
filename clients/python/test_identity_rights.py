"""The ways in which a right of IAM reaches somebody, and what no such right can do."""

import pytest

from aws import error_of, refused
from policies import (
    ENABLE_IAM, HOME, OTHER, allow, document, explicit_deny, identity, no_identity_policy, no_resource_policy, role,
    role_session, root, user,
)  # fmt: skip
from principals import fresh_name, make_policy, make_role, make_user

USE = ("kms:Encrypt", "kms:Decrypt")


@pytest.mark.parametrize("holder", ["user", "group", "role"])
@pytest.mark.parametrize("kind", ["inline", "managed"])
def test_a_right_on_one_key_reaches_that_key_alone(world, key, holder, kind):
    """R8: for users, groups and roles, by an inline and by a managed policy; another key, and life without it, are
    denied with the words of the API."""
    other, iam = world.make_key(), world.iam()
    statement = identity("Allow", "kms:Encrypt", resource=key.arn)
    who = make_role(world) if holder == "role" else make_user(world)
    name = who.name
    if holder == "group":
        name = fresh_name("group")
        iam.create_group(GroupName=name)
        iam.add_user_to_group(GroupName=name, UserName=who.name)
    called = {f"{holder.capitalize()}Name": name}
    caller = role_session(who.name, "s1") if holder == "role" else who.arn
    kms = who.client("kms")

    def denied(key) -> None:
        message = no_identity_policy(caller, "kms:Encrypt", key.arn)
        refused("AccessDeniedException", message, kms.encrypt, KeyId=key.arn, Plaintext=b"m")

    denied(key)
    if kind == "inline":
        put, take = getattr(iam, f"put_{holder}_policy"), getattr(iam, f"delete_{holder}_policy")
        put(PolicyName="own", PolicyDocument=document(statement), **called)
        rest = {"PolicyName": "own"}
    else:
        rest = {"PolicyArn": make_policy(world, statement)}
        getattr(iam, f"attach_{holder}_policy")(**called, **rest)
        take = getattr(iam, f"detach_{holder}_policy")
    assert kms.encrypt(KeyId=key.arn, Plaintext=b"m")["KeyId"] == key.arn
    denied(other)
    take(**called, **rest)
    denied(key)


def test_nobody_gives_himself_a_key_that_is_shut(world):
    """R20: whoever may write his own IAM policy has it all, but for a key whose policy denies everybody else."""
    app = role("RoleForExampleApp")
    spared = [root(), user("Admin"), app, role_session("RoleForExampleApp", "s1")]
    shut = {"Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "kms:*", "Resource": "*"}
    closed = world.make_key(ENABLE_IAM, allow(app, *USE), shut)
    open_key = world.make_key(ENABLE_IAM)
    climber = make_user(world, None, identity("Allow", "iam:PutUserPolicy", "iam:AttachUserPolicy"))
    kms, own = climber.client("kms"), climber.client("iam")
    assert error_of(kms.encrypt, KeyId=open_key.arn, Plaintext=b"m") == "AccessDeniedException"
    own.put_user_policy(
        UserName=climber.name, PolicyName="more", PolicyDocument=document(identity("Allow", "kms:*"))
    )
    own.attach_user_policy(UserName=climber.name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    kms.encrypt(KeyId=open_key.arn, Plaintext=b"m")
    denied = explicit_deny(climber.arn, "kms:Encrypt", closed.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, kms.encrypt, KeyId=closed.arn, Plaintext=b"m")
    for call, more in ((kms.put_key_policy, {"Policy": document(ENABLE_IAM)}), (kms.disable_key, {})):
        assert error_of(call, KeyId=closed.arn, **more) == "AccessDeniedException"
    world.kms("role/RoleForExampleApp").encrypt(KeyId=closed.arn, Plaintext=b"m")


def test_users_are_listed_in_the_key_policy_alone(world):
    """R22: a role of the own account needs nothing else, a principal of another one its own IAM as well."""
    listed = [role("RoleForExampleApp"), user("Bob", OTHER), user("Carla", OTHER)]
    key = world.make_key(allow(listed, "kms:Encrypt"))
    world.kms("role/RoleForExampleApp").encrypt(KeyId=key.arn, Plaintext=b"m")
    world.kms(f"{OTHER}/Carla").encrypt(KeyId=key.arn, Plaintext=b"m")
    foreign = world.kms(f"{OTHER}/Bob")
    assert error_of(foreign.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    denied = no_resource_policy(user("Alice"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms("Alice").encrypt, KeyId=key.arn, Plaintext=b"m")


def test_the_wrapped_key_of_one_volume_opens_no_other(world):
    """R32, as far as there are no volumes: the volume's id is bound into the wrapped key and into the grant."""
    key = world.make_key()
    kms = world.kms()
    of_a, of_b = ({"aws:ebs:id": f"vol-{letter}"} for letter in "ab")
    blobs = {
        name: kms.generate_data_key_without_plaintext(KeyId=key.id, NumberOfBytes=64, EncryptionContext=context)
        for name, context in (("a", of_a), ("b", of_b))
    }
    refused(
        "InvalidCiphertextException", None, kms.decrypt,
        CiphertextBlob=blobs["a"]["CiphertextBlob"], EncryptionContext=of_b,
    )  # fmt: skip
    kms.create_grant(
        KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": of_a},
    )  # fmt: skip
    bob = world.kms("Bob")
    opened = bob.decrypt(CiphertextBlob=blobs["a"]["CiphertextBlob"], EncryptionContext=of_a)
    assert len(opened["Plaintext"]) == 64
    refusal = error_of(bob.decrypt, CiphertextBlob=blobs["b"]["CiphertextBlob"], EncryptionContext=of_b)
    assert refusal == "AccessDeniedException"
    crossed = error_of(bob.decrypt, CiphertextBlob=blobs["b"]["CiphertextBlob"], EncryptionContext=of_a)
    assert crossed == "InvalidCiphertextException"


def test_a_key_for_each_class_of_data(world):
    """R55: keys carry their class as a tag, and who belongs to a class uses its keys alone."""
    iam = world.iam()
    keys, members = {}, {}
    for name in ("Public", "Internal", "Confidential"):
        keys[name] = world.make_key(Tags=[{"TagKey": "Class", "TagValue": name}])
        members[name] = make_user(world)
        group = fresh_name(f"class-{name}")
        iam.create_group(GroupName=group)
        iam.add_user_to_group(GroupName=group, UserName=members[name].name)
        right = identity("Allow", *USE, Condition={"StringEquals": {"aws:ResourceTag/Class": name}})
        iam.put_group_policy(GroupName=group, PolicyName="class", PolicyDocument=document(right))
    for reader, who in members.items():
        kms = who.client("kms")
        for name, key in keys.items():
            blob = world.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
            expected = None if name == reader else "AccessDeniedException"
            assert error_of(kms.decrypt, CiphertextBlob=blob) == expected, (reader, name)
    # A key without a class is nobody's, and the list of tags shows it.
    unclassified = world.make_key()
    assert all(
        error_of(who.client("kms").encrypt, KeyId=unclassified.arn, Plaintext=b"m") for who in members.values()
    )
    assert world.kms().list_resource_tags(KeyId=unclassified.id)["Tags"] == []
    assert HOME in unclassified.arn
