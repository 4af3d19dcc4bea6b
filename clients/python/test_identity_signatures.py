"""Signatures: whatever is not signed right is refused, with the API's own words, and recorded."""

import datetime
import re

import pytest

import rawhttp
import shapes
import sigv4
import trail
from rawhttp import Draft
from sigv4 import Keys, Scope

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
UNKNOWN_KEY = "The security token included in the request is invalid."
STAMP = r"\d{8}T\d{6}Z"


def draft(world) -> Draft:
    """A ListKeys request that is right in everything."""
    return Draft(world.server, world.keys("Admin"), "ListKeys", b"{}")


def shifted(**by) -> Scope:
    return Scope(sigv4.now() + datetime.timedelta(**by), "us-west-2", "kms")


def with_scope(scope):
    """`scope` makes the scope when the test runs, not when this file is read."""

    def bend(made: Draft) -> None:
        made.scope = scope()

    return bend


def with_keys(access_key_id=None, secret=None, token=None):
    def bend(made: Draft) -> None:
        made.keys = Keys(access_key_id or made.keys.access_key_id, secret or made.keys.secret_access_key, token)

    return bend


def other_day(made: Draft) -> None:
    """The scope is of yesterday, the date of now."""
    made.headers.append(("X-Amz-Date", made.scope.timestamp))
    made.scope = Scope(made.scope.when - datetime.timedelta(days=1), "us-west-2", "kms")


def unsigned(name: str):
    def bend(made: Draft) -> None:
        names = {header.lower() for header, _ in made.headers} | {"x-amz-date"}
        made.signed = sorted(names - {name})

    return bend


def hash_header(value: str):
    def bend(made: Draft) -> None:
        made.headers.append(("X-Amz-Content-Sha256", value))

    return bend


# How the draft is bent; the codes that may come; what the message is like.
CASES = {
    "wrong secret": (with_keys(secret="x" * 40), {"InvalidSignatureException"}, re.escape(MISMATCH) + "(?s:.*)"),
    "unknown access key": (with_keys("AKIAIOSFODNN7EXAMPLE"), {"UnrecognizedClientException"}, re.escape(UNKNOWN_KEY)),
    "token for a user's key": (with_keys(token="garbage"), {"UnrecognizedClientException"}, re.escape(UNKNOWN_KEY)),
    "6 minutes late": (
        with_scope(lambda: shifted(minutes=-6)),
        {"InvalidSignatureException"},
        rf"Signature expired: {STAMP} is now earlier than {STAMP} \({STAMP} - 5 min\.\)",
    ),
    "6 minutes early": (
        with_scope(lambda: shifted(minutes=6)),
        {"InvalidSignatureException"},
        rf"Signature not yet current: {STAMP} is still later than {STAMP} \({STAMP} \+ 5 min\.\)",
    ),
    "a year late": (with_scope(lambda: shifted(days=-366)), {"InvalidSignatureException"}, "Signature expired: .*"),
    "foreign Region": (
        with_scope(lambda: Scope(sigv4.now(), "eu-central-1", "kms")),
        {"InvalidSignatureException"},
        "Credential should be scoped to a valid [Rr]egion, not 'eu-central-1'\\.",
    ),
    "wrong service": (
        with_scope(lambda: Scope(sigv4.now(), "us-west-2", "s3")),
        {"InvalidSignatureException", "SignatureDoesNotMatch"},
        "Credential should be scoped to correct service: '.*'\\.",
    ),
    "wrong terminator": (
        with_scope(lambda: Scope(sigv4.now(), "us-west-2", "kms", "aws5_request")),
        {"InvalidSignatureException"},
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'\\.",
    ),
    "scope of another day": (
        other_day,
        {"InvalidSignatureException"},
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: .*",
    ),
    "host not signed": (unsigned("host"), {"InvalidSignatureException", "IncompleteSignatureException"}, ".+"),
    "target not signed": (
        unsigned("x-amz-target"), {"InvalidSignatureException", "IncompleteSignatureException"}, ".+"
    ),
    "date not signed": (unsigned("x-amz-date"), {"InvalidSignatureException", "IncompleteSignatureException"}, ".+"),
    "hash of another body": (hash_header("0" * 64), {"InvalidSignatureException"}, ".+"),
    "unsigned payload": (hash_header("UNSIGNED-PAYLOAD"), {"InvalidSignatureException"}, ".+"),
}  # fmt: skip


def assert_refused(world, answer: rawhttp.Answer, codes: set[str], message: str) -> None:
    """The answer is one of these errors, well-formed, and has its one record."""
    assert answer is not None, "the connection was closed without an answer"
    assert answer.code in codes, answer
    assert re.fullmatch(message, answer.message or ""), answer.message
    found = shapes.problems_of_error(None, answer.status, answer.headers, answer.body)
    assert not found, found
    record = trail.record_of(world.server, answer.request_id)
    assert trail.same_error(record["errorCode"], answer.code), record
    assert world.server.alive()


def test_the_draft_itself_is_accepted(world):
    """R3: what the other tests of this file bend is right at first."""
    answer = draft(world).send()
    assert answer.status == 200, answer
    assert draft(world).replace("X-Amz-Date", sigv4.now().strftime("%Y%m%dT%H%M%SZ")).send().status == 200


@pytest.mark.parametrize("name", CASES)
def test_a_request_that_is_signed_wrong_is_refused(world, name):
    """R3: with the API's own code and words, and one record."""
    bend, codes, message = CASES[name]
    made = draft(world)
    bend(made)
    assert_refused(world, made.send(), codes, message)


def test_a_request_within_the_skew_is_accepted(world):
    """R3: four minutes off either way are allowed."""
    for minutes in (-4, 4):
        made = draft(world)
        made.scope = shifted(minutes=minutes)
        assert made.send().status == 200


def without(name: str):
    return lambda headers, body: ([pair for pair in headers if pair[0] != name], body)


def authorization(change):
    return lambda headers, body: ([(n, change(v) if n == "Authorization" else v) for n, v in headers], body)


AFTER_SIGNING = {
    "no authorization": (
        without("Authorization"), {"MissingAuthenticationTokenException"},
        "(Request is missing|Missing) Authentication Token",
    ),
    "no date": (
        without("X-Amz-Date"), {"IncompleteSignatureException", "InvalidSignatureException"},
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\\..*",
    ),
    "another body": (
        lambda headers, body: (headers, b'{"Limit":5}'), {"InvalidSignatureException"}, re.escape(MISMATCH) + "(?s:.*)"
    ),
    "another operation": (
        lambda headers, body: ([(n, v.replace("ListKeys", "CreateKey")) for n, v in headers], body),
        {"InvalidSignatureException"}, re.escape(MISMATCH) + "(?s:.*)",
    ),
    "no signature": (
        authorization(lambda v: v.partition(", Signature")[0]), {"IncompleteSignatureException"},
        "Authorization header requires 'Signature' parameter\\..*",
    ),
    "no credential": (
        authorization(lambda v: re.sub("Credential=[^,]*, ", "", v)), {"IncompleteSignatureException"},
        "Authorization header requires 'Credential' parameter\\..*",
    ),
    "short credential": (
        authorization(lambda v: v.replace("/aws4_request", "")), {"IncompleteSignatureException"},
        "Credential must have exactly 5 slash-delimited elements.*",
    ),
    "no pairs": (authorization(lambda v: "AWS4-HMAC-SHA256 nonsense"), {"IncompleteSignatureException"}, ".+"),
    "another algorithm": (
        authorization(lambda v: v.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
        {"IncompleteSignatureException"}, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'\\.",
    ),
    "basic authentication": (
        authorization(lambda v: "Basic QWRtaW46QWRtaW4="),
        {"IncompleteSignatureException", "MissingAuthenticationTokenException", "AccessDeniedException"}, ".+",
    ),
    "two authorizations": (
        lambda headers, body: ([*headers, ("Authorization", "AWS4-HMAC-SHA256 Credential=x")], body),
        {"IncompleteSignatureException", "InvalidSignatureException"}, ".+",
    ),
    "two dates": (
        lambda headers, body: ([*headers, ("X-Amz-Date", "20200101T000000Z")], body),
        {"IncompleteSignatureException", "InvalidSignatureException"}, ".+",
    ),
    "two targets": (
        lambda headers, body: ([*headers, ("X-Amz-Target", "TrentService.CreateKey")], body),
        {"InvalidSignatureException", "UnknownOperationException"}, ".*",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AFTER_SIGNING)
def test_a_request_that_was_changed_after_signing_is_refused(world, name):
    """R3: with the API's own code and words, and one record."""
    change, codes, message = AFTER_SIGNING[name]
    answer = draft(world).send(change)
    assert_refused(world, answer, codes, message + "(?s:.*)" if name == "no pairs" else message)
