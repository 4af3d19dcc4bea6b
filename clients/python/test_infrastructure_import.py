"""Imported key material: wrapped by another implementation, used as it came, gone when it was to go.

Covers R50-R54 and R100: every way to wrap, tokens, expiry, deletion and re-import, several materials of one key.
"""

import datetime
import hashlib
import hmac
import os
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

import secrecy
import trail
from aws import refused, request_id
from imports import DIRECT, EXPIRES, FOREVER, TWO_STEPS, bring_in, prepare, wrap
from policies import allow, user
from store_files import holds, stored_rows
from world import World

DAY = 86_400
WRAPPING_SPECS = ("RSA_2048", "RSA_3072", "RSA_4096")
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
CURVE_DIGESTS = {"ECC_NIST_P384": hashes.SHA384(), "ECC_NIST_P521": hashes.SHA512()}


def external(world, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", **more):
    """A key that waits for its material."""
    return world.make_key(Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage, **more)


def metadata(kms, key) -> dict:
    return kms.describe_key(KeyId=key.id)["KeyMetadata"]


def state(kms, key) -> str:
    return metadata(kms, key)["KeyState"]


def server_now(kms) -> datetime.datetime:
    """The server's clock, from the parameters that it says are good for a day."""
    key_id = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    answer = kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    return answer["ParametersValidTo"] - datetime.timedelta(days=1)


def in_hours(kms, hours: float) -> datetime.datetime:
    return server_now(kms) + datetime.timedelta(hours=hours)


def materials(kms, key) -> list[dict]:
    return kms.list_key_rotations(KeyId=key.id, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]


def events(server, name: str, key) -> list[dict]:
    found = [record for record in trail.records(server) if record["eventName"] == name]
    return [record for record in found if record["resources"][0]["ARN"] == key.arn]


def pending_import(kms, key) -> None:
    """A key that lacks material is used by nobody."""
    refused("KMSInvalidStateException", f"{key.arn} is pending import.", kms.encrypt, KeyId=key.id, Plaintext=b"m")


def pkcs8(private_key) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return private_key.private_bytes(encoding, form, serialization.NoEncryption())


def spki(public_key) -> bytes:
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


# Wrapping


@pytest.mark.parametrize("spec", WRAPPING_SPECS)
@pytest.mark.parametrize("algorithm", DIRECT)
def test_an_imported_secret_key_is_the_one_that_is_used(world, algorithm, spec):
    """R51: `GenerateMac` under the imported bytes is HMAC under them, for every way to wrap 32 bytes."""
    kms, key, material = world.kms(), external(world, "HMAC_256", "GENERATE_VERIFY_MAC"), os.urandom(32)
    before = metadata(kms, key)
    assert (before["KeyState"], before["Enabled"], before["Origin"]) == ("PendingImport", False, "EXTERNAL")
    assert not {"ExpirationModel", "ValidTo", "CurrentKeyMaterialId"} & set(before)
    answer = bring_in(kms, key.id, material, algorithm, spec)
    assert answer["KeyId"] == key.arn and "KeyMaterialId" not in answer
    after = metadata(kms, key)
    assert (after["KeyState"], after["Enabled"], after["ExpirationModel"]) == ("Enabled", True, FOREVER)
    made = kms.generate_mac(KeyId=key.id, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert made == hmac.new(material, b"message", hashlib.sha256).digest()


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
@pytest.mark.parametrize("longest", [False, True])
def test_a_mac_key_has_at_least_its_length_and_at_most_a_thousand_bits(world, bits, longest):
    kms, key = world.kms(), external(world, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
    message = f"The key material in the request does not fit key spec HMAC_{bits}."
    wrong = os.urandom(129 if longest else bits // 8 - 1)
    call = prepare(kms, key.id, wrong)
    refused("IncorrectKeyMaterialException", message, kms.import_key_material, ExpirationModel=FOREVER, **call)
    material = os.urandom(128 if longest else bits // 8)
    bring_in(kms, key.id, material)
    made = kms.generate_mac(KeyId=key.id, Message=b"message", MacAlgorithm=f"HMAC_SHA_{bits}")["Mac"]
    assert made == hmac.new(material, b"message", f"sha{bits}").digest()


@pytest.mark.parametrize("algorithm", TWO_STEPS)
@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_an_imported_rsa_key_signs_as_its_owner_would(world, bits, algorithm):
    """R51: the public half is the imported key's, and a deterministic signature is the same bit by bit."""
    kms, key = world.kms(), external(world, f"RSA_{bits}", "SIGN_VERIFY")
    private_key = rsa.generate_private_key(65537, bits)
    bring_in(kms, key.id, pkcs8(private_key), algorithm, f"RSA_{bits}")
    assert kms.get_public_key(KeyId=key.id)["PublicKey"] == spki(private_key.public_key())
    signed = kms.sign(KeyId=key.id, Message=b"message", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    assert signed == private_key.sign(b"message", padding.PKCS1v15(), hashes.SHA256())


def test_an_imported_rsa_key_decrypts_what_its_owner_encrypted(world):
    kms, key, private_key = world.kms(), external(world, "RSA_2048"), rsa.generate_private_key(65537, 2048)
    bring_in(kms, key.id, pkcs8(private_key), TWO_STEPS[1])
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    sealed = private_key.public_key().encrypt(b"for the key", oaep)
    opened = kms.decrypt(KeyId=key.id, CiphertextBlob=sealed, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == b"for the key"


@pytest.mark.parametrize("algorithm", DIRECT + TWO_STEPS)
@pytest.mark.parametrize("spec", CURVES)
def test_an_imported_curve_key_signs_as_its_owner_would(world, spec, algorithm):
    """R51: for every curve and every way to wrap; P-521 is too long to be wrapped at once under RSA_2048."""
    kms, key = world.kms(), external(world, spec, "SIGN_VERIFY")
    private_key = ec.generate_private_key(CURVES[spec])
    bring_in(kms, key.id, pkcs8(private_key), algorithm, "RSA_3072" if spec == "ECC_NIST_P521" else "RSA_2048")
    public_key = serialization.load_der_public_key(kms.get_public_key(KeyId=key.id)["PublicKey"])
    assert public_key == private_key.public_key()
    digest = CURVE_DIGESTS.get(spec, hashes.SHA256())
    signing = f"ECDSA_SHA_{digest.digest_size * 8}"
    signed = kms.sign(KeyId=key.id, Message=b"message", SigningAlgorithm=signing)["Signature"]
    private_key.public_key().verify(signed, b"message", ec.ECDSA(digest))
    with pytest.raises(InvalidSignature):
        private_key.public_key().verify(signed, b"another", ec.ECDSA(digest))


@pytest.mark.parametrize("algorithm", [DIRECT[1], TWO_STEPS[1]])
def test_an_imported_edwards_key_signs_as_its_owner_would(world, algorithm):
    kms, key = world.kms(), external(world, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    private_key = ed25519.Ed25519PrivateKey.generate()
    bring_in(kms, key.id, pkcs8(private_key), algorithm)
    signed = kms.sign(KeyId=key.id, Message=b"message", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    assert signed == private_key.sign(b"message")


@pytest.mark.parametrize(
    ("spec", "usage", "algorithm"),
    [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "RSA_AES_KEY_WRAP_SHA_256"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "RSA_AES_KEY_WRAP_SHA_1"),
        ("RSA_2048", "SIGN_VERIFY", "RSAES_OAEP_SHA_256"),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "RSAES_PKCS1_V1_5"),
        ("ECC_NIST_P256", "SIGN_VERIFY", "SM2PKE"),
    ],
)
def test_an_algorithm_that_does_not_wrap_the_key_is_refused(world, spec, usage, algorithm):
    kms, key = world.kms(), external(world, spec, usage)
    message = f"Wrapping algorithm {algorithm} with wrapping key spec RSA_2048 is not supported for key spec {spec}."
    call = {"KeyId": key.id, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048"}
    refused("UnsupportedOperationException", message, kms.get_parameters_for_import, **call)


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_lattice_keys_are_not_imported(world, spec):
    usage = "SIGN_VERIFY" if "DSA" in spec else "ENCAPSULATE_DECAPSULATE"
    message = f"KeySpec {spec} is not supported for Origin EXTERNAL"
    kms = world.kms(validate=False)
    refused("UnsupportedOperationException", message, kms.create_key, Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage)


def test_material_that_does_not_fit_is_refused(world):
    """Lengths of secret keys, another curve, another modulus, no key at all."""
    kms = world.kms()
    other_curve = pkcs8(ec.generate_private_key(ec.SECP384R1()))
    small = pkcs8(rsa.generate_private_key(65537, 2048))
    cases = [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", DIRECT[1], os.urandom(31)),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", DIRECT[1], os.urandom(33)),
        ("ECC_NIST_P256", "SIGN_VERIFY", TWO_STEPS[1], other_curve),
        ("RSA_3072", "SIGN_VERIFY", TWO_STEPS[1], small),
        ("RSA_2048", "SIGN_VERIFY", TWO_STEPS[1], other_curve),
        ("ECC_NIST_P256", "SIGN_VERIFY", TWO_STEPS[1], os.urandom(64)),
    ]
    for spec, usage, algorithm, material in cases:
        key = external(world, spec, usage)
        call = prepare(kms, key.id, material, algorithm)
        message = f"The key material in the request does not fit key spec {spec}."
        refused("IncorrectKeyMaterialException", message, kms.import_key_material, ExpirationModel=FOREVER, **call)
        assert state(kms, key) == "PendingImport"


def test_what_does_not_unwrap_is_no_ciphertext(world):
    """R51: garbage, a changed byte, the other hash, and half of two steps: InvalidCiphertextException."""
    kms, key, curve = world.kms(), external(world), external(world, "ECC_NIST_P256", "SIGN_VERIFY")
    good = prepare(kms, key.id, os.urandom(32))
    wrapped = good.pop("EncryptedKeyMaterial")
    changed = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    answer = kms.get_parameters_for_import(
        KeyId=key.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    other_hash = wrap(answer["PublicKey"], "RSAES_OAEP_SHA_1", os.urandom(32))
    of_other_token = wrap(answer["PublicKey"], "RSAES_OAEP_SHA_256", os.urandom(32))
    call = {**good, "ExpirationModel": FOREVER}
    for wrong in (os.urandom(256), changed, wrapped[:-1], b"x", of_other_token):
        refused("InvalidCiphertextException", None, kms.import_key_material, EncryptedKeyMaterial=wrong, **call)
    call["ImportToken"] = answer["ImportToken"]
    refused("InvalidCiphertextException", None, kms.import_key_material, EncryptedKeyMaterial=other_hash, **call)
    two = prepare(kms, curve.id, pkcs8(ec.generate_private_key(ec.SECP256R1())), TWO_STEPS[1])
    wrapped = two.pop("EncryptedKeyMaterial")
    for wrong in (wrapped[:256], wrapped[256:], wrapped[:-8], wrapped[:-1] + bytes([wrapped[-1] ^ 1])):
        refused(
            "InvalidCiphertextException",
            None,
            kms.import_key_material,
            EncryptedKeyMaterial=wrong,
            ExpirationModel=FOREVER,
            **two,
        )
    assert state(kms, key) == "PendingImport"


# Tokens


def test_a_token_is_good_for_its_key_and_as_it_is(world):
    """R51: another key's, an edited one, one of another algorithm's key."""
    kms, key, other = world.kms(), external(world), external(world)
    call = {**prepare(kms, key.id, os.urandom(32)), "ExpirationModel": FOREVER}
    token = call["ImportToken"]
    for place in (0, len(token) // 2, len(token) - 1):
        edited = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        refused("InvalidImportTokenException", None, kms.import_key_material, **{**call, "ImportToken": edited})
    refused("InvalidImportTokenException", None, kms.import_key_material, **{**call, "ImportToken": b"none"})
    refused("InvalidImportTokenException", None, kms.import_key_material, **{**call, "KeyId": other.id})
    kms.import_key_material(**call)
    # Within its time a token is good more than once.
    kms.import_key_material(**call)


def test_a_token_lasts_a_day(steered):
    """R51: at 24 hours less a minute it is good, a minute after it is not."""
    kms = steered.kms()
    early, late = external(steered), external(steered)
    call, late_call = (prepare(kms, key.id, os.urandom(32)) for key in (early, late))
    answer = kms.get_parameters_for_import(
        KeyId=early.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    assert answer["KeyId"] == early.arn
    steered.server.advance(DAY - 60)
    kms.import_key_material(ExpirationModel=FOREVER, **call)
    steered.server.advance(120)
    refused("ExpiredImportTokenException", None, kms.import_key_material, ExpirationModel=FOREVER, **late_call)
    assert state(kms, late) == "PendingImport"


# One material: delete, bring back, expire


def test_deleted_material_comes_back_only_as_it_was(world):
    """R54, R100, S5: useless at once; other bytes are refused; the same bytes open what they made."""
    kms, key, material = world.kms(), external(world), os.urandom(32)
    first = bring_in(kms, key.id, material)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"kept")["CiphertextBlob"]
    assert metadata(kms, key)["CurrentKeyMaterialId"] == first["KeyMaterialId"]
    deleted = kms.delete_imported_key_material(KeyId=key.id)
    assert (deleted["KeyId"], deleted["KeyMaterialId"]) == (key.arn, first["KeyMaterialId"])
    after = metadata(kms, key)
    assert (after["KeyState"], after["Enabled"]) == ("PendingImport", False)
    assert after["CurrentKeyMaterialId"] == first["KeyMaterialId"]
    assert not {"ExpirationModel", "ValidTo"} & set(after)
    pending_import(kms, key)
    message = f"{key.arn} is pending import."
    refused("KMSInvalidStateException", message, kms.decrypt, CiphertextBlob=blob)
    refused("KMSInvalidStateException", message, kms.enable_key, KeyId=key.id)
    refused("KMSInvalidStateException", message, kms.disable_key, KeyId=key.id)
    refused("KMSInvalidStateException", message, kms.rotate_key_on_demand, KeyId=key.id)
    assert kms.delete_imported_key_material(KeyId=key.id)["KeyId"] == key.arn
    other = prepare(kms, key.id, os.urandom(32))
    differs = f"The key material in the request for {key.arn} differs from the one that was imported before."
    refused("IncorrectKeyMaterialException", differs, kms.import_key_material, ExpirationModel=FOREVER, **other)
    assert bring_in(kms, key.id, material)["KeyMaterialId"] == first["KeyMaterialId"]
    assert state(kms, key) == "Enabled"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"


def test_another_key_with_the_same_material_opens_nothing(world):
    """R54: a ciphertext is bound to its key, not to the bytes alone."""
    kms, one, other, material = world.kms(), external(world), external(world), os.urandom(32)
    first, second = bring_in(kms, one.id, material), bring_in(kms, other.id, material)
    assert first["KeyMaterialId"] != second["KeyMaterialId"]
    blob = kms.encrypt(KeyId=one.id, Plaintext=b"m")["CiphertextBlob"]
    message = "The key ID in the request does not identify a CMK that can perform this operation."
    refused("IncorrectKeyException", message, kms.decrypt, CiphertextBlob=blob, KeyId=other.id)


def test_a_key_that_is_not_symmetric_takes_its_bytes_once(world):
    kms, key, material = world.kms(), external(world, "HMAC_256", "GENERATE_VERIFY_MAC"), os.urandom(32)
    bring_in(kms, key.id, material)
    assert "KeyMaterialId" not in kms.delete_imported_key_material(KeyId=key.id)
    call = {"KeyId": key.id, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
    refused("KMSInvalidStateException", f"{key.arn} is pending import.", kms.generate_mac, **call)
    differs = f"The key material in the request for {key.arn} differs from the one that was imported before."
    wrong = prepare(kms, key.id, os.urandom(32))
    refused("IncorrectKeyMaterialException", differs, kms.import_key_material, ExpirationModel=FOREVER, **wrong)
    for name, value in (
        ("ImportType", "NEW_KEY_MATERIAL"),
        ("KeyMaterialDescription", "mine"),
        ("KeyMaterialId", "0" * 64),
    ):
        again = {**prepare(kms, key.id, material), "ExpirationModel": FOREVER, name: value}
        message = f"{name} is not supported for key spec HMAC_256."
        refused("ValidationException", message, kms.import_key_material, **again)
    refused(
        "ValidationException",
        "KeyMaterialId is not supported for key spec HMAC_256.",
        kms.delete_imported_key_material,
        KeyId=key.id,
        KeyMaterialId="0" * 64,
    )
    bring_in(kms, key.id, material)
    assert kms.generate_mac(**call)["Mac"] == hmac.new(material, b"m", hashlib.sha256).digest()


def test_the_public_half_is_known_from_the_first_import_on(world):
    kms, key = world.kms(), external(world, "ECC_NIST_P256", "SIGN_VERIFY")
    private_key = ec.generate_private_key(ec.SECP256R1())
    refused("KMSInvalidStateException", f"{key.arn} is pending import.", kms.get_public_key, KeyId=key.id)
    bring_in(kms, key.id, pkcs8(private_key))
    kms.delete_imported_key_material(KeyId=key.id)
    assert kms.get_public_key(KeyId=key.id)["PublicKey"] == spki(private_key.public_key())


def test_material_goes_when_its_time_has_come(steered):
    """R53, R38: valid for an hour; after two the key waits for its import, the trail says so, and it can come back."""
    kms, key, material = steered.kms(), external(steered), os.urandom(32)
    valid_to = in_hours(kms, 1)
    made = bring_in(kms, key.id, material, ValidTo=valid_to)
    shown = metadata(kms, key)
    assert shown["ExpirationModel"] == EXPIRES
    assert abs(shown["ValidTo"] - valid_to) < datetime.timedelta(seconds=1)
    (listed,) = materials(kms, key)
    assert (listed["ImportState"], listed["ExpirationModel"]) == ("IMPORTED", EXPIRES)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    steered.server.advance(3000)
    assert state(kms, key) == "Enabled" and not events(steered.server, "DeleteExpiredKeyMaterial", key)
    steered.server.advance(4200)
    shown = metadata(kms, key)
    assert shown["KeyState"] == "PendingImport" and not {"ExpirationModel", "ValidTo"} & set(shown)
    (listed,) = materials(kms, key)
    assert listed["ImportState"] == "PENDING_IMPORT" and not {"ExpirationModel", "ValidTo"} & set(listed)
    pending_import(kms, key)
    (event,) = events(steered.server, "DeleteExpiredKeyMaterial", key)
    assert event["eventType"] == "AwsServiceEvent" and event["userIdentity"]["invokedBy"] == "AWS Internal"
    assert event["serviceEventDetails"] == {"keyId": key.id, "keyMaterialId": made["KeyMaterialId"]}
    bring_in(kms, key.id, material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    steered.server.advance(400 * DAY)
    assert state(kms, key) == "Enabled"
    assert len(events(steered.server, "DeleteExpiredKeyMaterial", key)) == 1


def test_an_expiry_is_changed_by_importing_again(steered):
    """R53: later, then never; a deletion by hand leaves nothing that would expire."""
    kms, key, material = steered.kms(), external(steered), os.urandom(32)
    bring_in(kms, key.id, material, ValidTo=in_hours(kms, 1))
    bring_in(kms, key.id, material, ValidTo=in_hours(kms, 10))
    steered.server.advance(2 * 3600)
    assert state(kms, key) == "Enabled"
    bring_in(kms, key.id, material)
    assert metadata(kms, key)["ExpirationModel"] == FOREVER and "ValidTo" not in metadata(kms, key)
    steered.server.advance(20 * 3600)
    assert state(kms, key) == "Enabled"
    bring_in(kms, key.id, material, ValidTo=in_hours(kms, 1))
    kms.delete_imported_key_material(KeyId=key.id)
    bring_in(kms, key.id, material)
    steered.server.advance(2 * 3600)
    assert state(kms, key) == "Enabled"
    assert not events(steered.server, "DeleteExpiredKeyMaterial", key)


def test_expiration_has_bounds(steered):
    """R53: in the future, at most 365 days; the model and the date go together."""
    kms, key = steered.kms(), external(steered)
    call = prepare(kms, key.id, os.urandom(32))
    now = server_now(kms)
    cases = [
        ({}, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        ({"ExpirationModel": EXPIRES}, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        (
            {"ExpirationModel": FOREVER, "ValidTo": now + datetime.timedelta(days=1)},
            "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        ),
        ({"ValidTo": now - datetime.timedelta(seconds=1)}, "ValidTo must be in the future"),
        (
            {"ValidTo": now + datetime.timedelta(days=365, minutes=5)},
            "ValidTo must be at most 365 days in the future",
        ),
    ]
    for more, message in cases:
        refused("ValidationException", message, kms.import_key_material, **call, **more)
    assert state(kms, key) == "PendingImport"
    kms.import_key_material(ValidTo=now + datetime.timedelta(days=365), **call)


# States


def test_a_disabled_key_stays_disabled_and_a_doomed_one_doomed(world):
    """Re-import does not switch a key on; deletion and its end leave what lacks material pending import."""
    kms, key, material = world.kms(), external(world), os.urandom(32)
    bring_in(kms, key.id, material)
    kms.disable_key(KeyId=key.id)
    bring_in(kms, key.id, material)
    assert state(kms, key) == "Disabled"
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    doomed = f"{key.arn} is pending deletion."
    call = {"KeyId": key.id, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    refused("KMSInvalidStateException", doomed, kms.get_parameters_for_import, **call)
    kms.cancel_key_deletion(KeyId=key.id)
    assert state(kms, key) == "Disabled"
    prepared = prepare(kms, key.id, material)
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    refused("KMSInvalidStateException", doomed, kms.import_key_material, ExpirationModel=FOREVER, **prepared)
    kms.delete_imported_key_material(KeyId=key.id)
    assert state(kms, key) == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key.id)
    assert state(kms, key) == "PendingImport"
    kms.import_key_material(ExpirationModel=FOREVER, **prepared)
    assert state(kms, key) == "Enabled"


def test_each_origin_has_its_own_operations(world):
    """Material of the keeper's own is not imported; imported material has no schedule."""
    kms, own, key = world.kms(), world.make_key(), external(world)
    message = f"{own.arn} origin is AWS_KMS which is not valid for this operation."
    parameters = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    unsupported = "UnsupportedOperationException"
    refused(unsupported, message, kms.get_parameters_for_import, KeyId=own.id, **parameters)
    refused(unsupported, message, kms.delete_imported_key_material, KeyId=own.id)
    call = {**prepare(kms, key.id, os.urandom(32)), "KeyId": own.id, "ExpirationModel": FOREVER}
    refused(unsupported, message, kms.import_key_material, **call)
    assert kms.encrypt(KeyId=own.id, Plaintext=b"m")
    for lacks in (True, False):
        message = f"{key.arn} origin is EXTERNAL which is not valid for this operation."
        for operation in (kms.enable_key_rotation, kms.disable_key_rotation, kms.get_key_rotation_status):
            refused(unsupported, message, operation, KeyId=key.id)
        if lacks:
            bring_in(kms, key.id, os.urandom(32))


# Several materials of one key


def test_new_material_waits_for_its_rotation(world):
    """R100: NEW waits as PENDING_ROTATION; RotateKeyOnDemand makes it current; both ciphertexts open."""
    kms, key = world.kms(), external(world)
    nothing = f"No available key material pending rotation for the key: {key.arn}."
    first = bring_in(kms, key.id, os.urandom(32), KeyMaterialDescription="first one")["KeyMaterialId"]
    refused("KMSInvalidStateException", nothing, kms.rotate_key_on_demand, KeyId=key.id)
    old = kms.encrypt(KeyId=key.id, Plaintext=b"old")["CiphertextBlob"]
    new = {"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialDescription": "second"}
    second = bring_in(kms, key.id, os.urandom(32), **new)["KeyMaterialId"]
    assert metadata(kms, key)["CurrentKeyMaterialId"] == first and state(kms, key) == "Enabled"
    listed = [
        (e["KeyMaterialId"], e["KeyMaterialState"], e["ImportState"], e["KeyMaterialDescription"])
        for e in materials(kms, key)
    ]
    assert listed == [
        (first, "CURRENT", "IMPORTED", "first one"),
        (second, "PENDING_ROTATION", "IMPORTED", "second"),
    ]
    assert not any({"RotationDate", "RotationType"} & set(entry) for entry in materials(kms, key))
    assert kms.list_key_rotations(KeyId=key.id)["Rotations"] == []
    meanwhile = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=meanwhile)["KeyMaterialId"] == first
    third = prepare(kms, key.id, os.urandom(32))
    message = re.compile(
        f"New key material \\(id: [0-9a-f]{{64}}\\) cannot be imported into KMS key {re.escape(key.arn)}, because "
        f"another key material \\(id: {second}\\) is pending rotation\\."
    )
    call = {**third, "ExpirationModel": FOREVER, "ImportType": "NEW_KEY_MATERIAL"}
    refused("KMSInvalidStateException", message, kms.import_key_material, **call)
    assert kms.rotate_key_on_demand(KeyId=key.id)["KeyId"] == key.arn
    assert metadata(kms, key)["CurrentKeyMaterialId"] == second
    new_blob = kms.encrypt(KeyId=key.id, Plaintext=b"new")["CiphertextBlob"]
    for blob, text, material in ((old, b"old", first), (new_blob, b"new", second)):
        opened = kms.decrypt(CiphertextBlob=blob)
        assert (opened["Plaintext"], opened["KeyMaterialId"]) == (text, material)
    (rotation,) = kms.list_key_rotations(KeyId=key.id)["Rotations"]
    assert (rotation["KeyMaterialId"], rotation["RotationType"]) == (second, "ON_DEMAND")
    (event,) = events(world.server, "RotateKey", key)
    details = event["serviceEventDetails"]
    assert (details["keyOrigin"], details["rotationType"]) == ("EXTERNAL", "ON_DEMAND")
    assert (details["previousKeyMaterialId"], details["currentKeyMaterialId"]) == (first, second)
    refused("KMSInvalidStateException", nothing, kms.rotate_key_on_demand, KeyId=key.id)


def rotated(world) -> tuple:
    """A key with two materials, the ids and bytes of both, and a ciphertext of each."""
    kms, key, bytes_of, blobs = world.kms(), external(world), [os.urandom(32), os.urandom(32)], []
    ids = [bring_in(kms, key.id, bytes_of[0])["KeyMaterialId"]]
    blobs.append(kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"])
    ids.append(bring_in(kms, key.id, bytes_of[1], ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"])
    kms.rotate_key_on_demand(KeyId=key.id)
    blobs.append(kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"])
    return key, ids, bytes_of, blobs


def test_a_key_needs_all_of_its_materials(world):
    """R100: while one is missing nothing works; each comes back under its own id."""
    kms = world.kms()
    key, ids, bytes_of, blobs = rotated(world)
    assert kms.delete_imported_key_material(KeyId=key.id, KeyMaterialId=ids[0])["KeyMaterialId"] == ids[0]
    assert [e["ImportState"] for e in materials(kms, key)] == ["PENDING_IMPORT", "IMPORTED"]
    pending_import(kms, key)
    # Without an id it is the current one that goes.
    assert kms.delete_imported_key_material(KeyId=key.id)["KeyMaterialId"] == ids[1]
    wrong = prepare(kms, key.id, bytes_of[0])
    message = f"The key material in the request for {key.arn} is not the one that KeyMaterialId names."
    call = {**wrong, "ExpirationModel": FOREVER, "KeyMaterialId": ids[1]}
    refused("IncorrectKeyMaterialException", message, kms.import_key_material, **call)
    assert bring_in(kms, key.id, bytes_of[0], KeyMaterialId=ids[0])["KeyMaterialId"] == ids[0]
    pending_import(kms, key)
    bring_in(kms, key.id, bytes_of[1], ImportType="EXISTING_KEY_MATERIAL")
    assert state(kms, key) == "Enabled"
    assert [kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] for blob in blobs] == ids


def test_claims_about_material_are_checked(world):
    kms = world.kms()
    key, ids, bytes_of, _ = rotated(world)
    call = {**prepare(kms, key.id, bytes_of[0]), "ExpirationModel": FOREVER}
    not_new = f"The key material in the request for {key.arn} was imported before and is not new."
    refused("IncorrectKeyMaterialException", not_new, kms.import_key_material, ImportType="NEW_KEY_MATERIAL", **call)
    both = "KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL."
    claim = {"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialId": ids[0]}
    refused("ValidationException", both, kms.import_key_material, **claim, **call)
    fresh = external(world)
    differs = f"The key material in the request for {fresh.arn} differs from the one that was imported before."
    first = {**prepare(kms, fresh.id, bytes_of[0]), "ExpirationModel": FOREVER, "ImportType": "EXISTING_KEY_MATERIAL"}
    refused("IncorrectKeyMaterialException", differs, kms.import_key_material, **first)
    unknown = f"Key material {'0' * 64} is not associated with {key.arn}."
    refused("NotFoundException", unknown, kms.delete_imported_key_material, KeyId=key.id, KeyMaterialId="0" * 64)


def test_material_that_waits_can_be_given_up(world):
    """Its deletion changes nothing else, and other material may wait in its place."""
    kms, key = world.kms(), external(world)
    bring_in(kms, key.id, os.urandom(32))
    waiting = bring_in(kms, key.id, os.urandom(32), ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    kms.delete_imported_key_material(KeyId=key.id, KeyMaterialId=waiting)
    assert state(kms, key) == "Enabled" and len(materials(kms, key)) == 1
    nothing = f"No available key material pending rotation for the key: {key.arn}."
    refused("KMSInvalidStateException", nothing, kms.rotate_key_on_demand, KeyId=key.id)
    other = bring_in(kms, key.id, os.urandom(32), ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    kms.rotate_key_on_demand(KeyId=key.id)
    assert metadata(kms, key)["CurrentKeyMaterialId"] == other


def test_each_material_expires_by_itself(steered):
    """The earliest end is the key's; what waits for its rotation goes without a change of the key."""
    kms, key, first = steered.kms(), external(steered), os.urandom(32)
    bring_in(kms, key.id, first, ValidTo=in_hours(kms, 5))
    bring_in(kms, key.id, os.urandom(32), ImportType="NEW_KEY_MATERIAL", ValidTo=in_hours(kms, 1))
    assert metadata(kms, key)["ValidTo"] > in_hours(kms, 4)
    steered.server.advance(2 * 3600)
    assert state(kms, key) == "Enabled" and len(materials(kms, key)) == 1
    bring_in(kms, key.id, os.urandom(32), ImportType="NEW_KEY_MATERIAL", ValidTo=in_hours(kms, 1))
    kms.rotate_key_on_demand(KeyId=key.id)
    assert metadata(kms, key)["ValidTo"] < in_hours(kms, 2)
    steered.server.advance(2 * 3600)
    assert state(kms, key) == "PendingImport"
    assert [e["ImportState"] for e in materials(kms, key)] == ["IMPORTED", "PENDING_IMPORT"]
    assert len(events(steered.server, "DeleteExpiredKeyMaterial", key)) == 2


# Authorization, audit, secrecy, durability


def test_imports_can_be_bounded_by_policy(world):
    """`kms:ExpirationModel`, `kms:ValidTo`, `kms:WrappingAlgorithm` and `kms:WrappingKeySpec` are the request's."""
    bob = user("Bob")
    wrapping = {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256", "kms:WrappingKeySpec": "RSA_3072"}
    key = external(world)
    now = datetime.datetime.now(datetime.UTC)
    before = {"kms:ValidTo": (now + datetime.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    world.put_policy(
        key,
        allow(bob, "kms:GetParametersForImport", Condition={"StringEquals": wrapping}),
        allow(
            bob,
            "kms:ImportKeyMaterial",
            Condition={"StringEquals": {"kms:ExpirationModel": EXPIRES}, "DateLessThan": before},
        ),
    )
    kms = world.kms("Bob")
    call = prepare(kms, key.id, os.urandom(32), spec="RSA_3072")
    for algorithm, spec in (("RSAES_OAEP_SHA_1", "RSA_3072"), ("RSAES_OAEP_SHA_256", "RSA_2048")):
        with pytest.raises(kms.exceptions.ClientError, match="AccessDenied"):
            kms.get_parameters_for_import(KeyId=key.id, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    for more in ({"ExpirationModel": FOREVER}, {"ValidTo": now + datetime.timedelta(days=3)}):
        with pytest.raises(kms.exceptions.ClientError, match="AccessDenied"):
            kms.import_key_material(**call, **more)
    with pytest.raises(kms.exceptions.ClientError, match="AccessDenied"):
        kms.delete_imported_key_material(KeyId=key.id)
    kms.import_key_material(ExpirationModel=EXPIRES, ValidTo=now + datetime.timedelta(days=1), **call)


def test_the_trail_tells_of_imports_but_not_what(world):
    """R50: parameters and ids, never token, public key or material."""
    kms, key, server = world.kms(), external(world), world.server
    parameters = kms.get_parameters_for_import(
        KeyId=key.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    record = trail.record_of(server, request_id(parameters))
    asked = {"keyId": key.id, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_2048"}
    assert (record["requestParameters"], record["readOnly"]) == (asked, True)
    assert record["responseElements"] is None
    valid_to = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(hours=1)
    described = {"KeyMaterialDescription": "from the safe", "ImportType": "NEW_KEY_MATERIAL"}
    made = bring_in(kms, key.id, os.urandom(32), ValidTo=valid_to, **described)
    record = trail.record_of(server, request_id(made))
    assert record["requestParameters"] == {
        "keyId": key.id,
        "validTo": valid_to.strftime("%b %-d, %Y, %-I:%M:%S %p"),
        "expirationModel": EXPIRES,
        "importType": "NEW_KEY_MATERIAL",
        "keyMaterialDescription": "from the safe",
    }
    told = {"keyId": key.arn, "keyMaterialId": made["KeyMaterialId"]}
    assert (record["responseElements"], record["readOnly"]) == (told, False)
    deleted = kms.delete_imported_key_material(KeyId=key.id, KeyMaterialId=made["KeyMaterialId"])
    record = trail.record_of(server, request_id(deleted))
    assert record["requestParameters"] == {"keyId": key.id, "keyMaterialId": made["KeyMaterialId"]}
    assert record["responseElements"] == told


@pytest.mark.parametrize("expires", [False, True])
def test_removed_material_leaves_the_files_at_once(servers, tmp_path, expires):
    """R100: when the answer is there (or the clock has passed the end), no file holds the row that had the material."""
    world = World(servers.make("removal"))
    kms, key, material = world.kms(), external(world), os.urandom(32)
    more = {"ValidTo": in_hours(kms, 1)} if expires else {}
    bring_in(kms, key.id, material, **more)
    held = [row for row in stored_rows(world.server, key, tmp_path / "before") if len(row) > 200]
    assert held, "the key has no row"
    assert holds(world.server, held)
    if expires:
        world.server.advance(7200)
    else:
        kms.delete_imported_key_material(KeyId=key.id)
    assert state(kms, key) == "PendingImport"
    assert not holds(world.server, held), "the files still hold the material"
    hunt = secrecy.Hunt()
    hunt.add("imported material", material)
    assert not hunt.in_folder(world.server.data_dir)


def test_imports_outlast_a_crash(fresh):
    """Acknowledged means durable, for imports, rotations, deletions and what is still to expire."""
    kms = fresh.kms()
    key, ids, bytes_of, blobs = rotated(fresh)
    lost = external(fresh)
    bring_in(kms, lost.id, os.urandom(32))
    kms.delete_imported_key_material(KeyId=lost.id)
    ending, material = external(fresh), os.urandom(32)
    bring_in(kms, ending.id, material, ValidTo=in_hours(kms, 1))
    token = prepare(kms, ending.id, material)
    fresh.server.kill()
    fresh.server.start()
    kms = fresh.kms()
    assert [kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] for blob in blobs] == ids
    pending_import(kms, lost)
    fresh.server.advance(7200)
    pending_import(kms, ending)
    # A token is good in the process that comes after, too.
    kms.import_key_material(ExpirationModel=FOREVER, **token)
    assert state(kms, ending) == "Enabled"


def test_a_deleted_key_leaves_nothing_to_expire(steered):
    """R95: the end of the waiting period takes imported material and its end with it."""
    kms, key = steered.kms(), external(steered)
    bring_in(kms, key.id, os.urandom(32), ValidTo=in_hours(kms, 24 * 20))
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    steered.server.advance(8 * DAY)
    assert len(events(steered.server, "DeleteKey", key)) == 1
    steered.server.advance(20 * DAY)
    assert not events(steered.server, "DeleteExpiredKeyMaterial", key)
