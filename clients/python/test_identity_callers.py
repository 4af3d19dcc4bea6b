"""Who calls: GetCallerIdentity in all its forms, and sessions of roles."""

import datetime
import re
import urllib.parse

import pytest

import policies
import rawhttp
import sigv4
import trail
from aws import connect, refused
from kanuki import Call
from policies import HOME, OTHER, role_session, user
from sigv4 import Keys, Scope
from world import caller

QUERY = "Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize(
    ("who", "account", "arn"),
    [
        ("Admin", HOME, user("Admin")),
        ("Bob", HOME, user("Bob")),
        (f"{OTHER}/Bob", OTHER, user("Bob", OTHER)),
        ("role/UserRole", HOME, role_session("UserRole", "s1")),
    ],
)
def test_every_caller_learns_who_he_is(world, who, account, arn):
    """R36: also a user without any policy, since no policy grants or denies this."""
    identity = world.sts(who).get_caller_identity()
    assert identity["Account"] == account and identity["Arn"] == arn
    if who.startswith("role/"):
        assert re.fullmatch(r"AROA[A-Z0-9]{16,}:s1", identity["UserId"])
    else:
        assert re.fullmatch(r"AIDA[A-Z0-9]{16,}", identity["UserId"])


def test_a_role_session_has_the_rights_of_its_role(world):
    """R36: the record names the session, and the role that issued it."""
    key = world.make_key(policies.allow(policies.role("UserRole"), "kms:Encrypt"))
    answer = world.kms("role/UserRole").encrypt(KeyId=key.id, Plaintext=b"m")
    record = trail.record_of(world.server, answer["ResponseMetadata"]["RequestId"])
    identity = record["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == role_session("UserRole", "s1")
    assert identity["accessKeyId"] == world.keys("role/UserRole").access_key_id
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == policies.role("UserRole") and issuer["type"] == "Role"


def test_a_policy_may_name_one_session(world):
    """R15: another session of the same role is not meant."""
    named = role_session("UserRole", "s1")
    key = world.make_key(policies.allow(named, "kms:Encrypt"))
    world.kms("role/UserRole").encrypt(KeyId=key.id, Plaintext=b"m")
    other = connect(world.server, world.assume("UserRole", "s2"))
    denied = policies.no_resource_policy(role_session("UserRole", "s2"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, other.encrypt, KeyId=key.id, Plaintext=b"m")


def test_a_role_is_not_for_everyone(world):
    """R22: whom the trust policy does not name cannot take it; nor can one take a role that is not there."""
    for name in ("RoleForExampleApp", "NoSuchRole"):
        text = f"User: {user('Bob')} is not authorized to perform: sts:AssumeRole on resource: {policies.role(name)}"
        refused(
            "AccessDenied",
            re.compile(re.escape(text) + "( because .*)?"),
            world.sts("Bob").assume_role,
            RoleArn=policies.role(name),
            RoleSessionName="s1",
        )


def test_a_session_needs_its_own_token(world):
    """R36: the keys of a session without their token, or with another's, are worth nothing."""
    session, other = world.assume("UserRole"), world.assume("RoleForExampleApp")
    invalid = "The security token included in the request is invalid."
    for token in (None, "garbage", other.session_token, session.session_token[:-2] + "AA"):
        kms = connect(world.server, Keys(session.access_key_id, session.secret_access_key, token))
        refused("UnrecognizedClientException", invalid, kms.list_keys)


def presigned(world, who: str, when=None, expires: int = 60, keys=None) -> str:
    """The query string of a presigned GetCallerIdentity."""
    host, port = world.server.address
    scope = Scope(when or sigv4.now(), "us-east-1", "sts")
    return sigv4.presigned_query(f"{host}:{port}", "/", QUERY, keys or world.keys(who), scope, expires)


def fetch(world, query: str) -> rawhttp.Answer:
    """Fetches the URL as anyone who was handed it would."""
    host, port = world.server.address
    answer = rawhttp.send(world.server, rawhttp.request("GET", f"/?{query}", [("Host", f"{host}:{port}")]))
    world.server.calls.append(Call("GetCallerIdentity", answer.request_id, answer.code))
    return answer


@pytest.mark.parametrize("who", ["Bob", "role/UserRole"])
def test_a_presigned_url_proves_who_made_it(world, who):
    """R36: the query form of the signature, as cluster log-ins use it; with our signer."""
    answer = fetch(world, presigned(world, who))
    assert answer.status == 200, answer
    assert f"<Arn>{caller(who)}</Arn>".encode() in answer.body


def test_a_presigned_url_of_botocore_works(world):
    """R36: the same, made by the stock client."""
    url = world.sts("Bob").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    answer = fetch(world, urllib.parse.urlsplit(url).query)
    assert answer.status == 200 and f"<Arn>{user('Bob')}</Arn>".encode() in answer.body


def test_a_presigned_url_that_was_changed_is_refused(world):
    """R36: neither another signature nor another lifetime passes."""
    query = presigned(world, "Bob")
    other = presigned(world, "Bob", keys=Keys(world.keys("Bob").access_key_id, "wrong" * 8))
    longer = query.replace("X-Amz-Expires=60", "X-Amz-Expires=61")
    assert longer != query
    for changed in (other, longer, query.replace("GetCallerIdentity", "GetSessionToken")):
        answer = fetch(world, changed)
        assert answer.status == 403 and answer.code == "SignatureDoesNotMatch", answer
        assert answer.message.startswith("The request signature we calculated does not match the signature you"), answer


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_presigned_url_is_good_for_its_time_only(world, minutes):
    """R36: neither after it nor before it."""
    when = sigv4.now() + datetime.timedelta(minutes=minutes)
    answer = fetch(world, presigned(world, "Bob", when=when))
    assert answer.status in (400, 403), answer
    assert answer.code in ("SignatureDoesNotMatch", "ExpiredToken", "RequestExpired"), answer
    assert b"<Arn>" not in answer.body
