"""The material of multi-Region keys: rotated on the primary for all copies, imported in each Region by itself."""

import datetime
import os
import re

import pytest

import trail
from aws import refused, request_id
from imports import EXPIRES, FOREVER, bring_in, prepare
from multi_region import arn_in, assert_set, metadata, primary, replicate, state
from world import FAR_REGION, HOME_REGION, THIRD_REGION

FAR, THIRD = FAR_REGION, THIRD_REGION
EVERYWHERE = (HOME_REGION, FAR, THIRD)
DAY = 86_400
ALL = {"IncludeKeyMaterial": "ALL_KEY_MATERIAL"}


def not_primary(arn: str) -> str:
    return f"{arn} is not a multi-region primary key."


def current(world, key, region=HOME_REGION) -> str:
    return metadata(world, key, region)["CurrentKeyMaterialId"]


def rotations(world, key, region=HOME_REGION, **parameters) -> list[dict]:
    return world.kms(region=region).list_key_rotations(KeyId=key.id, **parameters)["Rotations"]


def states(world, key, region=HOME_REGION) -> list[tuple]:
    """Every version in a Region: its number among the versions, what it is, and whether its bytes are there."""
    versions = rotations(world, key, region, **ALL)
    return [(version["KeyMaterialState"], version["ImportState"]) for version in versions]


def events(server, name: str, arn: str) -> list[dict]:
    found = [record for record in trail.records(server) if record["eventName"] == name]
    return [record for record in found if record["resources"][0]["ARN"] == arn]


def replicated(world, *regions: str, **parameters):
    """A primary key with replicas."""
    key = primary(world, **parameters)
    for region in regions:
        replicate(world, key, region)
    return key


def imported(world, material: bytes, *regions: str, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT"):
    """A primary key with imported material, and replicas that have the same."""
    key = primary(world, Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage)
    bring_in(world.kms(), key.id, material)
    for region in regions:
        replicate(world, key, region)
        bring_in(world.kms(region=region), key.id, material)
    return key


# Rotation


def test_a_rotation_of_the_primary_reaches_every_copy_at_once(world):
    """New ciphertexts of any Region name the new material and open in all; old ones still open in all."""
    key = replicated(world, FAR)
    first = current(world, key)
    old = {region: world.kms(region=region).encrypt(KeyId=key.id, Plaintext=b"old") for region in (HOME_REGION, FAR)}
    answer = world.kms().rotate_key_on_demand(KeyId=key.id)
    replicate(world, key, THIRD)
    second = current(world, key)
    assert second != first
    for region in EVERYWHERE:
        kms = world.kms(region=region)
        assert current(world, key, region) == second
        assert rotations(world, key, region, **ALL) == rotations(world, key, **ALL)
        for made in old.values():
            opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
            assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"old", first)
        new = kms.encrypt(KeyId=key.id, Plaintext=b"new")["CiphertextBlob"]
        for other in EVERYWHERE:
            opened = world.kms(region=other).decrypt(CiphertextBlob=new)
            assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"new", second)
    for region in (HOME_REGION, FAR):
        (event,) = events(world.server, "RotateKey", arn_in(region, key))
        details = event["serviceEventDetails"]
        assert event["awsRegion"] == region and details["rotationType"] == "ON_DEMAND"
        assert (details["previousKeyMaterialId"], details["currentKeyMaterialId"]) == (first, second)
    # One for each replica that was made, and one for the rotation.
    assert len(events(world.server, "SynchronizeMultiRegionKey", key.arn)) == 3
    assert trail.record_of(world.server, request_id(answer))["awsRegion"] == HOME_REGION


def test_a_replica_does_not_rotate_by_itself(world):
    key = replicated(world, FAR)
    far = world.kms(region=FAR)
    message = not_primary(arn_in(FAR, key))
    for call in (far.rotate_key_on_demand, far.enable_key_rotation, far.disable_key_rotation):
        refused("UnsupportedOperationException", message, call, KeyId=key.id)
    assert far.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is False


def test_the_schedule_is_shared_and_runs_on_the_primary(steered):
    key = replicated(steered, FAR)
    home, far = steered.kms(), steered.kms(region=FAR)
    home.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=100)
    replicate(steered, key, THIRD)

    def status(region):
        told = steered.kms(region=region).get_key_rotation_status(KeyId=key.id)
        return told["KeyRotationEnabled"], told.get("RotationPeriodInDays"), told.get("NextRotationDate")

    assert status(HOME_REGION)[:2] == (True, 100)
    assert {status(region) for region in EVERYWHERE} == {status(HOME_REGION)}
    first = current(steered, key)
    # Neither being off nor being switched on again makes a replica rotate by itself.
    far.disable_key(KeyId=key.id)
    steered.server.advance(50 * DAY)
    far.enable_key(KeyId=key.id)
    assert current(steered, key, FAR) == first
    far.disable_key(KeyId=key.id)
    steered.server.advance(51 * DAY)
    assert {current(steered, key, region) for region in EVERYWHERE} == {current(steered, key)} != {first}
    assert state(steered, key, FAR) == "Disabled"
    assert {status(region) for region in EVERYWHERE} == {status(HOME_REGION)}
    for region in EVERYWHERE:
        assert len(events(steered.server, "RotateKey", arn_in(region, key))) == 1
    home.disable_key_rotation(KeyId=key.id)
    assert {status(region)[0] for region in EVERYWHERE} == {False}
    steered.server.advance(200 * DAY)
    assert len(rotations(steered, key)) == 1


def test_the_schedule_moves_with_the_primary(steered):
    """After another copy leads, its disablement holds the rotation up, and that of the former primary does not."""
    key = replicated(steered, FAR)
    steered.kms().enable_key_rotation(KeyId=key.id, RotationPeriodInDays=100)
    steered.kms().update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    steered.kms().disable_key(KeyId=key.id)
    first = current(steered, key)
    steered.server.advance(101 * DAY)
    second = current(steered, key, FAR)
    assert second != first and current(steered, key) == second
    steered.kms(region=FAR).disable_key(KeyId=key.id)
    steered.kms().enable_key(KeyId=key.id)
    steered.server.advance(101 * DAY)
    assert current(steered, key) == current(steered, key, FAR) == second
    steered.kms(region=FAR).enable_key(KeyId=key.id)
    steered.server.advance(1)
    assert current(steered, key) == current(steered, key, FAR) != second
    steered.kms(region=FAR).disable_key_rotation(KeyId=key.id)


def test_the_count_of_rotations_is_the_sets(steered):
    """Twenty-five on demand in the life of a key, whichever copy leads."""
    key = replicated(steered, FAR)
    for _ in range(25):
        steered.kms().rotate_key_on_demand(KeyId=key.id)
    steered.kms().update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    message = re.compile("The on-demand rotations limit has been reached .*" + re.escape(arn_in(FAR, key)))
    refused("LimitExceededException", message, steered.kms(region=FAR).rotate_key_on_demand, KeyId=key.id)
    replicate(steered, key, THIRD, source=FAR)
    assert [r["KeyMaterialId"] for r in rotations(steered, key, THIRD)] == [
        r["KeyMaterialId"] for r in rotations(steered, key)
    ]
    blob = steered.kms().encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"]
    assert steered.kms(region=THIRD).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_copies_out_of_use_get_new_material_too(steered):
    """A replica that is disabled or waits for its deletion is not left behind."""
    key = replicated(steered, FAR, THIRD)
    steered.kms(region=FAR).disable_key(KeyId=key.id)
    steered.kms(region=THIRD).schedule_key_deletion(KeyId=key.id)
    steered.kms().rotate_key_on_demand(KeyId=key.id)
    blob = steered.kms().encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"]
    assert (state(steered, key, FAR), state(steered, key, THIRD)) == ("Disabled", "PendingDeletion")
    steered.kms(region=THIRD).cancel_key_deletion(KeyId=key.id)
    for region in (FAR, THIRD):
        steered.kms(region=region).enable_key(KeyId=key.id)
        assert steered.kms(region=region).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


# Imported material


def test_imported_material_is_imported_in_every_region(world):
    """A replica has none until it gets the same, and takes no other; then ciphertexts open in both Regions."""
    key, material = primary(world, Origin="EXTERNAL"), os.urandom(32)
    home, far = world.kms(), world.kms(region=FAR)
    first = bring_in(home, key.id, material, KeyMaterialDescription="of the ceremony")["KeyMaterialId"]
    answer = replicate(world, key)
    assert answer["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    told = metadata(world, key, FAR)
    assert (told["KeyState"], told["Origin"]) == ("PendingImport", "EXTERNAL")
    assert "ExpirationModel" not in told and told["CurrentKeyMaterialId"] == first
    assert states(world, key, FAR) == [("CURRENT", "PENDING_IMPORT")]
    blob = home.encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"]
    pending = f"{arn_in(FAR, key)} is pending import."
    refused("KMSInvalidStateException", pending, far.decrypt, CiphertextBlob=blob)
    message = (
        f"The key material in the request for {arn_in(FAR, key)} differs from the one that was imported before."
    )
    other = prepare(far, key.id, os.urandom(32))
    refused("IncorrectKeyMaterialException", message, far.import_key_material, ExpirationModel=FOREVER, **other)
    wrong = re.compile(".*InvalidImportToken.*|.*")
    stray = prepare(home, key.id, material)
    refused("InvalidImportTokenException", wrong, far.import_key_material, ExpirationModel=FOREVER, **stray)
    assert bring_in(far, key.id, material)["KeyMaterialId"] == first
    assert state(world, key, FAR) == "Enabled"
    assert states(world, key, FAR) == [("CURRENT", "IMPORTED")]
    assert rotations(world, key, FAR, **ALL)[0]["KeyMaterialDescription"] == "of the ceremony"
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    back = far.encrypt(KeyId=key.id, Plaintext=b"y")["CiphertextBlob"]
    assert home.decrypt(CiphertextBlob=back)["Plaintext"] == b"y"


@pytest.mark.parametrize("spec", ["HMAC_256", "ECC_NIST_P256"])
def test_imported_keys_of_other_kinds_take_the_same_material_only(world, spec):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def material() -> bytes:
        if spec == "HMAC_256":
            return os.urandom(32)
        form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)

    usage = "GENERATE_VERIFY_MAC" if spec == "HMAC_256" else "SIGN_VERIFY"
    right = material()
    key = imported(world, right, spec=spec, usage=usage)
    replicate(world, key)
    home, far = world.kms(), world.kms(region=FAR)
    message = re.compile(".* differs from the one that was imported before.")
    other = prepare(far, key.id, material())
    refused("IncorrectKeyMaterialException", message, far.import_key_material, ExpirationModel=FOREVER, **other)
    assert state(world, key, FAR) == "PendingImport"
    bring_in(far, key.id, right)
    if spec == "HMAC_256":
        call = {"KeyId": key.id, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
        assert home.verify_mac(Mac=far.generate_mac(**call)["Mac"], **call)["MacValid"]
    else:
        assert far.get_public_key(KeyId=key.id)["PublicKey"] == home.get_public_key(KeyId=key.id)["PublicKey"]
        call = {"KeyId": key.id, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
        assert home.verify(Signature=far.sign(**call)["Signature"], **call)["SignatureValid"]


def test_material_goes_in_one_region_alone(steered):
    """Deleting and expiry touch the copy in whose Region they happen."""
    material = os.urandom(32)
    key = imported(steered, material, FAR)
    home, far = steered.kms(), steered.kms(region=FAR)
    blob = far.encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"]
    home.delete_imported_key_material(KeyId=key.id)
    assert (state(steered, key), state(steered, key, FAR)) == ("PendingImport", "Enabled")
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    bring_in(home, key.id, material)
    far.delete_imported_key_material(KeyId=key.id)
    assert (state(steered, key), state(steered, key, FAR)) == ("Enabled", "PendingImport")
    valid_to = home.get_parameters_for_import(
        KeyId=key.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )["ParametersValidTo"] + datetime.timedelta(days=1)
    bring_in(far, key.id, material, ValidTo=valid_to)
    assert metadata(steered, key, FAR)["ExpirationModel"] == EXPIRES
    assert metadata(steered, key)["ExpirationModel"] == FOREVER
    steered.server.advance(3 * DAY)
    assert (state(steered, key), state(steered, key, FAR)) == ("Enabled", "PendingImport")
    assert len(events(steered.server, "DeleteExpiredKeyMaterial", arn_in(FAR, key))) == 1
    assert events(steered.server, "DeleteExpiredKeyMaterial", key.arn) == []
    bring_in(far, key.id, material)
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_new_material_waits_until_every_copy_has_it(steered):
    """R54 across Regions: on the primary first, then on every replica, then the rotation, and all copies follow."""
    first, second = os.urandom(32), os.urandom(32)
    key = imported(steered, first, FAR, THIRD)
    home, far, third = (steered.kms(region=region) for region in EVERYWHERE)
    old = far.encrypt(KeyId=key.id, Plaintext=b"old")["CiphertextBlob"]
    direct = prepare(far, key.id, second)
    message = not_primary(arn_in(FAR, key))
    new = {"ImportType": "NEW_KEY_MATERIAL", "ExpirationModel": FOREVER}
    refused("UnsupportedOperationException", message, far.import_key_material, **new, **direct)

    new_id = bring_in(home, key.id, second, ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="second")["KeyMaterialId"]
    waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    assert states(steered, key) == [("CURRENT", "IMPORTED"), (waiting, "IMPORTED")]
    assert states(steered, key, FAR) == [("CURRENT", "IMPORTED"), (waiting, "PENDING_IMPORT")]
    assert {state(steered, key, region) for region in EVERYWHERE} == {"Enabled"}, "what waits is not yet needed"
    none = f"No available key material pending rotation for the key: {key.arn}."
    refused("KMSInvalidStateException", none, home.rotate_key_on_demand, KeyId=key.id)
    described = prepare(far, key.id, second)
    call = {"ExpirationModel": FOREVER, "KeyMaterialDescription": "mine"}
    refused("UnsupportedOperationException", message, far.import_key_material, **call, **described)
    assert bring_in(far, key.id, second, ImportType="EXISTING_KEY_MATERIAL")["KeyMaterialId"] == new_id
    assert states(steered, key)[1] == (waiting, "IMPORTED"), "the third Region lacks it"
    refused("KMSInvalidStateException", none, home.rotate_key_on_demand, KeyId=key.id)
    bring_in(third, key.id, second, KeyMaterialId=new_id)
    for region in EVERYWHERE:
        assert states(steered, key, region) == [("CURRENT", "IMPORTED"), ("PENDING_ROTATION", "IMPORTED")]
        assert rotations(steered, key, region, **ALL)[1]["KeyMaterialDescription"] == "second"
        assert "RotationDate" not in rotations(steered, key, region, **ALL)[1]
    # Nothing encrypts under it before the rotation.
    assert far.encrypt(KeyId=key.id, Plaintext=b"x") and current(steered, key, FAR) != new_id

    home.rotate_key_on_demand(KeyId=key.id)
    for region in EVERYWHERE:
        assert current(steered, key, region) == new_id
        assert states(steered, key, region) == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
        kms = steered.kms(region=region)
        assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
        fresh = kms.encrypt(KeyId=key.id, Plaintext=b"new")["CiphertextBlob"]
        assert home.decrypt(CiphertextBlob=fresh)["KeyMaterialId"] == new_id
        (event,) = events(steered.server, "RotateKey", arn_in(region, key))
        assert event["serviceEventDetails"]["keyOrigin"] == "EXTERNAL"


def test_what_waits_is_forgotten_everywhere_when_the_primary_loses_it(steered):
    """And kept in mind when a replica does; that only puts the rotation off."""
    first, second, third = (os.urandom(32) for _ in range(3))
    key = imported(steered, first, FAR)
    home, far = steered.kms(), steered.kms(region=FAR)
    new_id = bring_in(home, key.id, second, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    bring_in(far, key.id, second)
    far.delete_imported_key_material(KeyId=key.id, KeyMaterialId=new_id)
    waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    assert states(steered, key) == [("CURRENT", "IMPORTED"), (waiting, "IMPORTED")]
    assert states(steered, key, FAR) == [("CURRENT", "IMPORTED"), (waiting, "PENDING_IMPORT")]
    assert state(steered, key, FAR) == "Enabled"
    bring_in(far, key.id, second)
    assert states(steered, key, FAR)[1] == ("PENDING_ROTATION", "IMPORTED")
    home.delete_imported_key_material(KeyId=key.id, KeyMaterialId=new_id)
    for region in (HOME_REGION, FAR):
        assert states(steered, key, region) == [("CURRENT", "IMPORTED")]
        assert state(steered, key, region) == "Enabled"
    message = re.compile(".* differs from the one that was imported before.")
    again = prepare(far, key.id, second)
    refused("IncorrectKeyMaterialException", message, far.import_key_material, ExpirationModel=FOREVER, **again)
    # Other material takes its place, and its expiry on the primary is the same as its deletion.
    soon = home.get_parameters_for_import(
        KeyId=key.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )["ParametersValidTo"]
    bring_in(home, key.id, third, ImportType="NEW_KEY_MATERIAL", ValidTo=soon)
    bring_in(far, key.id, third)
    steered.server.advance(2 * DAY)
    for region in (HOME_REGION, FAR):
        assert states(steered, key, region) == [("CURRENT", "IMPORTED")]


def test_a_new_replica_puts_a_rotation_off_until_it_has_everything(steered):
    """It begins without any version, is usable when it has those that were in use, and follows when it has the next."""
    versions = [os.urandom(32) for _ in range(3)]
    key = imported(steered, versions[0])
    home, far = steered.kms(), steered.kms(region=FAR)
    bring_in(home, key.id, versions[1], ImportType="NEW_KEY_MATERIAL")
    home.rotate_key_on_demand(KeyId=key.id)
    bring_in(home, key.id, versions[2], ImportType="NEW_KEY_MATERIAL")
    assert states(steered, key)[2] == ("PENDING_ROTATION", "IMPORTED")
    replicate(steered, key)
    waiting = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    assert states(steered, key)[2] == (waiting, "IMPORTED")
    assert states(steered, key, FAR) == [
        ("NON_CURRENT", "PENDING_IMPORT"), ("CURRENT", "PENDING_IMPORT"), (waiting, "PENDING_IMPORT"),
    ]  # fmt: skip
    bring_in(far, key.id, versions[1])
    assert state(steered, key, FAR) == "PendingImport"
    bring_in(far, key.id, versions[0])
    assert state(steered, key, FAR) == "Enabled"
    none = f"No available key material pending rotation for the key: {key.arn}."
    refused("KMSInvalidStateException", none, home.rotate_key_on_demand, KeyId=key.id)
    bring_in(far, key.id, versions[2])
    home.rotate_key_on_demand(KeyId=key.id)
    assert current(steered, key) == current(steered, key, FAR)
    assert len(rotations(steered, key, FAR)) == 2


def test_another_copy_leads_while_material_waits(steered):
    """The set of versions stays; the new primary rotates when all copies, its own too, have the next one."""
    first, second = os.urandom(32), os.urandom(32)
    key = imported(steered, first, FAR)
    home, far = steered.kms(), steered.kms(region=FAR)
    new_id = bring_in(home, key.id, second, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    home.update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    assert_set(steered, key, FAR, HOME_REGION)
    none = f"No available key material pending rotation for the key: {arn_in(FAR, key)}."
    refused("KMSInvalidStateException", none, far.rotate_key_on_demand, KeyId=key.id)
    bring_in(far, key.id, second)
    far.rotate_key_on_demand(KeyId=key.id)
    assert current(steered, key) == current(steered, key, FAR) == new_id
    message = not_primary(key.arn)
    refused("UnsupportedOperationException", message, home.rotate_key_on_demand, KeyId=key.id)


def test_a_replica_that_was_not_there_comes_back_without_its_lost_material(steered):
    """A rotation goes on while a replica lacks an old version; the replica stays pending until it has it again."""
    first, second = os.urandom(32), os.urandom(32)
    key = imported(steered, first, FAR)
    home, far = steered.kms(), steered.kms(region=FAR)
    bring_in(home, key.id, second, ImportType="NEW_KEY_MATERIAL")
    bring_in(far, key.id, second)
    far.delete_imported_key_material(KeyId=key.id)
    assert state(steered, key, FAR) == "PendingImport"
    home.rotate_key_on_demand(KeyId=key.id)
    assert states(steered, key, FAR) == [("NON_CURRENT", "PENDING_IMPORT"), ("CURRENT", "IMPORTED")]
    assert state(steered, key, FAR) == "PendingImport"
    bring_in(far, key.id, first)
    assert state(steered, key, FAR) == "Enabled"
    assert home.decrypt(CiphertextBlob=far.encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"])["Plaintext"] == b"x"


def test_a_description_is_changed_on_the_primary_for_all(world):
    material = os.urandom(32)
    key = imported(world, material, FAR)
    bring_in(world.kms(), key.id, material, KeyMaterialDescription="renamed")
    for region in (HOME_REGION, FAR):
        assert rotations(world, key, region, **ALL)[0]["KeyMaterialDescription"] == "renamed"
    assert state(world, key, FAR) == "Enabled"
    synchronised = len(events(world.server, "SynchronizeMultiRegionKey", key.arn))
    bring_in(world.kms(), key.id, material)
    assert len(events(world.server, "SynchronizeMultiRegionKey", key.arn)) == synchronised, "nothing to copy"


def test_keys_with_imported_material_have_no_schedule_in_any_region(world):
    key = imported(world, os.urandom(32), FAR)
    for region in (HOME_REGION, FAR):
        message = f"{arn_in(region, key)} origin is EXTERNAL which is not valid for this operation."
        kms = world.kms(region=region)
        refused("UnsupportedOperationException", message, kms.enable_key_rotation, KeyId=key.id)
        refused("UnsupportedOperationException", message, kms.get_key_rotation_status, KeyId=key.id)


def test_a_deleted_replica_with_imported_material_comes_back_empty(steered):
    material = os.urandom(32)
    key = imported(steered, material, FAR)
    steered.kms(region=FAR).schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    steered.server.advance(8 * DAY)
    replicate(steered, key)
    assert state(steered, key, FAR) == "PendingImport"
    steered.kms(region=FAR).schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    steered.kms(region=FAR).cancel_key_deletion(KeyId=key.id)
    assert state(steered, key, FAR) == "PendingImport"
    bring_in(steered.kms(region=FAR), key.id, material)
    assert state(steered, key, FAR) == "Enabled"
