"""Who may use and who may administer a key, and through what; and what a policy should not say."""

import json

import pytest
from botocore.exceptions import ClientError

import trail
from policies import ENABLE_IAM, HOME, OTHER, allow, deny, document, identity, role, role_session, root, user


def access(server, key: str) -> dict[str, list[dict]]:
    """The rights on a key by principal."""
    done = server.command("access", "--json", key)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict]] = {}
    for page in map(json.loads, done.stdout.splitlines()):
        for entry in page["access"]:
            found.setdefault(entry["principal"], entry["rights"])
    return found


def operations(rights: list[dict], *, certain: bool | None = None) -> set[str]:
    chosen = (right for right in rights if certain is None or right["inAnyCase"] == certain)
    return {operation for right in chosen for operation in right["operations"]}


def through(rights: list[dict], operation: str) -> list[str]:
    return next(right["through"] for right in rights if operation in right["operations"])


def test_who_may_do_what_and_through_what(fresh):
    """R14: statements, grants and identity policies of both accounts, each by its name."""
    key = fresh.make_key(
        ENABLE_IAM,
        {**allow(user("Bob"), "kms:Encrypt"), "Sid": "BobEncrypts"},
        {**allow(role("UserRole"), "kms:Decrypt"), "Sid": "RoleDecrypts"},
        {**allow(root(OTHER), "kms:GenerateDataKey"), "Sid": "Other"},
        {**allow(role_session("RoleForExampleApp", "night"), "kms:Sign", "kms:Decrypt"), "Sid": "Night"},
        {**allow("*", "kms:GenerateDataKey*"), "Principal": {"Service": "logs.us-west-2.amazonaws.com"}},
    )
    grant = fresh.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"])["GrantId"]
    found = access(fresh.server, key.arn)

    assert through(found[user("Bob")], "Encrypt") == ["statement 3 (BobEncrypts) of key policy"]
    assert through(found[user("Bob")], "Decrypt") == [f"grant {grant}"]
    assert operations(found[user("Bob")]) == {"Encrypt", "Decrypt"}
    assert {"Decrypt"} == operations(found[role("UserRole")], certain=True)
    assert operations(found[role_session("RoleForExampleApp", "night")]) == {"Decrypt"}
    assert operations(found["logs.us-west-2.amazonaws.com"]) == {
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
    }
    assert any("identity policy use" in text for text in through(found[user("Alice")], "PutKeyPolicy"))
    assert "ScheduleKeyDeletion" in operations(found[root()])
    # The other account was given one operation; its root has it, and whom its own policies let.
    assert operations(found[root(OTHER)]) == operations(found[user("Carla", OTHER)]) == {"GenerateDataKey"}
    assert user("Bob", OTHER) not in found and role("RoleForExampleApp") not in found

    text = fresh.server.command("access", key.arn).stdout
    assert "may use it: Encrypt" in text and "through statement 3 (BobEncrypts) of key policy" in text
    assert f"{role('UserRole')} (any session)" in text


def test_it_is_what_really_happens(fresh):
    """R14: nobody is listed who is refused, and nobody refused who is listed, for every user of both accounts."""
    keys = [
        fresh.make_key(),
        fresh.make_key(allow(user("Bob"), "kms:Encrypt")),
        fresh.make_key(ENABLE_IAM, deny(user("Alice"), "kms:Encrypt"), allow(root(OTHER), "kms:*")),
        fresh.make_key(ENABLE_IAM, {**deny("*", "kms:*"), "Principal": {"AWS": root(OTHER)}}, allow(root(OTHER), "kms:*")),
    ]
    for key in keys:
        found = access(fresh.server, key.arn)
        for name in ("Admin", "Alice", "Bob", "IamAllows", "IamDenies", "Auditor", f"{OTHER}/Bob", f"{OTHER}/Carla"):
            account, _, short = name.rpartition("/")
            try:
                fresh.kms(name).encrypt(KeyId=key.arn, Plaintext=b"x")
                really = True
            except ClientError:
                really = False
            listed = "Encrypt" in operations(found.get(user(short, account or HOME), []))
            assert listed == really, (name, key)


def test_what_depends_on_the_call_is_said_with_its_condition(fresh):
    inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    without_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    tagged = {"StringEquals": {"aws:PrincipalAccount": HOME}}
    key = fresh.make_key(
        {**allow(user("Bob"), "kms:Encrypt", Condition=inside), "Sid": "Inside"},
        {**allow(user("Alice"), "kms:Encrypt", "kms:ScheduleKeyDeletion"), "Sid": "AliceMay"},
        {**deny("*", "kms:ScheduleKeyDeletion", Condition=without_mfa), "Sid": "NeedsMfa"},
        {**allow(user("Auditor"), "kms:Decrypt", Condition=tagged), "Sid": "Known"},
    )
    fresh.kms().create_grant(
        KeyId=key.id,
        GranteePrincipal=user("IamDenies"),
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": {"app": "payroll"}},
    )
    found = access(fresh.server, key.arn)
    (bob,) = found[user("Bob")]
    assert bob["inAnyCase"] is False and bob["onlyIf"] == ["IpAddress aws:SourceIp [10.0.0.0/8]"]
    assert operations(found[user("Alice")], certain=True) == {"Encrypt"}
    (deletes,) = [right for right in found[user("Alice")] if right["kind"] == "administer"]
    assert deletes["inAnyCase"] is False
    assert deletes["unless"] == [
        "BoolIfExists aws:MultiFactorAuthPresent [false]: statement 4 (NeedsMfa) of key policy"
    ]
    # What follows from the caller alone is decided, not listed.
    (known,) = found[user("Auditor")]
    assert known["inAnyCase"] is True and known["onlyIf"] == []
    (granted,) = found[user("IamDenies")]
    assert granted["inAnyCase"] is False and "encryption context is app=payroll" in granted["through"][0]


def test_a_right_that_was_taken_is_gone(fresh):
    key = fresh.make_key(allow(user("Bob"), "kms:Encrypt"))
    assert user("Bob") in access(fresh.server, key.arn)
    fresh.put_policy(key)
    assert user("Bob") not in access(fresh.server, key.arn)


def test_a_key_that_is_not_there(world):
    done = world.server.command("access", "alias/none-such")
    assert done.returncode != 0 and "alias/none-such" in done.stderr


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        (allow(user("Bob"), "kms:*"), {"EVERY_ACTION_FOR_A_PRINCIPAL"}),
        (allow("*", "kms:Encrypt"), {"PUBLIC_PRINCIPAL"}),
        (allow(user("Bob"), "kms:Encrypt", resource="arn:aws:kms:us-west-2:111122223333:alias/a"), {"ALIAS_AS_RESOURCE", "NEVER_MATCHES"}),
        (allow(user("Bob"), "kms:Encrypt", "kms:Decrypt"), set()),
    ],
    ids=["everything", "public", "alias", "plain"],
)
def test_a_policy_is_looked_through_and_its_storing_says_so(fresh, statement, codes):
    """R18, R58: the record of PutKeyPolicy names what the linter advises against; a file and the key show the same."""
    key = fresh.make_key()
    text = document(ENABLE_IAM, statement)
    answer = fresh.kms().put_key_policy(KeyId=key.id, PolicyName="default", Policy=text)
    record = trail.record_of(fresh.server, answer["ResponseMetadata"]["RequestId"])
    assert set((record.get("additionalEventData") or {}).get("policyFindings", [])) == codes

    of_key = fresh.server.command("lint", key.arn, "--json")
    assert {finding["code"] for finding in json.loads(of_key.stdout)["findings"]} == codes
    path = fresh.server.data_dir.parent / "policy.json"
    path.write_text(text)
    of_file = fresh.server.command("lint", str(path), "--json")
    assert json.loads(of_file.stdout)["findings"] == json.loads(of_key.stdout)["findings"]
    assert (of_key.returncode == 0) == (of_file.returncode == 0) == (not codes)
    shown = fresh.server.command("lint", str(path)).stdout
    assert all(code in shown for code in codes)


def test_a_file_is_looked_through_without_a_server(servers, tmp_path):
    server = servers.make("none", start=False)
    path = tmp_path / "identity.json"
    path.write_text(document(identity("Allow", "kms:Decrypt", resource="arn:aws:kms:us-west-2:111122223333:alias/a")))
    done = server.command("lint", str(path))
    assert done.returncode != 0 and "ALIAS_AS_RESOURCE" in done.stdout
    path.write_text("no policy")
    refused = server.command("lint", str(path), "--kind", "key")
    assert refused.returncode != 0 and "POLICY_REFUSED" in refused.stdout
