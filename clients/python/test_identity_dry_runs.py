"""Dry runs that leave the ciphertext aside: the authorization alone is looked at.

Rule: `DryRunModifiers` of the Decrypt and ReEncrypt API pages.
"""

import pytest

from aws import error_of, refused
from policies import allow, no_resource_policy, user
from world import caller

SUCCEEDS = "The request would have succeeded, but the DryRun option is set."
ONLY = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
MISSING = (
    "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
)


@pytest.fixture
def kms(world):
    return world.kms(validate=False)


@pytest.fixture(params=["none", "garbage"])
def blob(request) -> dict:
    """No ciphertext, or one that opens nowhere."""
    return {} if request.param == "none" else {"CiphertextBlob": b"no ciphertext at all"}


def test_identity_permissions_are_tested_without_a_ciphertext(world, kms, key, blob):
    """Whoever may decrypt learns so; nothing is decrypted, and what stands for the ciphertext is not looked at."""
    refused("DryRunOperationException", SUCCEEDS, kms.decrypt, KeyId=key.id, **ONLY, **blob)
    to = {"SourceKeyId": key.id, "DestinationKeyId": world.make_key().id}
    refused("DryRunOperationException", SUCCEEDS, kms.re_encrypt, **to, **ONLY, **blob)


def test_identity_who_may_not_is_denied_without_a_ciphertext(world, blob):
    """The same policies, conditions on the encryption context and grants decide as for a real ciphertext."""
    condition = {"StringEquals": {"kms:EncryptionContext:app": "one"}}
    key = world.make_key(allow(user("Bob"), "kms:Decrypt", Condition=condition))
    bob = world.kms("Bob", validate=False)
    denied = no_resource_policy(caller("Bob"), "kms:Decrypt", key.arn)
    right, wrong = {"app": "one"}, {"app": "two"}
    refused("DryRunOperationException", SUCCEEDS, bob.decrypt, KeyId=key.arn, EncryptionContext=right, **ONLY, **blob)
    refused("AccessDeniedException", denied, bob.decrypt, KeyId=key.arn, EncryptionContext=wrong, **ONLY, **blob)
    denied = no_resource_policy(caller("Bob"), "kms:ReEncryptFrom", key.arn)
    refused(
        "AccessDeniedException", denied, bob.re_encrypt, SourceKeyId=key.arn, DestinationKeyId=key.arn, **ONLY, **blob
    )


def test_identity_only_a_dry_run_leaves_the_ciphertext_aside(world, kms, key):
    """Without DryRun the modifier is refused, and nothing is decrypted; without it the ciphertext is needed."""
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    message = "DryRunModifiers can only be specified when DryRun is true."
    modifier = {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    for dry in ({}, {"DryRun": False}):
        refused("ValidationException", message, kms.decrypt, KeyId=key.id, CiphertextBlob=blob, **modifier, **dry)
        call = {"CiphertextBlob": blob, "SourceKeyId": key.id, "DestinationKeyId": key.id}
        refused("ValidationException", message, kms.re_encrypt, **call, **modifier, **dry)
    for modifiers in ({}, {"DryRunModifiers": []}):
        missing = MISSING.format("ciphertextBlob")
        refused("ValidationException", missing, kms.decrypt, KeyId=key.id, DryRun=True, **modifiers)
    unknown = [{"DryRun": True, "DryRunModifiers": ["IGNORE_POLICIES"]}, {**ONLY, "CiphertextBlob": b"x" * 6145}]
    for parameters in unknown:
        assert error_of(kms.decrypt, KeyId=key.id, **parameters) == "ValidationException"


def test_identity_without_a_ciphertext_the_key_must_be_named(kms, key, blob):
    """No ciphertext names it, so the request must."""
    refused("ValidationException", MISSING.format("keyId"), kms.decrypt, **ONLY, **blob)
    missing = MISSING.format("sourceKeyId")
    refused("ValidationException", missing, kms.re_encrypt, DestinationKeyId=key.id, **ONLY, **blob)


def test_identity_an_ordinary_dry_run_still_looks_at_the_ciphertext(kms, key):
    """Only the modifier leaves it aside."""
    refused("InvalidCiphertextException", None, kms.decrypt, KeyId=key.id, CiphertextBlob=b"nothing", DryRun=True)
    good = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    refused("DryRunOperationException", SUCCEEDS, kms.decrypt, KeyId=key.id, CiphertextBlob=good, DryRun=True)


