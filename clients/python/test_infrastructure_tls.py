"""Encrypted connections: what stock clients trust, what they are refused, and what the trail says of them."""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import time

import pytest
from botocore.exceptions import SSLError
from cryptography import x509

import aws
import trail
import xks_proxy
from kanuki import clean_environment, wait_until
from policies import HOME

ANYWHERE = "0.0.0.0:0"


def trust_of(server) -> pathlib.Path:
    return server.data_dir / "ca.pem"


def admin(server, **options):
    return aws.connect(server, server.profiles()["default"], **options)


def shown(server, trust, version=None, host="localhost") -> tuple[bytes, str]:
    """The certificate that a handshake shows, and the version of the protocol."""
    context = ssl.create_default_context(cafile=str(trust))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(server.address, timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as connection:
            return connection.getpeercert(binary_form=True), connection.version()


def test_off_loopback_there_is_tls_without_being_asked(servers, aws_cli):
    server = servers.make("anywhere", seeded=False, listen=ANYWHERE)
    assert server.endpoint.startswith("https://127.0.0.1:")
    kms = admin(server, trust=trust_of(server), region=server.regions[0])  # the Region that `kanuki env` gives
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"over the wire")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"over the wire"
    with pytest.raises(SSLError):
        admin(server).list_keys()  # nobody has told this client whom to trust
    exports = server.command("env").stdout
    done = subprocess.run(
        ["bash", "-c", f'eval "$1"; exec "{aws_cli}" kms list-keys --query "Keys[].KeyId" --output text', "-", exports],
        capture_output=True, text=True, timeout=60, check=False, env=clean_environment(AWS_CONFIG_FILE="/dev/null"),
    )  # fmt: skip
    assert done.stdout.strip() == key, done.stderr


def test_what_is_no_tls_gets_no_answer(servers):
    server = servers.make("no-tls", flags=["--tls"])
    before = len(trail.records(server))
    with socket.create_connection(server.address, timeout=10) as plain:
        plain.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
        plain.settimeout(20)
        answer = plain.recv(4096)
    assert not answer.startswith(b"HTTP/"), answer
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(server, trust_of(server), ssl.TLSVersion.TLSv1_1)
    assert len(trail.records(server)) == before
    assert server.alive()


def test_the_record_and_the_policy_know_of_the_encryption(servers):
    server = servers.make("facts", flags=["--tls"])
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    admits = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"}, "Action": "kms:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [
        admits, {**deny, "Action": "kms:Encrypt", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {**deny, "Action": "kms:GenerateDataKey", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]}  # fmt: skip
    kms = admin(server, trust=trust_of(server))
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert aws.error_of(kms.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"
    record = trail.record_of(server, made["ResponseMetadata"]["RequestId"])
    host, port = server.address
    assert record["tlsDetails"]["tlsVersion"] == "TLSv1.3"
    assert record["tlsDetails"]["cipherSuite"].startswith("TLS_")
    assert record["tlsDetails"]["clientProvidedHostHeader"] == f"{host}:{port}"
    _, older = shown(server, trust_of(server), ssl.TLSVersion.TLSv1_2)
    assert older == "TLSv1.2"


def test_the_authority_outlives_a_crash_and_its_key_is_nowhere_in_clear(servers):
    server = servers.make("authority", flags=["--tls", "--tls-name", "kms.lab"])
    trust = trust_of(server).read_bytes()
    first, _ = shown(server, trust_of(server), host="kms.lab")
    server.kill()
    server.start()
    assert trust_of(server).read_bytes() == trust
    second, _ = shown(server, trust_of(server), host="kms.lab")
    assert first != second, "a certificate's key should not outlive its process"
    names = x509.load_der_x509_certificate(second).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "kms.lab"} <= set(names.get_values_for_type(x509.DNSName))
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(server, trust_of(server), host="other.lab")
    server.stop()
    for path in (path for path in server.data_dir.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert b"PRIVATE KEY" not in content and b"private_key" not in content, path


def test_the_operators_own_certificate_is_shown_and_taken_anew(servers, tmp_path):
    def place(name):
        """Puts an authority's certificate and key where the server looks, each file in one step as renewers do."""
        trust, both = xks_proxy.certificates(tmp_path / name, ["localhost"])
        key, chain = both.read_bytes().split(b"-----BEGIN CERTIFICATE-----")
        (tmp_path / "new.key").write_bytes(key)
        (tmp_path / "new.pem").write_bytes(b"-----BEGIN CERTIFICATE-----" + chain)
        os.replace(tmp_path / "new.key", tmp_path / "tls.key")
        os.replace(tmp_path / "new.pem", tmp_path / "tls.pem")
        return trust

    def trusted(trust):
        try:
            return shown(server, trust)
        except ssl.SSLCertVerificationError:
            return None

    first = place("first")
    files = ["--tls-certificate-file", str(tmp_path / "tls.pem"), "--tls-key-file", str(tmp_path / "tls.key")]
    server = servers.make("files", flags=files)
    assert trusted(first)
    assert not trust_of(server).exists(), "there is no authority of its own to trust"
    second = place("second")
    wait_until(lambda: trusted(second), 20, "the new certificate is shown")
    assert not trusted(first)
    (tmp_path / "tls.pem").write_text("torn")
    time.sleep(1.5)
    assert trusted(second), "what cannot be read must leave what is there"
    wait_until(lambda: "could not be taken anew" in server.log(), 5, "the log says so")
    server.stop()
    with pytest.raises(AssertionError, match="tls.pem"):
        server.start()


def test_a_key_of_another_certificate_is_no_start(servers, tmp_path):
    _, one = xks_proxy.certificates(tmp_path / "one", ["localhost"])
    _, two = xks_proxy.certificates(tmp_path / "two", ["localhost"])
    with pytest.raises(AssertionError, match="ended with code"):
        servers.make("mixed", flags=["--tls-certificate-file", str(one), "--tls-key-file", str(two)])


def test_handshakes_that_stall_hold_up_nobody(servers):
    server = servers.make("stalled", seeded=False, flags=["--tls"])
    stalled = [socket.create_connection(server.address, timeout=30) for _ in range(200)]
    try:
        began = time.monotonic()
        assert admin(server, trust=trust_of(server)).list_keys()["Keys"] == []
        assert time.monotonic() - began < 5
        assert stalled[0].recv(1) == b"", "a stalled handshake should be cut"
    finally:
        for connection in stalled:
            connection.close()
    assert server.alive()
