"""An external key store proxy over TLS, with its own certificate authority and its own AES keys.

It follows the public XKS Proxy API specification, version 1, and checks each signature with `sigv4.py`. A test can make
it slow, silent, refusing or wrong. Not here: anything of the server under test.
Invariants: it listens on loopback; it keeps every request that it answered, for the test to look at.
"""

import base64
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import re
import ssl
import threading
import time

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import sigv4

HOST = "xks.example.test"
# What the certificate names; a client has to be told where they are.
HOSTS = (HOST, "b.example.test", "c.example.test")
ACCESS_KEY_ID = "ABCDEFGHIJKLMNOPQRST"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
SKEW_SECONDS_MAX = 300
STATUS = {
    "ValidationException": 400,
    "InvalidStateException": 400,
    "InvalidCiphertextException": 400,
    "InvalidKeyUsageException": 400,
    "AuthenticationFailedException": 401,
    "AccessDeniedException": 403,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    "ThrottlingException": 429,
    "InternalException": 500,
    "UnsupportedOperationException": 501,
    "DependencyTimeoutException": 503,
}
# For the server's configuration: tests look at stores more often than the quotas of single operations allow.
QUOTAS = "[request_quotas]\nburst_seconds = 3600\n"


class Refusal(Exception):
    """An error answer of the specification."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


def certificates(folder: pathlib.Path, hosts=HOSTS) -> tuple[pathlib.Path, pathlib.Path]:
    """Makes an authority and a certificate for the hosts; answers the authority's file and the server's."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1)

    def build(subject, issuer, key, signer, extensions):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(signer, hashes.SHA256())

    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = build(name("test authority"), name("test authority"), ca_key, ca_key, [(x509.BasicConstraints(True, 0), True)])
    names = [x509.DNSName(host) for host in hosts]
    leaf_extensions = [
        (x509.SubjectAlternativeName(names), False),
        (x509.BasicConstraints(False, None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    leaf = build(name(hosts[0]), ca.subject, key, ca_key, leaf_extensions)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    folder.mkdir(parents=True, exist_ok=True)
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    server_file.write_bytes(private + leaf.public_bytes(pem))
    return ca_file, server_file


class Proxy:
    """A running proxy.

    `refuse` maps an API (`health`, `metadata`, `encrypt`, `decrypt`) to the name of the error that it answers, `answer`
    to a function that spoils the body of a right answer; `delay` are the seconds before any answer.
    """

    def __init__(self, folder: pathlib.Path, prefix: str = ""):
        self.ca_file, self._server_file = certificates(folder)
        self.path = f"{prefix}/kms/xks/v1"
        self.keys: dict[str, bytes] = {}
        self.states: dict[str, str] = {}
        self.specs: dict[str, str] = {}
        self.credentials = {ACCESS_KEY_ID: SECRET}
        self.metadata: bytes | None = b"v1"
        self.iv_bytes = 12
        self.managers = ["ACTIVE"]
        self.delay = 0.0
        self.refuse: dict[str, str] = {}
        self.answer: dict = {}
        self.requests: list[tuple[str, dict]] = []
        self.connections = 0
        self._server = None
        self.start()

    def start(self) -> None:
        """Listens, on the port that it had before if it had one."""
        port = 0 if self._server is None else self.port
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                proxy._serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def finish_request(self, request, address):
                proxy.connections += 1
                proxy._open.add(request)
                try:
                    super().finish_request(context.wrap_socket(request, server_side=True), address)
                except OSError:
                    pass  # a client that does not like the certificate

            def handle_error(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server_file)
        self._open = set()
        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Closes the port and every connection."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._open:
            try:
                connection.shutdown(2)
            except OSError:
                pass

    def add_key(self, name: str) -> bytes:
        """Makes an external key."""
        self.keys[name] = os.urandom(32)
        return self.keys[name]

    def asked(self, api: str) -> list[dict]:
        """The bodies of the requests to an API."""
        return [body for known, body in self.requests if known == api]

    def _serve(self, handler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        try:
            api, answer = self._answer(handler, body)
            status, answer = 200, self.answer.get(api, lambda same: same)(answer)
        except Refusal as refusal:
            status = STATUS.get(refusal.name, 400)
            answer = {"errorName": refusal.name, "errorMessage": "told by the proxy"}
        time.sleep(self.delay)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            pass  # the client did not wait

    def _answer(self, handler, body: bytes):
        self._check_signature(handler, body)
        if not handler.path.startswith(self.path + "/"):
            raise Refusal("InvalidUriPathException")
        rest = handler.path.removeprefix(self.path)
        request = json.loads(body)
        if rest == "/health":
            api, run = "health", self._health
        else:
            match = re.fullmatch(r"/keys/([A-Za-z0-9._-]{1,128})/(metadata|encrypt|decrypt)", rest)
            if match is None:
                raise Refusal("InvalidUriPathException")
            name, api = match.groups()
            run = {"metadata": self._metadata, "encrypt": self._encrypt, "decrypt": self._decrypt}[api]
        self.requests.append((api, request))
        if api in self.refuse:
            raise Refusal(self.refuse[api])
        if api == "health":
            return api, run()
        if name not in self.keys:
            raise Refusal("KeyNotFoundException")
        return api, run(name, request)

    def _check_signature(self, handler, body: bytes) -> None:
        header = handler.headers.get("Authorization", "")
        pattern = r"AWS4-HMAC-SHA256 Credential=([A-Z2-7]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
        match = re.fullmatch(pattern, header)
        if match is None or match[1] not in self.credentials:
            raise Refusal("AuthenticationFailedException")
        key_id, _, region, service, signed, given = match.groups()
        when = datetime.datetime.strptime(handler.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        when = when.replace(tzinfo=datetime.timezone.utc)
        fresh = abs((sigv4.now() - when).total_seconds()) <= SKEW_SECONDS_MAX
        keys = sigv4.Keys(key_id, self.credentials[key_id])
        names = signed.split(";")
        made = sigv4.signature(
            "POST",
            handler.path,
            "",
            list(handler.headers.items()),
            names,
            hashlib.sha256(body).hexdigest(),
            keys,
            sigv4.Scope(when, region, service),
        )
        if service != "kms-xks-proxy" or made != given or not fresh or not {"host", "x-amz-date"} <= set(names):
            raise Refusal("AuthenticationFailedException")

    def _health(self):
        managers = [{"id": str(i), "model": "m", "healthStatus": state} for i, state in enumerate(self.managers)]
        return {
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "test",
            "xksProxyModel": "test",
            "ekmVendor": "test",
            "ekmFleetDetails": managers,
        }

    def _metadata(self, name: str, _):
        spec, usage = self.specs.get(name, "AES_256"), ["ENCRYPT", "DECRYPT", "WRAP"]
        return {"keySpec": spec, "keyUsage": usage, "keyStatus": self.states.get(name, "ENABLED")}

    def _encrypt(self, name: str, request):
        self._check_enabled(name)
        assert request["encryptionAlgorithm"] == "AES_GCM"
        aad, plaintext = _bytes(request, "additionalAuthenticatedData"), _bytes(request, "plaintext")
        iv = os.urandom(self.iv_bytes)
        sealed = AESGCM(self.keys[name]).encrypt(iv, plaintext, self._whole_aad(aad, self.metadata))
        ciphertext, tag = sealed[:-16], sealed[-16:]
        answer = {"ciphertext": _text(ciphertext), "initializationVector": _text(iv), "authenticationTag": _text(tag)}
        if self.metadata is not None:
            answer["ciphertextMetadata"] = _text(self.metadata)
        if request.get("ciphertextDataIntegrityValueAlgorithm") == "SHA_256":
            parts = aad + (self.metadata or b"") + iv + ciphertext + tag
            answer["ciphertextDataIntegrityValue"] = _text(hashlib.sha256(parts).digest())
        return answer

    def _decrypt(self, name: str, request):
        self._check_enabled(name)
        metadata = _bytes(request, "ciphertextMetadata") if "ciphertextMetadata" in request else None
        aad = self._whole_aad(_bytes(request, "additionalAuthenticatedData"), metadata)
        sealed = _bytes(request, "ciphertext") + _bytes(request, "authenticationTag")
        try:
            plaintext = AESGCM(self.keys[name]).decrypt(_bytes(request, "initializationVector"), sealed, aad)
        except InvalidTag:
            raise Refusal("InvalidCiphertextException") from None
        return {"plaintext": _text(plaintext)}

    def _check_enabled(self, name: str) -> None:
        if self.states.get(name, "ENABLED") != "ENABLED":
            raise Refusal("InvalidStateException")

    @staticmethod
    def _whole_aad(aad: bytes, metadata: bytes | None) -> bytes:
        """Lengths in front, so that neither part can be taken for the other."""
        metadata = metadata or b""
        return len(aad).to_bytes(2, "big") + aad + len(metadata).to_bytes(1, "big") + metadata


def _bytes(request: dict, member: str) -> bytes:
    return base64.b64decode(request.get(member, ""), validate=True)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
