"""Taking a key out of use: disabling, scheduling its deletion, and changing one's mind."""

import datetime
import re

import pytest

import trail
from aws import refused, request_id
from policies import ADMIN, allow, no_identity_policy, no_resource_policy, user

WINDOW = "PendingWindowInDays must be between 7 and 30"


def uses(kms, key, blob: bytes) -> dict:
    """Every cryptographic operation on a key, with its parameters."""
    return {
        "Encrypt": (kms.encrypt, {"KeyId": key.id, "Plaintext": b"m"}),
        "Decrypt": (kms.decrypt, {"CiphertextBlob": blob}),
        "ReEncrypt": (kms.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key.id}),
        "GenerateDataKey": (kms.generate_data_key, {"KeyId": key.id, "KeySpec": "AES_256"}),
        "GenerateDataKeyWithoutPlaintext": (
            kms.generate_data_key_without_plaintext,
            {"KeyId": key.id, "KeySpec": "AES_256"},
        ),
    }


@pytest.fixture
def blob(world, key) -> bytes:
    """A ciphertext made while the key was enabled."""
    return world.kms().encrypt(KeyId=key.id, Plaintext=b"before")["CiphertextBlob"]


def state(world, key) -> str:
    """The key's state, as DescribeKey tells it; `Enabled` must agree."""
    metadata = world.kms().describe_key(KeyId=key.id)["KeyMetadata"]
    assert metadata["Enabled"] == (metadata["KeyState"] == "Enabled")
    return metadata["KeyState"]


def test_a_disabled_key_does_nothing_until_it_is_enabled(world, key, blob):
    """R94: each use is refused by name, whoever asks; metadata stays; afterwards old ciphertexts open."""
    kms = world.kms()
    kms.disable_key(KeyId=key.id)
    assert state(world, key) == "Disabled"
    for call, parameters in uses(kms, key, blob).values():
        refused("DisabledException", f"{key.arn} is disabled.", call, **parameters)
    kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "incident", "TagValue": "1"}])
    kms.update_key_description(KeyId=key.id, Description="disabled for an incident")
    kms.put_key_policy(KeyId=key.id, Policy=kms.get_key_policy(KeyId=key.id)["Policy"])
    assert key.arn in kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn")
    kms.disable_key(KeyId=key.id)
    kms.enable_key(KeyId=key.id)
    assert state(world, key) == "Enabled"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    kms.enable_key(KeyId=key.id)


def test_who_may_not_use_a_key_does_not_learn_its_state(world, key):
    """R94: authorization comes before the state."""
    world.kms().disable_key(KeyId=key.id)
    denied = no_identity_policy(user("Bob"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"m")


def test_another_key_is_not_touched(world, key):
    """R94: disabling one key blocks that key alone, and ReEncrypt in either direction."""
    kms, other = world.kms(), world.make_key()
    other_blob = kms.encrypt(KeyId=other.id, Plaintext=b"m")["CiphertextBlob"]
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    kms.disable_key(KeyId=key.id)
    message = f"{key.arn} is disabled."
    refused("DisabledException", message, kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=other.id)
    refused("DisabledException", message, kms.re_encrypt, CiphertextBlob=other_blob, DestinationKeyId=key.id)
    assert kms.decrypt(CiphertextBlob=other_blob)["Plaintext"] == b"m"


@pytest.mark.parametrize("days", [6, 31])
def test_a_waiting_period_outside_7_to_30_days_is_refused(world, key, days):
    """R97: and nothing is scheduled."""
    kms = world.kms()
    refused("ValidationException", WINDOW, kms.schedule_key_deletion, KeyId=key.id, PendingWindowInDays=days)
    assert state(world, key) == "Enabled"


@pytest.mark.parametrize("days", [0, 366, -1])
def test_a_waiting_period_outside_the_model_is_refused(world, key, days):
    """R97: either by the model's constraint or by the service's own."""
    kms = world.kms(validate=False)
    message = re.compile(re.escape(WINDOW) + "|.*'pendingWindowInDays' failed to satisfy constraint: Member must.*")
    refused("ValidationException", message, kms.schedule_key_deletion, KeyId=key.id, PendingWindowInDays=days)
    assert state(world, key) == "Enabled"


@pytest.mark.parametrize("days", [7, 30, None])
def test_a_deletion_is_scheduled_for_the_right_day(world, key, days):
    """R97: 30 days unless said otherwise; the answer and DescribeKey agree."""
    kms = world.kms()
    begun = datetime.datetime.now(datetime.timezone.utc)
    given = {} if days is None else {"PendingWindowInDays": days}
    answer = kms.schedule_key_deletion(KeyId=key.arn, **given)
    assert answer["KeyId"] == key.arn and answer["KeyState"] == "PendingDeletion"
    assert answer["PendingWindowInDays"] == (days or 30)
    off = answer["DeletionDate"] - begun - datetime.timedelta(days=days or 30)
    assert abs(off) < datetime.timedelta(minutes=1)
    assert state(world, key) == "PendingDeletion"
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["DeletionDate"] == answer["DeletionDate"]


def test_nothing_works_while_deletion_is_pending(world, key, blob):
    """R98: each use is refused with the text that alarms look for, and recorded with it."""
    kms = world.kms()
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    message = f"{key.arn} is pending deletion."
    for name, (call, parameters) in uses(kms, key, blob).items():
        answer = refused("KMSInvalidStateException", message, call, **parameters)
        record = trail.record_of(world.server, request_id(answer))
        assert record["eventName"] == name and record["errorCode"] == "KMSInvalidStateException"
        assert record["eventSource"].startswith("kms") and record["errorMessage"] == message
    changes = {
        "EnableKey": (kms.enable_key, {}),
        "DisableKey": (kms.disable_key, {}),
        "ScheduleKeyDeletion": (kms.schedule_key_deletion, {}),
        "TagResource": (kms.tag_resource, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        "UntagResource": (kms.untag_resource, {"TagKeys": ["a"]}),
        "UpdateKeyDescription": (kms.update_key_description, {"Description": "x"}),
    }
    for call, parameters in changes.values():
        refused("KMSInvalidStateException", message, call, KeyId=key.id, **parameters)
    target = {"AliasName": "alias/r98", "TargetKeyId": key.id}
    refused("KMSInvalidStateException", message, kms.create_alias, **target)
    assert kms.get_key_policy(KeyId=key.id)["PolicyName"] == "default"


def test_a_cancelled_deletion_leaves_the_key_disabled(world, key, blob):
    """R99: only EnableKey brings it back; then old ciphertexts open."""
    kms = world.kms()
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    assert kms.cancel_key_deletion(KeyId=key.id)["KeyId"] == key.arn
    assert state(world, key) == "Disabled"
    assert "DeletionDate" not in kms.describe_key(KeyId=key.id)["KeyMetadata"]
    refused("DisabledException", f"{key.arn} is disabled.", kms.decrypt, CiphertextBlob=blob)
    kms.enable_key(KeyId=key.id)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


@pytest.mark.parametrize("disabled", [False, True])
def test_there_must_be_a_deletion_to_cancel(world, key, disabled):
    """R99: an enabled or a disabled key is not pending deletion."""
    kms = world.kms()
    if disabled:
        kms.disable_key(KeyId=key.id)
    message = re.compile(re.escape(key.arn) + r" is not pending deletion( \(or pending replica deletion\))?\.")
    refused("KMSInvalidStateException", message, kms.cancel_key_deletion, KeyId=key.id)
    assert state(world, key) == ("Disabled" if disabled else "Enabled")


def test_an_alias_outlives_its_keys_disabling(world, key):
    """R95: while deletion is pending the alias is still there, and can be deleted or moved away."""
    kms, other = world.kms(), world.make_key()
    kms.create_alias(AliasName="alias/r95", TargetKeyId=key.id)
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    message = f"{key.arn} is pending deletion."
    refused("KMSInvalidStateException", message, kms.encrypt, KeyId="alias/r95", Plaintext=b"m")
    kms.update_alias(AliasName="alias/r95", TargetKeyId=other.id)
    assert kms.encrypt(KeyId="alias/r95", Plaintext=b"m")["KeyId"] == other.arn
    refused("KMSInvalidStateException", message, kms.update_alias, AliasName="alias/r95", TargetKeyId=key.id)


def test_deletion_of_a_missing_key_is_refused(world):
    """R95: as for any key that is not there."""
    refused("NotFoundException", "Invalid keyId 'gone'", world.kms().schedule_key_deletion, KeyId="gone")


def test_states_survive_a_kill(fresh):
    """R94, R98: what was disabled or scheduled is so after `kill -9`, with the same date."""
    kms, disabled, pending = fresh.kms(), fresh.make_key(), fresh.make_key()
    kms.disable_key(KeyId=disabled.id)
    date = kms.schedule_key_deletion(KeyId=pending.id, PendingWindowInDays=7)["DeletionDate"]
    fresh.server.kill()
    fresh.server.start()
    kms = fresh.kms()
    refused("DisabledException", f"{disabled.arn} is disabled.", kms.encrypt, KeyId=disabled.id, Plaintext=b"m")
    assert kms.describe_key(KeyId=pending.id)["KeyMetadata"]["DeletionDate"] == date
    message = f"{pending.arn} is pending deletion."
    refused("KMSInvalidStateException", message, kms.encrypt, KeyId=pending.id, Plaintext=b"m")


def test_a_deletion_that_needs_mfa_is_refused_without_it(world):
    """R96, as far as there are no sessions with MFA: the whitepaper's P3 lets nobody in whose age of MFA is unknown."""
    critical = allow(
        user("Bob"),
        "kms:ScheduleKeyDeletion",
        "kms:PutKeyPolicy",
        Sid="MFACriticalKMSEvents",
        Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}},
    )
    key = world.make_key(ADMIN, critical)
    denied = no_resource_policy(user("Bob"), "kms:ScheduleKeyDeletion", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").schedule_key_deletion, KeyId=key.id)
    assert state(world, key) == "Enabled"
