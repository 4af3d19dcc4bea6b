"""Who can use a key, who can administer it, and who could give itself access: what the report says beyond names."""

import itertools
import json
import pathlib
import re
import time

import pytest

from aws import error_of
from policies import ENABLE_IAM, HOME, OTHER, allow, deny, document, identity, role_session, root, user
from test_identity_access import access, operations, through
from test_identity_decision_table import ROWS, STATEMENTS, USERS


def entries(server, key: str) -> dict[str, dict]:
    """The report by principal."""
    done = server.command("access", "--json", key)
    assert done.returncode == 0, done.stderr
    return {entry["principal"]: entry for page in map(json.loads, done.stdout.splitlines()) for entry in page["access"]}


def gains(entry: dict) -> dict[str, dict]:
    return {gain["by"]: gain for gain in entry["couldGain"]}


def test_the_report_and_the_calls_agree_on_every_row(fresh):
    """R13, R14: key policy × identity policy × root statement × grant, 36 rows, each by a real call."""
    for key_policy, iam, enables_iam in ROWS:
        for granted in (False, True):
            name = USERS[iam]
            statements = [ENABLE_IAM] if enables_iam else []
            if key_policy in STATEMENTS:
                statements.append(STATEMENTS[key_policy](user(name), "kms:Encrypt"))
            key = fresh.make_key()
            if granted:
                fresh.kms().create_grant(KeyId=key.id, GranteePrincipal=user(name), Operations=["Encrypt"])
            fresh.put_policy(key, *statements)
            allowed = error_of(fresh.kms(name).encrypt, KeyId=key.id, Plaintext=b"row") is None
            rights = access(fresh.server, key.arn).get(user(name), [])
            row = (key_policy, iam, enables_iam, granted)
            assert ("Encrypt" in operations(rights, certain=True)) == allowed, row
            assert ("Encrypt" in operations(rights)) == allowed, row
            if allowed and granted and key_policy != "allow" and not (iam == "allow" and enables_iam):
                assert through(rights, "Encrypt")[0].startswith("grant "), row


def test_a_condition_on_the_alias_counts_only_for_aliases_of_the_key(fresh):
    key = fresh.make_key(
        allow(user("Bob"), "kms:Encrypt", Condition={"StringEquals": {"kms:RequestAlias": "alias/mine"}}),
        allow(user("Auditor"), "kms:Encrypt", Condition={"StringEquals": {"kms:RequestAlias": "alias/other"}}),
        allow(user("OneKey"), "kms:Encrypt", Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mine"}}),
        allow(user("OneAlias"), "kms:Encrypt", Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/other"}}),
    )  # fmt: skip
    fresh.kms().create_alias(AliasName="alias/mine", TargetKeyId=key.id)
    found = access(fresh.server, key.arn)
    (bob,) = found[user("Bob")]
    assert bob["onlyIf"] == ["StringEquals kms:RequestAlias [alias/mine]"] and not bob["inAnyCase"]
    assert user("Auditor") not in found and user("OneAlias") not in found
    (one,) = found[user("OneKey")]
    assert one["inAnyCase"] is True
    # As the calls have it.
    assert error_of(fresh.kms("Bob").encrypt, KeyId="alias/mine", Plaintext=b"x") is None
    assert error_of(fresh.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x") == "AccessDeniedException"
    assert error_of(fresh.kms("OneKey").encrypt, KeyId=key.id, Plaintext=b"x") is None


def test_sessions_services_and_whoever_retires_are_listed(fresh):
    """A federated session, a role's session, a service: by key policy or grant; and retiring principals."""
    federated = f"arn:aws:sts::{HOME}:federated-user/fed1"
    key = fresh.make_key(allow(federated, "kms:Decrypt"), allow(role_session("UserRole", "day"), "kms:Sign", "kms:Encrypt"))
    kms = fresh.kms()
    by_grant = f"arn:aws:sts::{HOME}:federated-user/fed2"
    kms.create_grant(KeyId=key.id, GranteePrincipal=by_grant, Operations=["Encrypt"])
    night = role_session("UserRole", "night")
    grant = kms.create_grant(
        KeyId=key.id, GranteePrincipal=user("Bob"), RetiringPrincipal=night, Operations=["Encrypt", "RetireGrant"]
    )["GrantId"]
    found = access(fresh.server, key.arn)
    assert operations(found[federated]) == {"Decrypt"} and operations(found[by_grant]) == {"Encrypt"}
    assert operations(found[role_session("UserRole", "day")]) == {"Encrypt"}
    (retires,) = found[night]
    assert (retires["kind"], retires["operations"]) == ("retire", ["RetireGrant"])
    assert retires["through"] == [f"grant {grant}, which names it for that"]
    (own,) = [right for right in found[user("Bob")] if right["kind"] == "retire"]
    assert own["through"] == [f"grant {grant}, which it holds"]


def test_other_accounts_are_told_as_a_whole(fresh):
    key = fresh.make_key(ENABLE_IAM, allow(root(OTHER), "kms:Encrypt"))
    found = entries(fresh.server, key.arn)
    assert found[root(OTHER)]["wholeAccount"] and found[root()]["wholeAccount"]
    assert not found[user("Carla", OTHER)]["wholeAccount"]
    text = fresh.server.command("access", key.arn).stdout
    assert f"{root(OTHER)} (and whoever account {OTHER} allows)" in text


def test_an_aws_managed_key_is_used_through_its_service(fresh):
    arn = fresh.kms().describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    found = access(fresh.server, arn)
    (used,) = [right for right in found[user("Bob")] if right["kind"] == "use"]
    assert not used["inAnyCase"] and any("kms:ViaService" in text for text in used["onlyIf"])
    assert user("Bob", OTHER) not in found


def test_who_may_use_and_administer_is_marked(fresh):
    key = fresh.make_key(
        allow(user("Bob"), "kms:Encrypt", "kms:ScheduleKeyDeletion"),
        allow(user("Auditor"), "kms:Encrypt"),
        allow(user("OneKey"), "kms:DisableKey"),
        allow(user("OneAlias"), "kms:DisableKey", "kms:GetPublicKey"),
    )
    found = entries(fresh.server, key.arn)
    marked = {name: found[user(name)]["usesAndAdministers"] for name in ("Bob", "Auditor", "OneKey", "OneAlias")}
    assert marked == {"Bob": True, "Auditor": False, "OneKey": False, "OneAlias": False}
    text = fresh.server.command("access", key.arn).stdout
    assert f"{user('Bob')}  [uses and administers]" in text and f"{user('OneKey')}\n" in text


def test_who_could_give_itself_access_really_can(fresh):
    """By the key policy, by a grant, by an identity policy of its own; each is said, and then done."""
    key = fresh.make_key(
        ENABLE_IAM,
        allow(user("Bob"), "kms:PutKeyPolicy"),
        allow(user("Auditor"), "kms:CreateGrant", Condition={"StringEquals": {"kms:CallerAccount": HOME}}),
    )
    own = document(identity("Allow", "iam:PutUserPolicy", resource=user("OneAlias")))
    fresh.iam().put_user_policy(UserName="OneAlias", PolicyName="self", PolicyDocument=own)
    found = entries(fresh.server, key.arn)

    put = gains(found[user("Bob")])["kms:PutKeyPolicy"]
    assert {"Encrypt", "Decrypt"} <= set(put["operations"]) and put["inAnyCase"] and put["through"]
    granted = gains(found[user("Auditor")])["kms:CreateGrant"]
    assert {"Encrypt", "Decrypt"} <= set(granted["operations"]) and granted["inAnyCase"]
    by_iam = gains(found[user("OneAlias")])["iam:PutUserPolicy"]
    assert by_iam["on"] == user("OneAlias") and by_iam["through"] == ["statement 1 of identity policy self"]
    assert "Encrypt" not in operations(found[user("OneAlias")]["rights"])
    text = fresh.server.command("access", key.arn).stdout
    assert f"could give itself access by iam:PutUserPolicy on {user('OneAlias')}: " in text

    encrypts = {"KeyId": key.id, "Plaintext": b"x"}
    for name in ("Bob", "Auditor", "OneAlias"):
        assert error_of(fresh.kms(name).encrypt, **encrypts) == "AccessDeniedException"
    fresh.kms("Auditor").create_grant(KeyId=key.id, GranteePrincipal=user("Auditor"), Operations=["Encrypt"])
    wide = document(identity("Allow", "kms:*"))
    fresh.iam("OneAlias").put_user_policy(UserName="OneAlias", PolicyName="more", PolicyDocument=wide)
    assert error_of(fresh.kms("Auditor").encrypt, **encrypts) is None
    assert error_of(fresh.kms("OneAlias").encrypt, **encrypts) is None
    policy = document(ENABLE_IAM, allow(user("Bob"), "kms:*"))
    fresh.kms("Bob").put_key_policy(KeyId=key.id, PolicyName="default", Policy=policy)
    assert error_of(fresh.kms("Bob").encrypt, **encrypts) is None


def test_what_holds_somebody_off_holds_it_off(fresh):
    """No way in where the key policy does not let IAM decide, under a deny, or behind a boundary that stays."""
    may_put = document(identity("Allow", "iam:PutUserPolicy", "iam:AttachUserPolicy"))
    for name in ("Bob", "OneAlias", "Auditor"):
        fresh.iam().put_user_policy(UserName=name, PolicyName="self", PolicyDocument=may_put)
    narrow = fresh.iam().create_policy(PolicyName="Narrow", PolicyDocument=document(identity("Allow", "iam:*", "s3:*")))
    closed = fresh.make_key(allow(user("Alice"), "kms:Encrypt"))
    assert user("Bob") not in entries(fresh.server, closed.arn)
    opened = fresh.make_key(ENABLE_IAM, deny(user("OneAlias"), "kms:*"))
    fresh.iam().put_user_permissions_boundary(UserName="Auditor", PermissionsBoundary=narrow["Policy"]["Arn"])
    found = entries(fresh.server, opened.arn)
    assert set(gains(found[user("Bob")])) == {"iam:PutUserPolicy", "iam:AttachUserPolicy"}
    assert user("OneAlias") not in found
    assert user("Auditor") not in found or not gains(found[user("Auditor")])
    unbind = document(identity("Allow", "iam:DeleteUserPermissionsBoundary"))
    fresh.iam().put_user_policy(UserName="Auditor", PolicyName="unbind", PolicyDocument=unbind)
    assert set(gains(entries(fresh.server, opened.arn)[user("Auditor")])) == {"iam:DeleteUserPermissionsBoundary"}


@pytest.mark.parametrize("count", [450])
def test_an_account_with_many_principals_is_listed_in_pages(fresh, count):
    """Every one of them, once; each answer of the server is a page, and the server does not grow with their number."""
    iam = fresh.iam()
    names = [f"many-{number:04}" for number in range(count)]
    for name in names:
        iam.create_user(UserName=name)
    key = fresh.make_key(ENABLE_IAM, allow("*", "kms:Encrypt", Condition={"StringEquals": {"aws:PrincipalAccount": HOME}}))
    access(fresh.server, key.arn)
    before = fresh.server.rss_kib()
    began = time.monotonic()
    done = fresh.server.command("access", "--json", key.arn)
    assert time.monotonic() - began < 30
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    assert max(len(page["access"]) for page in pages) <= 200 and pages[-1]["next"] is None
    listed = [entry["principal"] for page in pages for entry in page["access"]]
    assert len(listed) == len(set(listed)) and set(map(user, names)) <= set(listed)
    assert fresh.server.rss_kib() - before < 64 * 1024


def members(value) -> set[str]:
    """Every member's name in a JSON value."""
    if isinstance(value, dict):
        return set(value) | set(itertools.chain.from_iterable(map(members, value.values())))
    return set(itertools.chain.from_iterable(map(members, value))) if isinstance(value, list) else set()


def test_the_form_of_the_reports_is_documented(fresh):
    """What `--json` prints has the members that the page on reading reports lists, and no others."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "operating" / "reading-decisions.md"
    documented = set(re.findall(r"^\| `(\w+)` \|", page.read_text(), re.MULTILINE))
    key = fresh.make_key(ENABLE_IAM, allow(user("Bob"), "kms:PutKeyPolicy"))
    own = document(identity("Allow", "iam:PutUserPolicy", resource=user("OneAlias")))
    fresh.iam().put_user_policy(UserName="OneAlias", PolicyName="self", PolicyDocument=own)
    report = {json.dumps(entry) for entry in entries(fresh.server, key.arn).values()}
    found = members([json.loads(text) for text in report]) | {"key", "access", "next"}
    call = ["--principal", user("Bob"), "--action", "kms:Encrypt", "--resource", key.arn]
    supposed = json.loads(fresh.server.command("explain", "--json", *call).stdout)
    supposed["demands"][0]["facts"] = {}
    found |= members(supposed)
    assert found <= documented, found - documented
