"""Encryption directly under a key, data keys, and the context that binds them."""

import re

import pytest

import policies
from aws import refused
from policies import CIPHERTEXT, allow, no_resource_policy, user
from world import full_use

TOO_LONG = (
    "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
    "Member must have length less than or equal to 4096"
)
ONE_OF = "Please specify either number of bytes or key spec."
OVERHEAD = 152


@pytest.mark.parametrize("size", [1, 16, 31, 32, 33, 1024, 4095, 4096])
def test_up_to_4096_bytes_are_encrypted_directly(world, key, size):
    """R44, R71b: they come back equal, and the ciphertext is 152 bytes longer."""
    plaintext = bytes(index % 251 for index in range(size))
    encrypted = world.kms().encrypt(KeyId=key.arn, Plaintext=plaintext)
    assert encrypted["KeyId"] == key.arn and encrypted["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert len(encrypted["CiphertextBlob"]) == size + OVERHEAD
    decrypted = world.kms().decrypt(CiphertextBlob=encrypted["CiphertextBlob"])
    assert decrypted["Plaintext"] == plaintext and decrypted["KeyId"] == key.arn
    assert re.fullmatch("[0-9a-f]{64}", decrypted["KeyMaterialId"])


def test_32_bytes_give_184(world, key):
    """R71b: deployed backup tools read a header of exactly that length."""
    assert len(world.kms().encrypt(KeyId=key.id, Plaintext=b"k" * 32)["CiphertextBlob"]) == 184
    assert len(world.kms().generate_data_key(KeyId=key.id, KeySpec="AES_256")["CiphertextBlob"]) == 184


def test_4097_bytes_and_none_are_refused(world, key):
    """R44: with the model's constraint in the message."""
    kms = world.kms(validate=False)
    refused("ValidationException", TOO_LONG, kms.encrypt, KeyId=key.id, Plaintext=b"x" * 4097)
    at_least_one = TOO_LONG.replace("less than or equal to 4096", "greater than or equal to 1")
    refused("ValidationException", at_least_one, kms.encrypt, KeyId=key.id, Plaintext=b"")


def test_no_two_ciphertexts_are_alike(world, key):
    """R28: each call has fresh randomness; nothing of the plaintext shows."""
    plaintext = b"\0" * 64
    blobs = {world.kms().encrypt(KeyId=key.id, Plaintext=plaintext)["CiphertextBlob"] for _ in range(20)}
    assert len(blobs) == 20
    # The header of a ciphertext has 15 reserved zeros of its own.
    assert all(b"\0" * 32 not in blob for blob in blobs)


RIGHT = {"tenant": "t-1", "Purpose": "backup"}


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"tenant": "t-2", "Purpose": "backup"}, id="wrong value"),
        pytest.param({"tenant": "t-1"}, id="missing pair"),
        pytest.param({**RIGHT, "more": "x"}, id="extra pair"),
        pytest.param({"tenant": "T-1", "Purpose": "backup"}, id="value in other case"),
        pytest.param({"tenant": "t-1", "purpose": "backup"}, id="name in other case"),
        pytest.param({"tenan": "tt-1", "Purpose": "backup"}, id="border moved within a pair"),
        pytest.param({"t-1": "tenant", "backup": "Purpose"}, id="names and values swapped"),
        pytest.param({"tenant": "t-1Purposebackup"}, id="pairs run together"),
        pytest.param({}, id="empty"),
    ],
)
def test_another_context_does_not_open(world, key, context):
    """R28: the pairs are authenticated data; the refusal has no message."""
    kms = world.kms()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"]
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    refused(
        "InvalidCiphertextException",
        None,
        kms.re_encrypt,
        CiphertextBlob=blob,
        DestinationKeyId=key.id,
        SourceEncryptionContext=context,
    )


def test_the_order_of_the_pairs_does_not_matter(world, key):
    """R28: and an empty context is no context."""
    kms = world.kms()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"]
    turned = dict(reversed(RIGHT.items()))
    assert list(turned) != list(RIGHT)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=turned)["Plaintext"] == b"m"
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext={})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"


def test_re_encryption_changes_key_and_context(world, key):
    """R28: and needs a right on each of the two keys, named as such in the denial."""
    kms, other = world.kms(), world.make_key()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=RIGHT,
        DestinationKeyId=other.arn,
        DestinationEncryptionContext={"new": "one"},
    )
    assert moved["SourceKeyId"] == key.arn and moved["KeyId"] == other.arn
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"new": "one"})
    assert opened["Plaintext"] == b"m" and opened["KeyId"] == other.arn
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=moved["CiphertextBlob"])
    parameters = {"CiphertextBlob": blob, "SourceEncryptionContext": RIGHT, "DestinationKeyId": other.arn}
    world.put_policy(other, allow(user("Bob"), "kms:ReEncryptTo"))
    world.put_policy(key)
    denied = no_resource_policy(user("Bob"), "kms:ReEncryptFrom", CIPHERTEXT)
    refused("AccessDeniedException", denied, world.kms("Bob").re_encrypt, **parameters)
    world.put_policy(key, allow(user("Bob"), "kms:ReEncrypt*"))
    world.kms("Bob").re_encrypt(**parameters)
    world.put_policy(other)
    denied = no_resource_policy(user("Bob"), "kms:ReEncryptTo", other.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").re_encrypt, **parameters)


def test_naming_the_wrong_key_is_refused(world, key):
    """R62: the ciphertext knows its key; a KeyId in Decrypt only confirms it."""
    kms, other = world.kms(), world.make_key()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    message = "The key ID in the request does not identify a CMK that can perform this operation."
    for name in (other.id, other.arn):
        refused("IncorrectKeyException", message, kms.decrypt, CiphertextBlob=blob, KeyId=name)
    for name in (key.id, key.arn):
        assert kms.decrypt(CiphertextBlob=blob, KeyId=name)["Plaintext"] == b"m"


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({"KeySpec": "AES_128"}, 16),
        ({"KeySpec": "AES_256"}, 32),
        ({"NumberOfBytes": 1}, 1),
        ({"NumberOfBytes": 64}, 64),
        ({"NumberOfBytes": 1024}, 1024),
    ],
)
def test_data_keys_of_any_size(world, key, parameters, size):
    """R45: the plaintext equals the decrypted ciphertext; two calls never give the same."""
    kms = world.kms()
    made = [kms.generate_data_key(KeyId=key.id, EncryptionContext=RIGHT, **parameters) for _ in range(2)]
    for one in made:
        assert len(one["Plaintext"]) == size and one["KeyId"] == key.arn
        opened = kms.decrypt(CiphertextBlob=one["CiphertextBlob"], EncryptionContext=RIGHT)
        assert opened["Plaintext"] == one["Plaintext"] and opened["KeyMaterialId"] == one["KeyMaterialId"]
    assert size == 1 or made[0]["Plaintext"] != made[1]["Plaintext"]
    assert made[0]["CiphertextBlob"] != made[1]["CiphertextBlob"]
    sealed = kms.generate_data_key_without_plaintext(KeyId=key.id, **parameters)
    assert "Plaintext" not in sealed
    assert len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == size


@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
def test_data_keys_of_no_size_are_refused(world, key, operation):
    """R45: 1,025 bytes, none, both a spec and a number, or neither."""
    call = getattr(world.kms(validate=False), operation)
    start = "1 validation error detected: Value '{}' at 'numberOfBytes' failed to satisfy constraint: "
    high = start.format(1025) + "Member must have value less than or equal to 1024"
    refused("ValidationException", high, call, KeyId=key.id, NumberOfBytes=1025)
    low = start.format(0) + "Member must have value greater than or equal to 1"
    refused("ValidationException", low, call, KeyId=key.id, NumberOfBytes=0)
    refused("ValidationException", ONE_OF, call, KeyId=key.id, NumberOfBytes=32, KeySpec="AES_256")
    refused("ValidationException", ONE_OF, call, KeyId=key.id)
    spec = re.compile(
        re.escape("1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: ")
        + r"Member must satisfy enum value set: \[(AES_256, AES_128|AES_128, AES_256)\]"
    )
    refused("ValidationException", spec, call, KeyId=key.id, KeySpec="AES_512")


def test_random_bytes(world):
    """R45: of the asked length, and never the same."""
    kms = world.kms(validate=False)
    values = {kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(20)}
    assert len(values) == 20 and {len(value) for value in values} == {32}
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
    refused("ValidationException", "NumberOfBytes is required.", kms.generate_random)


def test_who_may_use_a_key_need_not_administer_it(world):
    """R14: the console's statement for users gives use, and nothing else."""
    key = world.make_key(full_use(user("Bob")))
    bob = world.kms("Bob")
    made = bob.generate_data_key(KeyId=key.id, KeySpec="AES_256")
    assert bob.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    denied = no_resource_policy(user("Bob"), "kms:ScheduleKeyDeletion", key.arn)
    refused("AccessDeniedException", denied, bob.schedule_key_deletion, KeyId=key.id)
    policy = policies.document(policies.ADMIN)
    denied = no_resource_policy(user("Bob"), "kms:PutKeyPolicy", key.arn)
    refused("AccessDeniedException", denied, bob.put_key_policy, KeyId=key.id, Policy=policy)
