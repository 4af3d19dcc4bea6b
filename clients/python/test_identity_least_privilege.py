"""Least privilege and separation of duties: each element of a statement counts, and rights stay apart."""

import pytest

import policies
from aws import connect, refused
from policies import (
    ADMIN,
    CIPHERTEXT,
    ENABLE_IAM,
    allow,
    document,
    explicit_deny,
    no_identity_policy,
    no_resource_policy,
    user,
)
from world import ONE_ALIAS, ONE_ALIAS_ARN, World, caller

BOB = user("Bob")
ADMINISTRATION = [
    "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*",
    "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
]  # fmt: skip


def cannot_encrypt(world: World, key, who="Bob") -> None:
    """Asserts that the key policy does not let the caller encrypt."""
    denied = no_resource_policy(caller(who), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms(who).encrypt, KeyId=key.id, Plaintext=b"m")


def test_the_principal_counts(world):
    """R15: a statement for Bob opens nothing for Alice."""
    key = world.make_key(allow(BOB, "kms:Encrypt"))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")
    cannot_encrypt(world, key, "Alice")


def test_the_action_counts(world):
    """R15: wildcards reach what they spell, in any case."""
    key = world.make_key(allow(BOB, "KMS:en*"))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")
    refused(
        "AccessDeniedException",
        no_resource_policy(BOB, "kms:DescribeKey", key.arn),
        world.kms("Bob").describe_key,
        KeyId=key.id,
    )


def test_not_action_counts(world):
    """R15: NotAction allows all but what it names."""
    statement = {"Effect": "Allow", "Principal": {"AWS": BOB}, "NotAction": "kms:Encrypt", "Resource": "*"}
    key = world.make_key(statement)
    assert world.kms("Bob").describe_key(KeyId=key.id)["KeyMetadata"]["Arn"] == key.arn
    cannot_encrypt(world, key)


def test_not_principal_counts(world):
    """R15, R20: a deny for all but the named shuts out whoever gives himself rights in IAM."""
    named = [policies.root(), policies.role("RoleForExampleApp"), user("Admin")]
    named.append(policies.role_session("RoleForExampleApp", "s1"))
    shut = {"Effect": "Deny", "NotPrincipal": {"AWS": named}, "Action": "kms:*", "Resource": "*"}
    use = allow(policies.role("RoleForExampleApp"), "kms:Encrypt")
    key = world.make_key(ENABLE_IAM, use, shut)
    denied = explicit_deny(user("Alice"), "kms:Encrypt", key.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, world.kms("Alice").encrypt, KeyId=key.id, Plaintext=b"m")
    world.kms("role/RoleForExampleApp").encrypt(KeyId=key.id, Plaintext=b"m")


def test_arn_not_equals_does_the_same(world):
    """R20: today's form of the same, with `aws:PrincipalArn`."""
    named = [user("Admin"), policies.role("RoleForExampleApp")]
    shut = policies.deny("*", "kms:*", Condition={"ArnNotEquals": {"aws:PrincipalArn": named}})
    key = world.make_key(ENABLE_IAM, allow(policies.role("RoleForExampleApp"), "kms:Encrypt"), shut)
    denied = explicit_deny(user("Alice"), "kms:Encrypt", key.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, world.kms("Alice").encrypt, KeyId=key.id, Plaintext=b"m")
    world.kms("role/RoleForExampleApp").encrypt(KeyId=key.id, Plaintext=b"m")


def test_the_resource_counts(world):
    """R15: a statement that names another key has no effect on this one; one that names this key has."""
    other = world.make_key()
    key = world.make_key(allow(BOB, "kms:Encrypt", resource=other.arn))
    cannot_encrypt(world, key)
    world.put_policy(key, allow(BOB, "kms:Encrypt", resource=key.arn))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")


def test_the_condition_counts(world):
    """R15: a condition that does not hold takes the statement away."""
    held = {"StringEquals": {"kms:CallerAccount": policies.HOME}}
    not_held = {"StringEquals": {"kms:CallerAccount": policies.OTHER}}
    key = world.make_key(allow(BOB, "kms:Encrypt", Condition=held))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")
    world.put_policy(key, allow(BOB, "kms:Encrypt", Condition=not_held))
    cannot_encrypt(world, key)


@pytest.mark.parametrize("header", ["kms:ViaService", "X-Amz-Via-Service", "X-Amz-Source-Service"])
def test_no_client_can_claim_to_be_a_service(world, header):
    """R15: `kms:ViaService` is absent from a direct call, whatever headers it carries."""
    via = {"StringEquals": {"kms:ViaService": "ec2.us-west-2.amazonaws.com"}}
    key = world.make_key(allow(BOB, "kms:Encrypt", Condition=via))
    kms = connect(world.server, world.keys("Bob"))
    name = header.replace(":", "-")
    kms.meta.events.register(
        "before-sign.kms.*", lambda request, **_: request.headers.add_header(name, "ec2.us-west-2.amazonaws.com")
    )
    denied = no_resource_policy(BOB, "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, kms.encrypt, KeyId=key.id, Plaintext=b"m")


def test_an_application_that_only_encrypts(world):
    """R16: it cannot read back what it wrote."""
    key = world.make_key(allow(BOB, "kms:Encrypt"))
    blob = world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    denied = no_resource_policy(BOB, "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, world.kms("Bob").decrypt, CiphertextBlob=blob)
    assert world.kms().decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"


def test_who_administers_cannot_use(world):
    """R17: the administrator puts policies, and neither encrypts nor decrypts nor makes data keys."""
    key = world.make_key(allow(BOB, *ADMINISTRATION), allow(user("Alice"), "kms:Encrypt"))
    blob = world.kms("Alice").encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    bob = world.kms("Bob")
    cannot_encrypt(world, key)
    denied = no_resource_policy(BOB, "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, bob.decrypt, CiphertextBlob=blob)
    denied = no_resource_policy(BOB, "kms:GenerateDataKey", key.arn)
    refused("AccessDeniedException", denied, bob.generate_data_key, KeyId=key.id, KeySpec="AES_256")
    bob.disable_key(KeyId=key.id)
    bob.enable_key(KeyId=key.id)
    policy = document(ADMIN, allow(BOB, *ADMINISTRATION))
    bob.put_key_policy(KeyId=key.id, Policy=policy)
    assert bob.get_key_policy(KeyId=key.id)["Policy"] == policy


def test_an_explicit_deny_beats_what_the_key_policy_allows(world):
    """R19: key policy allows, IAM denies."""
    key = world.make_key(allow(user("IamDenies"), "kms:Encrypt", "kms:Decrypt"))
    denied = explicit_deny(user("IamDenies"), "kms:Encrypt", key.arn, "an identity-based policy")
    refused("AccessDeniedException", denied, world.kms("IamDenies").encrypt, KeyId=key.id, Plaintext=b"m")


def test_an_alias_in_an_identity_policy_gives_nothing_on_the_key(world, key):
    """R64: else whoever may move an alias could give himself any key."""
    world.kms().create_alias(AliasName=ONE_ALIAS, TargetKeyId=key.id)
    kms = world.kms("OneAlias")
    denied = no_identity_policy(user("OneAlias"), "kms:Encrypt", key.arn)
    for name in (ONE_ALIAS, ONE_ALIAS_ARN, key.arn):
        refused("AccessDeniedException", denied, kms.encrypt, KeyId=name, Plaintext=b"m")
    world.kms().delete_alias(AliasName=ONE_ALIAS)


def test_an_alias_in_a_key_policy_gives_nothing(world, key):
    """R64: as the resource of a key policy statement, an alias never matches."""
    arn = f"arn:aws:kms:us-west-2:{policies.HOME}:alias/r64-resource"
    world.kms().create_alias(AliasName="alias/r64-resource", TargetKeyId=key.id)
    world.put_policy(key, allow(BOB, "kms:Encrypt", resource=arn))
    denied = no_resource_policy(BOB, "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").encrypt, KeyId="alias/r64-resource", Plaintext=b"m")


def test_conditions_on_aliases_work(world, key):
    """R64: `kms:RequestAlias` in a key policy holds only for calls that name the key by that alias."""
    name = "alias/r64-condition"
    world.kms().create_alias(AliasName=name, TargetKeyId=key.id)
    world.put_policy(key, allow(BOB, "kms:Encrypt", Condition={"StringEquals": {"kms:RequestAlias": name}}))
    assert world.kms("Bob").encrypt(KeyId=name, Plaintext=b"m")["KeyId"] == key.arn
    cannot_encrypt(world, key)


def test_alias_operations_need_rights_on_the_alias_and_on_the_key(world, key):
    """R64: either alone is refused, and the refusal names what is missing."""
    kms = world.kms("OneAlias")
    denied = no_identity_policy(user("OneAlias"), "kms:CreateAlias", key.arn)
    refused("AccessDeniedException", denied, kms.create_alias, AliasName=ONE_ALIAS, TargetKeyId=key.id)
    world.put_policy(key, allow([user("OneAlias"), BOB], "kms:CreateAlias", "kms:DeleteAlias"))
    denied = no_identity_policy(BOB, "kms:CreateAlias", ONE_ALIAS_ARN)
    refused("AccessDeniedException", denied, world.kms("Bob").create_alias, AliasName=ONE_ALIAS, TargetKeyId=key.id)
    kms.create_alias(AliasName=ONE_ALIAS, TargetKeyId=key.id)
    kms.delete_alias(AliasName=ONE_ALIAS)
