"""The AWS Encryption SDK for Python against the server: envelope encryption of a real file, and cached data keys."""

import hashlib
import io
import random

import aws_encryption_sdk
import botocore.session
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput

import trail
from policies import allow, user

FILE_BYTES = 10 * 1024 * 1024
MESSAGES = 25
MESSAGES_PER_DATA_KEY = 10


@pytest.fixture
def sdk():
    """The SDK with its default commitment policy."""
    return aws_encryption_sdk.EncryptionSDKClient()


def keyring(world, key, who="Admin"):
    """The key as the SDK sees it."""
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_aws_kms_keyring(
        input=CreateAwsKmsKeyringInput(kms_key_id=key.arn, kms_client=world.kms(who))
    )


def records(world, key, event_name: str) -> list[dict]:
    """The records of an operation on a key."""
    return [
        record
        for record in trail.records(world.server)
        if record["eventName"] == event_name and key.arn in [entry["ARN"] for entry in record.get("resources") or []]
    ]


def test_a_file_of_10_mb_is_encrypted_and_read_back(world, key, sdk, tmp_path):
    """R66, R69: one data key for the file, stored with it; the plaintext is nowhere in the message."""
    source, sealed, back = (tmp_path / name for name in ("source", "sealed", "back"))
    source.write_bytes(random.Random(66).randbytes(FILE_BYTES))
    context = {"file": "ten megabytes"}
    ring = keyring(world, key)
    with source.open("rb") as plain, sealed.open("wb") as out:
        with sdk.stream(mode="e", source=plain, keyring=ring, encryption_context=context) as stream:
            for chunk in stream:
                out.write(chunk)
    with sealed.open("rb") as message, back.open("wb") as out:
        with sdk.stream(mode="d", source=message, keyring=ring, encryption_context=context) as stream:
            for chunk in stream:
                out.write(chunk)
    assert _digest(back) == _digest(source)
    message = sealed.read_bytes()
    assert len(message) > FILE_BYTES and source.read_bytes()[:64] not in message
    # The wrapped data key is in the message, and only this key opens it.
    (made,) = records(world, key, "GenerateDataKey")
    assert made["requestParameters"]["encryptionContext"].items() >= context.items()
    assert key.arn.encode() in message
    assert len(records(world, key, "Decrypt")) == 1


def test_a_changed_context_is_refused(world, key, sdk):
    """R66, R28: by the SDK if the reader expects another, by the server if the message was changed."""
    ring = keyring(world, key)
    message, _ = sdk.encrypt(source=b"m" * 1000, keyring=ring, encryption_context={"purpose": "R66"})
    assert sdk.decrypt(source=message, keyring=ring)[0] == b"m" * 1000
    with pytest.raises(Exception, match="(?i)context"):
        sdk.decrypt(source=message, keyring=ring, encryption_context={"purpose": "other"})
    changed = message.replace(b"R66", b"R67", 1)
    assert changed != message
    with pytest.raises(Exception):
        sdk.decrypt(source=changed, keyring=ring)
    refusals = [record for record in records(world, key, "Decrypt") if record.get("errorCode")]
    assert [record["errorCode"] for record in refusals] == ["InvalidCiphertextException"]
    assert refusals[0]["requestParameters"]["encryptionContext"]["purpose"] == "R67"


def test_another_principal_cannot_read(world, sdk):
    """R66: the message is worth nothing without the right to use the key."""
    key = world.make_key(allow(user("Bob"), "kms:GenerateDataKey"))
    message, _ = sdk.encrypt(source=b"m", keyring=keyring(world, key, "Bob"))
    with pytest.raises(Exception):
        sdk.decrypt(source=message, keyring=keyring(world, key, "Bob"))
    (refusal,) = records(world, key, "Decrypt")
    assert trail.same_error(refusal["errorCode"], "AccessDeniedException")
    assert refusal["userIdentity"]["arn"] == user("Bob")
    assert sdk.decrypt(source=message, keyring=keyring(world, key))[0] == b"m"


def test_cached_data_keys_cut_the_calls(world, key, sdk, monkeypatch):
    """R67: 25 messages with at most 10 to a data key are 3 calls to encrypt and 3 to decrypt, as the trail shows."""
    messages = []
    encrypting, decrypting = (caching_manager(world, key, monkeypatch) for _ in range(2))
    for number in range(MESSAGES):
        message, _ = sdk.encrypt(source=f"message {number}".encode(), materials_manager=encrypting)
        messages.append(message)
    assert len(records(world, key, "GenerateDataKey")) == 3
    for number, message in enumerate(messages):
        plain, _ = sdk.decrypt(source=io.BytesIO(message), materials_manager=decrypting)
        assert plain == f"message {number}".encode()
    assert len(records(world, key, "Decrypt")) == 3
    assert len(records(world, key, "GenerateDataKey")) == 3


def caching_manager(world, key, monkeypatch):
    """A caching materials manager over this key; the SDK finds the server by the environment alone."""
    keys = world.keys("Admin")
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
    provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(
        key_ids=[key.arn], botocore_session=botocore.session.Session()
    )
    return aws_encryption_sdk.CachingCryptoMaterialsManager(
        master_key_provider=provider,
        cache=aws_encryption_sdk.LocalCryptoMaterialsCache(capacity=100),
        max_age=600.0,
        max_messages_encrypted=MESSAGES_PER_DATA_KEY,
    )


def _digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
