"""The suite's own tools: a check that cannot fail would be none."""

import datetime
import json

import botocore.auth
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import policies
import shapes
import sigv4
import trail
from sigv4 import Keys, Scope
from world import seed

pytestmark = pytest.mark.selftest

WHEN = datetime.datetime(2025, 6, 1, 12, 30, 45, tzinfo=datetime.timezone.utc)
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION = Keys(KEYS.access_key_id, KEYS.secret_access_key, "a/token+with=marks")


@pytest.fixture
def at_noon(monkeypatch):
    """botocore signs as of `WHEN`."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: WHEN.replace(tzinfo=None))


@pytest.mark.parametrize("keys", [KEYS, SESSION], ids=["user", "session"])
@pytest.mark.parametrize("body", [b"", b"{}", "{\"KeyId\":\"ü\"}".encode(), bytes(range(256))])
def test_the_signer_agrees_with_botocore(at_noon, keys, body):
    """The header form, as KMS clients send it."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Encrypt", "Odd": " a   b "}
    asked = AWSRequest("POST", "http://127.0.0.1:4566/", headers=headers, data=body)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    botocore.auth.SigV4Auth(credentials, "kms", "us-west-2").add_auth(asked)
    ours = [("Host", "127.0.0.1:4566"), *headers.items(), ("X-Amz-Date", "20250601T123045Z")]
    if keys.session_token:
        ours.append(("X-Amz-Security-Token", keys.session_token))
    made = sigv4.authorization("POST", "/", "", ours, body, keys, Scope(WHEN, "us-west-2", "kms"))
    assert made == asked.headers["Authorization"]


@pytest.mark.parametrize("keys", [KEYS, SESSION], ids=["user", "session"])
def test_the_presigner_agrees_with_botocore(at_noon, keys):
    """The query form, as cluster log-ins use it."""
    query = "Action=GetCallerIdentity&Version=2011-06-15"
    asked = AWSRequest("GET", f"http://127.0.0.1:4566/?{query}")
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    botocore.auth.SigV4QueryAuth(credentials, "sts", "us-east-1", expires=60).add_auth(asked)
    theirs = dict(pair.split("=") for pair in asked.url.partition("?")[2].split("&"))
    made = sigv4.presigned_query("127.0.0.1:4566", "/", query, keys, Scope(WHEN, "us-east-1", "sts"), 60)
    assert dict(pair.split("=") for pair in made.split("&")) == theirs


def test_another_secret_gives_another_signature():
    """The signer does use the secret, the day, the Region and the body."""
    scope = Scope(WHEN, "us-west-2", "kms")
    variants = [
        (KEYS, scope, b"{}"),
        (Keys(KEYS.access_key_id, "x"), scope, b"{}"),
        (KEYS, Scope(WHEN, "us-east-1", "kms"), b"{}"),
        (KEYS, Scope(WHEN + datetime.timedelta(days=1), "us-west-2", "kms"), b"{}"),
        (KEYS, scope, b"{ }"),
    ]
    made = {sigv4.authorization("POST", "/", "", [("host", "h")], body, keys, at) for keys, at, body in variants}
    assert len(made) == len(variants)


HEADERS = {
    "x-amzn-RequestId": "3b241101-e2bb-4255-8caf-4136c566a962",
    "Date": "Sun, 01 Jun 2025 12:30:45 GMT",
    "Content-Type": "application/x-amz-json-1.1",
}
ARN = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ENCRYPTED = {"KeyId": ARN, "CiphertextBlob": "YWJj", "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


def operation(name: str):
    return botocore.session.Session().get_service_model("kms").operation_model(name)


def test_a_right_answer_has_no_problems():
    """Neither a success nor an error."""
    assert shapes.problems_of_success(operation("Encrypt"), 200, HEADERS, json.dumps(ENCRYPTED).encode()) == []
    assert shapes.problems_of_success(operation("EnableKey"), 200, HEADERS, b"") == []
    body = json.dumps({"__type": "DisabledException", "message": f"{ARN} is disabled."}).encode()
    assert shapes.problems_of_error(operation("Encrypt"), 400, HEADERS, body) == []


@pytest.mark.parametrize(
    ("name", "status", "headers", "body"),
    [
        ("Encrypt", 200, HEADERS, json.dumps({**ENCRYPTED, "Extra": 1}).encode()),
        ("Encrypt", 200, HEADERS, json.dumps({"KeyId": ARN, "CiphertextBlob": "YWJj"}).encode()),
        ("Encrypt", 200, HEADERS, json.dumps({**ENCRYPTED, "CiphertextBlob": "***"}).encode()),
        ("Encrypt", 200, HEADERS, json.dumps({**ENCRYPTED, "CiphertextBlob": None}).encode()),
        ("Encrypt", 200, HEADERS, json.dumps({**ENCRYPTED, "EncryptionAlgorithm": "ROT13"}).encode()),
        ("Encrypt", 200, HEADERS, b""),
        ("Encrypt", 201, HEADERS, json.dumps(ENCRYPTED).encode()),
        ("Encrypt", 200, {**HEADERS, "x-amzn-RequestId": "1"}, json.dumps(ENCRYPTED).encode()),
        ("Encrypt", 200, {**HEADERS, "Content-Type": "text/plain"}, json.dumps(ENCRYPTED).encode()),
        ("EnableKey", 200, HEADERS, b"{}"),
        ("ListKeys", 200, HEADERS, b'{"Keys":[{"KeyId":"a"}],"Truncated":false}'),
        ("ListKeys", 200, HEADERS, b'{"Keys":[]}'),
        ("DescribeKey", 200, HEADERS, json.dumps({"KeyMetadata": {"KeyId": "a"}}).encode()),
    ],
)
def test_a_wrong_answer_has_problems(name, status, headers, body):
    """Each of them one."""
    assert shapes.problems_of_success(operation(name), status, headers, body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"{}"),
        (400, b"<html>"),
        (403, b'{"__type":"DisabledException","message":"m"}'),
        (400, b'{"__type":"AccessDeniedException","message":"m"}'),
        (400, b'{"__type":"InvalidCiphertextException","message":"m"}'),
        (400, b'{"__type":"AlreadyExistsException","message":"m"}'),
        (400, b'{"__type":"DisabledException","message":"m","stack":"x"}'),
    ],
)
def test_a_wrong_error_has_problems(status, body):
    """A wrong status, a wrong member, an error that Encrypt does not declare."""
    assert shapes.problems_of_error(operation("Encrypt"), status, HEADERS, body)


def test_every_always_present_member_is_in_the_model():
    """A misspelt name in the table would be a check that always fails, or never."""
    for name, places in shapes.ALWAYS.items():
        for place, members in places.items():
            shape = operation(name).output_shape
            for step in filter(None, place.split(".")):
                shape = shape.members[step.removesuffix("[]")]
                shape = shape.member if step.endswith("[]") else shape
            assert members <= shape.members.keys(), (name, place)


def test_the_seed_is_toml_and_its_policies_are_json():
    """A mistake here would look like a fault of the server."""
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    accounts = tomllib.loads(seed())["account"]
    assert [account["id"] for account in accounts] == [policies.HOME, policies.OTHER]
    for account in accounts:
        for principal in [*account.get("user", []), *account.get("role", [])]:
            for text in principal.get("inline_policies", {}).values():
                assert json.loads(text)["Statement"]


def test_error_codes_of_records():
    """CloudTrail's spelling of a denial is the only difference that is allowed."""
    assert trail.same_error(None, None) and trail.same_error("AccessDenied", "AccessDeniedException")
    assert not trail.same_error(None, "AccessDeniedException") and not trail.same_error("NotFound", None)
