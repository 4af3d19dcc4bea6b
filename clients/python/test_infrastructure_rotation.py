"""Rotation of key material, by hand and by schedule, under a clock that the tests steer."""

import json
import os

import pytest

import trail
from aws import refused
from imports import bring_in
from store_files import holds, stored_rows
from world import World

DAY = 86_400


@pytest.fixture
def key(steered):
    """A key with the default policy, for one test."""
    return steered.make_key()


def current(kms, key) -> str:
    """The id of the material that encrypts."""
    return kms.describe_key(KeyId=key.id)["KeyMetadata"]["CurrentKeyMaterialId"]


def rotations(kms, key, **parameters) -> list[dict]:
    return kms.list_key_rotations(KeyId=key.id, **parameters)["Rotations"]


def events(server, name: str, key) -> list[dict]:
    """The service events of a key in the trail."""
    found = [record for record in trail.records(server) if record["eventName"] == name]
    return [record for record in found if record["resources"][0]["ARN"] == key.arn]


def test_rotation_is_off_until_it_is_asked_for(steered, key):
    """R59: off by default; 365 days unless told otherwise; the period is the one that was given."""
    kms = steered.kms()
    status = kms.get_key_rotation_status(KeyId=key.id)
    assert status["KeyRotationEnabled"] is False and "NextRotationDate" not in status
    kms.enable_key_rotation(KeyId=key.id)
    assert kms.get_key_rotation_status(KeyId=key.id)["RotationPeriodInDays"] == 365
    kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key.id)
    assert status["KeyRotationEnabled"] is True and status["RotationPeriodInDays"] == 90
    kms.disable_key_rotation(KeyId=key.id)
    assert kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is False


@pytest.mark.parametrize(
    ("spec", "usage"), [("ECC_NIST_P256", "SIGN_VERIFY"), ("RSA_2048", "ENCRYPT_DECRYPT"), ("HMAC_256", None)]
)
def test_keys_of_other_kinds_never_rotate(steered, spec, usage):
    """R59: their status is false, since clients ask for every key; only changing it is refused."""
    key = steered.make_key(KeySpec=spec, KeyUsage=usage or "GENERATE_VERIFY_MAC")
    kms = steered.kms()
    status = kms.get_key_rotation_status(KeyId=key.id)
    assert (status["KeyId"], status["KeyRotationEnabled"]) == (key.arn, False)
    assert "RotationPeriodInDays" not in status and "NextRotationDate" not in status
    for call in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        refused("UnsupportedOperationException", None, call, KeyId=key.id)


@pytest.mark.parametrize("days", [89, 2561])
def test_the_period_has_bounds(steered, key, days):
    constraint = "greater than or equal to 90" if days < 90 else "less than or equal to 2560"
    message = (
        f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint: "
        f"Member must have value {constraint}"
    )
    kms = steered.kms(validate=False)
    refused("ValidationException", message, kms.enable_key_rotation, KeyId=key.id, RotationPeriodInDays=days)


def test_a_key_rotates_on_demand_and_old_ciphertexts_open(steered, key):
    """R59: a new ciphertext names new material; the old one opens without being encrypted again; the event is there."""
    kms = steered.kms()
    first = current(kms, key)
    old = kms.encrypt(KeyId=key.id, Plaintext=b"before")["CiphertextBlob"]
    assert kms.rotate_key_on_demand(KeyId=key.id)["KeyId"] == key.arn
    second = current(kms, key)
    assert second != first
    new = kms.encrypt(KeyId=key.id, Plaintext=b"after")["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=old)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"before", first)
    opened = kms.decrypt(CiphertextBlob=new)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"after", second)
    assert [entry["KeyMaterialId"] for entry in rotations(kms, key)] == [second]
    everything = rotations(kms, key, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    assert [(e["KeyMaterialId"], e["KeyMaterialState"]) for e in everything] == [
        (first, "NON_CURRENT"),
        (second, "CURRENT"),
    ]
    assert "RotationType" not in everything[0] and everything[1]["RotationType"] == "ON_DEMAND"
    (event,) = events(steered.server, "RotateKey", key)
    assert event["eventType"] == "AwsServiceEvent"
    details = event["serviceEventDetails"]
    assert details["rotationType"] == "ON_DEMAND"
    assert (details["previousKeyMaterialId"], details["currentKeyMaterialId"]) == (first, second)


def test_a_data_key_moves_to_the_new_material(steered, key):
    """R59: ReEncrypt names the material that opened and the material that encrypted."""
    kms = steered.kms()
    first = current(kms, key)
    blob = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key.id)
    moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key.id)
    assert moved["SourceKeyMaterialId"] == first
    assert moved["DestinationKeyMaterialId"] == current(kms, key)


def test_the_twenty_sixth_rotation_is_refused(steered, key):
    """R59: at most 25 on demand in a key's life; all versions still open what they made, also after a restart."""
    kms = steered.kms()
    blobs = []
    for number in range(25):
        blobs.append(kms.encrypt(KeyId=key.id, Plaintext=str(number).encode())["CiphertextBlob"])
        kms.rotate_key_on_demand(KeyId=key.id)
    message = (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be "
        f"performed for this key: {key.arn}"
    )
    refused("LimitExceededException", message, kms.rotate_key_on_demand, KeyId=key.id)
    steered.server.kill()
    steered.server.start()
    kms = steered.kms()
    for number, blob in enumerate(blobs):
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == str(number).encode()
    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=key.id, PaginationConfig={"PageSize": 7})
    ids = [entry["KeyMaterialId"] for page in pages for entry in page["Rotations"]]
    assert len(ids) == len(set(ids)) == 25


def test_a_disabled_key_does_not_rotate(steered, key):
    kms = steered.kms()
    kms.disable_key(KeyId=key.id)
    refused("DisabledException", f"{key.arn} is disabled.", kms.rotate_key_on_demand, KeyId=key.id)
    refused("DisabledException", f"{key.arn} is disabled.", kms.enable_key_rotation, KeyId=key.id)


def test_the_schedule_rotates_and_rests_while_the_key_is_off(steered, key):
    """R59: by itself at the end of each period; not while disabled, but at once when enabled again."""
    kms = steered.kms()
    first = current(kms, key)
    kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=90)
    old = kms.encrypt(KeyId=key.id, Plaintext=b"old")["CiphertextBlob"]
    steered.server.advance(89 * DAY)
    assert current(kms, key) == first
    steered.server.advance(2 * DAY)
    second = current(kms, key)
    assert second != first
    assert [entry["RotationType"] for entry in rotations(kms, key)] == ["AUTOMATIC"]
    kms.disable_key(KeyId=key.id)
    steered.server.advance(91 * DAY)
    assert current(kms, key) == second
    kms.enable_key(KeyId=key.id)
    steered.server.advance(1)
    third = current(kms, key)
    assert third not in (first, second)
    opened = kms.decrypt(CiphertextBlob=old)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"old", first)
    assert len(events(steered.server, "RotateKey", key)) == 2
    kms.disable_key_rotation(KeyId=key.id)
    steered.server.advance(400 * DAY)
    assert current(kms, key) == third


def test_a_rotation_by_hand_gives_way_to_the_schedule(steered, key):
    """The automatic rotation within twenty minutes wins: `ConflictException`."""
    kms = steered.kms()
    kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=90)
    steered.server.advance(90 * DAY - 600)
    refused("ConflictException", f"{key.arn} is about to rotate by itself.", kms.rotate_key_on_demand, KeyId=key.id)


def test_the_period_can_be_bounded_by_policy(steered):
    """`kms:RotationPeriodInDays` is the number in the request."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "kms:EnableKeyRotation",
        "Resource": "*",
        "Condition": {"NumericGreaterThan": {"kms:RotationPeriodInDays": "180"}},
    }
    key = steered.make_key()
    kms = steered.kms()
    policy = json.loads(kms.get_key_policy(KeyId=key.id)["Policy"])
    policy["Statement"].append(statement)
    kms.put_key_policy(KeyId=key.id, Policy=json.dumps(policy))
    kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=180)
    with pytest.raises(kms.exceptions.ClientError, match="explicit deny in a resource-based policy"):
        kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=181)


def test_the_end_of_the_waiting_period_is_final(steered):
    """R95: key, aliases and material are gone, the name is free again, and the trail says so."""
    kms = steered.kms()
    key = steered.make_key()
    kms.create_alias(AliasName="alias/short-lived", TargetKeyId=key.id)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    steered.server.advance(7 * DAY - 60)
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    steered.server.advance(120)
    refused("NotFoundException", f"Key '{key.arn}' does not exist", kms.describe_key, KeyId=key.id)
    with pytest.raises(kms.exceptions.ClientError, match="associated with this ciphertext"):
        kms.decrypt(CiphertextBlob=blob)
    assert key.arn not in kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn")
    (event,) = events(steered.server, "DeleteKey", key)
    assert event["eventType"] == "AwsServiceEvent" and event["serviceEventDetails"] == {"keyId": key.id}
    other = steered.make_key()
    kms.create_alias(AliasName="alias/short-lived", TargetKeyId=other.id)


@pytest.mark.parametrize("origin", ["AWS_KMS", "EXTERNAL"])
def test_a_deleted_key_leaves_the_files(servers, tmp_path, origin):
    """R95: after the waiting period no file of the store holds the key's sealed rows, nor does a copy taken then."""
    world = World(servers.make("deleted"))
    kms, key = world.kms(), world.make_key(Origin=origin)
    if origin == "EXTERNAL":
        bring_in(kms, key.id, os.urandom(32))
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    held = [row for row in stored_rows(world.server, key, tmp_path / "before") if len(row) > 200]
    assert held and holds(world.server, held)
    world.server.advance(8 * DAY)
    refused("NotFoundException", f"Key '{key.arn}' does not exist", kms.describe_key, KeyId=key.id)
    assert not holds(world.server, held)
    assert stored_rows(world.server, key, tmp_path / "after") == []
