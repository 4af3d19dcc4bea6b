"""What hostile clients try with headers, query strings, tokens, codes and signatures: nothing of it gives anything.

Every attempt has its one record, and after all of them server and keeper are the processes that they were.
Not here: what is refused before it is a request (`test_infrastructure_bad_input.py`), signatures that are merely wrong
(`test_identity_signatures.py`), and names (`test_identity_hostile_names.py`).
"""

import base64
import concurrent.futures
import random
import re
import string
import urllib.parse

import pytest

import rawhttp
import sigv4
import totp
import trail
from aws import connect, error_of
from policies import HOME, allow, document, identity, no_resource_policy, role, user
from principals import fresh_name, make_role, make_user
from rawhttp import Draft
from sigv4 import Keys, Scope
from test_identity_sessions import given
from world import FAR_REGION, HOME_REGION

BOB = user("Bob")
FORM = "application/x-www-form-urlencoded"
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
ELSEWHERE = "203.0.113.7"
UNSIGNABLE = {
    "IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch",
}  # fmt: skip
RSS_GROWTH_KIB_MAX = 24 * 1024
TOKEN_REFUSALS = {"UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignatureException"}


@pytest.fixture(scope="module", autouse=True)
def unharmed(world):
    """After all of this: the same keeper, no more memory than before, and one record for each request."""
    keeper, before, first = world.server.children(), world.server.rss_kib(), len(world.server.calls)
    yield
    assert world.server.alive() and world.server.children() == keeper and len(keeper) == 1
    assert world.server.rss_kib() - before < RSS_GROWTH_KIB_MAX
    trail.assert_each_call_recorded_once(world.server, world.server.calls[first:])
    assert world.kms().generate_random(NumberOfBytes=8)["Plaintext"]


def draft(world, who="Bob", operation="ListKeys", body=b"{}") -> Draft:
    return Draft(world.server, world.keys(who), operation, body)


def form(world, service: str, action: str, *pairs: tuple[str, str], who="Admin") -> Draft:
    """A right request of a Query service."""
    body = urllib.parse.urlencode([("Action", action), ("Version", VERSIONS[service]), *pairs]).encode()
    made = Draft(world.server, world.keys(who), "unused", body)
    made.scope = Scope(sigv4.now(), FAR_REGION, service)
    return made.replace("X-Amz-Target").replace("Content-Type", FORM)


def assert_refused(answer, codes: set[str]) -> None:
    assert answer is not None and answer.code in codes, answer


# Facts that policies ask for and that only the server may say, with what a client claims of them.
CLAIMS = {
    "aws:CalledVia": ("ForAnyValue:StringEquals", "s3.amazonaws.com"),
    "aws:MultiFactorAuthPresent": ("Bool", "true"),
    "aws:MultiFactorAuthAge": ("NumericLessThan", "300"),
    "aws:PrincipalArn": ("ArnEquals", user("Admin")),
    "aws:PrincipalIsAWSService": ("Bool", "true"),
    "aws:PrincipalOrgID": ("StringEquals", "o-1234567890"),
    "aws:PrincipalTag/Team": ("StringEquals", "blue"),
    "aws:SecureTransport": ("Bool", "true"),
    "aws:SourceAccount": ("StringEquals", HOME),
    "aws:SourceArn": ("ArnLike", "arn:aws:s3:::bucket"),
    "aws:SourceIdentity": ("StringEquals", "ann"),
    "aws:SourceIp": ("IpAddress", f"{ELSEWHERE}/32"),
    "aws:SourceVpce": ("StringEquals", "vpce-1234567890abcdef0"),
    "aws:TokenIssueTime": ("DateGreaterThan", "2020-01-01T00:00:00Z"),
    "aws:userid": ("StringLike", "AROA*:*"),
    "aws:username": ("StringEquals", "Admin"),
    "aws:ViaAWSService": ("Bool", "true"),
    "aws:VpcSourceIp": ("IpAddress", f"{ELSEWHERE}/32"),
    "kms:CallerAccount": ("StringEquals", "444455556666"),
    "kms:ViaService": ("StringEquals", f"s3.{HOME_REGION}.amazonaws.com"),
}
PROXY_HEADERS = {
    "X-Forwarded-For": ELSEWHERE,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "kms.us-west-2.amazonaws.com",
    "X-Forwarded-Port": "443",
    "X-Forwarded-User": "Admin",
    "X-Real-IP": ELSEWHERE,
    "X-Client-IP": ELSEWHERE,
    "X-Cluster-Client-IP": ELSEWHERE,
    "X-Originating-IP": ELSEWHERE,
    "X-Remote-Addr": ELSEWHERE,
    "True-Client-IP": ELSEWHERE,
    "CF-Connecting-IP": ELSEWHERE,
    "Forwarded": f"for={ELSEWHERE};proto=https;by=s3.amazonaws.com",
    "Via": "1.1 s3.amazonaws.com",
    "Front-End-Https": "on",
    "X-Url-Scheme": "https",
    "X-Remote-User": "Admin",
    "X-SSL-Client-S-DN": "CN=Admin",
}
SPELLINGS = ("{}", "x-amz-{}", "x-amzn-{}", "aws-{}", "x-{}", "x-amz-meta-{}", "x-insecure-{}", "x-amzn-kms-{}")


def claimed_headers() -> dict[str, str]:
    """Every fact in every spelling that a header could have for it, and what proxies send."""
    made = dict(PROXY_HEADERS)
    for key, (_, value) in CLAIMS.items():
        plain = re.sub("[:/]", "-", key).lower()
        words = re.sub("(?<=[a-z])(?=[A-Z])", "-", key.partition(":")[2].replace("/", "-")).lower()
        for name in (plain, words, words.replace("-", "")):
            for spelling in SPELLINGS:
                made[spelling.format(name)] = value.partition("/32")[0]
    return made


@pytest.fixture(scope="module")
def claims_key(world):
    """A key that gives Bob everything on each of the facts."""
    return world.make_key(
        *(allow(BOB, "kms:*", Condition={operator: {key: value}}) for key, (operator, value) in CLAIMS.items())
    )


def assert_still_bob(world, key, answer) -> None:
    """Denied, since no fact holds; the record has the real peer and nobody else's name."""
    assert answer is not None, "no answer"
    assert answer.code == "AccessDeniedException", answer
    assert answer.message == no_resource_policy(BOB, "kms:DescribeKey", key.arn)
    record = trail.record_of(world.server, answer.request_id)
    assert record["sourceIPAddress"] == "127.0.0.1" and "invokedBy" not in record["userIdentity"]
    assert record["userIdentity"]["arn"] == BOB


def describe(world, key) -> Draft:
    return draft(world, "Bob", "DescribeKey", f'{{"KeyId":"{key.arn}"}}'.encode())


def test_the_facts_themselves_count(world):
    """R11: what the tests below forge is asked for and found where it is true."""
    for condition in (
        {"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringEquals": {"aws:username": "Bob", "kms:CallerAccount": HOME}},
    ):
        key = world.make_key(allow(BOB, "kms:*", Condition=condition))
        assert describe(world, key).send().status == 200, condition


def test_no_header_says_a_fact(world, claims_key):
    """R11, R36: neither one of them nor all at once, under the signature or, where that is no refusal, beside it."""
    headers = list(claimed_headers().items())
    for chunk in [headers[at : at + 60] for at in range(0, len(headers), 60)]:
        made = describe(world, claims_key)
        made.headers += chunk
        assert_still_bob(world, claims_key, made.send())
        beside = [(name, value) for name, value in chunk if not name.startswith("x-amz-")]
        answer = describe(world, claims_key).send(lambda sent, body, beside=beside: ([*sent, *beside], body))
        assert_still_bob(world, claims_key, answer)


def test_no_query_string_says_a_fact(world, claims_key):
    """R11: the same in the query string, signed; neither does it say what is called."""
    made = describe(world, claims_key)
    pairs = [(key, value) for key, (_, value) in CLAIMS.items()]
    pairs += [(name, value) for name, value in claimed_headers().items() if name.startswith("x-amz-")][:40]
    pairs += [("Action", "ListKeys"), ("X-Amz-Target", "TrentService.ListKeys"), ("KeyId", "alias/other")]
    made.query = urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)
    assert_still_bob(world, claims_key, made.send())


def test_no_user_agent_says_a_fact(world, claims_key):
    """R36: it is the client's own word, recorded as such."""
    agent = "s3.amazonaws.com AWS Internal aws-internal/3"
    made = describe(world, claims_key)
    made.headers.append(("User-Agent", agent))
    answer = made.send()
    assert_still_bob(world, claims_key, answer)
    assert trail.record_of(world.server, answer.request_id)["userAgent"] == agent


@pytest.mark.parametrize("name", ["X-Amz-Via-Service", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "x-amz-anything"])
def test_a_header_of_the_services_must_be_signed(world, name):
    """R3: whoever is in the middle cannot add one."""
    answer = draft(world, "Admin").send(lambda headers, body: ([*headers, (name, "x")], body))
    assert_refused(answer, UNSIGNABLE)
    assert f"'{name.lower()}' must be a 'SignedHeader' in the AWS Authorization." in answer.message


# Bodies that say something else than what was signed, of the Query services.
SWAPS = {
    "another action": lambda body: body.replace(b"GetUser", b"DeleteUser"),
    "another name": lambda body: body.replace(b"=Bob", b"=Alice"),
    "one more member": lambda body: body + b"&Path=%2Fx%2F",
    "one more blank": lambda body: body + b" ",
    "an escape more": lambda body: body.replace(b"=Bob", b"=%42ob"),
    "another order": lambda body: b"&".join(sorted(body.split(b"&"), reverse=True)),
    "nothing": lambda body: b"",
}


@pytest.mark.parametrize("name", SWAPS)
def test_a_form_is_under_the_signature_to_the_last_byte(world, name):
    """R3: another body under the same signature is refused, whatever it means."""
    right = form(world, "iam", "GetUser", ("UserName", "Bob"))
    assert right.send().status == 200
    answer = form(world, "iam", "GetUser", ("UserName", "Bob")).send(lambda headers, body: (headers, SWAPS[name](body)))
    assert_refused(answer, UNSIGNABLE)


def test_what_is_called_is_what_is_signed(world):
    """R3: a second action in the query string, a second one in the form, JSON around the form: one is meant, and that
    one is decided, run and recorded."""
    victim = make_user(world)
    delete = {"Action": "DeleteAccessKey", "UserName": victim.name, "AccessKeyId": victim.keys.access_key_id}
    for bend in ("query", "twice", "target", "type"):
        made = form(world, "iam", "GetUser", ("UserName", "Bob"))
        if bend == "query":
            made.query = urllib.parse.urlencode({**delete, "Version": VERSIONS["iam"]})
        elif bend == "twice":
            made.body += b"&" + urllib.parse.urlencode({"Action": "DeleteUser"}).encode()
        elif bend == "target":
            made.headers.append(("X-Amz-Target", "TrentService.ListKeys"))
        else:
            made.replace("Content-Type", "application/x-amz-json-1.1")
        answer = made.send()
        assert answer is not None and (answer.status == 200 or answer.code), bend
        record = trail.record_of(world.server, answer.request_id)
        assert answer.code or (record["eventName"], b"<UserName>Bob<" in answer.body) == ("GetUser", True), bend
    keys = world.iam().list_access_keys(UserName=victim.name)["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [victim.keys.access_key_id]
    world.iam().get_user(UserName="Bob")


def test_a_signature_is_for_one_service_and_one_region(world):
    """R3: what was signed for STS opens nothing of IAM, what was signed for one Region nothing in another."""
    made = form(world, "iam", "GetUser", ("UserName", "Bob"))
    made.scope = Scope(sigv4.now(), FAR_REGION, "sts")
    assert_refused(made.send(), UNSIGNABLE)
    moved = draft(world, "Admin").send(
        lambda headers, body: (
            [(n, v.replace(f"/{HOME_REGION}/", f"/{FAR_REGION}/") if n == "Authorization" else v) for n, v in headers],
            body,
        )
    )
    assert_refused(moved, UNSIGNABLE)


def twice(name: str, second: str | None = None):
    """Sends a header twice; the second time with another value, if one is given."""

    def bend(headers, body):
        same = [(n, second or v) for n, v in headers if n.lower() == name]
        return [*headers, *same], body

    return bend


DOUBLED = {
    "host": ("host", None),
    "another host": ("host", "kms.us-west-2.amazonaws.com"),
    "authorization": ("authorization", None),
    "date": ("x-amz-date", None),
    "target": ("x-amz-target", None),
    "token": ("x-amz-security-token", None),
    "another token": ("x-amz-security-token", "AAAA"),
}


@pytest.mark.parametrize("name", DOUBLED)
def test_a_header_that_comes_twice_is_not_read_once(world, name):
    """R3: neither the first nor the last of two counts alone, so that no two readers can differ."""
    header, second = DOUBLED[name]
    made = Draft(world.server, world.keys("role/UserRole"), "ListKeys", b"{}")
    assert made.send().code == "AccessDeniedException"
    answer = made.send(twice(header, second))
    if answer is not None:
        assert answer.status in (400, 403) and answer.code != "AccessDeniedException", answer


def test_two_lengths_of_one_body_are_not_two_requests(world):
    """R3: a request with both framings is refused, or ends its connection."""
    smuggled = rawhttp.request("GET", "/health", [("Host", "x")])
    chunked = b"2\r\n{}\r\n0\r\n\r\n"
    made = draft(world, "Admin")
    framing = [("Transfer-Encoding", "chunked"), ("Content-Length", str(len(chunked) + len(smuggled)))]
    answer = made.send(lambda headers, body: ([*headers, *framing], chunked + smuggled))
    assert answer is None or answer.status == 400 or answer.headers.get("connection", "").lower() == "close", answer


# Tokens.


@pytest.fixture(scope="module")
def sessions(world):
    """A session of each kind."""
    made = make_user(world, None, identity("Allow", "kms:ListKeys", "sts:GetFederationToken"))
    sts = made.client("sts")
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}}'
    return {
        "federated": given(sts.get_federation_token(Name="guest", Policy=text)),
        "role": make_role(world, None, identity("Allow", "kms:ListKeys")).keys,
        "user": given(sts.get_session_token()),
    }


def attempt(world, keys: Keys):
    return Draft(world.server, keys, "ListKeys", b"{}").send()


def edited(token: str, dice: random.Random):
    """The token with every byte changed in turn, cut, filled up, moved, and in other alphabets."""
    raw = base64.b64decode(token)

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    for at in range(len(raw)):
        yield text(raw[:at] + bytes([raw[at] ^ (1 << dice.randrange(8))]) + raw[at + 1 :])
    for at in range(1, len(raw), 5):
        yield text(raw[:at])
        yield text(raw[at:])
        yield text(raw[:at] + raw[at + 1 :])
        yield text(raw[at:] + raw[:at])
    yield from (text(raw + raw), text(raw + b"\0"), text(b"\0" + raw), text(bytes(len(raw))), text(raw[::-1]))
    yield from (token.swapcase(), token[::-1], f"{token}=", f"{token}AAAA", f"={token}", f'"{token}"')
    yield f"{token},{token}"
    for at in dice.sample(range(len(token.rstrip("="))), 20):
        other = dice.choice([c for c in string.ascii_letters + string.digits if c != token[at]])
        yield token[:at] + other + token[at + 1 :]
        yield token[:at] + " " + token[at:]
        yield token[:at] + token[at:].lower() if token[at:] != token[at:].lower() else token[:-1]


@pytest.mark.parametrize("kind", ["federated", "role", "user"])
def test_a_token_is_good_as_it_was_given_and_in_no_other_form(world, sessions, kind):
    """R3: with the right secret key, so that nothing but the token is wrong."""
    keys = sessions[kind]
    assert attempt(world, keys).status == 200
    count = 0
    for token in edited(keys.session_token, random.Random(3)):
        answer = attempt(world, Keys(keys.access_key_id, keys.secret_access_key, token))
        assert answer is not None and answer.code in TOKEN_REFUSALS, (token, answer)
        count += 1
    assert count > 200 and attempt(world, keys).status == 200


def test_the_parts_of_credentials_belong_together(world, sessions):
    """R3: key, secret and token of different sessions or users in every mixture: only the right ones are taken."""
    own = [*sessions.values(), world.keys("Alice")]
    for key, secret, token in [(a, b, c) for a in own for b in own for c in own if not a is b is c]:
        answer = attempt(world, Keys(key.access_key_id, secret.secret_access_key, token.session_token))
        assert_refused(answer, TOKEN_REFUSALS)


def test_a_token_is_presented_in_one_place(world, sessions):
    """R3: in the query string of a request that is signed in its header it says nothing."""
    keys = sessions["role"]
    made = Draft(world.server, Keys(keys.access_key_id, keys.secret_access_key), "ListKeys", b"{}")
    made.query = urllib.parse.urlencode({"X-Amz-Security-Token": keys.session_token})
    assert_refused(made.send(), TOKEN_REFUSALS)
    made = Draft(world.server, world.keys("Bob"), "ListKeys", b"{}")
    made.query = urllib.parse.urlencode({"X-Amz-Security-Token": keys.session_token})
    assert made.send().code == "AccessDeniedException", "Bob is Bob"


# One-time codes.


@pytest.fixture(scope="module")
def holder(steered):
    """A user with a device, and a role that asks for a code."""
    made = make_user(steered, fresh_name("holder"), identity("Allow", "iam:ResyncMFADevice", "sts:*"))
    device = totp.make(steered, fresh_name("hostile"))
    totp.give(steered, device, made.name)
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": made.arn}, "Action": "sts:AssumeRole", "Condition": condition}
    name = fresh_name("coded")
    steered.iam().create_role(RoleName=name, AssumeRolePolicyDocument=document(statement))
    return made, device, role(name)


def uses(steered, holder) -> list:
    """The calls that take a code of the device, ready to be made with one."""
    made, device, arn = holder
    sts = made.client("sts")
    assume = {"RoleArn": arn, "RoleSessionName": "s1", "SerialNumber": device.serial}
    return [
        lambda code: error_of(sts.get_session_token, SerialNumber=device.serial, TokenCode=code),
        lambda code: error_of(sts.assume_role, TokenCode=code, **assume),
    ]


def test_a_code_is_used_up_for_every_operation(steered, holder):
    """R34: whatever it was used for first."""
    calls = uses(steered, holder)
    for first, second in ((0, 1), (1, 0), (0, 0), (1, 1)):
        code = holder[1].fresh()
        assert (calls[first](code), calls[second](code)) == (None, "AccessDenied"), (first, second)


def test_one_code_lets_one_of_many_in(steered, holder):
    """R34: eight clients of both operations at once."""
    calls, code = uses(steered, holder) * 2, holder[1].fresh()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda call: call(code), calls))
    assert sorted(answers, key=str) == ["AccessDenied"] * (len(calls) - 1) + [None]


def test_a_code_is_six_plain_digits(steered, holder):
    """R34: no other digits, signs or blanks around them; and none of this uses the code up."""
    made, device, _ = holder
    code = device.fresh()
    sts = connect(steered.server, made.keys, service="sts", validate=False)
    wide = "".join(chr(0xFF10 + int(digit)) for digit in code)
    arabic = "".join(chr(0x0660 + int(digit)) for digit in code)
    for wrong in (wide, arabic, f" {code}", f"{code} ", f"{code}\n", f"+{code[1:]}", f"{code}\0", f"0{code}", code[:5]):
        got = error_of(sts.get_session_token, SerialNumber=device.serial, TokenCode=wrong)
        assert got in ("ValidationError", "AccessDenied"), (wrong, got)
    sts.get_session_token(SerialNumber=device.serial, TokenCode=code)
