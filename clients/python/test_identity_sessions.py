"""Temporary credentials: what makes them, what limits them, what ends them, and what hostile clients try with them."""

import base64
import datetime
import json

import pytest

import policies
import totp
import trail
from aws import connect, error_of, refused, request_id
from policies import HOME, OTHER, allow, deny, document, identity, role, role_session, user
from sigv4 import Keys
from world import World

BY_ADMIN = {"AWS": user("Admin")}
USE = ("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey")


def trust(*actions: str, principal=None, **more) -> dict:
    """A statement of a trust policy."""
    actions = actions or ("sts:AssumeRole",)
    return {"Effect": "Allow", "Principal": principal or BY_ADMIN, "Action": list(actions), **more}


ALL_ASSUMING = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
CHAINED = {"AWS": [user("Admin"), role("First")]}
WITH_CODE = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ROLES = {
    "Worker": trust(),
    "Tagged": trust(*ALL_ASSUMING),
    "First": trust(*ALL_ASSUMING),
    "Second": trust(*ALL_ASSUMING, principal=CHAINED),
    "NoTags": trust(),
    "External": trust(Condition={"StringEquals": {"sts:ExternalId": "partner-7"}}),
    "TeamOnly": trust(*ALL_ASSUMING, Condition={"StringEquals": {"aws:RequestTag/Team": "blue"}}),
    "WithCode": trust(principal={"AWS": [user("Admin"), user("Alice")]}, Condition=WITH_CODE),
    "ByAccount": trust(principal={"AWS": HOME}),
}
ROLE_RIGHTS = document(identity("Allow", "kms:*", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"))


def seed_text() -> str:
    """The accounts of these tests."""
    lines = ["[[account]]", f'id = "{HOME}"']
    for name, policy in {
        "Alice": document(identity("Allow", "kms:*", "sts:GetFederationToken", "sts:TagSession")),
        "Bob": None,
    }.items():
        lines += ["[[account.user]]", f'name = "{name}"', "access_key = true", 'tags = { Own = "user" }']
        lines += [f"inline_policies = {{ use = '''{policy}''' }}"] if policy else []
    for name, statement in ROLES.items():
        lines += ["[[account.role]]", f'name = "{name}"', f"trust_policy = '''{document(statement)}'''"]
        lines += [f"inline_policies = {{ use = '''{ROLE_RIGHTS}''' }}", 'tags = { Team = "of-role", Base = "1" }']
    lines += ["[[account]]", f'id = "{OTHER}"', "root_access_key = true"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def place():
    """One server with these accounts, whose clock can be moved."""
    from conftest import Servers

    made = Servers()
    path = made.folder / "sessions.toml"
    path.write_text(seed_text())
    server = made.over(made.folder / "data", seed=path, start=False)
    server._needs_test_mode = lambda: True  # these accounts fix no key, and still the clock is to be moved
    yield World(server.start())
    made.close()


def given(answer: dict) -> Keys:
    """The keys of temporary credentials."""
    made = answer["Credentials"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def assume(place, name: str, keys: Keys | None = None, session="s1", **more) -> dict:
    """Assumes a role, as Admin or with the keys of a session."""
    sts = connect(place.server, keys, service="sts") if keys else place.sts()
    return sts.assume_role(RoleArn=role(name), RoleSessionName=session, **more)


def kms_of(place, answer: dict):
    return connect(place.server, given(answer))


def sts_of(place, answer: dict):
    return connect(place.server, given(answer), service="sts")


def may(kms, key, action="encrypt") -> bool:
    """Whether a client may use a key."""
    parameters = {"Plaintext": b"m"} if action == "encrypt" else {}
    code = error_of(getattr(kms, action), KeyId=key.arn, **parameters)
    assert code in (None, "AccessDeniedException"), code
    return code is None


def tagged(**tags: str) -> list[dict]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def account_key(place, *more: dict):
    """A key whose account decides."""
    return place.make_key(allow(policies.root(), "kms:*"), *more)


def test_a_session_policy_is_a_ceiling(place):
    """What the role may and the session policy may not is refused; the policy gives nothing by itself."""
    key = account_key(place)
    assert may(kms_of(place, assume(place, "Worker")), key)
    describe = document(identity("Allow", "kms:DescribeKey", "iam:GetUser"))
    limited = assume(place, "Worker", Policy=describe)
    assert 0 < limited["PackedPolicySize"] <= 100
    kms = kms_of(place, limited)
    assert may(kms, key, "describe_key") and not may(kms, key)
    message = (
        f"User: {role_session('Worker', 's1')} is not authorized to perform: kms:Encrypt on resource: {key.arn} because "
        "no session policy allows the kms:Encrypt action"
    )
    refused("AccessDeniedException", message, kms.encrypt, KeyId=key.arn, Plaintext=b"m")
    iam = connect(place.server, given(limited), service="iam", region="us-east-1")
    assert error_of(iam.get_user, UserName="Bob") == "AccessDenied", "the role has no right to give away"
    denying = assume(place, "Worker", Policy=document(identity("Allow", "*"), identity("Deny", "kms:Encrypt")))
    assert not may(kms_of(place, denying), key)
    assert may(kms_of(place, denying), key, "describe_key")
    assert "PackedPolicySize" not in assume(place, "Worker")


def test_a_session_policy_does_not_limit_what_names_the_session_itself(place):
    """A key policy that names the session gives past the ceiling; one that names its role does not."""
    nothing = document(identity("Allow", "s3:*"))
    by_role = place.make_key(allow(role("Worker"), "kms:Encrypt"))
    by_session = place.make_key(allow(role_session("Worker", "s1"), "kms:Encrypt"))
    kms = kms_of(place, assume(place, "Worker", Policy=nothing))
    assert may(kms, by_session) and not may(kms, by_role)
    assert may(kms_of(place, assume(place, "Worker")), by_role)


def test_managed_session_policies_count_together_with_the_text(place):
    """By ARN; together they are one ceiling, and one that does not exist is refused."""
    key = account_key(place)
    power = {"arn": "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"}
    kms = kms_of(place, assume(place, "Worker", PolicyArns=[power]))
    assert not may(kms, key)
    kms.create_key()
    text = document(identity("Allow", "kms:Encrypt"))
    kms = kms_of(place, assume(place, "Worker", PolicyArns=[power], Policy=text))
    assert may(kms, key)
    kms.create_key()
    missing = {"arn": f"arn:aws:iam::{HOME}:policy/none"}
    message = f"The specified managed policy {missing['arn']} does not exist or is not attachable."
    refused("MalformedPolicyDocument", message, assume, place=place, name="Worker", PolicyArns=[missing])


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{", "MalformedPolicyDocument"),
        (document(allow("*", "kms:*")), "MalformedPolicyDocument"),
        (document(identity("Allow", "kms:*", resource="arn:aws:kms")), "MalformedPolicyDocument"),
        (document(identity("Allow", "kms:*" + "x" * 2048)), "PackedPolicyTooLarge"),
        ("", "ValidationError"),
    ],
)
def test_what_is_no_session_policy_is_refused(place, policy, code):
    """Not JSON, with a principal, with a short ARN, too long, empty."""
    sts = place.client("Admin", "sts", "us-west-2", validate=False)
    parameters = {"RoleArn": role("Worker"), "RoleSessionName": "s1", "Policy": policy}
    assert error_of(sts.assume_role, **parameters) == code


def test_the_longest_policy_and_many_tags_do_not_fit_together(place):
    """Each alone fits; PackedPolicySize tells how much of the room is used, and a token stays under 4 KiB."""
    text = document(identity("Allow", "kms:*", resource="x:" + "y" * 1950))
    longest = document(identity("Allow", "kms:*", resource="*", Sid="y" * (2048 - len(text) + 1900)))
    longest = longest + " " * (2048 - len(longest))
    answer = assume(place, "Tagged", Policy=longest)
    assert len(answer["Credentials"]["SessionToken"]) <= 4096
    many = [{"Key": f"key-{n}", "Value": "v" * 30} for n in range(50)]
    answer = assume(place, "Tagged", Tags=many)
    assert 50 < answer["PackedPolicySize"] <= 100
    call = {"place": place, "name": "Tagged"}
    assert error_of(assume, Policy=longest, Tags=many, **call) == "PackedPolicyTooLarge"


def test_a_token_is_as_long_as_its_bearer_wants(place):
    """Every operation that makes a session tells how long its token is, and makes it longer if asked."""
    key = account_key(place)
    federated = {"Name": "fed", "Policy": document(identity("Allow", "kms:*"))}
    calls = [
        (place.sts("Alice").get_session_token, {}),
        (place.sts("Alice").get_federation_token, federated),
        (place.sts().assume_role, {"RoleArn": role("Worker"), "RoleSessionName": "s1"}),
    ]
    for call, parameters in calls:
        plain = call(**parameters)
        usual = len(plain["Credentials"]["SessionToken"])
        for wanted in (None, 0, 1, usual + 1, 2000, 4095, 4096):
            asked = {} if wanted is None else {"MinimumSessionTokenSize": wanted}
            answer = call(**parameters, **asked)
            size = len(answer["Credentials"]["SessionToken"])
            assert answer["SessionTokenSize"] == size <= 4096
            assert answer["SessionTokenUtilization"] == -(-size * 100 // 4096)
            assert max(usual, wanted or 0) <= size < max(usual, wanted or 0) + 4
            assert may(kms_of(place, answer), key), "whatever its length, it is the same session"
        assert error_of(call, **parameters, MinimumSessionTokenSize=4097) == "ValidationError"
        recorded = trail.record_of(place.server, request_id(answer))["requestParameters"]
        assert int(recorded["minimumSessionTokenSize"]) == 4096


def test_what_no_context_provider_vouches_for_is_refused(place):
    """There are no trusted context providers here, and a session without the context would not be what was asked for."""
    provided = [{"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "ContextAssertion": "assertion"}]
    refused(
        "UnsupportedOperation",
        "The parameter ProvidedContexts is not supported.",
        place.sts().assume_role,
        RoleArn=role("Worker"),
        RoleSessionName="s1",
        ProvidedContexts=provided,
    )


def test_session_tags_are_the_principals_tags(place):
    """They take the place of the role's tags of the same key, case apart; the role's others stay."""
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue", "aws:PrincipalTag/Base": "1"}}
    key = place.make_key(allow(role("Tagged"), "kms:Encrypt", Condition=condition))
    assert not may(kms_of(place, assume(place, "Tagged")), key)
    assert may(kms_of(place, assume(place, "Tagged", Tags=tagged(TEAM="blue"))), key)
    assert not may(kms_of(place, assume(place, "Tagged", Tags=tagged(Team="blue", base="2"))), key)
    message = f"User: {user('Admin')} is not authorized to perform: sts:TagSession on resource: {role('NoTags')}"
    refused("AccessDenied", message, assume, place=place, name="NoTags", Tags=tagged(Team="blue"))
    assert error_of(assume, place=place, name="TeamOnly", Tags=tagged(Team="red")) == "AccessDenied"
    assert error_of(assume, place=place, name="TeamOnly") == "AccessDenied"
    assume(place, "TeamOnly", Tags=tagged(Team="blue"))


def test_transitive_tags_follow_the_chain_and_cannot_be_replaced(place):
    """Others are left behind; a key that is passed on cannot be set anew."""
    first = assume(place, "First", Tags=tagged(Team="blue", Own="x"), TransitiveTagKeys=["Team"])
    second = assume(place, "Second", keys=given(first), Tags=tagged(Extra="y"))
    for name, value, expected in [("Team", "blue", True), ("Own", "x", False), ("Extra", "y", True)]:
        condition = {"StringEquals": {f"aws:PrincipalTag/{name}": value}}
        key = place.make_key(allow(role("Second"), "kms:Encrypt", Condition=condition))
        assert may(kms_of(place, second), key) == expected, name
    call = {"place": place, "name": "Second", "keys": given(first)}
    assert error_of(assume, Tags=tagged(team="red"), **call) == "ValidationError"
    assert error_of(assume, place=place, name="First", TransitiveTagKeys=["Team"]) == "ValidationError"
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert error_of(assume, place=place, name="First", Tags=twice) == "ValidationError"


def test_an_external_id_is_asked_for(place):
    """Missing, wrong, right; and a role that does not exist is refused in the same words."""

    def message(name: str) -> str:
        return f"User: {user('Admin')} is not authorized to perform: sts:AssumeRole on resource: {role(name)}"

    refused("AccessDenied", message("External"), assume, place=place, name="External")
    refused("AccessDenied", message("External"), assume, place=place, name="External", ExternalId="partner-8")
    assume(place, "External", ExternalId="partner-7")
    refused("AccessDenied", message("Missing"), assume, place=place, name="Missing")
    bob = place.sts("Bob")
    for name in ("ByAccount", "Missing", "Worker"):
        text = f"User: {user('Bob')} is not authorized to perform: sts:AssumeRole on resource: {role(name)}"
        refused("AccessDenied", text, bob.assume_role, RoleArn=role(name), RoleSessionName="s1")


def test_durations_have_limits(place):
    """900 seconds to the role's maximum; an hour at most in a chain."""
    for seconds in (900, 3600):
        answer = assume(place, "First", DurationSeconds=seconds)
        left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.UTC)
        assert abs(left.total_seconds() - seconds - place.server.advanced) < 60
    message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    refused("ValidationError", message, assume, place=place, name="First", DurationSeconds=3601)
    call = {"place": place, "name": "Second", "keys": given(answer)}
    message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    refused("ValidationError", message, assume, DurationSeconds=3601, **call)
    validating = place.client("Admin", "sts", "us-west-2", validate=False)
    for seconds in (899, 43_201):
        wrong = {"RoleArn": role("First"), "RoleSessionName": "s1", "DurationSeconds": seconds}
        assert error_of(validating.assume_role, **wrong) == "ValidationError"
    root = place.sts(f"{OTHER}/root")
    refused("AccessDenied", "Roles may not be assumed by root accounts.", root.assume_role,
            RoleArn=role("First"), RoleSessionName="s1")  # fmt: skip


def test_a_source_identity_stays_along_the_chain(place):
    """It needs its own right, is a condition key, is recorded, and cannot be changed."""
    first = assume(place, "First", SourceIdentity="ann")
    assert first["SourceIdentity"] == "ann"
    second = assume(place, "Second", keys=given(first))
    assert second["SourceIdentity"] == "ann"
    key = place.make_key(allow(role("Second"), "kms:Encrypt", Condition={"StringEquals": {"aws:SourceIdentity": "ann"}}))
    assert may(kms_of(place, second), key) and not may(kms_of(place, assume(place, "Second")), key)
    call = {"place": place, "name": "Second", "keys": given(first)}
    assert error_of(assume, SourceIdentity="bea", **call) == "AccessDenied"
    assert error_of(assume, place=place, name="NoTags", SourceIdentity="ann") == "AccessDenied"
    record = trail.record_of(place.server, request_id(second))
    assert record["responseElements"]["sourceIdentity"] == "ann"


def test_a_role_may_ask_for_a_code(place):
    """The code counts for the call alone; a session made on one counts on in the role's session."""
    device = totp.make(place, "Alice")
    totp.give(place, device, "Alice")
    sts = place.sts("Alice")
    wanted = {"RoleArn": role("WithCode"), "RoleSessionName": "s1"}
    message = f"User: {user('Alice')} is not authorized to perform: sts:AssumeRole on resource: {role('WithCode')}"
    refused("AccessDenied", message, sts.assume_role, **wanted)
    code = device.fresh()
    by_call = sts.assume_role(SerialNumber=device.serial, TokenCode=code, **wanted)
    wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    refused("AccessDenied", wrong, sts.assume_role, SerialNumber=device.serial, TokenCode=code, **wanted)
    login = sts.get_session_token(SerialNumber=device.serial, TokenCode=device.fresh())
    by_session = sts_of(place, login).assume_role(**wanted)
    plain = sts_of(place, sts.get_session_token())
    assert error_of(plain.assume_role, **wanted) == "AccessDenied"
    present = place.make_key(allow(role("WithCode"), "kms:Encrypt", Condition=WITH_CODE))
    absent = {"Null": {"aws:MultiFactorAuthPresent": "true"}}
    without = place.make_key(allow(role("WithCode"), "kms:Encrypt", Condition=absent))
    assert may(kms_of(place, by_session), present) and not may(kms_of(place, by_call), present)
    assert not may(kms_of(place, by_call), without), "false, not absent"


def test_a_code_is_used_up_even_if_the_role_does_not_trust(place):
    """What was shown once must not be good again, whatever became of the call."""
    device = totp.make(place, "Bob")
    totp.give(place, device, "Bob")
    factor = {"SerialNumber": device.serial, "TokenCode": device.fresh()}
    sts = place.sts("Bob")
    assert error_of(sts.assume_role, RoleArn=role("Worker"), RoleSessionName="s1", **factor) == "AccessDenied"
    assert error_of(sts.get_session_token, **factor) == "AccessDenied"


def test_a_session_of_a_user_is_the_user(place):
    """Same ARN, same rights, same tags; long-term keys have no MultiFactorAuthPresent, this has false."""
    answer = place.sts("Alice").get_session_token(DurationSeconds=900)
    sts = sts_of(place, answer)
    assert sts.get_caller_identity()["Arn"] == user("Alice")
    kms = kms_of(place, answer)
    assert may(kms, account_key(place))
    key = place.make_key(
        allow(user("Alice"), "kms:Encrypt", Condition={"StringEquals": {"aws:PrincipalTag/Own": "user"}}),
        deny(user("Alice"), "kms:Encrypt", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
    )
    assert not may(kms, key) and may(place.kms("Alice"), key)
    for call, name in (
        (sts.get_session_token, "GetSessionToken"),
        (lambda: sts.get_federation_token(Name="fed"), "GetFederationToken"),
    ):
        refused("AccessDenied", f"Cannot call {name} with session credentials", call)
    assert error_of(sts.get_access_key_info, AccessKeyId=given(answer).access_key_id) == "AccessDenied"
    refused("AccessDenied", "Cannot call GetSessionToken with session credentials",
            sts_of(place, assume(place, "Worker")).get_session_token)  # fmt: skip


def test_a_federated_user_has_a_part_of_its_users_rights(place):
    """Without a session policy nothing, with one the intersection; a key policy may name the session."""
    key = account_key(place)
    sts = place.sts("Alice")
    nothing = sts.get_federation_token(Name="fed")
    assert nothing["FederatedUser"]["Arn"] == f"arn:aws:sts::{HOME}:federated-user/fed"
    assert nothing["FederatedUser"]["FederatedUserId"] == f"{HOME}:fed"
    assert not may(kms_of(place, nothing), key)
    text = document(identity("Allow", "kms:Encrypt", "iam:*", "sts:*"))
    part = sts.get_federation_token(Name="fed", Policy=text, Tags=tagged(Job="x"))
    kms = kms_of(place, part)
    assert may(kms, key) and not may(kms, key, "describe_key")
    direct = place.make_key(allow(f"arn:aws:sts::{HOME}:federated-user/fed", "kms:DescribeKey"))
    assert may(kms_of(place, nothing), direct, "describe_key")
    by_tag = allow(user("Alice"), "kms:Encrypt", Condition={"StringEquals": {"aws:PrincipalTag/Job": "x"}})
    assert may(kms, place.make_key(by_tag))
    of_session = sts_of(place, part)
    assert of_session.get_caller_identity()["Arn"] == f"arn:aws:sts::{HOME}:federated-user/fed"
    assert error_of(of_session.assume_role, RoleArn=role("ByAccount"), RoleSessionName="s1") == "AccessDenied"
    iam = connect(place.server, given(part), service="iam", region="us-east-1")
    assert error_of(iam.get_user, UserName="Alice") == "InvalidClientTokenId"
    record = trail.record_of(place.server, request_id(kms.encrypt(KeyId=key.arn, Plaintext=b"m")))
    assert record["userIdentity"]["type"] == "FederatedUser"
    assert record["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == user("Alice")
    assert error_of(place.sts("Bob").get_federation_token, Name="fed") == "AccessDenied"
    root = place.sts(f"{OTHER}/root")
    assert error_of(root.get_federation_token, Name="fed") == "AccessDenied"


def test_roots_sessions_last_an_hour(place):
    """Whatever is asked for."""
    answer = place.sts(f"{OTHER}/root").get_session_token(DurationSeconds=129_600)
    assert sts_of(place, answer).get_caller_identity()["Arn"] == policies.root(OTHER)
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.UTC)
    assert left.total_seconds() - place.server.advanced <= 3600


def test_an_access_key_tells_its_account(place):
    """Long-term and temporary; an id that nobody made is refused."""
    sts = place.sts()
    for keys in (place.keys("Alice"), given(assume(place, "Worker"))):
        assert sts.get_access_key_info(AccessKeyId=keys.access_key_id)["Account"] == HOME
    other = place.keys(f"{OTHER}/root").access_key_id
    assert sts.get_access_key_info(AccessKeyId=other)["Account"] == OTHER
    for unknown in ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"):
        refused("ValidationError", "Invalid AccessKeyId", sts.get_access_key_info, AccessKeyId=unknown)
    assert error_of(place.sts("Bob").get_access_key_info, AccessKeyId=other) == "AccessDenied"


def test_sessions_end_with_their_time(place):
    """To the second; the answer says that the token is expired."""
    answer = assume(place, "Worker", DurationSeconds=900)
    kms, sts = kms_of(place, answer), sts_of(place, answer)
    place.server.advance(890)
    kms.list_keys()
    place.server.advance(10)
    expired = "The security token included in the request is expired"
    refused("ExpiredTokenException", expired, kms.list_keys)
    refused("ExpiredToken", expired, sts.get_caller_identity)


def test_sessions_are_revoked_by_their_issue_time(place):
    """A Deny on aws:TokenIssueTime ends the older ones at the next call, and not the newer."""
    key = place.make_key(allow(role("Worker"), "kms:Encrypt"))
    old = kms_of(place, assume(place, "Worker"))
    assert may(old, key)
    place.server.advance(5)
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=place.server.advanced)
    older = {"DateLessThan": {"aws:TokenIssueTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    place.put_policy(key, allow(role("Worker"), "kms:Encrypt"), deny("*", "kms:Encrypt", Condition=older))
    assert not may(old, key)
    place.server.advance(5)
    assert may(kms_of(place, assume(place, "Worker")), key)


def test_hostile_tokens_are_refused_and_recorded(place, servers):
    """Of another installation, cut, edited at any place, of another key, missing, too long, no base64."""
    keys = given(assume(place, "Worker"))
    other = given(assume(place, "Worker", session="s2"))
    elsewhere = World(servers.make("elsewhere"))
    foreign = given(elsewhere.sts().assume_role(RoleArn=role("UserRole"), RoleSessionName="s1"))
    raw = base64.b64decode(keys.session_token)
    edited = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(0, len(raw), 7)]
    tokens = [base64.b64encode(token).decode() for token in [*edited, raw[:-1], raw[: len(raw) // 2], raw + b"\0", b""]]
    tokens = [token or "A" for token in tokens] + ["!", "A" * 4096, "A" * 5000, keys.session_token[:-4]]
    attempts = [Keys(keys.access_key_id, keys.secret_access_key, token) for token in tokens]
    attempts += [
        foreign,
        Keys(other.access_key_id, other.secret_access_key, keys.session_token),
        Keys(keys.access_key_id, keys.secret_access_key, other.session_token),
        Keys(keys.access_key_id, keys.secret_access_key, None),
        Keys(place.keys("Alice").access_key_id, place.keys("Alice").secret_access_key, keys.session_token),
    ]
    before = len(place.server.calls)
    for attempt in attempts:
        assert error_of(connect(place.server, attempt).list_keys) == "UnrecognizedClientException"
        call = connect(place.server, attempt, service="sts").get_caller_identity
        assert error_of(call) == "InvalidClientTokenId"
    assert error_of(
        connect(place.server, Keys(keys.access_key_id, "x" * 40, keys.session_token)).list_keys
    ) == "InvalidSignatureException"
    trail.assert_each_call_recorded_once(place.server, place.server.calls[before:])
    connect(place.server, keys).list_keys()


def test_no_token_and_no_secret_is_recorded(place):
    """The record of a login names key and expiry, and nothing else of the credentials."""
    for answer in (
        assume(place, "Tagged", Tags=tagged(Team="blue"), Policy=document(identity("Allow", "kms:*"))),
        place.sts("Alice").get_session_token(),
        place.sts("Alice").get_federation_token(Name="fed"),
    ):
        made = answer["Credentials"]
        record = trail.record_of(place.server, request_id(answer))
        text = json.dumps(record)
        assert made["SecretAccessKey"] not in text and made["SessionToken"] not in text
        assert record["responseElements"]["credentials"]["accessKeyId"] == made["AccessKeyId"]
