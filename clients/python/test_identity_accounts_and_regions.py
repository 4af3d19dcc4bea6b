"""Accounts and Regions are walls: what is not shared is not even known to exist."""

import re

import pytest

import policies
from aws import refused
from policies import ENABLE_IAM, HOME, OTHER, allow, hidden, user
from world import FAR_REGION, HOME_REGION

FOREIGN_BOB = f"{OTHER}/Bob"
FOREIGN_CARLA = f"{OTHER}/Carla"
UNUSED_ID = "00000000-1111-4222-8333-444444444444"


def test_another_account_needs_both_sides(world):
    """R21: trust in the account's root leaves it to that account's IAM; the key is named by its ARN."""
    key = world.make_key(ENABLE_IAM, allow(policies.root(OTHER), "kms:Encrypt", "kms:PutKeyPolicy"))
    carla = world.kms(FOREIGN_CARLA)
    assert carla.encrypt(KeyId=key.arn, Plaintext=b"m")["KeyId"] == key.arn
    refused(
        "AccessDeniedException",
        re.compile(f"User: {re.escape(user('Bob', OTHER))} is not authorized to perform: kms:Encrypt on .*"),
        world.kms(FOREIGN_BOB).encrypt,
        KeyId=key.arn,
        Plaintext=b"m",
    )
    bare = f"Key 'arn:aws:kms:{HOME_REGION}:{OTHER}:key/{key.id}' does not exist"
    refused("NotFoundException", bare, carla.encrypt, KeyId=key.id, Plaintext=b"m")


def test_some_operations_never_reach_another_account(world):
    """R21: a key policy cannot give PutKeyPolicy or DisableKey away."""
    key = world.make_key(allow(policies.root(OTHER), "kms:*"))
    carla = world.kms(FOREIGN_CARLA)
    carla.encrypt(KeyId=key.arn, Plaintext=b"m")
    policy = policies.document(policies.ADMIN)
    refused(
        "AccessDeniedException", re.compile(".*"), carla.put_key_policy, KeyId=key.arn, Policy=policy
    )
    refused("AccessDeniedException", re.compile(".*"), carla.disable_key, KeyId=key.arn)
    assert world.kms().describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "Enabled"


def test_trust_on_one_key_gives_nothing_on_another(world):
    """R23: and whether the other key exists stays unknown."""
    world.make_key(allow(policies.root(OTHER), "kms:Encrypt"))
    other = world.make_key()
    missing = f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{UNUSED_ID}"
    denied = hidden(user("Carla", OTHER), "kms:Encrypt")
    for arn in (other.arn, missing):
        refused("AccessDeniedException", denied, world.kms(FOREIGN_CARLA).encrypt, KeyId=arn, Plaintext=b"m")


def test_listing_shows_only_the_own_account(world, key):
    """R57: keys and aliases of other accounts are never listed."""
    carla = world.kms(FOREIGN_CARLA)
    made = carla.create_key()["KeyMetadata"]
    assert made["AWSAccountId"] == OTHER
    listed = _all_keys(carla)
    assert made["Arn"] in listed and key.arn not in listed
    assert made["Arn"] not in _all_keys(world.kms())
    listed = carla.get_paginator("list_aliases").paginate().search("Aliases[].AliasArn")
    assert all(f":{OTHER}:" in arn for arn in listed)


def test_a_key_lives_in_one_region(world, key):
    """R61: by its id it is missing elsewhere, by its ARN it is refused, and it is listed only at home."""
    far = world.kms(region=FAR_REGION)
    missing = f"Key 'arn:aws:kms:{FAR_REGION}:{HOME}:key/{key.id}' does not exist"
    refused("NotFoundException", missing, far.describe_key, KeyId=key.id)
    refused("NotFoundException", f"Invalid arn {HOME_REGION}", far.describe_key, KeyId=key.arn)
    refused("NotFoundException", f"Invalid arn {HOME_REGION}", far.encrypt, KeyId=key.arn, Plaintext=b"m")
    assert key.arn not in _all_keys(far) and key.arn in _all_keys(world.kms())


def test_a_ciphertext_opens_only_in_its_region(world, key):
    """R61: elsewhere its key is unknown."""
    blob = world.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    refused(
        "AccessDeniedException",
        re.compile(".*(on the resource associated with this ciphertext|The ciphertext refers to).*"),
        world.kms(region=FAR_REGION).decrypt,
        CiphertextBlob=blob,
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (UNUSED_ID, f"Key 'arn:aws:kms:{HOME_REGION}:{HOME}:key/{UNUSED_ID}' does not exist"),
        (
            f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{UNUSED_ID}",
            f"Key 'arn:aws:kms:{HOME_REGION}:{HOME}:key/{UNUSED_ID}' does not exist",
        ),
        ("fake-key-id", "Invalid keyId 'fake-key-id'"),
        ("mrk-fake-key-id", "Invalid keyId 'mrk-fake-key-id'"),
        ("alias/nobody", f"Alias arn:aws:kms:{HOME_REGION}:{HOME}:alias/nobody is not found."),
        (
            f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/nobody",
            f"Alias arn:aws:kms:{HOME_REGION}:{HOME}:alias/nobody is not found.",
        ),
    ],
)
def test_what_is_missing_at_home_is_said_to_be_missing(world, given, message):
    """R57: each form of a key's name has its own text."""
    kms = world.kms()
    refused("NotFoundException", message, kms.describe_key, KeyId=given)
    refused("NotFoundException", message, kms.encrypt, KeyId=given, Plaintext=b"m")


def _all_keys(kms) -> set[str]:
    return set(kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn"))
