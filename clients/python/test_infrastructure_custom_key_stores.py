"""External key stores: their life, their keys, and that neither the server nor the proxy alone opens a ciphertext."""

import base64
import re

import pytest

import trail
import xks_proxy
from aws import error_of, refused, request_id
from outside import OTHER_HOST, Outside, TIMEOUT_MS, VPC_SERVICE
from secrecy import Hunt
from world import Key

CONTEXT = {"purpose": "custom key store"}
# What the proxy says, and what it means to CreateCustomKeyStore, to ConnectCustomKeyStore and to CreateKey.
REFUSALS = {
    "ValidationException": (
        "XksProxyInvalidResponseException", "XKS_PROXY_INVALID_RESPONSE", "CustomKeyStoreInvalidStateException"),
    "InvalidStateException": (
        "XksProxyInvalidConfigurationException", "XKS_PROXY_INVALID_CONFIGURATION",
        "XksKeyInvalidConfigurationException"),
    "InvalidKeyUsageException": (
        "XksProxyInvalidResponseException", "XKS_PROXY_INVALID_RESPONSE", "XksKeyInvalidConfigurationException"),
    "AuthenticationFailedException": (
        "XksProxyIncorrectAuthenticationCredentialException", "INVALID_CREDENTIALS",
        "CustomKeyStoreInvalidStateException"),
    "AccessDeniedException": (
        "XksProxyInvalidConfigurationException", "XKS_PROXY_ACCESS_DENIED", "CustomKeyStoreInvalidStateException"),
    "KeyNotFoundException": (
        "XksProxyInvalidConfigurationException", "XKS_PROXY_INVALID_CONFIGURATION", "XksKeyNotFoundException"),
    "InvalidUriPathException": (
        "XksProxyInvalidConfigurationException", "XKS_PROXY_INVALID_CONFIGURATION",
        "CustomKeyStoreInvalidStateException"),
    "ThrottlingException": (
        "XksProxyUriUnreachableException", "XKS_PROXY_NOT_REACHABLE", "CustomKeyStoreInvalidStateException"),
    "UnsupportedOperationException": (
        "XksProxyInvalidResponseException", "XKS_PROXY_INVALID_RESPONSE", "CustomKeyStoreInvalidStateException"),
    "DependencyTimeoutException": (
        "XksProxyUriUnreachableException", "XKS_PROXY_TIMED_OUT", "CustomKeyStoreInvalidStateException"),
    "InternalException": (
        "XksProxyInvalidResponseException", "XKS_PROXY_INVALID_RESPONSE", "CustomKeyStoreInvalidStateException"),
    "NoSuchException": (
        "XksProxyInvalidResponseException", "XKS_PROXY_INVALID_RESPONSE", "CustomKeyStoreInvalidStateException"),
}  # fmt: skip


@pytest.fixture
def outside(servers, tmp_path):
    made = Outside(servers, tmp_path)
    yield made
    made.proxy.stop()


def uses(kms, key: Key, blob: bytes) -> dict:
    """Every use of a key in an external key store."""
    return {
        "Encrypt": (kms.encrypt, {"KeyId": key.id, "Plaintext": b"m"}),
        "Decrypt": (kms.decrypt, {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}),
        "ReEncrypt": (
            kms.re_encrypt,
            {"CiphertextBlob": blob, "SourceEncryptionContext": CONTEXT, "DestinationKeyId": key.id},
        ),
        "GenerateDataKey": (kms.generate_data_key, {"KeyId": key.id, "KeySpec": "AES_256"}),
        "GenerateDataKeyWithoutPlaintext": (
            kms.generate_data_key_without_plaintext,
            {"KeyId": key.id, "KeySpec": "AES_256"},
        ),
    }


def test_a_store_lives_as_the_state_table_says(outside):
    """Each operation in each state that lasts; the server asks the proxy before it takes it and when it connects."""
    kms = outside.kms
    store = outside.create()
    assert re.fullmatch("cks-[0-9a-f]{17}", store)
    found = outside.described(store)
    assert found["ConnectionState"] == "DISCONNECTED" and found["CustomKeyStoreType"] == "EXTERNAL_KEY_STORE"
    assert found["XksProxyConfiguration"] == {
        "Connectivity": "PUBLIC_ENDPOINT",
        "AccessKeyId": xks_proxy.ACCESS_KEY_ID,
        "UriEndpoint": f"https://{xks_proxy.HOST}",
        "UriPath": "/kms/xks/v1",
    }
    assert [body["requestMetadata"]["kmsOperation"] for body in outside.proxy.asked("health")] == [
        "CreateCustomKeyStore"
    ]
    wrong_state = "CustomKeyStoreInvalidStateException"
    assert error_of(kms.disconnect_custom_key_store, CustomKeyStoreId=store) == wrong_state
    new_key = {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": "x"}
    assert error_of(kms.create_key, **new_key) == wrong_state
    assert outside.connect(store)["ConnectionState"] == "CONNECTED"
    assert outside.proxy.asked("health")[-1]["requestMetadata"]["kmsOperation"] == "ConnectCustomKeyStore"
    assert outside.connect(store)["ConnectionState"] == "CONNECTED"
    assert error_of(kms.delete_custom_key_store, CustomKeyStoreId=store) == wrong_state
    moved = {"XksProxyUriEndpoint": "https://b.example.test"}
    assert error_of(kms.update_custom_key_store, CustomKeyStoreId=store, **moved) == wrong_state
    kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="another name")
    assert outside.described(store)["CustomKeyStoreName"] == "another name"
    assert outside.disconnect(store)["ConnectionState"] == "DISCONNECTED"
    outside.proxy.refuse["health"] = "AccessDeniedException"
    assert outside.connect(store)["ConnectionState"] == "FAILED"
    assert error_of(kms.connect_custom_key_store, CustomKeyStoreId=store) == wrong_state
    assert error_of(kms.delete_custom_key_store, CustomKeyStoreId=store) == wrong_state
    assert error_of(kms.update_custom_key_store, CustomKeyStoreId=store, NewCustomKeyStoreName="n") == wrong_state
    assert error_of(kms.create_key, **new_key) == wrong_state
    assert outside.disconnect(store)["ConnectionState"] == "DISCONNECTED"
    assert set(kms.delete_custom_key_store(CustomKeyStoreId=store)) == {"ResponseMetadata"}
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    for call in (
        kms.describe_custom_key_stores,
        kms.connect_custom_key_store,
        kms.disconnect_custom_key_store,
        kms.delete_custom_key_store,
        kms.update_custom_key_store,
    ):
        assert error_of(call, CustomKeyStoreId=store) == "CustomKeyStoreNotFoundException"
    assert error_of(kms.create_key, **new_key) == "CustomKeyStoreNotFoundException"
    assert error_of(kms.generate_random, NumberOfBytes=1, CustomKeyStoreId=store) == "CustomKeyStoreNotFoundException"


def test_what_the_proxy_refuses_is_told_by_its_name(outside):
    """The specification's table: at creation, when the store is connected, and when a key is made."""
    kms, proxy = outside.kms, outside.proxy
    store, other = outside.connected(), outside.create(XksProxyUriEndpoint="https://b.example.test")
    proxy.add_key("x")
    new_key = {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": "x"}
    for said, (at_creation, at_connection, at_new_key) in REFUSALS.items():
        proxy.refuse = {"health": said, "metadata": said}
        made = outside.parameters(XksProxyUriEndpoint="https://c.example.test")
        assert error_of(kms.create_custom_key_store, **made) == at_creation, said
        assert outside.connect(other)["ConnectionErrorCode"] == at_connection, said
        assert error_of(kms.create_key, **new_key) == at_new_key, said
        proxy.refuse = {}
        outside.disconnect(other)
    proxy.managers = ["UNAVAILABLE"]
    made = outside.parameters(XksProxyUriEndpoint="https://c.example.test")
    assert error_of(kms.create_custom_key_store, **made) == "XksProxyUriUnreachableException"
    assert outside.connect(other)["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"
    proxy.managers = []
    outside.disconnect(other)
    assert outside.connect(other)["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"


def test_a_way_that_fails_is_told_from_a_proxy_that_fails(outside, tmp_path):
    """No port, no name, another certificate, an answer that is none, one that is endless, one that never comes."""
    kms, proxy = outside.kms, outside.proxy

    def create(**changed):
        return error_of(kms.create_custom_key_store, **outside.parameters(**changed))

    assert create(XksProxyUriEndpoint="https://refused.example.test") == "XksProxyUriUnreachableException"
    assert create(XksProxyUriEndpoint="https://no-such-host.invalid") == "XksProxyUriUnreachableException"
    assert create(XksProxyUriEndpoint="https://localhost") == "XksProxyUriUnreachableException"
    assert create(XksProxyUriEndpoint=f"https://{OTHER_HOST}") == "XksProxyUriUnreachableException"
    asked = len(proxy.requests)
    assert create(XksProxyUriPath="/elsewhere/kms/xks/v1") == "XksProxyInvalidConfigurationException"
    wrong = {"AccessKeyId": xks_proxy.ACCESS_KEY_ID, "RawSecretAccessKey": xks_proxy.SECRET[::-1]}
    assert create(XksProxyAuthenticationCredential=wrong) == "XksProxyIncorrectAuthenticationCredentialException"
    wrong = {"AccessKeyId": xks_proxy.ACCESS_KEY_ID[::-1], "RawSecretAccessKey": xks_proxy.SECRET}
    assert create(XksProxyAuthenticationCredential=wrong) == "XksProxyIncorrectAuthenticationCredentialException"
    assert len(proxy.requests) == asked, "a wrong signature must not get through"
    for spoiled in (b"", b"no json", b"[]", b"{}", b"x" * (1 << 20)):
        proxy.answer["health"] = lambda _, spoiled=spoiled: spoiled
        assert create() == "XksProxyInvalidResponseException", spoiled[:10]
    proxy.answer.clear()
    proxy.delay = TIMEOUT_MS / 1000 + 0.5
    assert create() == "XksProxyUriUnreachableException"
    proxy.delay = 0
    store = outside.create()
    proxy.delay = TIMEOUT_MS / 1000 + 0.5
    assert outside.connect(store)["ConnectionErrorCode"] == "XKS_PROXY_TIMED_OUT"
    proxy.delay = 0
    outside.disconnect(store)
    proxy.stop()
    assert outside.connect(store)["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"


def test_neither_side_alone_opens_a_ciphertext(outside):
    """The proxy sees ciphertext of the server's; without its key, or without the server's, nothing opens."""
    kms, proxy = outside.kms, outside.proxy
    store = outside.connected()
    key = outside.key(store)
    (asked,) = proxy.asked("metadata")
    assert asked["requestMetadata"]["kmsOperation"] == "CreateKey" and "kmsKeyArn" not in asked["requestMetadata"]
    plaintext = b"a plaintext that the proxy must not see"
    answer = kms.encrypt(KeyId=key.id, Plaintext=plaintext, EncryptionContext=CONTEXT)
    blob = answer["CiphertextBlob"]
    (sent,) = proxy.asked("encrypt")
    assert sent["requestMetadata"] == {
        "awsPrincipalArn": "arn:aws:iam::111122223333:user/Admin",
        "kmsKeyArn": key.arn,
        "kmsOperation": "Encrypt",
        "kmsRequestId": request_id(answer),
    }
    inner = base64.b64decode(sent["plaintext"])
    hunt = Hunt()
    hunt.add("plaintext", plaintext)
    assert not hunt.in_bytes(str(proxy.requests).encode()) and not hunt.in_bytes(inner)
    assert len(inner) == len(plaintext) + 152 and inner not in blob
    # What the proxy sees is a ciphertext, and still none that the server opens without the proxy.
    for context in ({}, CONTEXT):
        assert error_of(kms.decrypt, CiphertextBlob=inner, EncryptionContext=context) == "InvalidCiphertextException"
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == plaintext and opened["KeyId"] == key.arn
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=key.id)["Plaintext"] == plaintext
    refused_use = "KMSInvalidStateException"
    assert error_of(kms.decrypt, CiphertextBlob=blob) == refused_use
    assert error_of(kms.decrypt, CiphertextBlob=blob, EncryptionContext={"purpose": "other"}) == refused_use
    # Another external key under the same name: the server's own key does not make up for it.
    kept = proxy.keys["external-1"]
    proxy.add_key("external-1")
    assert error_of(kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT) == refused_use
    proxy.keys["external-1"] = kept
    # A proxy that answers something else than what was encrypted: the external key does not make up for the server's.
    forged = base64.b64encode(bytes(len(inner))).decode()
    proxy.answer["decrypt"] = lambda _: {"plaintext": forged}
    assert error_of(kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT) == "InvalidCiphertextException"
    proxy.answer.clear()
    # Nor does another KMS key on the same external key, in another store.
    other = outside.key(outside.connected(XksProxyUriEndpoint="https://b.example.test"))
    assert error_of(
        kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=other.id
    ) == "IncorrectKeyException"
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext


@pytest.mark.parametrize(("metadata", "iv_bytes"), [(None, 12), (b"", 12), (b"x" * 20, 16)])
def test_every_form_of_answer_of_the_specification_goes_round(outside, metadata, iv_bytes):
    """Metadata of 0 to 20 bytes, both lengths of vectors; the longest plaintext; every byte of a blob counts."""
    kms, proxy = outside.kms, outside.proxy
    proxy.metadata, proxy.iv_bytes = metadata, iv_bytes
    key = outside.key(outside.connected())
    plaintext = bytes(range(256)) * 16
    blob = kms.encrypt(KeyId=key.id, Plaintext=plaintext, EncryptionContext=CONTEXT)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext
    small = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    for at in range(len(small)):
        changed = small[:at] + bytes([small[at] ^ 0x80]) + small[at + 1 :]
        assert error_of(kms.decrypt, CiphertextBlob=changed, KeyId=key.id) in (
            "InvalidCiphertextException", "KMSInvalidStateException", "IncorrectKeyException",
        ), at  # fmt: skip
    for end in range(1, len(small)):
        assert error_of(kms.decrypt, CiphertextBlob=small[:end]) is not None


def test_answers_that_break_the_specification_are_not_taken(outside):
    """A ciphertext that would not open again must not be handed out: lengths and the integrity value are checked."""
    kms, proxy = outside.kms, outside.proxy
    key = outside.key(outside.connected())
    text = lambda content: base64.b64encode(content).decode()  # noqa: E731
    for changed in (
        {"ciphertextDataIntegrityValue": text(bytes(32))},
        {"ciphertextDataIntegrityValue": None},
        {"ciphertextMetadata": text(bytes(21))},
        {"initializationVector": text(bytes(13))},
        {"authenticationTag": text(bytes(12))},
        {"ciphertext": text(b"short")},
        {"ciphertext": "no base64"},
    ):
        proxy.answer["encrypt"] = lambda same, changed=changed: {**same, **changed}
        assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") == "KMSInvalidStateException", changed
        assert error_of(kms.generate_data_key, KeyId=key.id, KeySpec="AES_256") == "KMSInvalidStateException"
    proxy.answer.clear()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    proxy.answer["decrypt"] = lambda _: {"plaintext": text(b"short")}
    assert error_of(kms.decrypt, CiphertextBlob=blob) == "KMSInvalidStateException"


def test_every_use_of_a_key_passes_the_proxy_and_what_is_not_supported_is_refused(outside):
    """The matrix: uses work, also to and from keys of the server alone; rotation, import and key pairs do not."""
    kms, proxy, world = outside.kms, outside.proxy, outside.world
    store = outside.connected()
    key, plain = outside.key(store), world.make_key()
    metadata = kms.describe_key(KeyId=key.id)["KeyMetadata"]
    assert metadata["Origin"] == "EXTERNAL_KEY_STORE" and metadata["CustomKeyStoreId"] == store
    assert metadata["XksKeyConfiguration"] == {"Id": "external-1"} and "CurrentKeyMaterialId" not in metadata
    assert metadata["KeyState"] == "Enabled" and metadata["MultiRegion"] is False
    made = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["Plaintext"]
    sealed = kms.generate_data_key_without_plaintext(KeyId=key.id, NumberOfBytes=24)["CiphertextBlob"]
    assert len(kms.decrypt(CiphertextBlob=sealed)["Plaintext"]) == 24
    start = kms.encrypt(KeyId=plain.id, Plaintext=b"moved")["CiphertextBlob"]
    inward = kms.re_encrypt(CiphertextBlob=start, DestinationKeyId=key.id, DestinationEncryptionContext=CONTEXT)
    assert inward["SourceKeyId"] == plain.arn and inward["KeyId"] == key.arn
    same = kms.re_encrypt(
        CiphertextBlob=inward["CiphertextBlob"], SourceEncryptionContext=CONTEXT, DestinationKeyId=key.id
    )
    outward = kms.re_encrypt(CiphertextBlob=same["CiphertextBlob"], DestinationKeyId=plain.id)
    assert kms.decrypt(CiphertextBlob=outward["CiphertextBlob"], KeyId=plain.id)["Plaintext"] == b"moved"
    operations = {body["requestMetadata"]["kmsOperation"] for _, body in proxy.requests}
    assert operations >= {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt", "Decrypt"}
    record = trail.record_of(world.server, request_id(made))
    assert record["additionalEventData"]["customKeyStoreId"] == store
    assert record["additionalEventData"]["xksKeyId"] == "external-1"
    record = trail.record_of(world.server, request_id(inward))
    assert record["additionalEventData"]["destinationXksKeyId"] == "external-1"
    assert "sourceXksKeyId" not in record["additionalEventData"]
    wrong = f"{key.arn} origin is EXTERNAL_KEY_STORE which is not valid for this operation."
    pair = {"KeyId": key.id, "KeyPairSpec": "ECC_NIST_P256"}
    wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    for call, parameters in (
        (kms.enable_key_rotation, {"KeyId": key.id}),
        (kms.disable_key_rotation, {"KeyId": key.id}),
        (kms.get_key_rotation_status, {"KeyId": key.id}),
        (kms.list_key_rotations, {"KeyId": key.id}),
        (kms.rotate_key_on_demand, {"KeyId": key.id}),
        (kms.generate_data_key_pair, pair),
        (kms.generate_data_key_pair_without_plaintext, pair),
        (kms.get_parameters_for_import, {"KeyId": key.id, **wrapping}),
        (kms.delete_imported_key_material, {"KeyId": key.id}),
    ):
        refused("UnsupportedOperationException", wrong, call, **parameters)
    assert error_of(kms.generate_random, NumberOfBytes=8, CustomKeyStoreId=store) == "UnsupportedOperationException"


def test_a_disconnected_store_makes_its_keys_unavailable(outside):
    """At once when DisconnectCustomKeyStore returns; management goes on; connecting again brings everything back."""
    kms = outside.kms
    store = outside.connected()
    key, gone = outside.key(store), outside.key(store, "external-2")
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"before", EncryptionContext=CONTEXT)["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=gone.id, PendingWindowInDays=7)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    asked = len(outside.proxy.requests)
    assert outside.state(key) == "Unavailable"
    for call, parameters in uses(kms, key, blob).values():
        refused("KMSInvalidStateException", f"{key.arn} is unavailable.", call, **parameters)
    assert len(outside.proxy.requests) == asked
    assert outside.state(gone) == "PendingDeletion"
    assert outside.settled(store)["ConnectionState"] == "DISCONNECTED"
    kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.create_alias(AliasName="alias/unavailable", TargetKeyId=key.id)
    kms.create_grant(KeyId=key.id, GranteePrincipal="arn:aws:iam::111122223333:user/Bob", Operations=["Decrypt"])
    kms.disable_key(KeyId=key.id)
    assert outside.state(key) == "Unavailable"
    assert error_of(kms.delete_custom_key_store, CustomKeyStoreId=store) == "CustomKeyStoreHasCMKsException"
    outside.connect(store)
    assert outside.state(key) == "Disabled"
    kms.enable_key(KeyId=key.id)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"before"
    outside.disconnect(store)
    outside.proxy.refuse["health"] = "InternalException"
    assert outside.connect(store)["ConnectionState"] == "FAILED"
    assert outside.state(key) == "Unavailable"
    assert kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    assert outside.state(key) == "PendingDeletion"


def test_a_failing_proxy_fails_the_use_and_not_the_store(outside):
    """Each failure is KMSInvalidStateException without the proxy's words; the store stays connected and comes back."""
    kms, proxy = outside.kms, outside.proxy
    store = outside.connected()
    key = outside.key(store)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=CONTEXT)["CiphertextBlob"]
    for said in REFUSALS:
        proxy.refuse = {"encrypt": said, "decrypt": said}
        for call, parameters in uses(kms, key, blob).values():
            answer = refused("KMSInvalidStateException", re.compile(".+"), call, **parameters)
            assert "told by the proxy" not in answer["Error"]["Message"]
    proxy.refuse = {}
    proxy.states["external-1"] = "DISABLED"
    assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") == "KMSInvalidStateException"
    proxy.states.clear()
    proxy.delay = TIMEOUT_MS / 1000 + 0.5
    message = "The external key store proxy did not answer in time."
    refused("KMSInvalidStateException", message, kms.encrypt, KeyId=key.id, Plaintext=b"m")
    proxy.delay = 0
    proxy.stop()
    message = "The external key store proxy cannot be reached."
    refused("KMSInvalidStateException", message, kms.encrypt, KeyId=key.id, Plaintext=b"m")
    assert outside.described(store)["ConnectionState"] == "CONNECTED" and outside.state(key) == "Enabled"
    proxy.start()
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"m"


def test_a_connection_is_used_again_and_replaced_when_it_is_dead(outside):
    """A TLS handshake for each call would not fit the proxy's time; a proxy that closed its end costs no call."""
    kms, proxy = outside.kms, outside.proxy
    key = outside.key(outside.connected())
    before = proxy.connections
    for _ in range(10):
        kms.encrypt(KeyId=key.id, Plaintext=b"m")
    assert proxy.connections - before <= 1
    for _ in range(3):
        proxy.stop()
        proxy.start()
        kms.encrypt(KeyId=key.id, Plaintext=b"m")


def test_an_external_key_must_fit_and_belongs_to_one_key(outside):
    kms, proxy = outside.kms, outside.proxy
    store = outside.connected()

    def make(external, **changed):
        asked = {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": external, **changed}
        return error_of(kms.create_key, **{name: value for name, value in asked.items() if value is not None})

    assert make("missing") == "XksKeyNotFoundException"
    for name, changed in (("weak", {"keySpec": "AES_128"}), ("one-way", {"keyUsage": ["ENCRYPT"]}),
                          ("off", {"keyStatus": "DISABLED"})):  # fmt: skip
        proxy.add_key(name)
        proxy.answer["metadata"] = lambda same, changed=changed: {**same, **changed}
        assert make(name) == "XksKeyInvalidConfigurationException"
    proxy.answer.clear()
    key = outside.key(store, "shared")
    assert make("shared") == "XksKeyAlreadyInUseException"
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    assert make("shared") == "XksKeyAlreadyInUseException"
    proxy.add_key("x")
    assert make("x", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY") == "UnsupportedOperationException"
    assert make("x", MultiRegion=True) == "UnsupportedOperationException"
    assert make("x", Origin="AWS_CLOUDHSM", XksKeyId=None) == "UnsupportedOperationException"
    assert make(None) == "ValidationException"
    assert make("x", CustomKeyStoreId=None) == "ValidationException"
    assert make("x", Origin="AWS_KMS") == "ValidationException"
    assert make("x", Origin="EXTERNAL", CustomKeyStoreId=None) == "ValidationException"
    assert make("no/slash") == "ValidationException"
    assert make("x") is None


def test_an_external_key_is_free_again_when_its_kms_key_is_deleted(outside):
    """The waiting period ends, the KMS key goes, the external key is left alone, and the store can be deleted."""
    kms, server = outside.kms, outside.world.server
    store = outside.connected()
    key = outside.key(store)
    asked = len(outside.proxy.requests)
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    server.advance(8 * 86_400)
    assert error_of(kms.describe_key, KeyId=key.id) == "NotFoundException"
    assert len(outside.proxy.requests) == asked
    again = outside.key(store)
    # Signatures to the proxy follow the time of the world, which no test moves.
    kms.encrypt(KeyId=again.id, Plaintext=b"m")
    kms.schedule_key_deletion(KeyId=again.id, PendingWindowInDays=7)
    server.advance(8 * 86_400)
    outside.disconnect(store)
    kms.delete_custom_key_store(CustomKeyStoreId=store)


def test_names_uris_and_services_are_unique(outside):
    kms = outside.kms
    first = outside.create(CustomKeyStoreName="taken")

    def create(**changed):
        return error_of(kms.create_custom_key_store, **outside.parameters(**changed))

    b, c = "https://b.example.test", "https://c.example.test"
    assert create(CustomKeyStoreName="taken", XksProxyUriEndpoint=b) == "CustomKeyStoreNameInUseException"
    assert create() == "XksProxyUriInUseException"
    assert create(XksProxyUriEndpoint=f"https://{xks_proxy.HOST.upper()}") == "XksProxyUriInUseException"
    vpc = {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyVpcEndpointServiceName": VPC_SERVICE}
    assert create(XksProxyUriPath="/p/kms/xks/v1", **vpc) == "XksProxyUriEndpointInUseException"
    unknown = {**vpc, "XksProxyVpcEndpointServiceName": "com.amazonaws.vpce.us-west-2.vpce-svc-0unknown"}
    assert create(XksProxyUriEndpoint=b, **unknown) == "XksProxyVpcEndpointServiceNotFoundException"
    second = outside.create(XksProxyUriEndpoint=b, **vpc)
    assert create(XksProxyUriEndpoint=c, **vpc) == "XksProxyVpcEndpointServiceInUseException"
    loose = outside.world.kms(validate=False)
    update = lambda **changed: error_of(loose.update_custom_key_store, CustomKeyStoreId=second, **changed)  # noqa: E731
    assert update(NewCustomKeyStoreName="taken") == "CustomKeyStoreNameInUseException"
    public = {"XksProxyConnectivity": "PUBLIC_ENDPOINT", "XksProxyVpcEndpointServiceName": ""}
    assert update(XksProxyUriEndpoint=f"https://{xks_proxy.HOST}", **public) == "XksProxyUriInUseException"
    far = outside.world.kms(region="us-east-1")
    assert far.create_custom_key_store(**outside.parameters(CustomKeyStoreName="taken"))["CustomKeyStoreId"] != first
    assert {store["CustomKeyStoreName"] for store in kms.describe_custom_key_stores()["CustomKeyStores"]} >= {"taken"}
    (found,) = kms.describe_custom_key_stores(CustomKeyStoreName="taken")["CustomKeyStores"]
    assert found["CustomKeyStoreId"] == first
    assert error_of(kms.describe_custom_key_stores, CustomKeyStoreName="none") == "CustomKeyStoreNotFoundException"


def test_an_endpoint_service_is_asked_when_the_store_is_connected(outside):
    """Also a certificate that does not name the host, as XKS_PROXY_INVALID_TLS_CONFIGURATION; then the way is changed."""
    kms, proxy = outside.kms, outside.proxy
    vpc = {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyVpcEndpointServiceName": VPC_SERVICE}
    store = outside.create(XksProxyUriEndpoint="https://private.example.test", **vpc)
    assert proxy.requests == [] and proxy.connections == 0
    configuration = outside.described(store)["XksProxyConfiguration"]
    assert configuration["VpcEndpointServiceName"] == VPC_SERVICE
    assert configuration["VpcEndpointServiceOwner"] == "111122223333"
    assert outside.connect(store)["ConnectionErrorCode"] == "XKS_PROXY_INVALID_TLS_CONFIGURATION"
    outside.disconnect(store)
    b = {"XksProxyUriEndpoint": "https://b.example.test"}
    kms.update_custom_key_store(CustomKeyStoreId=store, XksProxyVpcEndpointServiceOwner="444455556666", **b)
    assert outside.described(store)["XksProxyConfiguration"]["VpcEndpointServiceOwner"] == "444455556666"
    assert outside.connect(store)["ConnectionState"] == "CONNECTED"
    key = outside.key(store)
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    outside.disconnect(store)
    loose = outside.world.kms(validate=False)
    update = lambda **changed: error_of(loose.update_custom_key_store, CustomKeyStoreId=store, **changed)  # noqa: E731
    public = {"XksProxyConnectivity": "PUBLIC_ENDPOINT"}
    assert update(**public) == "ValidationException"
    assert update(**public, XksProxyUriEndpoint="https://c.example.test",
                  XksProxyVpcEndpointServiceName=VPC_SERVICE) == "ValidationException"  # fmt: skip
    assert update(**public, XksProxyUriEndpoint="https://c.example.test", XksProxyVpcEndpointServiceName="") is None
    assert "VpcEndpointServiceName" not in outside.described(store)["XksProxyConfiguration"]
    assert update(XksProxyVpcEndpointServiceName=VPC_SERVICE) == "ValidationException"
    assert update(KeyStorePassword="1234567") == "ValidationException"


def test_a_credential_is_exchanged_while_the_store_is_connected(outside):
    kms, proxy = outside.kms, outside.proxy
    store = outside.connected()
    key = outside.key(store)
    new = {"AccessKeyId": "ZYXWVUTSRQPONMLKJIHG", "RawSecretAccessKey": xks_proxy.SECRET.swapcase()}
    update = {"CustomKeyStoreId": store, "XksProxyAuthenticationCredential": new}
    assert error_of(kms.update_custom_key_store, **update) == "XksProxyIncorrectAuthenticationCredentialException"
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    proxy.credentials = {new["AccessKeyId"]: new["RawSecretAccessKey"]}
    assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") == "KMSInvalidStateException"
    kms.update_custom_key_store(**update)
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    assert outside.described(store)["XksProxyConfiguration"]["AccessKeyId"] == new["AccessKeyId"]


def test_stores_survive_a_kill_in_every_state(outside):
    """A connected one serves again, one that was being connected is connected, a failed one says so."""
    kms, proxy, server = outside.kms, outside.proxy, outside.world.server
    first = outside.connected()
    key = outside.key(first)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"before", EncryptionContext=CONTEXT)["CiphertextBlob"]
    second = outside.create(XksProxyUriEndpoint="https://b.example.test")
    third = outside.create(XksProxyUriEndpoint="https://c.example.test")
    proxy.refuse["health"] = "AuthenticationFailedException"
    outside.connect(third)
    proxy.refuse.clear()
    proxy.delay = 1
    kms.connect_custom_key_store(CustomKeyStoreId=second)
    assert outside.described(second)["ConnectionState"] == "CONNECTING"
    server.kill()
    proxy.delay = 0
    server.start()
    kms = outside.kms
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"before"
    assert outside.described(third)["ConnectionErrorCode"] == "INVALID_CREDENTIALS"
    assert outside.settled(second)["ConnectionState"] == "CONNECTED"
    assert trail.verify(server).returncode == 0


def test_a_store_that_is_being_connected_can_be_disconnected(outside):
    kms, proxy = outside.kms, outside.proxy
    store = outside.create()
    proxy.delay = 1
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert outside.settled(store)["ConnectionState"] == "DISCONNECTED"
    proxy.delay = 0
    assert outside.connect(store)["ConnectionState"] == "CONNECTED"


def test_secrets_of_a_store_are_in_no_file_log_record_or_answer(outside):
    kms, server = outside.kms, outside.world.server
    hunt = Hunt()
    hunt.add("secret access key", xks_proxy.SECRET.encode())
    store = outside.connected()
    outside.key(store)
    bad = {"AccessKeyId": xks_proxy.ACCESS_KEY_ID, "RawSecretAccessKey": xks_proxy.SECRET + "!"}
    loose = outside.world.kms(validate=False)
    message = re.compile("1 validation error detected: Value at 'xksProxyAuthenticationCredential.rawSecretAccessKey' .*")
    refused(
        "ValidationException", message, loose.create_custom_key_store,
        **outside.parameters(XksProxyAuthenticationCredential=bad),
    )  # fmt: skip
    short = {"CustomKeyStoreName": "n", "CloudHsmClusterId": "cluster-abcdefghijk", "TrustAnchorCertificate": "x"}
    hunt.add("password", b"p@ssword" * 5)
    answer = refused(
        "ValidationException", re.compile(".*'keyStorePassword'.*"), loose.create_custom_key_store,
        KeyStorePassword="p@ssword" * 5, **short,
    )  # fmt: skip
    assert not hunt.in_bytes(str(answer).encode() + str(kms.describe_custom_key_stores()).encode())
    server.stop()
    assert hunt.in_folder(server.data_dir) == {}
    assert not hunt.in_bytes("".join(server.output).encode())
    found = [record for record in trail.records(server) if record["eventName"] == "CreateCustomKeyStore"]
    assert "xksProxyUriEndpoint" in found[0]["requestParameters"]
    assert not hunt.in_bytes(str(found).encode())
    assert xks_proxy.ACCESS_KEY_ID not in str(found)


def test_each_operation_and_what_comes_of_it_is_recorded(outside):
    kms, server = outside.kms, outside.world.server
    made = kms.create_custom_key_store(**outside.parameters(CustomKeyStoreName="recorded"))
    store = made["CustomKeyStoreId"]
    record = trail.record_of(server, request_id(made))
    assert record["responseElements"] == {"customKeyStoreId": store} and record["readOnly"] is False
    assert record["requestParameters"]["customKeyStoreName"] == "recorded"
    outside.connect(store)
    outside.disconnect(store)
    outside.proxy.refuse["health"] = "AccessDeniedException"
    outside.connect(store)
    events = [r for r in trail.records(server) if r["eventType"] == "AwsServiceEvent"]
    assert [(event["eventName"], event["serviceEventDetails"]) for event in events] == [
        ("ConnectCustomKeyStore", {"customKeyStoreId": store, "connectionState": "CONNECTED"}),
        ("DisconnectCustomKeyStore", {"customKeyStoreId": store, "connectionState": "DISCONNECTED"}),
        (
            "ConnectCustomKeyStore",
            {
                "customKeyStoreId": store,
                "connectionState": "FAILED",
                "connectionErrorCode": "XKS_PROXY_ACCESS_DENIED",
            },
        ),
    ]
    calls = [r for r in trail.records(server) if r["eventType"] == "AwsApiCall" and r["eventName"].endswith("nectCustomKeyStore")]
    assert len(calls) == 3
    for call in calls:
        assert call["requestParameters"] == {"customKeyStoreId": store} and call["responseElements"] is None
        assert call["additionalEventData"] == {"customKeyStoreName": "recorded"}


def test_only_who_is_allowed_touches_a_store(outside):
    """Bob has no policy, Auditor may only look, another account sees nothing of the store."""
    store = outside.connected()
    bob, auditor, other = (outside.world.kms(who) for who in ("Bob", "Auditor", "444455556666/Carla"))
    requests = len(outside.proxy.requests)
    calls = {
        "create_custom_key_store": outside.parameters(XksProxyUriEndpoint="https://b.example.test"),
        "connect_custom_key_store": {"CustomKeyStoreId": store},
        "disconnect_custom_key_store": {"CustomKeyStoreId": store},
        "update_custom_key_store": {"CustomKeyStoreId": store, "NewCustomKeyStoreName": "bobs"},
        "delete_custom_key_store": {"CustomKeyStoreId": store},
    }
    for name, parameters in calls.items():
        for client in (bob, auditor):
            assert error_of(getattr(client, name), **parameters) == "AccessDeniedException", name
    assert error_of(bob.describe_custom_key_stores) == "AccessDeniedException"
    assert len(auditor.describe_custom_key_stores()["CustomKeyStores"]) == 1
    assert other.describe_custom_key_stores()["CustomKeyStores"] == []
    # Who may not, does not learn whether a store is there either.
    assert error_of(bob.delete_custom_key_store, CustomKeyStoreId="cks-00000000000000000") == "AccessDeniedException"
    for name, parameters in list(calls.items())[1:]:
        assert error_of(getattr(other, name), **parameters) == "CustomKeyStoreNotFoundException", name
    new_key = {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": "x"}
    assert error_of(other.create_key, **new_key) == "CustomKeyStoreNotFoundException"
    key = outside.key(store)
    assert error_of(bob.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    assert len(outside.proxy.requests) == requests + 1, "only the new key was asked for"
    assert outside.described(store)["ConnectionState"] == "CONNECTED"


def test_members_are_checked_before_anything_is_done(outside):
    kms = outside.world.kms(validate=False)

    def create(**changed):
        return error_of(kms.create_custom_key_store, **outside.parameters(**changed))

    for changed in (
        {"CustomKeyStoreName": None},
        {"CustomKeyStoreName": "x" * 257},
        {"CustomKeyStoreType": "OTHER"},
        {"XksProxyConnectivity": None},
        {"XksProxyUriEndpoint": "http://xks.example.test"},
        {"XksProxyUriEndpoint": "https://xks.example.test:443"},
        {"XksProxyUriEndpoint": "https://user@xks.example.test"},
        {"XksProxyUriPath": "/kms/xks"},
        {"XksProxyUriPath": "/../kms/xks/v1"},
        {"XksProxyAuthenticationCredential": None},
        {"XksProxyAuthenticationCredential": {"AccessKeyId": xks_proxy.ACCESS_KEY_ID}},
        {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE"},
        {"XksProxyVpcEndpointServiceName": VPC_SERVICE},
        {"XksProxyVpcEndpointServiceOwner": "111122223333"},
        {"CloudHsmClusterId": "cluster-abcdefghijk"},
        {"TrustAnchorCertificate": "x"},
        {"CustomKeyStoreType": None},
    ):
        assert create(**changed) == "ValidationException", changed
    certificate = outside.proxy.ca_file.read_text()
    hsm = {"CustomKeyStoreName": "hsm", "CloudHsmClusterId": "cluster-abcdefghijk", "TrustAnchorCertificate": certificate}
    assert error_of(kms.create_custom_key_store, **hsm) == "ValidationException"
    assert (
        error_of(kms.create_custom_key_store, KeyStorePassword="1234567", **hsm) == "CloudHsmClusterNotFoundException"
    )
    assert outside.proxy.requests == []
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    both = {"CustomKeyStoreId": "cks-00000000000000000", "CustomKeyStoreName": "x"}
    assert error_of(kms.describe_custom_key_stores, **both) == "ValidationException"


def test_an_account_has_ten_stores_in_a_region(outside):
    made = [outside.create(XksProxyUriPath="/kms/xks/v1")]
    proxy = outside.proxy
    for number in range(9):
        proxy.path = f"/n{number}/kms/xks/v1"
        made.append(outside.create(XksProxyUriPath=proxy.path))
    proxy.path = "/last/kms/xks/v1"
    last = outside.parameters(XksProxyUriPath=proxy.path)
    assert error_of(outside.kms.create_custom_key_store, **last) == "LimitExceededException"
    pages = outside.kms.get_paginator("describe_custom_key_stores").paginate(PaginationConfig={"PageSize": 3})
    pages = [[store["CustomKeyStoreId"] for store in page["CustomKeyStores"]] for page in pages]
    assert [len(page) for page in pages] == [3, 3, 3, 1] and sorted(made) == [id for page in pages for id in page]
    outside.kms.delete_custom_key_store(CustomKeyStoreId=made[0])
    outside.kms.create_custom_key_store(**last)
