"""Data under data keys in another Region, and a card number straight under a key."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import trail
from aws import refused
from imports import bring_in
from policies import CIPHERTEXT, no_identity_policy, user
from secrecy import Hunt
from world import FAR_REGION

CARD_NUMBER = b"4111111111111111"
CONTEXT = {"table": "cards"}


def test_data_moves_to_another_region_and_only_its_key_is_wrapped_anew(world):
    """R68: the object's body stays as it is; its data key is opened at home and sealed far away."""
    home, far = world.kms(), world.kms(region=FAR_REGION)
    home_key, far_key = world.make_key(), world.make_key(region=FAR_REGION)
    data_key = home.generate_data_key(KeyId=home_key.id, KeySpec="AES_256", EncryptionContext=CONTEXT)
    nonce = os.urandom(12)
    body = nonce + AESGCM(data_key["Plaintext"]).encrypt(nonce, b"an object", None)
    opened = home.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]
    moved = far.encrypt(KeyId=far_key.id, Plaintext=opened, EncryptionContext=CONTEXT)["CiphertextBlob"]
    home.disable_key(KeyId=home_key.id)
    again = far.decrypt(CiphertextBlob=moved, EncryptionContext=CONTEXT)
    assert again["KeyId"] == far_key.arn
    assert AESGCM(again["Plaintext"]).decrypt(body[:12], body[12:], None) == b"an object"


def test_a_re_encryption_stays_in_its_region(world):
    """R68: neither the source nor the destination can be of another Region."""
    home_key, far_key = world.make_key(), world.make_key(region=FAR_REGION)
    blob = world.kms().encrypt(KeyId=home_key.id, Plaintext=b"m")["CiphertextBlob"]
    call = {"CiphertextBlob": blob, "DestinationKeyId": far_key.arn}
    refused("NotFoundException", f"Invalid arn {FAR_REGION}", world.kms().re_encrypt, **call)


def test_a_card_number_is_read_by_decryption_alone(fresh):
    """R70: on no disk, in no record or output; who may not decrypt does not see it; the audit lists each use."""
    kms, key, hunt = fresh.kms(), fresh.make_key(), Hunt()
    hunt.add("card number", CARD_NUMBER)
    blob = kms.encrypt(KeyId=key.id, Plaintext=CARD_NUMBER, EncryptionContext=CONTEXT)["CiphertextBlob"]
    assert not hunt.in_bytes(blob)
    denied = no_identity_policy(user("Bob"), "kms:Decrypt", CIPHERTEXT)
    call = {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}
    refused("AccessDeniedException", denied, fresh.kms("Bob").decrypt, **call)
    assert kms.decrypt(**call)["Plaintext"] == CARD_NUMBER
    uses = [
        (record["eventName"], record.get("errorCode"), record["requestParameters"]["encryptionContext"])
        for record in trail.records(fresh.server)
        if record["eventName"] in ("Encrypt", "Decrypt")
    ]
    assert uses == [("Encrypt", None, CONTEXT), ("Decrypt", "AccessDenied", CONTEXT), ("Decrypt", None, CONTEXT)]
    fresh.server.stop()
    assert hunt.in_folder(fresh.server.data_dir) == {}
    assert not hunt.in_bytes("".join(fresh.server.output).encode())
    fresh.server.start()
    assert fresh.kms().decrypt(**call)["Plaintext"] == CARD_NUMBER


@pytest.mark.parametrize("taken", ["disabled", "material deleted"])
def test_who_has_a_data_key_goes_on_and_nobody_gets_it_again(world, taken):
    """R101: taking the key away stops no work under a data key in use; the next one to unwrap it is told why not."""
    kms, key, material = world.kms(), world.make_key(Origin="EXTERNAL"), os.urandom(32)
    bring_in(kms, key.id, material)
    data_key = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256")
    in_use, nonce = AESGCM(data_key["Plaintext"]), os.urandom(12)
    block = in_use.encrypt(nonce, b"before", None)
    unwrap = {"CiphertextBlob": data_key["CiphertextBlob"]}
    if taken == "disabled":
        kms.disable_key(KeyId=key.id)
        refused("DisabledException", f"{key.arn} is disabled.", kms.decrypt, **unwrap)
    else:
        kms.delete_imported_key_material(KeyId=key.id)
        refused("KMSInvalidStateException", f"{key.arn} is pending import.", kms.decrypt, **unwrap)
    assert in_use.decrypt(nonce, block, None) == b"before"
    if taken == "disabled":
        kms.enable_key(KeyId=key.id)
    else:
        bring_in(kms, key.id, material)
    assert kms.decrypt(**unwrap)["Plaintext"] == data_key["Plaintext"]
