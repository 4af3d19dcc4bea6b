"""Names and ARNs that only look like another: refused, or those of somebody else, and never taken for the real one.

Every name member of every operation of IAM and STS is filled with them. After all of it nothing was made or changed,
every attempt has its one record, and server and keeper are the processes that they were.
Not here: rules for names that are merely wrong; the tests of each kind of entity have those.
"""

import json
import unicodedata
import urllib.parse

import botocore.session
import pytest
from botocore.exceptions import ClientError

import trail
from aws import connect, error_of, refused
from conftest import Servers
from policies import ENABLE_IAM, HOME, allow, document, identity, role, user
from principals import fresh_name, make_policy, make_role, make_user, trusting
from test_identity_hostile_clients import VERSIONS, form
from world import FAR_REGION, HOME_REGION, World

RSS_GROWTH_KIB_MAX = 24 * 1024
SMILE, FAMILY = "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467"

# What becomes of a name that exists. Each looks like it, is cut down to it, or folds to it somewhere.
LOOKALIKES = {
    "a Cyrillic letter": lambda name: name.replace("a", "\u0430").replace("o", "\u043e"),
    "a Greek letter": lambda name: name.replace("A", "\u0391").replace("o", "\u03bf"),
    "full width": lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    "mathematical": lambda name: "".join(chr(0x1D41A + ord(c) - 97) if c.islower() else c for c in name),
    "a combining mark": lambda name: f"{name}\u0301",
    "a composed letter": lambda name: unicodedata.normalize("NFC", f"{name[:-1]}e\u0301"),
    "a decomposed letter": lambda name: f"{name[:-1]}e\u0301",
    "a zero-width space": lambda name: f"{name[:2]}\u200b{name[2:]}",
    "a zero-width joiner at the end": lambda name: f"{name}\u200d",
    "a byte order mark": lambda name: f"\ufeff{name}",
    "a turn to the left": lambda name: f"\u202e{name[::-1]}\u202c",
    "a soft hyphen": lambda name: f"{name[:2]}\u00ad{name[2:]}",
    "a null character": lambda name: f"{name}\0",
    "a null character and more": lambda name: f"{name}\0.txt",
    "a line feed": lambda name: f"{name}\n",
    "a carriage return": lambda name: f"{name}\r\nX-Injected: 1",
    "a tab": lambda name: f"\t{name}",
    "a no-break space": lambda name: f"{name}\u00a0",
    "an emoji": lambda name: f"{name}{SMILE}",
    "a family": lambda name: FAMILY,
    "a delete character": lambda name: f"{name}\x7f",
    "an escape sequence": lambda name: f"\x1b[2J{name}",
    "an escaped letter": lambda name: f"%{ord(name[0]):02X}{name[1:]}",
    "a slash": lambda name: f"{name}/",
    "a way up": lambda name: f"../user/{name}",
    "a star": lambda name: f"{name[:-1]}*",
    "a variable": lambda name: "${aws:username}",
    "markup": lambda name: f"{name}</UserName><UserName>Admin",
    "a letter beyond the plane": lambda name: f"{name}\U0010ffff",
    "nothing": lambda name: "",
    "a kilobyte": lambda name: name + "\u00e4" * 512,
}
# Members that name an entity, with the name of one that exists.
NAMED = {
    "AccountAlias": "hostile-alias", "GroupName": "hostile-group", "InstanceProfileName": "hostile-profile",
    "NewGroupName": "hostile-new", "NewUserName": "hostile-new", "PolicyName": "hostile-policy",
    "RoleName": "hostile-role", "UserName": "hostile-user", "VirtualMFADeviceName": "hostile-device",
}  # fmt: skip
POLICY_ARN = f"arn:aws:iam::{HOME}:policy/hostile-policy"
OTHERS = {
    "AssumeRolePolicyDocument": trusting(user("Admin")),
    "AuthenticationCode1": "123456", "AuthenticationCode2": "654321",
    "OpenIDConnectProviderArn": f"arn:aws:iam::{HOME}:oidc-provider/hostile.example.org",
    "PermissionsBoundary": POLICY_ARN, "PolicyArn": POLICY_ARN, "PolicyDocument": document(identity("Allow", "kms:*")),
    "SerialNumber": f"arn:aws:iam::{HOME}:mfa/hostile-device", "Status": "Inactive",
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "VersionId": "v1", "TagKeys": ["t"], "Tags": [{"Key": "t", "Value": "v"}],
    "Description": "d",
}  # fmt: skip
MODEL = botocore.session.get_session().get_service_model("iam")


def places() -> list[tuple[str, str]]:
    """Every operation with each of its members that names an entity or a path."""
    found = []
    for operation in MODEL.operation_names:
        shape = MODEL.operation_model(operation).input_shape
        members = shape.members if shape is not None else {}
        named = [member for member in members if member in NAMED or member in ("NewPath", "Path")]
        found += [(operation, member) for member in named if parameters(operation, member, "x") is not None]
    return found


def parameters(operation: str, member: str, value: str) -> dict | None:
    """A call that would be right but for this member; none if it is about what this server does not have."""
    shape = MODEL.operation_model(operation).input_shape
    known = {**NAMED, **OTHERS}
    needed = [name for name in shape.required_members if name != member]
    if any(name not in known for name in needed):
        return None
    return {**{name: known[name] for name in needed}, member: value}


@pytest.fixture(scope="module")
def world():
    """A server of these tests alone, so that all that it holds can be compared often."""
    servers = Servers()
    yield World(servers.make("names"))
    servers.close()


@pytest.fixture(scope="module")
def stage(world):
    """One entity of each kind, and what the account looks like with them."""
    iam = world.iam()
    iam.create_user(UserName="hostile-user", Tags=[{"Key": "t", "Value": "v"}])
    policy = {"PolicyName": "hostile-policy", "PolicyDocument": OTHERS["PolicyDocument"]}
    iam.put_user_policy(UserName="hostile-user", **policy)
    iam.create_group(GroupName="hostile-group")
    iam.put_group_policy(GroupName="hostile-group", **policy)
    iam.create_role(RoleName="hostile-role", AssumeRolePolicyDocument=OTHERS["AssumeRolePolicyDocument"])
    iam.put_role_policy(RoleName="hostile-role", **policy)
    iam.create_policy(**policy)
    iam.create_instance_profile(InstanceProfileName="hostile-profile")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="hostile-device")
    iam.create_account_alias(AccountAlias="hostile-alias")
    keeper, before, first = world.server.children(), world.server.rss_kib(), len(world.server.calls)
    yield snapshot(world)
    assert world.server.alive() and world.server.children() == keeper and len(keeper) == 1
    assert world.server.rss_kib() - before < RSS_GROWTH_KIB_MAX
    trail.assert_each_call_recorded_once(world.server, world.server.calls[first:])
    assert world.kms().generate_random(NumberOfBytes=8)["Plaintext"]
    assert trail.verify(world.server).returncode == 0


def snapshot(world) -> str:
    """All that the account has."""
    iam = world.iam()
    details = iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
    more = {
        "aliases": iam.list_account_aliases()["AccountAliases"],
        "devices": iam.list_virtual_mfa_devices()["VirtualMFADevices"],
        "profiles": iam.get_paginator("list_instance_profiles").paginate().build_full_result()["InstanceProfiles"],
    }
    for role_detail in details["RoleDetailList"]:
        role_detail.pop("RoleLastUsed", None)
    return json.dumps({**details, **more}, default=str, sort_keys=True)


def outcome(client, operation: str, given: dict) -> str | None:
    """The code of a refusal; none for an answer."""
    try:
        client._make_api_call(operation, given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


PLACES = places()
REFUSED = {"InvalidInput", "MalformedInput", "NoSuchEntity", "ValidationError"}


@pytest.mark.parametrize(("operation", "member"), PLACES, ids=[f"{o}-{m}" for o, m in PLACES])
def test_no_name_is_taken_for_another(world, stage, operation, member):
    """R8: in this member of this operation every lookalike is refused, and nothing is made or changed."""
    iam = world.client("Admin", "iam", FAR_REGION, validate=False)
    real = NAMED.get(member, "/division/")
    refusals = {"InvalidAction"} if outcome(iam, operation, {}) == "InvalidAction" else REFUSED
    wrong = {}
    for what, bend in LOOKALIKES.items():
        value = bend(real.strip("/")) if member in NAMED else f"/{bend(real.strip('/'))}/"
        if member not in NAMED and all("!" <= c <= "~" for c in value) and value != "//":
            continue  # a path may hold any plain character
        got = outcome(iam, operation, parameters(operation, member, value))
        if got not in refusals:
            wrong[what] = got
    assert not wrong, wrong
    assert snapshot(world) == stage


def test_every_name_member_is_filled():
    """R8: users, groups, roles, policies, profiles, devices, aliases, paths; in at least eighty places."""
    assert len(PLACES) >= 80 and {member for _, member in PLACES} >= {*NAMED, "Path", "NewPath"}


RAW = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"%u0041", b"%", b"%4"]


@pytest.mark.parametrize("raw", RAW, ids=[raw.hex() for raw in RAW])
def test_what_is_no_text_is_no_name(world, stage, raw):
    """R8: overlong forms, halves of surrogates, cut sequences: escaped, and as they are."""
    for written in (raw, b"".join(b"%%%02X" % byte for byte in raw)):
        made = form(world, "iam", "CreateUser")
        made.body += b"&UserName=hostile" + written
        answer = made.send()
        assert answer is not None and answer.code in REFUSED, answer
    assert snapshot(world) == stage


@pytest.mark.parametrize("member", ["RoleSessionName", "SourceIdentity", "Name", "ExternalId", "SerialNumber"])
def test_no_name_of_a_session_is_taken_for_another(world, member):
    """R36: what stands in ARNs and records of sessions is plain text."""
    trusted = make_role(world).arn
    sts = world.client("Admin", "sts", HOME_REGION, validate=False)
    wanted = {"RoleArn": trusted, "RoleSessionName": "hostile"}
    for what, bend in LOOKALIKES.items():
        value = bend("hostile")
        if member in ("ExternalId", "SerialNumber") and what in ("a slash", "a way up"):
            continue  # both may hold slashes
        more = {"TokenCode": "123456"} if member == "SerialNumber" else {}
        call, given = (sts.get_federation_token, {}) if member == "Name" else (sts.assume_role, {**wanted, **more})
        got = error_of(call, **{**given, member: value})
        assert got == "ValidationError" or (got, member) == ("AccessDenied", "SerialNumber"), (what, got)


def spellings(arn: str) -> dict[str, str]:
    """Other ways to write an ARN, none of which is it."""
    start, rest = arn.rsplit(":", 1)
    kind, name = rest.split("/", 1)
    partition, service, region, account = start.split(":")[1:]

    def made(partition=partition, service=service, region=region, account=account, rest=rest) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{rest}"

    return {
        "upper case": arn.upper(),
        "upper-case scheme": "ARN" + arn[3:],
        "upper-case service": made(service=service.upper()),
        "upper-case kind": made(rest=f"{kind.upper()}/{name}"),
        "another case of the name": made(rest=f"{kind}/{name.swapcase()}"),
        "a trailing colon": f"{arn}:",
        "a trailing slash": f"{arn}/",
        "a trailing dot": f"{arn}.",
        "a trailing blank": f"{arn} ",
        "a leading blank": f" {arn}",
        "a trailing line feed": f"{arn}\n",
        "a null character": f"{arn}\0",
        "a null character and more": f"{arn}\0/x",
        "two slashes": made(rest=f"{kind}//{name}"),
        "a step up": made(rest=f"{kind}/../{kind}/{name}"),
        "a step on the spot": made(rest=f"{kind}/./{name}"),
        "a step down and up": made(rest=f"{kind}/x/../{name}"),
        "a colon for the slash": made(rest=f"{kind}:{name}"),
        "an escaped slash": made(rest=f"{kind}%2F{name}"),
        "an escaped letter": made(rest=f"{kind}/%{ord(name[0]):02X}{name[1:]}"),
        "all escaped": urllib.parse.quote(arn, safe=""),
        "a star": f"{arn[:-1]}*",
        "question marks": made(rest=f"{kind}/{'?' * len(name)}"),
        "a variable": made(rest=f"{kind}/${{aws:username}}"),
        "China": made(partition="aws-cn"),
        "the government": made(partition="aws-us-gov"),
        "no partition": made(partition=""),
        "another service": made(service="s3"),
        "another Region": made(region="eu-central-1"),
        "Region and blank": made(region=f"{region} "),
        "no account": made(account=""),
        "another account": made(account="999999999999"),
        "account with a sign": made(account=f"+{account}"),
        "account with a dash": made(account=f"{account[:4]}-{account[4:8]}-{account[8:]}"),
        "wide digits": made(account="".join(chr(0xFF10 + int(digit)) for digit in account)),
        "a field more": f"arn:{partition}:{service}:{region}:{account}::{rest}",
        "a field less": f"arn:{service}:{region}:{account}:{rest}",
        "a Cyrillic kind": made(rest=f"{kind.replace('e', chr(0x435)).replace('o', chr(0x43E))}/{name}"),
        "a zero-width space": made(rest=f"{kind}/{name[:3]}\u200b{name[3:]}"),
        "a combining mark": f"{arn}\u0301",
        "twice": f"{arn},{arn}",
        "a list": json.dumps([arn]),
        "a URL": f"https://{arn}",
        "a query": f"{arn}?x=1",
        "a fragment": f"{arn}#x",
    }


NO_KEY = {"AccessDeniedException", "InvalidArnException", "NotFoundException", "ValidationException"}


def test_no_spelling_of_a_key_is_the_key(world):
    """R64: neither for its owner, who could use it, nor past a denial that names the key."""
    key = world.make_key(ENABLE_IAM)
    kept_out = make_user(world, None, identity("Allow", "kms:*"), identity("Deny", "kms:*", resource=key.arn))
    for client in (world.kms(validate=False), connect(world.server, kept_out.keys, validate=False)):
        for what, arn in spellings(key.arn).items():
            assert arn != key.arn, what
            got = error_of(client.encrypt, KeyId=arn, Plaintext=b"m")
            assert got in NO_KEY, (what, got)
        for what, key_id in {
            "upper case": key.id.upper(), "braces": f"{{{key.id}}}", "no hyphens": key.id.replace("-", ""),
            "a prefix": f"key/{key.id}", "a blank": f" {key.id}", "a null character": f"{key.id}\0",
            "wide digits": key.id.replace("0", "\uff10").replace("1", "\uff11").replace("4", "\uff14"),
        }.items():  # fmt: skip
            got = error_of(client.encrypt, KeyId=key_id, Plaintext=b"m")
            assert got in NO_KEY, (what, got)
    assert error_of(world.kms().encrypt, KeyId=key.arn, Plaintext=b"m") is None
    assert error_of(kept_out.client("kms").encrypt, KeyId=key.id, Plaintext=b"m") == "AccessDeniedException"


# Those that are patterns on purpose, in Resource elements and conditions.
PATTERNS = {"a star", "question marks"}


def test_no_spelling_in_a_policy_means_the_key(world):
    """R64: an identity policy on another spelling gives nothing, whether it is taken or refused when it is put."""
    key, made = world.make_key(ENABLE_IAM), make_user(world)
    iam, kms = world.client("Admin", "iam", FAR_REGION, validate=False), made.client("kms")
    put = {"UserName": made.name, "PolicyName": "own"}
    taken = 0
    for what, arn in spellings(key.arn).items():
        if what in PATTERNS:
            continue
        got = error_of(iam.put_user_policy, PolicyDocument=document(identity("Allow", "kms:*", resource=arn)), **put)
        assert got in (None, "MalformedPolicyDocument", "ValidationError"), (what, got)
        taken += got is None
        assert error_of(kms.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException", what
    assert taken >= 5
    iam.put_user_policy(PolicyDocument=document(identity("Allow", "kms:*", resource=key.arn)), **put)
    assert error_of(kms.encrypt, KeyId=key.arn, Plaintext=b"m") is None


@pytest.mark.parametrize("kind", ["user", "role"])
def test_no_spelling_of_a_principal_is_the_principal(world, kind):
    """R15: in key policies, trust policies and grants: refused, or naming nobody."""
    made = (make_user if kind == "user" else make_role)(world)
    key, iam = world.make_key(), world.iam()
    kms, own = world.kms(validate=False), made.client("kms")
    trusted = fresh_name("trusted")
    trust = {"Effect": "Allow", "Principal": {"AWS": user("Admin")}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=trusted, AssumeRolePolicyDocument=document(trust))
    for what, arn in spellings(made.arn).items():
        text = document(allow(user("Admin"), "kms:*"), allow(arn, "kms:Encrypt"))
        got = error_of(kms.put_key_policy, KeyId=key.id, PolicyName="default", Policy=text)
        assert got in (None, "MalformedPolicyDocumentException", "ValidationException"), (what, got)
        got = error_of(kms.create_grant, KeyId=key.arn, GranteePrincipal=arn, Operations=["Encrypt"])
        assert got in ("InvalidArnException", "ValidationException"), (what, got)
        assert error_of(own.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException", what
        text = document({**trust, "Principal": {"AWS": arn}})
        got = error_of(iam.update_assume_role_policy, RoleName=trusted, PolicyDocument=text)
        assert got in (None, "MalformedPolicyDocument", "ValidationError"), (what, got)
        got = error_of(made.client("sts").assume_role, RoleArn=role(trusted), RoleSessionName="s1")
        assert got == "AccessDenied", what
    world.put_policy(key, allow(made.arn, "kms:Encrypt"))
    assert error_of(own.encrypt, KeyId=key.arn, Plaintext=b"m") is None


def test_no_spelling_of_an_entity_is_the_entity(world):
    """R8: roles that are assumed, policies that are attached or bound, devices and providers."""
    made, policy, trusted = make_user(world), make_policy(world, identity("Allow", "kms:*")), make_role(world)
    iam = world.client("Admin", "iam", FAR_REGION, validate=False)
    sts = world.client("Admin", "sts", HOME_REGION, validate=False)
    calls = {
        "RoleArn": (trusted.arn, lambda arn: error_of(sts.assume_role, RoleArn=arn, RoleSessionName="s1")),
        "PolicyArn": (policy, lambda arn: error_of(iam.attach_user_policy, UserName=made.name, PolicyArn=arn)),
        "PolicyArns": (
            policy,
            lambda arn: error_of(
                sts.assume_role, RoleArn=trusted.arn, RoleSessionName="s1", PolicyArns=[{"arn": arn}]
            ),
        ),
        "PermissionsBoundary": (
            policy,
            lambda arn: error_of(iam.put_user_permissions_boundary, UserName=made.name, PermissionsBoundary=arn),
        ),
    }
    allowed = {"AccessDenied", "InvalidInput", "MalformedPolicyDocument", "NoSuchEntity", "ValidationError"}
    for member, (arn, call) in calls.items():
        for what, other in spellings(arn).items():
            got = call(other)
            assert got in allowed, (member, what, got)
        assert call(arn) is None, member
    assert iam.list_attached_user_policies(UserName=made.name)["AttachedPolicies"][0]["PolicyArn"] == policy


COMPOSED = unicodedata.normalize("NFC", "Cafe\u0301")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
PAIRS = {
    "composed and decomposed": (COMPOSED, DECOMPOSED),
    "Latin and Cyrillic": ("Team-a", "Team-\u0430"),
    "letter and sign of Kelvin": ("Kind", "\u212aind"),
    "sharp s and two": ("Stra\u00dfe", "Strasse"),
    "with and without a dot": ("I", "\u0130"),
    "long and round s": ("Class", "Cla\u017fs"),
    "half and full width": ("Team", "\uff34eam"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_tags_that_look_alike_are_different(world, name):
    """R55: the tag of a key is compared with that of its user as both are written, and a tag's key with a policy's."""
    one, other = PAIRS[name]
    same_team = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    right = identity("Allow", "kms:Encrypt", Condition=same_team)
    for own, theirs in ((one, other), (other, one)):
        made = make_user(world, None, right)
        iam, tag = world.iam(), {"UserName": made.name, "Tags": [{"Key": "team", "Value": own}]}
        if error_of(iam.tag_user, **tag) is not None:
            # Tags of users hold no combining marks.
            assert unicodedata.normalize("NFC", own) != own
            continue
        kms = made.client("kms")
        for value, expected in ((own, None), (theirs, "AccessDeniedException")):
            key = world.make_key(ENABLE_IAM, Tags=[{"TagKey": "team", "TagValue": value}])
            assert error_of(kms.encrypt, KeyId=key.arn, Plaintext=b"m") == expected, (own, value)


@pytest.mark.parametrize("name", PAIRS)
def test_keys_of_tags_that_look_alike_are_different(world, name):
    """R55: a policy on one key is not met by the other; one that names what no policy can hold is refused."""
    one, other = PAIRS[name]
    for wanted, held in ((one, other), (other, one)):
        key = world.make_key(ENABLE_IAM, Tags=[{"TagKey": held, "TagValue": "v"}])
        text = document(identity("Allow", "kms:*", Condition={"StringEquals": {f"aws:ResourceTag/{wanted}": "v"}}))
        made = make_user(world)
        got = error_of(world.iam().put_user_policy, UserName=made.name, PolicyName="own", PolicyDocument=text)
        assert (got is None) == (max(map(ord, wanted)) <= 0xFF), got
        assert error_of(made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
        if got is None:
            key = world.make_key(ENABLE_IAM, Tags=[{"TagKey": wanted, "TagValue": "v"}])
            assert error_of(made.client("kms").encrypt, KeyId=key.arn, Plaintext=b"m") is None


@pytest.mark.parametrize("name", PAIRS)
def test_encryption_contexts_that_look_alike_are_different(world, name):
    """R28: neither keys nor values are normalised or folded."""
    one, other = PAIRS[name]
    key, kms = world.make_key(), world.kms()
    for context, alike in (({one: "v"}, {other: "v"}), ({"k": one}, {"k": other})):
        blob = kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=context)["CiphertextBlob"]
        refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=blob, EncryptionContext=alike)
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"m"


def test_the_versions_are_those_of_the_model():
    """R8: the forms of these tests ask for the API that the model describes."""
    assert MODEL.api_version == VERSIONS["iam"]
