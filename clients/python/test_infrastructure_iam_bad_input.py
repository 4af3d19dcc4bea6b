"""Whatever a form holds, IAM answers with one of the API's own errors, records it, and goes on."""

import random
import urllib.parse

import pytest

import rawhttp
import shapes_xml
import sigv4
import trail
from world import FAR_REGION

VERSION = "2010-05-08"
REFUSALS = {"InvalidInput", "LimitExceeded", "MalformedInput", "MalformedPolicyDocument", "ValidationError"}
GARBAGE = 150


def send(world, body: bytes):
    """Sends a form as `Admin`, signed as it is."""
    draft = rawhttp.Draft(world.server, world.keys("Admin"), "unused", body)
    draft.scope = sigv4.Scope(sigv4.now(), FAR_REGION, "iam")
    draft.replace("X-Amz-Target").replace("Content-Type", "application/x-www-form-urlencoded")
    return draft.send()


def form(action: str, *pairs: tuple[str, str]) -> bytes:
    """A form of names and values, each as often as it is given."""
    return urllib.parse.urlencode([("Action", action), ("Version", VERSION), *pairs]).encode()


FORMS = {
    "a name twice": form("CreateUser", ("UserName", "bad"), ("UserName", "bad2")),
    "a list where a text belongs": form("CreateUser", ("UserName.member.1", "bad")),
    "a text where a list belongs": form("CreateUser", ("UserName", "bad"), ("Tags", "x")),
    "an item that is no structure": form("CreateUser", ("UserName", "bad"), ("Tags.member.1", "x")),
    "an item without its value": form("CreateUser", ("UserName", "bad"), ("Tags.member.1.Key", "x")),
    "names as deep as they get": form("CreateUser", ("UserName", "bad"), (".".join("a" * 5000), "x")),
    "more items than any list has": form(
        "TagUser", ("UserName", "Admin"), *[(f"Tags.member.{i}.Key", "x") for i in range(2000)]
    ),
    "numbers that are none": form("ListUsers", ("MaxItems", "many")),
    "a number beyond": form("ListUsers", ("MaxItems", "9" * 40)),
    "a boolean that is none": form("ListPolicies", ("OnlyAttached", "yes")),
    "a broken escape": b"Action=CreateUser&Version=" + VERSION.encode() + b"&UserName=%FF%FE",
    "a null character": form("CreateUser", ("UserName", "bad\0")),
    "a policy as deep as it gets": form(
        "PutUserPolicy",
        ("UserName", "Admin"),
        ("PolicyName", "p"),
        ("PolicyDocument", '{"Statement":' + "[" * 50_000),
    ),
    "a policy beyond the parameter": form(
        "CreatePolicy", ("PolicyName", "bad"), ("PolicyDocument", " " * 131_073)
    ),
    "a marker of nobody": form("ListUsers", ("Marker", "AAAA")),
    "an ARN of nothing": form("GetPolicy", ("PolicyArn", "arn:aws:iam::::policy/::::")),
    "a context entry that is a text": form(
        "SimulateCustomPolicy", ("ActionNames.member.1", "kms:Sign"), ("ContextEntries.member.1", "x")
    ),
    "a context entry with a member that nobody knows": form(
        "SimulateCustomPolicy", ("ActionNames.member.1", "kms:Sign"), ("ContextEntries.member.1.New", "x")
    ),
    "an entity that is no entity": form(
        "GetContextKeysForPrincipalPolicy", ("PolicySourceArn", "arn:aws:iam::111122223333:root")
    ),
    "an ARN without a name": form("GetPolicy", ("PolicyArn", "arn:aws:iam::111122223333:policy/")),
}  # fmt: skip


def assert_refused(world, answer, codes=REFUSALS) -> None:
    """One of the API's own errors, well-formed, with exactly one record."""
    assert answer is not None, "the connection was closed without an answer"
    assert answer.code in codes, answer
    found = shapes_xml.problems_of_error("iam", None, answer.status, answer.headers, answer.body)
    assert not found, found
    record = trail.record_of(world.server, answer.request_id)
    assert record["errorCode"] == answer.code and record["eventSource"] == "iam.amazonaws.com"
    assert send(world, form("GetUser")).status == 200


@pytest.mark.parametrize("what", FORMS)
def test_every_broken_form_has_an_error_of_its_own(world, what):
    """And changes nothing."""
    users = len(world.iam().list_users()["Users"])
    assert_refused(world, send(world, FORMS[what]))
    assert len(world.iam().list_users()["Users"]) == users


def test_unknown_actions_and_versions_are_refused_as_such(world):
    """Also when they would break the answer's own form."""
    for action in ("NoSuchAction", "<b>&", "getuser", "GetUser\n", "Get\0User", "x" * 10_000):
        assert_refused(world, send(world, form(action)), {"InvalidAction"})


def test_garbage_is_refused(world):
    """Forms made of random bytes and random names; the server neither stops nor grows."""
    chosen = random.Random(20100508)
    names = ["UserName", "Tags.member.1.Key", "Tags.member.x", "PolicyDocument", "Path", "member", ".", "..", ""]
    names += ["ActionNames.member.1", "PolicyInputList.member.1", "ContextEntries.member.1.ContextKeyName"]
    actions = ["CreateUser", "PutUserPolicy", "CreatePolicy", "ListUsers", "CreateRole", "AttachUserPolicy"]
    actions += ["SimulateCustomPolicy", "SimulatePrincipalPolicy"]
    before = world.server.rss_kib()
    for _ in range(GARBAGE):
        raw = bytes(chosen.randrange(256) for _ in range(chosen.randrange(300)))
        pairs = [(chosen.choice(names), raw.decode("latin-1")) for _ in range(chosen.randrange(5))]
        body = form(chosen.choice(actions), *pairs) + (b"&" + raw if chosen.random() < 0.3 else b"")
        answer = send(world, body)
        assert answer is not None and answer.status < 500, (body, answer)
    assert world.server.alive() and world.server.rss_kib() - before < 24 * 1024
