"""Permissions boundaries: what they take away, in every service, and how they bind who makes others."""

import re

import pytest

from aws import error_of, refused
from policies import HOME, allow, document, identity, root, user
from principals import fresh_name, make_policy, make_role, make_user
from test_identity_iam_policies import LIST_KEYS, RANDOM, may_list

EVERYTHING = identity("Allow", "*")


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_boundary_limits_whatever_the_policies_give(world, kind):
    """Set, changed and taken away, each for the very next call; in KMS as in IAM."""
    make, member = (make_user, "UserName") if kind == "user" else (make_role, "RoleName")
    made, iam = make(world, None, EVERYTHING), world.iam()
    who = {member: made.name}
    put = getattr(iam, f"put_{kind}_permissions_boundary")
    delete = getattr(iam, f"delete_{kind}_permissions_boundary")
    kms, own_iam = made.client("kms"), made.client("iam")
    narrow, narrower = make_policy(world, LIST_KEYS, RANDOM), make_policy(world, RANDOM)
    assert may_list(kms) and error_of(own_iam.list_users) is None
    put(**who, PermissionsBoundary=narrow)
    assert may_list(kms)
    assert error_of(kms.create_key) == "AccessDeniedException"
    message = re.compile(".* because no permissions boundary allows the iam:ListUsers action")
    refused("AccessDenied", message, own_iam.list_users)
    put(**who, PermissionsBoundary=narrower)
    assert not may_list(kms)
    kms.generate_random(NumberOfBytes=1)
    iam.create_policy_version(PolicyArn=narrower, PolicyDocument=document(LIST_KEYS), SetAsDefault=True)
    assert may_list(kms) and error_of(kms.generate_random, NumberOfBytes=1) == "AccessDeniedException"
    got = getattr(iam, f"get_{kind}")(**who)[kind.capitalize()]["PermissionsBoundary"]
    assert got == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": narrower}
    assert error_of(iam.delete_policy, PolicyArn=narrower) == "DeleteConflict"
    delete(**who)
    assert error_of(own_iam.list_users) is None
    assert error_of(delete, **who) == "NoSuchEntity"
    policy = iam.get_policy(PolicyArn=narrower)["Policy"]
    assert policy["PermissionsBoundaryUsageCount"] == 0 and policy["AttachmentCount"] == 0


def test_a_boundary_gives_nothing(world):
    """It is a ceiling and no floor."""
    made = make_user(world, PermissionsBoundary=make_policy(world, EVERYTHING))
    assert not may_list(made.client("kms"))


def test_a_key_policy_that_names_the_user_is_not_limited_and_one_that_names_the_role_is(world):
    """As for key policies everywhere: a user's own ARN stands above an implicit denial, a role's does not."""
    nothing = make_policy(world, RANDOM)
    made, role = make_user(world), make_role(world)
    world.iam().put_user_permissions_boundary(UserName=made.name, PermissionsBoundary=nothing)
    world.iam().put_role_permissions_boundary(RoleName=role.name, PermissionsBoundary=nothing)
    key = world.make_key(allow([made.arn, role.arn], "kms:Encrypt"))
    assert error_of(made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") is None
    code = error_of(role.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m")
    assert code == "AccessDeniedException"


def test_a_boundary_that_denies_denies(world):
    """An explicit deny in a boundary wins over everything, the key policy too."""
    deny = make_policy(world, EVERYTHING, identity("Deny", "kms:Encrypt"))
    made = make_user(world, PermissionsBoundary=deny)
    key = world.make_key(allow(made.arn, "kms:Encrypt"))
    message = re.compile(".* with an explicit deny in a permissions boundary")
    refused("AccessDeniedException", message, made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m")


def test_a_delegated_administrator_can_make_only_bounded_users(world):
    """The pattern that boundaries exist for: whoever makes users must give them the boundary, and cannot remove it."""
    boundary = make_policy(world, RANDOM)
    must_bound = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    delegate = make_user(
        world,
        None,
        identity("Allow", "iam:CreateUser", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary", Condition=must_bound),
        identity("Allow", "iam:CreateAccessKey"),
        identity("Deny", "iam:DeleteUserPermissionsBoundary"),
    ).client("iam")
    name = fresh_name("bounded")
    assert error_of(delegate.create_user, UserName=name) == "AccessDenied"
    other = make_policy(world, EVERYTHING)
    assert error_of(delegate.create_user, UserName=name, PermissionsBoundary=other) == "AccessDenied"
    delegate.create_user(UserName=name, PermissionsBoundary=boundary)
    everything = document(EVERYTHING)
    delegate.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=everything)
    assert error_of(delegate.delete_user_permissions_boundary, UserName=name) == "AccessDenied"
    put = {"UserName": name, "PermissionsBoundary": other}
    assert error_of(delegate.put_user_permissions_boundary, **put) == "AccessDenied"
    unbounded = make_user(world)
    put = {"UserName": unbounded.name, "PolicyName": "p", "PolicyDocument": everything}
    assert error_of(delegate.put_user_policy, **put) == "AccessDenied"
    assert user("Admin") and root() and HOME in boundary


def test_what_is_no_policy_is_no_boundary(world):
    """The refusal names it, and nothing is made."""
    iam, name = world.iam(), fresh_name("user")
    missing = f"arn:aws:iam::{HOME}:policy/missing"
    message = f"Scope ARN: {missing} does not exist or is not attachable."
    refused("NoSuchEntity", message, iam.create_user, UserName=name, PermissionsBoundary=missing)
    wrong = f"arn:aws:iam::{HOME}:role/UserRole"
    assert error_of(iam.create_user, UserName=name, PermissionsBoundary=wrong) == "InvalidInput"
    assert error_of(iam.get_user, UserName=name) == "NoSuchEntity"
