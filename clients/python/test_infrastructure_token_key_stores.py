"""Custom key stores on a PKCS#11 token: SoftHSM stands in for the hardware, the rest is as it will be."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import trail
import xks_proxy
from aws import error_of, refused, request_id
from kanuki import wait_until
from secrecy import Hunt
from world import Key, World

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")
MODULE = next((path for path in MODULES if pathlib.Path(path).is_file()), None)
pytestmark = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None, reason="needs SoftHSM 2 (Debian package softhsm2)"
)

CLUSTER, EMPTY_CLUSTER, OTHER_CLUSTER = "cluster-abcdefghijk", "cluster-emptyempty22", "cluster-otherother22"
PASSWORD = "kmsuser password 1"
CONTEXT = {"purpose": "token"}
SETTLE_SECONDS_MAX = 30
DAY = 86_400


class Tokens:
    """A server, and a SoftHSM with a token that it knows under a cluster id."""

    def __init__(self, servers, folder):
        self.servers = servers
        self.folder = folder / "tokens"
        self.folder.mkdir()
        self._configuration = folder / "softhsm2.conf"
        self._configuration.write_text(f"directories.tokendir = {self.folder}\nlog.level = ERROR\n")
        for label in ("kanuki", "other"):
            self._util("--init-token", "--free", "--label", label, "--so-pin", "so password", "--pin", PASSWORD)
        ca_file, _ = xks_proxy.certificates(folder / "certificates")
        self.certificate = ca_file.read_text()
        self.config = folder / "kanuki.toml"
        self.config.write_text(
            f'[custom_key_stores.pkcs11]\nmodule = "{MODULE}"\n[custom_key_stores.pkcs11.clusters]\n'
            f'{CLUSTER} = "kanuki"\n{EMPTY_CLUSTER} = "no such token"\n{OTHER_CLUSTER} = "other"\n'
            f'[custom_key_stores.pkcs11.environment]\nSOFTHSM2_CONF = "{self._configuration}"\n{xks_proxy.QUOTAS}'
        )
        self.world = World(servers.make("tokens", config=self.config))

    def _util(self, *arguments: str) -> None:
        environment = {**os.environ, "SOFTHSM2_CONF": str(self._configuration)}
        subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True, env=environment, timeout=60)

    @property
    def kms(self):
        return self.world.kms()

    def parameters(self, **changed) -> dict:
        return {
            "CustomKeyStoreName": "token",
            "CloudHsmClusterId": CLUSTER,
            "TrustAnchorCertificate": self.certificate,
            "KeyStorePassword": PASSWORD,
            **changed,
        }

    def create(self, **changed) -> str:
        return self.kms.create_custom_key_store(**self.parameters(**changed))["CustomKeyStoreId"]

    def described(self, store: str) -> dict:
        return self.kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]

    def settled(self, store: str) -> dict:
        done = lambda: self.described(store)["ConnectionState"] not in ("CONNECTING", "DISCONNECTING")  # noqa: E731
        wait_until(done, SETTLE_SECONDS_MAX, "the store settles")
        return self.described(store)

    def connect(self, store: str) -> dict:
        self.kms.connect_custom_key_store(CustomKeyStoreId=store)
        return self.settled(store)

    def connected(self) -> str:
        store = self.create()
        assert self.connect(store)["ConnectionState"] == "CONNECTED"
        return store

    def key(self, store: str) -> Key:
        made = self.kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]
        assert made["CloudHsmClusterId"] == CLUSTER and made["CustomKeyStoreId"] == store
        return Key(made["Arn"])

    def helpers(self) -> list[int]:
        """The helper processes of the server."""
        found = []
        for pid in self.world.server.children():
            try:
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            found += [pid] if b"pkcs11-helper" in command else []
        return found


@pytest.fixture
def tokens(servers, tmp_path):
    return Tokens(servers, tmp_path)


def test_keys_of_a_token_do_all_that_keys_do(tokens):
    """Made in the token, used there; the metadata, the record and the refusals say so; a restart logs in again."""
    kms, server = tokens.kms, tokens.world.server
    store = tokens.create()
    found = tokens.described(store)
    assert found["CloudHsmClusterId"] == CLUSTER and found["TrustAnchorCertificate"] == tokens.certificate
    assert found["CustomKeyStoreType"] == "AWS_CLOUDHSM" and found["ConnectionState"] == "DISCONNECTED"
    new_key = {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store}
    assert error_of(kms.create_key, **new_key) == "CustomKeyStoreInvalidStateException"
    random = {"NumberOfBytes": 32, "CustomKeyStoreId": store}
    assert error_of(kms.generate_random, **random) == "CustomKeyStoreInvalidStateException"
    assert tokens.connect(store)["ConnectionState"] == "CONNECTED" and len(tokens.helpers()) == 1
    assert kms.generate_random(**random)["Plaintext"] != kms.generate_random(**random)["Plaintext"]
    key, plain = tokens.key(store), tokens.world.make_key()
    metadata = kms.describe_key(KeyId=key.id)["KeyMetadata"]
    assert metadata["Origin"] == "AWS_CLOUDHSM" and metadata["KeyState"] == "Enabled"
    assert "XksKeyConfiguration" not in metadata and "CurrentKeyMaterialId" not in metadata
    plaintext = bytes(range(256)) * 16
    answer = kms.encrypt(KeyId=key.id, Plaintext=plaintext, EncryptionContext=CONTEXT)
    blob = answer["CiphertextBlob"]
    data = trail.record_of(server, request_id(answer))["additionalEventData"]
    assert data["customKeyStoreId"] == store and data["clusterId"] == CLUSTER and len(data["backingKeyId"]) == 32
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext
    assert error_of(kms.decrypt, CiphertextBlob=blob) == "InvalidCiphertextException"
    small = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256")
    for at in range(len(small["CiphertextBlob"])):
        changed = bytearray(small["CiphertextBlob"])
        changed[at] ^= 1
        assert error_of(kms.decrypt, CiphertextBlob=bytes(changed), KeyId=key.id) in (
            "InvalidCiphertextException", "IncorrectKeyException",
        ), at  # fmt: skip
    moved = kms.re_encrypt(CiphertextBlob=small["CiphertextBlob"], DestinationKeyId=plain.id)["CiphertextBlob"]
    moved = kms.re_encrypt(CiphertextBlob=moved, DestinationKeyId=key.id)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=moved)["Plaintext"] == small["Plaintext"]
    wrong = f"{key.arn} origin is AWS_CLOUDHSM which is not valid for this operation."
    refused("UnsupportedOperationException", wrong, kms.enable_key_rotation, KeyId=key.id)
    server.restart()
    kms = tokens.kms
    assert tokens.described(store)["ConnectionState"] == "CONNECTED"
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext
    server.kill()
    server.start()
    assert tokens.kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == plaintext
    assert trail.verify(server).returncode == 0


def test_what_is_wrong_with_a_token_is_told_by_its_name(tokens):
    kms = tokens.kms
    create = lambda **changed: error_of(kms.create_custom_key_store, **tokens.parameters(**changed))  # noqa: E731
    assert create(CloudHsmClusterId="cluster-unknownunkno") == "CloudHsmClusterNotFoundException"
    assert create(CloudHsmClusterId=EMPTY_CLUSTER) == "CloudHsmClusterNotActiveException"
    for certificate in ("no certificate", tokens.certificate * 2, tokens.certificate.replace("M", "N", 1)):
        assert create(TrustAnchorCertificate=certificate) == "IncorrectTrustAnchorException"
    assert create(XksProxyUriPath="/kms/xks/v1") == "ValidationException"
    store = tokens.create(KeyStorePassword="another password")
    assert create(CustomKeyStoreName="second") == "CloudHsmClusterInUseException"
    assert create(CloudHsmClusterId=OTHER_CLUSTER) == "CustomKeyStoreNameInUseException"
    assert tokens.connect(store)["ConnectionErrorCode"] == "INVALID_CREDENTIALS"
    password = {"CustomKeyStoreId": store, "KeyStorePassword": PASSWORD}
    assert error_of(kms.update_custom_key_store, **password) == "CustomKeyStoreInvalidStateException"
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    tokens.settled(store)
    update = lambda **changed: error_of(kms.update_custom_key_store, CustomKeyStoreId=store, **changed)  # noqa: E731
    assert update(CloudHsmClusterId="cluster-unknownunkno") == "CloudHsmClusterNotFoundException"
    assert update(CloudHsmClusterId=OTHER_CLUSTER) == "CloudHsmClusterNotRelatedException"
    assert update(CloudHsmClusterId=CLUSTER, KeyStorePassword=PASSWORD) is None
    assert tokens.connect(store)["ConnectionState"] == "CONNECTED"


def test_a_helper_that_crashes_or_hangs_fails_its_calls_only(tokens):
    """A killed helper is started again; one that hangs is killed after a bounded time; the server serves on."""
    kms = tokens.kms
    store = tokens.connected()
    key, plain = tokens.key(store), tokens.world.make_key()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=CONTEXT)["CiphertextBlob"]
    for _ in range(3):
        (helper,) = tokens.helpers()
        os.kill(helper, signal.SIGKILL)
        assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") in (None, "KeyUnavailableException")
        again = lambda: error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") is None  # noqa: E731
        wait_until(again, SETTLE_SECONDS_MAX, "the token serves again")
    (helper,) = tokens.helpers()
    os.kill(helper, signal.SIGSTOP)
    message = "The token of the custom key store did not answer in time."
    refused("DependencyTimeoutException", message, kms.encrypt, KeyId=key.id, Plaintext=b"m")
    assert kms.encrypt(KeyId=plain.id, Plaintext=b"m")
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"m"
    assert helper not in tokens.helpers() and tokens.described(store)["ConnectionState"] == "CONNECTED"


def test_a_token_that_is_gone_fails_the_store_and_one_that_is_back_serves(tokens):
    """Neither side alone: without the token nothing opens, and it opens again when the token is back."""
    kms = tokens.kms
    store = tokens.connected()
    key = tokens.key(store)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=CONTEXT)["CiphertextBlob"]
    away = tokens.folder.with_name("away")
    tokens.folder.rename(away)
    tokens.folder.mkdir()
    for helper in tokens.helpers():
        os.kill(helper, signal.SIGKILL)
    refusals = ("KeyUnavailableException", "KMSInvalidStateException")
    assert error_of(kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT) in refusals
    failed = lambda: tokens.described(store)["ConnectionState"] == "FAILED"  # noqa: E731
    wait_until(failed, SETTLE_SECONDS_MAX, "the store fails")
    assert tokens.described(store)["ConnectionErrorCode"] == "CLUSTER_NOT_FOUND"
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "Unavailable"
    refused(
        "KMSInvalidStateException", f"{key.arn} is unavailable.",
        kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT,
    )  # fmt: skip
    tokens.folder.rmdir()
    away.rename(tokens.folder)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    tokens.settled(store)
    assert tokens.helpers() == []
    assert tokens.connect(store)["ConnectionState"] == "CONNECTED"
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"m"


def test_the_key_in_the_token_is_destroyed_with_the_kms_key(tokens):
    """The event tells of it; afterwards not even the whole data directory of before opens a ciphertext."""
    kms, server = tokens.kms, tokens.world.server
    store = tokens.connected()
    key = tokens.key(store)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=CONTEXT)["CiphertextBlob"]
    server.stop()
    before = server.data_dir.with_name("before")
    shutil.copytree(server.data_dir, before)
    server.start()
    kms = tokens.kms
    scheduled = kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    data = trail.record_of(server, request_id(scheduled))["additionalEventData"]
    assert data["clusterId"] == CLUSTER
    server.advance(8 * DAY)
    (event,) = [record for record in trail.records(server) if record["eventName"] == "DeleteKey"]
    details = event["serviceEventDetails"]
    assert details["customKeyStoreId"] == store and details["clusterId"] == CLUSTER
    backing = {"backingKeyId": data["backingKeyId"]}
    assert json.loads(details["backingKeys"]) == [backing]
    assert json.loads(details["backingKeysDeletionStatus"]) == [{**backing, "deletionStatus": "SUCCESS"}]
    server.stop()
    old = World(tokens.servers.over(before, config=tokens.config))
    assert old.kms().describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "Enabled"
    message = "The key is not in the token of its key store."
    refused(
        "KMSInvalidStateException", message, old.kms().decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT
    )


def test_the_password_of_a_token_is_in_no_file_log_record_or_answer(tokens):
    kms, server = tokens.kms, tokens.world.server
    hunt = Hunt()
    hunt.add("password", PASSWORD.encode())
    store = tokens.connected()
    tokens.key(store)
    assert not hunt.in_bytes(str(kms.describe_custom_key_stores()).encode())
    for pid in [server.pid, *tokens.helpers()]:
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not hunt.in_bytes(environment + command)
    server.stop()
    assert hunt.in_folder(server.data_dir) == {}
    assert not hunt.in_bytes("".join(server.output).encode())
    assert not hunt.in_bytes(str(trail.records(server)).encode())
