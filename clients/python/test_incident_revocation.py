"""What is taken away is gone for the very next call, for many clients at once, and through a crash.

Each row gives somebody a right and takes it away in one way. Before, the call works; after the answer to the change no
call that begins succeeds; the refusal has the right code, and a record that names the code.
Not here: what each of the operations answers; the tests of its own service have that.
"""

import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

import aws
import oidc
import policies
import totp
import trail
from conftest import Servers
from kanuki import wait_until
from policies import ENABLE_IAM, allow, document, identity, role_session, user
from principals import Made, access_key, fresh_name, make_policy, make_role, make_user, trusting
from sigv4 import Keys
from test_identity_sessions import given
from test_identity_web_identity import provider_arn, trust
from world import FAR_REGION, HOME_REGION, World, write_seed

ISSUER = "https://tokens.example.org/ci"
CLIENTS = 8
SECONDS_MAX = 60
ENCRYPT = identity("Allow", "kms:Encrypt")
SILENT = identity("Allow", "kms:Decrypt", "sts:*")
DENIED, UNKNOWN = "AccessDeniedException", "UnrecognizedClientException"
# Rows that need what another row takes away.
SHARING = {"an identity provider takes an audience no longer"}
# What a call may meet while a change of several steps is under way.
REFUSALS = {
    "AccessDenied", DENIED, "DisabledException", "InvalidClientTokenId", "InvalidIdentityToken",
    "KMSInvalidStateException", "NotFoundException", UNKNOWN,
}  # fmt: skip


class Place(World):
    """A server that takes the tokens of one issuer, and whose clock can be moved."""

    def __init__(self, server, issuer: oidc.Issuer):
        super().__init__(server)
        self.issuer = issuer
        self._callers: dict = {}

    def as_(self, keys: Keys | None, service: str = "kms"):
        """The client of some keys at the server as it runs now; unsigned without keys."""
        region = FAR_REGION if service == "iam" else HOME_REGION
        place = (keys, service, self.server.endpoint)
        with self._lock:
            known = self._callers.get(place)
        if known is None:
            known = aws.connect(self.server, keys or Keys("unused", "unused"), service=service, region=region)
            if keys is None:
                known.meta.events.register(f"choose-signer.{service}", lambda **_: UNSIGNED)
            with self._lock:
                known = self._callers.setdefault(place, known)
        return known

    def use(self, keys: Keys, key) -> Callable[[], dict]:
        """The use of a key by somebody."""
        return lambda: self.as_(keys).encrypt(KeyId=key.arn, Plaintext=b"m")

    def left_to_iam(self):
        """A key of which identity policies decide."""
        return self.make_key(ENABLE_IAM)


def start(servers: Servers) -> Place:
    """The place of these tests."""
    issuer = oidc.Issuer(ISSUER)
    folder = servers.folder
    (folder / "issuer.json").write_text(issuer.key_set())
    config = folder / "revocation.toml"
    config.write_text(
        f'[[identity_provider_keys]]\nissuer = "{ISSUER}"\njwks_file = "{folder / "issuer.json"}"\n'
        "[request_quotas]\nburst_seconds = 3600\n"
    )
    data = folder / fresh_name("revocation")
    return Place(servers.over(data, seed=write_seed(folder), config=config), issuer)


@pytest.fixture(scope="module")
def place():
    servers = Servers()
    yield start(servers)
    servers.close()


@dataclasses.dataclass
class Case:
    """A call that works until the change."""

    call: Callable[[], dict]
    change: Callable[[], object]
    code: str = DENIED
    # What the change must leave alone.
    goes_on: Callable[[], dict] | None = None
    # Whether the call can be made over and over: a one-time code cannot.
    repeats: bool = True


ROWS: dict[str, Callable[[Place], Case]] = {}


def row(make):
    """A row of the table, by its function's name."""
    ROWS[make.__name__.replace("_", " ")] = make
    return make


# Policies of users, groups and roles.


@row
def an_inline_policy_of_a_user_is_deleted(place):
    made = make_user(place, None, ENCRYPT)
    change = lambda: place.iam().delete_user_policy(UserName=made.name, PolicyName="own")
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def an_inline_policy_of_a_user_is_replaced(place):
    made = make_user(place, None, ENCRYPT)
    put = {"UserName": made.name, "PolicyName": "own", "PolicyDocument": document(SILENT)}
    return Case(place.use(made.keys, place.left_to_iam()), lambda: place.iam().put_user_policy(**put))


@row
def a_denial_is_added_to_a_user(place):
    made = make_user(place, None, ENCRYPT)
    put = {"UserName": made.name, "PolicyName": "no", "PolicyDocument": document(identity("Deny", "kms:*"))}
    return Case(place.use(made.keys, place.left_to_iam()), lambda: place.iam().put_user_policy(**put))


@row
def a_managed_policy_is_detached_from_a_user(place):
    made, policy = make_user(place), make_policy(place, ENCRYPT)
    both = {"UserName": made.name, "PolicyArn": policy}
    place.iam().attach_user_policy(**both)
    return Case(place.use(made.keys, place.left_to_iam()), lambda: place.iam().detach_user_policy(**both))


def _attached(place, *statements: dict) -> tuple[Made, str]:
    made, policy = make_user(place), make_policy(place, *statements)
    place.iam().attach_user_policy(UserName=made.name, PolicyArn=policy)
    return made, policy


@row
def a_new_default_version_says_less(place):
    made, policy = _attached(place, ENCRYPT)
    new = {"PolicyArn": policy, "PolicyDocument": document(SILENT), "SetAsDefault": True}
    return Case(place.use(made.keys, place.left_to_iam()), lambda: place.iam().create_policy_version(**new))


@row
def an_older_version_becomes_the_default(place):
    made, policy = _attached(place, SILENT)
    place.iam().create_policy_version(PolicyArn=policy, PolicyDocument=document(ENCRYPT), SetAsDefault=True)
    change = lambda: place.iam().set_default_policy_version(PolicyArn=policy, VersionId="v1")
    return Case(place.use(made.keys, place.left_to_iam()), change)


def _member(place) -> tuple[Made, str, str]:
    made, group, policy = make_user(place), fresh_name("group"), make_policy(place, ENCRYPT)
    place.iam().create_group(GroupName=group)
    place.iam().attach_group_policy(GroupName=group, PolicyArn=policy)
    place.iam().add_user_to_group(GroupName=group, UserName=made.name)
    return made, group, policy


@row
def a_user_leaves_a_group(place):
    made, group, _ = _member(place)
    change = lambda: place.iam().remove_user_from_group(GroupName=group, UserName=made.name)
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def a_managed_policy_is_detached_from_a_group(place):
    made, group, policy = _member(place)
    change = lambda: place.iam().detach_group_policy(GroupName=group, PolicyArn=policy)
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def an_inline_policy_of_a_group_is_deleted(place):
    made, group, policy = _member(place)
    place.iam().put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=document(ENCRYPT))
    place.iam().detach_group_policy(GroupName=group, PolicyArn=policy)
    change = lambda: place.iam().delete_group_policy(GroupName=group, PolicyName="own")
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def a_group_is_deleted_and_made_again(place):
    made, group, policy = _member(place)

    def change():
        iam = place.iam()
        iam.detach_group_policy(GroupName=group, PolicyArn=policy)
        iam.remove_user_from_group(GroupName=group, UserName=made.name)
        iam.delete_group(GroupName=group)
        iam.create_group(GroupName=group)
        iam.attach_group_policy(GroupName=group, PolicyArn=policy)

    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def a_boundary_is_put_on_a_user(place):
    made, boundary = make_user(place, None, ENCRYPT), make_policy(place, SILENT)
    change = lambda: place.iam().put_user_permissions_boundary(UserName=made.name, PermissionsBoundary=boundary)
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def a_boundary_is_put_on_a_role_that_a_key_policy_names(place):
    made, boundary = make_role(place), make_policy(place, SILENT)
    key = place.make_key(allow(made.arn, "kms:Encrypt"))
    change = lambda: place.iam().put_role_permissions_boundary(RoleName=made.name, PermissionsBoundary=boundary)
    return Case(place.use(made.keys, key), change)


@row
def a_boundary_gets_a_narrower_version(place):
    boundary = make_policy(place, ENCRYPT)
    made = make_user(place, None, ENCRYPT, PermissionsBoundary=boundary)
    new = {"PolicyArn": boundary, "PolicyDocument": document(SILENT), "SetAsDefault": True}
    return Case(place.use(made.keys, place.left_to_iam()), lambda: place.iam().create_policy_version(**new))


@row
def an_inline_policy_of_a_role_is_deleted(place):
    made = make_role(place, None, ENCRYPT)
    change = lambda: place.iam().delete_role_policy(RoleName=made.name, PolicyName="own")
    return Case(place.use(made.keys, place.left_to_iam()), change)


@row
def a_tag_of_a_user_is_removed(place):
    condition = {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}
    made = make_user(place, None, Tags=[{"Key": "Team", "Value": "blue"}])
    key = place.make_key(allow(made.arn, "kms:Encrypt", Condition=condition))
    return Case(place.use(made.keys, key), lambda: place.iam().untag_user(UserName=made.name, TagKeys=["Team"]))


@row
def a_right_in_iam_is_taken(place):
    made = make_user(place, None, identity("Allow", "iam:ListUsers"))
    change = lambda: place.iam().delete_user_policy(UserName=made.name, PolicyName="own")
    return Case(lambda: place.as_(made.keys, "iam").list_users(), change, "AccessDenied")


# Credentials and principals.


@row
def an_access_key_is_made_inactive(place):
    made = make_user(place, None, ENCRYPT)
    off = {"UserName": made.name, "AccessKeyId": made.keys.access_key_id, "Status": "Inactive"}
    other = place.use(access_key(place, made.name), key := place.left_to_iam())
    return Case(place.use(made.keys, key), lambda: place.iam().update_access_key(**off), UNKNOWN, other)


@row
def an_access_key_is_deleted(place):
    made = make_user(place, None, ENCRYPT)
    gone = {"UserName": made.name, "AccessKeyId": made.keys.access_key_id}
    key = place.left_to_iam()
    # A session is the user's: it does not end with the key that asked for it, but with the user.
    session = given(place.as_(made.keys, "sts").get_session_token())
    change = lambda: place.iam().delete_access_key(**gone)
    return Case(place.use(made.keys, key), change, UNKNOWN, place.use(session, key))


def _drop_user(place, made: Made) -> None:
    iam = place.iam()
    for key in iam.list_access_keys(UserName=made.name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=made.name, AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName=made.name)["PolicyNames"]:
        iam.delete_user_policy(UserName=made.name, PolicyName=name)
    iam.delete_user(UserName=made.name)


@row
def a_user_is_deleted(place):
    made = make_user(place, None, ENCRYPT)
    return Case(place.use(made.keys, place.left_to_iam()), lambda: _drop_user(place, made), UNKNOWN)


@row
def a_user_with_a_session_is_deleted_and_made_again(place):
    made = make_user(place, None, ENCRYPT)
    session = given(place.as_(made.keys, "sts").get_session_token())

    def change():
        _drop_user(place, made)
        make_user(place, made.name, ENCRYPT)

    return Case(place.use(session, place.left_to_iam()), change, UNKNOWN)


def _federated(place) -> tuple[Made, Keys]:
    made = make_user(place, None, ENCRYPT, identity("Allow", "sts:GetFederationToken"))
    answer = place.as_(made.keys, "sts").get_federation_token(Name="guest", Policy=document(ENCRYPT))
    return made, given(answer)


@row
def a_user_with_a_federated_session_is_deleted_and_made_again(place):
    made, session = _federated(place)

    def change():
        _drop_user(place, made)
        make_user(place, made.name, ENCRYPT)

    return Case(place.use(session, place.left_to_iam()), change, UNKNOWN)


@row
def the_user_of_a_federated_session_loses_a_right(place):
    made, session = _federated(place)
    change = lambda: place.iam().delete_user_policy(UserName=made.name, PolicyName="own")
    return Case(place.use(session, place.left_to_iam()), change)


@row
def the_user_of_a_session_loses_a_right(place):
    made = make_user(place, None, ENCRYPT)
    session = given(place.as_(made.keys, "sts").get_session_token())
    change = lambda: place.iam().delete_user_policy(UserName=made.name, PolicyName="own")
    return Case(place.use(session, place.left_to_iam()), change)


def _drop_role(place, made: Made) -> None:
    for name in place.iam().list_role_policies(RoleName=made.name)["PolicyNames"]:
        place.iam().delete_role_policy(RoleName=made.name, PolicyName=name)
    place.iam().delete_role(RoleName=made.name)


@row
def a_role_is_deleted_and_made_again(place):
    made = make_role(place, None, ENCRYPT)

    def change():
        _drop_role(place, made)
        make_role(place, made.name, ENCRYPT)

    return Case(place.use(made.keys, place.left_to_iam()), change, UNKNOWN)


@row
def a_role_that_a_key_policy_names_is_deleted_and_made_again(place):
    made = make_role(place)
    key, now = place.make_key(allow(made.arn, "kms:Encrypt")), {"keys": made.keys}

    def change():
        _drop_role(place, made)
        now["keys"] = make_role(place, made.name).keys

    return Case(lambda: place.use(now["keys"], key)(), change)


@row
def a_trust_policy_drops_a_user(place):
    made = make_user(place)
    trusted = make_role(place, None, ENCRYPT, AssumeRolePolicyDocument=trusting(made.arn, user("Admin")))
    wanted = {"RoleArn": trusted.arn, "RoleSessionName": "s2"}
    new = {"RoleName": trusted.name, "PolicyDocument": trusting(user("Admin"))}
    # A session that was made goes on: trust is asked for when it is made.
    live = given(place.as_(made.keys, "sts").assume_role(**wanted))
    call = lambda: place.as_(made.keys, "sts").assume_role(**wanted)
    change = lambda: place.iam().update_assume_role_policy(**new)
    return Case(call, change, "AccessDenied", place.use(live, place.left_to_iam()))


@row
def the_sessions_of_a_role_are_revoked_by_their_issue_time(place):
    made, key = make_role(place, None, ENCRYPT), place.left_to_iam()

    def change():
        place.server.advance(2)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + place.server.advanced))
        older = {"DateLessThan": {"aws:TokenIssueTime": now}}
        text = document(identity("Deny", "*", Condition=older))
        put = {"RoleName": made.name, "PolicyName": "AWSRevokeOlderSessions", "PolicyDocument": text}
        place.iam().put_role_policy(**put)
        place.server.advance(2)

    def later() -> dict:
        answer = place.sts().assume_role(RoleArn=made.arn, RoleSessionName="later")
        return place.use(given(answer), key)()

    return Case(place.use(made.keys, key), change, DENIED, later)


def _limited_by(place, policy: str) -> tuple[Made, Keys]:
    made = make_role(place, None, ENCRYPT)
    wanted = {"RoleArn": made.arn, "RoleSessionName": "limited", "PolicyArns": [{"arn": policy}]}
    return made, given(place.sts().assume_role(**wanted))


@row
def a_managed_policy_of_a_session_says_less(place):
    policy = make_policy(place, ENCRYPT)
    made, limited = _limited_by(place, policy)
    key = place.left_to_iam()
    new = {"PolicyArn": policy, "PolicyDocument": document(SILENT), "SetAsDefault": True}
    change = lambda: place.iam().create_policy_version(**new)
    return Case(place.use(limited, key), change, DENIED, place.use(made.keys, key))


@row
def a_managed_policy_of_a_session_is_deleted(place):
    policy = make_policy(place, ENCRYPT)
    _, limited = _limited_by(place, policy)
    return Case(place.use(limited, place.left_to_iam()), lambda: place.iam().delete_policy(PolicyArn=policy), UNKNOWN)


@row
def a_one_time_code_device_is_deactivated(place):
    made, device = make_user(place, None, ENCRYPT), totp.make(place, fresh_name("device"))
    totp.give(place, device, made.name)

    def login() -> dict:
        code = device.fresh()
        return place.as_(made.keys, "sts").get_session_token(SerialNumber=device.serial, TokenCode=code)

    session, key = given(login()), place.left_to_iam()

    both = {"UserName": made.name, "SerialNumber": device.serial}
    change = lambda: place.iam().deactivate_mfa_device(**both)
    return Case(login, change, "AccessDenied", place.use(session, key), repeats=False)


def _web(place) -> tuple[str, Callable[[], dict], Callable[[], dict]]:
    """A provider, a call that assumes a role for the bearer of its token, and the use of a session made so."""
    iam, arn = place.iam(), provider_arn(ISSUER)
    if any(found["Arn"] == arn for found in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com", "other"])
    name = fresh_name("web")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(ISSUER))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(ENCRYPT))

    def assume() -> dict:
        wanted = {"RoleArn": policies.role(name), "RoleSessionName": "job", "WebIdentityToken": place.issuer.token()}
        return place.as_(None, "sts").assume_role_with_web_identity(**wanted)

    return arn, assume, place.use(given(assume()), place.left_to_iam())


@row
def an_identity_provider_takes_an_audience_no_longer(place):
    arn, assume, live = _web(place)
    gone = {"OpenIDConnectProviderArn": arn, "ClientID": "sts.amazonaws.com"}

    def change():
        place.iam().remove_client_id_from_open_id_connect_provider(**gone)

    return Case(assume, change, "InvalidIdentityToken", live)


@row
def an_identity_provider_is_deleted(place):
    arn, assume, live = _web(place)
    change = lambda: place.iam().delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return Case(assume, change, "InvalidIdentityToken", live)


# Keys.


@row
def a_key_policy_names_a_user_no_longer(place):
    made = make_user(place)
    key = place.make_key(allow(made.arn, "kms:Encrypt"))
    return Case(place.use(made.keys, key), lambda: place.put_policy(key))


@row
def a_key_policy_leaves_nothing_to_iam_any_longer(place):
    made, key = make_user(place, None, ENCRYPT), place.left_to_iam()
    return Case(place.use(made.keys, key), lambda: place.put_policy(key))


@row
def a_key_policy_names_a_session_no_longer(place):
    made = make_role(place)
    key = place.make_key(allow(role_session(made.name, "s1"), "kms:Encrypt"))
    return Case(place.use(made.keys, key), lambda: place.put_policy(key))


def _granted(place) -> tuple[Made, object, dict]:
    made, key = make_user(place), place.make_key()
    terms = {"GranteePrincipal": made.arn, "RetiringPrincipal": user("Admin"), "Operations": ["Encrypt"]}
    return made, key, place.kms().create_grant(KeyId=key.arn, **terms)


@row
def a_grant_is_revoked(place):
    made, key, grant = _granted(place)
    change = lambda: place.kms().revoke_grant(KeyId=key.arn, GrantId=grant["GrantId"])
    return Case(place.use(made.keys, key), change)


@row
def a_grant_is_retired(place):
    made, key, grant = _granted(place)
    change = lambda: place.kms().retire_grant(KeyId=key.arn, GrantId=grant["GrantId"])
    return Case(place.use(made.keys, key), change)


@row
def a_tag_of_a_key_is_removed(place):
    condition = {"StringEquals": {"aws:ResourceTag/Class": "open"}}
    made, key = make_user(place, None, {**ENCRYPT, "Condition": condition}), place.left_to_iam()
    place.kms().tag_resource(KeyId=key.id, Tags=[{"TagKey": "Class", "TagValue": "open"}])
    change = lambda: place.kms().untag_resource(KeyId=key.id, TagKeys=["Class"])
    return Case(place.use(made.keys, key), change)


@row
def a_key_is_disabled(place):
    made, key = make_user(place, None, ENCRYPT), place.left_to_iam()
    return Case(place.use(made.keys, key), lambda: place.kms().disable_key(KeyId=key.id), "DisabledException")


@row
def the_deletion_of_a_key_is_scheduled(place):
    made, key = make_user(place, None, ENCRYPT), place.left_to_iam()
    change = lambda: place.kms().schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    return Case(place.use(made.keys, key), change, "KMSInvalidStateException")


def refusal(call) -> dict:
    """The answer of a call that must be refused."""
    try:
        answer = call()
    except ClientError as error:
        return error.response
    raise AssertionError(f"it still works: {sorted(answer)}")


def assert_refused(place: Place, case: Case) -> None:
    """The call is refused with the right code, and its record says so."""
    answer = refusal(case.call)
    code = answer["Error"]["Code"]
    assert code == case.code, answer["Error"]
    record = trail.record_of(place.server, aws.request_id(answer))
    assert trail.same_error(record["errorCode"], code), record
    assert "responseElements" not in record or record["responseElements"] is None


@pytest.mark.parametrize("name", ROWS)
def test_the_very_next_call_is_refused(place, name):
    """R7, R24, R25: works before, is refused after, and is recorded; what the change is not about goes on."""
    case = ROWS[name](place)
    case.call()
    case.change()
    assert_refused(place, case)
    if case.goes_on is not None:
        case.goes_on()


@pytest.mark.parametrize("name", ROWS)
def test_no_call_that_begins_after_the_answer_succeeds(place, name):
    """R7, R24: eight clients call without a pause while the right is taken away."""
    case = ROWS[name](place)
    if not case.repeats:
        case.change()
        assert_refused(place, case)
        return
    attempts: list[tuple[float, str | None]] = []
    stop = threading.Event()

    def hammer(_):
        while not stop.is_set():
            began = time.monotonic()
            attempts.append((began, aws.error_of(case.call)))

    def since(when: float) -> list[str | None]:
        return [code for began, code in list(attempts) if began > when]

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(hammer, number) for number in range(CLIENTS)]
        try:
            wait_until(lambda: len(attempts) >= 2 * CLIENTS, SECONDS_MAX, "calls are made")
            case.change()
            answered = time.monotonic()
            wait_until(lambda: len(since(answered)) >= 3 * CLIENTS, SECONDS_MAX, "calls are made after the change")
        finally:
            stop.set()
        for client in clients:
            client.result()
    before = [code for began, code in attempts if began <= answered]
    assert None in before and set(before) <= {None, *REFUSALS}, set(before)
    assert set(since(answered)) == {case.code}


def test_what_was_taken_away_stays_away_through_a_crash():
    """R2, R7: killed right after the answers, the server comes back and refuses each of the calls."""
    servers = Servers()
    try:
        place = start(servers)
        cases = {name: make(place) for name, make in ROWS.items() if name not in SHARING}
        for case in cases.values():
            case.change()
        ahead = place.server.advanced
        place.server.kill()
        place.server.start()
        place.server.advance(ahead)
        for name, case in cases.items():
            assert refusal(case.call)["Error"]["Code"] == case.code, name
            if case.goes_on is not None:
                case.goes_on()
        assert trail.verify(place.server).returncode == 0
    finally:
        servers.close()


def test_the_table_is_whole():
    """R7: users, groups, roles, sessions, devices, providers, keys and grants."""
    assert len(ROWS) >= 40
