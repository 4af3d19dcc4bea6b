"""Sends HTTP/1.1 requests byte by byte as the test wants them, and reads the answer.

Not here: any tidying up. Duplicate, missing or contradicting headers go out as given.
Invariants: one connection per exchange; every wait is bounded; an answer longer than `ANSWER_BYTES_MAX` fails.
"""

import http.client
import io
import json
import re
import socket
from typing import NamedTuple

import sigv4
from kanuki import Call, Server
from sigv4 import Keys, Scope

ANSWER_BYTES_MAX = 1 << 20
SECONDS_MAX = 20


class Answer(NamedTuple):
    """An answer, with its error code and message read from JSON or XML."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amzn-RequestId", "")

    @property
    def code(self) -> str | None:
        if self.status < 300:
            return None
        if self.body.lstrip().startswith(b"<"):
            return _element(self.body, "Code")
        return self._json().get("__type", "").rpartition("#")[2]

    @property
    def message(self) -> str | None:
        if self.body.lstrip().startswith(b"<"):
            return _element(self.body, "Message")
        return self._json().get("message", self._json().get("Message"))

    def _json(self) -> dict:
        return json.loads(self.body) if self.body else {}


def send(server: Server, request: bytes, *, half_close: bool = False) -> Answer | None:
    """Sends the bytes of one request; none if the server closes the connection without an answer.

    With `half_close` the server learns that nothing more will come.
    """
    with socket.create_connection(server.address, timeout=SECONDS_MAX) as connection:
        try:
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a server may answer and close before it has read a body that is too long
        received = bytearray()
        try:
            while len(received) <= ANSWER_BYTES_MAX:
                chunk = connection.recv(65536)
                if not chunk:
                    break
                received += chunk
                if _complete(received):
                    break
        except ConnectionResetError:
            pass
    assert len(received) <= ANSWER_BYTES_MAX, "the answer does not end"
    return _parse(bytes(received)) if received else None


def request(method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """The bytes of a request; `Content-Length` is added unless given, nothing else is."""
    names = {name.lower() for name, _ in headers}
    if "content-length" not in names and "transfer-encoding" not in names:
        headers = [*headers, ("Content-Length", str(len(body)))]
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Draft:
    """A signed KMS request that a test bends before it is sent.

    Change `headers` (before signing), `body`, `scope`, `keys`, `signed`, `query`; then `send`. `after_signing` gets the headers
    with the signature, and the body, and returns what is really sent.
    """

    def __init__(self, server: Server, keys: Keys, operation: str, body: bytes, region: str = "us-west-2"):
        self.server = server
        self.keys = keys
        self.body = body
        self.scope = Scope(sigv4.now(), region, "kms")
        self.target = "/"
        self.query = ""
        self.signed: list[str] | None = None
        host, port = server.address
        self.headers = [
            ("Host", f"{host}:{port}"),
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"TrentService.{operation}"),
        ]

    def replace(self, name: str, *values: str) -> "Draft":
        """Sends the header with these values, once each; with none it is left out."""
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        self.headers += [(name, value) for value in values]
        return self

    def send(self, after_signing=None) -> Answer | None:
        """Signs, sends, and notes the call."""
        headers, body = self.headers, self.body
        if not any(name.lower() == "x-amz-date" for name, _ in headers):
            headers = [*headers, ("X-Amz-Date", self.scope.timestamp)]
        if self.keys.session_token:
            headers = [*headers, ("X-Amz-Security-Token", self.keys.session_token)]
        made = sigv4.authorization("POST", "/", self.query, headers, body, self.keys, self.scope, self.signed)
        headers = [*headers, ("Authorization", made)]
        if after_signing is not None:
            headers, body = after_signing(headers, body)
        target = f"{self.target}?{self.query}" if self.query else self.target
        answer = send(self.server, request("POST", target, headers, body))
        if answer is not None and answer.request_id:
            self.server.calls.append(Call("raw", answer.request_id, answer.code))
        return answer


def _complete(received: bytearray) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


class _Bytes:
    """What `http.client` reads an answer from."""

    def __init__(self, received: bytes):
        self._file = io.BytesIO(received)

    def makefile(self, *_, **__):
        return self._file


def _parse(received: bytes) -> Answer:
    response = http.client.HTTPResponse(_Bytes(received))
    response.begin()
    body = response.read()
    return Answer(response.status, response.msg, body)


def _element(body: bytes, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<]*)</{name}>", body.decode())
    return found[1] if found else None
