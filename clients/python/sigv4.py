"""Signs requests with AWS Signature Version 4, header and query form.

It is deliberately not botocore's signer: the server must agree with an independent reading of the rules, and wrong
signatures must be makeable. `test_suite_tools.py` checks it against botocore.
Source: "AWS Signature Version 4 for API requests", AWS IAM user guide.
"""

import dataclasses
import datetime
import hashlib
import hmac
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"


@dataclasses.dataclass(frozen=True)
class Keys:
    """An access key; with a session token if it is a session's."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclasses.dataclass(frozen=True)
class Scope:
    """What a signature is good for."""

    when: datetime.datetime
    region: str
    service: str
    terminator: str = TERMINATOR

    @property
    def timestamp(self) -> str:
        return self.when.strftime("%Y%m%dT%H%M%SZ")

    @property
    def day(self) -> str:
        return self.when.strftime("%Y%m%d")

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/{self.terminator}"


def now() -> datetime.datetime:
    """The time to the second, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def canonical_query(query: str) -> str:
    """The query string, decoded and encoded again, sorted, without the signature itself."""
    pairs = urllib.parse.parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    encoded = sorted((_encode(name), _encode(value)) for name, value in pairs if name != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_headers(headers: list[tuple[str, str]], signed: list[str]) -> str:
    """The signed headers; fields of one name are joined in the order in which they are sent."""
    lines = []
    for name in signed:
        values = [" ".join(value.split()) for given, value in headers if given.lower() == name]
        lines.append(f"{name}:{','.join(values)}\n")
    return "".join(lines)


def signature(method, path, query, headers, signed, body_hash, keys: Keys, scope: Scope) -> str:
    """The signature of a request, in hexadecimal."""
    canonical = "\n".join(
        [method, path, canonical_query(query), canonical_headers(headers, signed), ";".join(signed), body_hash]
    )
    to_sign = "\n".join([ALGORITHM, scope.timestamp, str(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + keys.secret_access_key.encode()
    for part in (scope.day, scope.region, scope.service, scope.terminator):
        key = _hmac(key, part)
    return _hmac(key, to_sign).hex()


def authorization(method, path, query, headers, body: bytes, keys: Keys, scope: Scope, signed=None) -> str:
    """The `Authorization` header; `signed` names the signed headers, by default all of `headers`."""
    signed = sorted({name.lower() for name, _ in headers}) if signed is None else sorted(signed)
    body_hash = hashlib.sha256(body).hexdigest()
    for name, value in headers:
        if name.lower() == "x-amz-content-sha256":
            body_hash = value
    made = signature(method, path, query, headers, signed, body_hash, keys, scope)
    return (
        f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={';'.join(signed)}, Signature={made}"
    )


def presigned_query(host: str, path: str, query: str, keys: Keys, scope: Scope, expires: int) -> str:
    """The query string of a presigned GET."""
    added = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key_id}/{scope}",
        "X-Amz-Date": scope.timestamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    if keys.session_token:
        added["X-Amz-Security-Token"] = keys.session_token
    query = f"{query}&" + "&".join(f"{name}={_encode(value)}" for name, value in added.items())
    empty = hashlib.sha256(b"").hexdigest()
    made = signature("GET", path, query, [("host", host)], ["host"], empty, keys, scope)
    return f"{query}&X-Amz-Signature={made}"


def _encode(text: str) -> str:
    return urllib.parse.quote(text, safe="-._~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
