"""Keys that are in use are kept from being disabled or deleted, by a condition on how long they went unused.

Source: "kms:TrailingDaysWithoutKeyUsage", AWS KMS developer guide.
"""

import pytest

from aws import error_of, refused
from neighbour import for_caller
from policies import allow, deny, explicit_deny, user

DAY = 86_400
BOB = user("Bob")


def guarded(world, action: str, days: int):
    """A key that Bob may end the use of only after it went unused for more than these days."""
    condition = {"NumericLessThanEquals": {"kms:TrailingDaysWithoutKeyUsage": str(days)}}
    return world.make_key(allow(BOB, f"kms:{action}"), deny(BOB, f"kms:{action}", Condition=condition))


@pytest.mark.parametrize(
    ("action", "method"), [("DisableKey", "disable_key"), ("ScheduleKeyDeletion", "schedule_key_deletion")]
)
def test_a_key_in_use_is_kept(steered, action, method):
    """The days are whole ones; they count from the making of a key, and from each use anew."""
    key, server = guarded(steered, action, 2), steered.server
    end = getattr(steered.kms("Bob"), method)
    denied = explicit_deny(BOB, f"kms:{action}", key.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, end, KeyId=key.id)
    server.advance(2 * DAY + DAY // 2)
    refused("AccessDeniedException", denied, end, KeyId=key.id)
    blob = steered.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    server.advance(2 * DAY + DAY // 2)
    refused("AccessDeniedException", denied, end, KeyId=key.id)
    for_caller(steered, "Admin", "s3").decrypt(CiphertextBlob=blob)
    server.advance(3 * DAY - 60)
    refused("AccessDeniedException", denied, end, KeyId=key.id)
    server.advance(120)
    assert error_of(end, KeyId=key.id) is None


def test_looking_at_a_key_is_no_use(steered):
    """Neither descriptions nor refused or dry calls count as a use."""
    key = guarded(steered, "DisableKey", 2)
    steered.server.advance(3 * DAY)
    kms = steered.kms()
    kms.describe_key(KeyId=key.id)
    kms.get_key_policy(KeyId=key.id)
    assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m", DryRun=True) == "DryRunOperationException"
    assert error_of(steered.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"m") == "AccessDeniedException"
    steered.kms("Bob").disable_key(KeyId=key.id)


def test_other_operations_do_not_know_the_days(steered):
    """The condition key is one of the two operations that end the use of a key."""
    condition = {"Null": {"kms:TrailingDaysWithoutKeyUsage": "false"}}
    key = steered.make_key(allow(BOB, "kms:EnableKey", "kms:DescribeKey", "kms:DisableKey", Condition=condition))
    bob = steered.kms("Bob")
    for call in [bob.describe_key, bob.enable_key]:
        assert error_of(call, KeyId=key.id) == "AccessDeniedException"
    assert error_of(bob.disable_key, KeyId=key.id) is None
