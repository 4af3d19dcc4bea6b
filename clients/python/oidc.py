"""An identity provider: its keys, its set of public keys, and the tokens that it signs.

Not here: what the server should say to a token; that is each test's.
"""

import base64
import http.server
import json
import ssl
import threading
import time

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from xks_proxy import certificates

_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48), "ES512": (ec.SECP521R1, "P-521", 66)}


def b64(data: bytes) -> str:
    """Base64 as tokens write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, length: int) -> str:
    return b64(value.to_bytes(length, "big"))


class Key:
    """A signing key with its id."""

    def __init__(self, algorithm: str, key_id: str):
        self.algorithm, self.key_id = algorithm, key_id
        if algorithm.startswith("RS"):
            self.private = rsa.generate_private_key(65537, 2048)
        else:
            self.private = ec.generate_private_key(_CURVES[algorithm][0]())

    def public(self) -> dict:
        """The public half as a JSON Web Key."""
        numbers = self.private.public_key().public_numbers()
        common = {"kid": self.key_id, "use": "sig", "alg": self.algorithm}
        if self.algorithm.startswith("RS"):
            return {**common, "kty": "RSA", "n": number(numbers.n, 256), "e": number(numbers.e, 3)}
        _, curve, length = _CURVES[self.algorithm]
        return {**common, "kty": "EC", "crv": curve, "x": number(numbers.x, length), "y": number(numbers.y, length)}

    def sign(self, message: bytes) -> bytes:
        digest = _HASHES[self.algorithm[2:]]()
        if self.algorithm.startswith("RS"):
            return self.private.sign(message, padding.PKCS1v15(), digest)
        r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(digest)))
        length = _CURVES[self.algorithm][2]
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")


class Issuer:
    """A provider at a URL, with one key at first."""

    def __init__(self, url: str, algorithm="RS256", key_id="k1"):
        self.url, self.keys = url, [Key(algorithm, key_id)]

    @property
    def name(self) -> str:
        """The URL without its scheme, as ARNs and condition keys have it."""
        return self.url.removeprefix("https://")

    def key_set(self) -> str:
        """The public keys, as the provider publishes them."""
        return json.dumps({"keys": [key.public() for key in self.keys]})

    def token(self, subject="system:serviceaccount:prod:app", *, key=None, header=None, **claims) -> str:
        """A token that is good for ten minutes; a claim of none is left out."""
        key, now = key or self.keys[0], int(time.time())
        said = {"iss": self.url, "sub": subject, "aud": "sts.amazonaws.com", "iat": now, "exp": now + 600, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        head = {"alg": key.algorithm, "kid": key.key_id, "typ": "JWT", **(header or {})}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(said).encode())}"
        return f"{signed}.{b64(key.sign(signed.encode()))}"

    def forged(self, algorithm: str) -> str:
        """The token that takes the public key for a secret of HMAC, or no key at all."""
        head, payload, _ = self.token(header={"alg": algorithm}).split(".")
        if algorithm == "none":
            return f"{head}.{payload}."
        mac = hmac.HMAC(json.dumps(self.keys[0].public()).encode(), hashes.SHA256())
        mac.update(f"{head}.{payload}".encode())
        return f"{head}.{payload}.{b64(mac.finalize())}"


class Publisher:
    """The provider's own server: discovery document and set of keys over HTTPS, on a port of this machine."""

    def __init__(self, folder, issuer: Issuer):
        self.issuer, self.asked, self.answers = issuer, [], {}
        self.ca_file, server_file = certificates(folder, [issuer.name.split("/")[0]])
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.asked.append(self.path)
                status, body = publisher.answer(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if status == 302:
                    self.send_header("location", f"https://{self.headers['host']}/keys")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def answer(self, path: str) -> tuple[int, bytes]:
        """What is at a path; `answers` takes the place of what is right."""
        if path in self.answers:
            return self.answers[path]
        host, _, prefix = self.issuer.name.partition("/")
        discovery = {"issuer": self.issuer.url, "jwks_uri": f"https://{host}/keys"}
        right = {
            f"/{prefix}/.well-known/openid-configuration": json.dumps(discovery).encode(),
            "/keys": self.issuer.key_set().encode(),
        }
        return (200, right[path]) if path in right else (404, b"")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
