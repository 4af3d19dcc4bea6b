"""Grants: how they are listed, retired, revoked, and gone with their key."""

import re
import sqlite3

import pytest

import trail
from aws import connect, error_of, refused, request_id
from policies import ENABLE_IAM, OTHER, allow, deny, explicit_deny, hidden, no_identity_policy, no_resource_policy
from policies import role, role_session, root, user
from test_identity_grants import DRY_RUN, FIN, FOREIGN_BOB, FOREIGN_CARLA, encrypted, grant
from world import FAR_REGION

UNKNOWN = "0" * 64
DAY = 86_400
# The keyspaces of grants, in the store.
KEYSPACES = "between 8 and 13"


def ids(grants: list[dict]) -> set[str]:
    return {entry["GrantId"] for entry in grants}


def is_there(world, key, made: dict) -> bool:
    """Whether a grant is listed."""
    return bool(world.kms().list_grants(KeyId=key.arn, GrantId=made["GrantId"])["Grants"])


def by_id(key, made: dict) -> dict:
    return {"KeyId": key.arn, "GrantId": made["GrantId"]}


def test_an_entry_tells_everything_about_a_grant(world, key):
    """R27: who has it, who may end it, what it gives; a grant without a name has an empty one."""
    kms = world.kms()
    constraints = {"EncryptionContextEquals": FIN}
    full = grant(
        kms, key, user("Bob"), "Decrypt", "RetireGrant",
        Name="full", RetiringPrincipal=role("UserRole"), Constraints=constraints,
    )  # fmt: skip
    plain = grant(kms, key, role_session("RoleForExampleApp", "s1"), "DescribeKey")
    entries = {entry["GrantId"]: entry for entry in kms.list_grants(KeyId=key.id)["Grants"]}
    created = entries[full["GrantId"]].pop("CreationDate")
    assert abs(created.timestamp() - entries[plain["GrantId"]].pop("CreationDate").timestamp()) < 60
    assert entries == {
        full["GrantId"]: {
            "KeyId": key.arn,
            "GrantId": full["GrantId"],
            "Name": "full",
            "GranteePrincipal": user("Bob"),
            "RetiringPrincipal": role("UserRole"),
            "IssuingAccount": root(),
            "Operations": ["Decrypt", "RetireGrant"],
            "Constraints": constraints,
        },
        plain["GrantId"]: {
            "KeyId": key.arn,
            "GrantId": plain["GrantId"],
            "Name": "",
            "GranteePrincipal": role_session("RoleForExampleApp", "s1"),
            "IssuingAccount": root(),
            "Operations": ["DescribeKey"],
        },
    }


def test_grants_are_listed_by_pages_and_filters(world, key):
    """R27: every grant once; by grantee, by id, by both."""
    kms = world.kms()
    bobs = [grant(kms, key, user("Bob"), "Decrypt")["GrantId"] for _ in range(5)]
    alices = [grant(kms, key, user("Alice"), "Decrypt")["GrantId"] for _ in range(2)]

    def pages(**more):
        found = kms.get_paginator("list_grants").paginate(KeyId=key.id, PaginationConfig={"PageSize": 2}, **more)
        return [[entry["GrantId"] for entry in page["Grants"]] for page in found]

    found = pages()
    assert [len(page) for page in found] == [2, 2, 2, 1]
    assert sorted(sum(found, [])) == sorted(bobs + alices)
    assert sorted(sum(pages(GranteePrincipal=user("Bob")), [])) == sorted(bobs)
    assert sum(pages(GranteePrincipal=role("UserRole")), []) == []
    for grantee, expected in ((user("Alice"), alices[:1]), (user("Bob"), [])):
        listed = kms.list_grants(KeyId=key.id, GrantId=alices[0], GranteePrincipal=grantee)
        assert [entry["GrantId"] for entry in listed["Grants"]] == expected and listed["Truncated"] is False
    assert kms.list_grants(KeyId=key.id, GrantId=UNKNOWN)["Grants"] == []
    refused("InvalidGrantIdException", "Invalid grant ID 'x'", kms.list_grants, KeyId=key.id, GrantId="x")
    nobody = f"ARN does not refer to a valid principal: {user('Nobody')}"
    refused("InvalidArnException", nobody, kms.list_grants, KeyId=key.id, GranteePrincipal=user("Nobody"))
    marker = kms.list_grants(KeyId=key.id, Limit=1)["NextMarker"]
    wrong = {"RetiringPrincipal": user("Bob"), "Marker": marker}
    refused("InvalidMarkerException", re.compile(".+"), kms.list_retirable_grants, **wrong)
    refused("InvalidMarkerException", re.compile(".+"), kms.list_grants, KeyId=key.id, Marker="bm8=")
    only_services = re.compile("GranteeServicePrincipal can be used only by callers that are service principals.")
    service = {"GranteeServicePrincipal": "logs.us-west-2.amazonaws.com"}
    refused("ValidationException", only_services, kms.list_grants, KeyId=key.id, **service)


def test_listing_needs_its_own_right(world, key):
    """R27: ListGrants on the key; ListRetirableGrants by IAM alone."""
    denied = no_identity_policy(user("Bob"), "kms:ListGrants", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").list_grants, KeyId=key.id)
    world.put_policy(key, allow(user("Bob"), "kms:List*"))
    assert world.kms("Bob").list_grants(KeyId=key.id)["Grants"] == []
    denied = no_identity_policy(user("Bob"), "kms:ListRetirableGrants", "*")
    refused(
        "AccessDeniedException", denied, world.kms("Bob").list_retirable_grants, RetiringPrincipal=user("Bob")
    )


def test_a_principal_finds_what_it_may_retire(world):
    """R27: on keys of any account, in the Region, by pages; afterwards they are gone from the list."""
    kms, alice, carla = world.kms(), world.kms("Alice"), world.kms(FOREIGN_CARLA)
    own, foreign = world.make_key(), world.make_key(who=FOREIGN_CARLA)
    retiring = role_session("RoleForExampleApp", "retires-r27")
    made = [grant(kms, own, user("Bob"), "Decrypt", RetiringPrincipal=retiring) for _ in range(4)]
    made.append(grant(carla, foreign, user("Bob"), "Decrypt", RetiringPrincipal=retiring))
    others = [
        grant(kms, own, user("Bob"), "Decrypt", RetiringPrincipal=role("RoleForExampleApp")),
        grant(kms, own, retiring, "Decrypt", "RetireGrant"),
        grant(world.kms(region=FAR_REGION), world.make_key(region=FAR_REGION), user("Bob"), "Decrypt",
              RetiringPrincipal=retiring),
    ]  # fmt: skip
    found = alice.get_paginator("list_retirable_grants").paginate(
        RetiringPrincipal=retiring, PaginationConfig={"PageSize": 2}
    )
    pages = [page["Grants"] for page in found]
    assert [len(page) for page in pages] == [2, 2, 1]
    entries = sum(pages, [])
    assert sorted(entry["GrantId"] for entry in entries) == sorted(grant["GrantId"] for grant in made)
    assert not ids(entries) & {other["GrantId"] for other in others}
    assert {entry["KeyId"] for entry in entries} == {own.arn, foreign.arn}
    session = connect(world.server, world.assume("RoleForExampleApp", "retires-r27"))
    for one in made:
        session.retire_grant(GrantToken=one["GrantToken"])
    assert alice.list_retirable_grants(RetiringPrincipal=retiring)["Grants"] == []
    for who in (user("Bob", OTHER), user("Nobody")):
        message = f"ARN does not refer to a valid principal: {who}"
        refused("InvalidArnException", message, alice.list_retirable_grants, RetiringPrincipal=who)
    either = "You must specify either RetiringPrincipal or RetiringServicePrincipal."
    refused("ValidationException", either, alice.list_retirable_grants)


class TestRetiring:
    """R25, R27: who may retire a grant is the grant's to say."""

    @pytest.mark.parametrize("by_token", [True, False])
    def test_the_retiring_principal_may(self, world, key, by_token):
        """Without any policy, by token or by ids; from the next call the grantee is denied."""
        blob = encrypted(world, key)
        made = grant(world.kms(), key, user("Bob"), "Decrypt", RetiringPrincipal=role("UserRole"))
        world.kms("Bob").decrypt(CiphertextBlob=blob)
        which = {"GrantToken": made["GrantToken"]} if by_token else by_id(key, made)
        world.kms("role/UserRole").retire_grant(**which)
        assert error_of(world.kms("Bob").decrypt, CiphertextBlob=blob) == "AccessDeniedException"
        tokens = {"GrantTokens": [made["GrantToken"]]}
        assert error_of(world.kms("Bob").decrypt, CiphertextBlob=blob, **tokens) == "AccessDeniedException"
        assert not is_there(world, key, made)
        gone = f"Grant ID {made['GrantId']} not found"
        refused("NotFoundException", gone, world.kms("role/UserRole").retire_grant, **which)

    def test_a_session_may_only_if_it_is_the_named_one(self, world, key):
        """The other sessions of the role may not."""
        retiring = role_session("UserRole", "s2")
        made = grant(world.kms(), key, user("Bob"), "Decrypt", RetiringPrincipal=retiring)
        denied = no_identity_policy(role_session("UserRole", "s1"), "kms:RetireGrant", key.arn)
        refused("AccessDeniedException", denied, world.kms("role/UserRole").retire_grant, **by_id(key, made))
        connect(world.server, world.assume("UserRole", "s2")).retire_grant(**by_id(key, made))

    def test_the_grantee_may_if_the_grant_gives_it(self, world, key):
        """RetireGrant among the operations, whatever the constraint; else not."""
        bob = world.kms("Bob")
        plain = grant(world.kms(), key, user("Bob"), "Decrypt")
        denied = no_identity_policy(user("Bob"), "kms:RetireGrant", key.arn)
        refused("AccessDeniedException", denied, bob.retire_grant, **by_id(key, plain))
        constraints = {"EncryptionContextEquals": FIN}
        own = grant(world.kms(), key, user("Bob"), "Decrypt", "RetireGrant", Constraints=constraints)
        # The right to retire one grant is no right to retire another.
        refused("AccessDeniedException", denied, bob.retire_grant, **by_id(key, plain))
        bob.retire_grant(**by_id(key, own))
        assert is_there(world, key, plain) and not is_there(world, key, own)

    def test_the_issuing_account_may_and_whom_its_policies_let(self, world, key):
        """Alice by her identity policy; Bob, whom only the key policy lets, may not."""
        world.put_policy(key, ENABLE_IAM, allow(user("Bob"), "kms:RetireGrant"))
        made = grant(world.kms(), key, role("UserRole"), "Decrypt")
        denied = no_identity_policy(user("Bob"), "kms:RetireGrant", key.arn)
        refused("AccessDeniedException", denied, world.kms("Bob").retire_grant, **by_id(key, made))
        world.kms("Alice").retire_grant(**by_id(key, made))
        assert not is_there(world, key, made)

    def test_only_the_account_that_made_it_may(self, world):
        """The root of another account and its administrators may retire what their account granted, and nothing else."""
        key = world.make_key(ENABLE_IAM, allow(root(OTHER), "kms:CreateGrant"))
        carla, theirs = world.kms(FOREIGN_CARLA), world.kms(f"{OTHER}/root")
        ours = grant(world.kms(), key, role("UserRole"), "Decrypt")
        for name, kms in ((user("Carla", OTHER), carla), (root(OTHER), theirs)):
            denied = hidden(name, "kms:RetireGrant")
            refused("AccessDeniedException", denied, kms.retire_grant, **by_id(key, ours))
        for kms in (carla, theirs):
            made = grant(carla, key, user("Bob", OTHER), "Decrypt")
            denied = no_resource_policy(user("Alice"), "kms:RetireGrant", key.arn)
            refused("AccessDeniedException", denied, world.kms("Alice").retire_grant, **by_id(key, made))
            denied = hidden(user("Bob", OTHER), "kms:RetireGrant")
            refused("AccessDeniedException", denied, world.kms(FOREIGN_BOB).retire_grant, **by_id(key, made))
            kms.retire_grant(GrantToken=made["GrantToken"])
            assert not is_there(world, key, made)
        assert is_there(world, key, ours)

    def test_the_retiring_principal_of_another_account_may(self, world, key):
        """Without any policy there."""
        made = grant(world.kms(), key, role("UserRole"), "Decrypt", RetiringPrincipal=user("Bob", OTHER))
        denied = hidden(user("Carla", OTHER), "kms:RetireGrant")
        refused("AccessDeniedException", denied, world.kms(FOREIGN_CARLA).retire_grant, **by_id(key, made))
        world.kms(FOREIGN_BOB).retire_grant(**by_id(key, made))
        assert not is_there(world, key, made)

    def test_an_explicit_deny_wins(self, world, key):
        """Also over the retiring principal."""
        made = grant(world.kms(), key, role("UserRole"), "Decrypt", RetiringPrincipal=user("Bob"))
        world.put_policy(key, ENABLE_IAM, deny(user("Bob"), "kms:RetireGrant"))
        denied = explicit_deny(user("Bob"), "kms:RetireGrant", key.arn, "a resource-based policy")
        refused("AccessDeniedException", denied, world.kms("Bob").retire_grant, **by_id(key, made))
        assert is_there(world, key, made)

    def test_a_grant_is_named_by_its_token_or_by_both_ids(self, world, key):
        """And by nothing else; who may not know the key does not learn of it."""
        kms, made = world.kms(), grant(world.kms(), key, user("Bob"), "Decrypt")
        needed = "Grant token OR (grant ID, key ID) must be specified"
        for which in (
            {},
            {"KeyId": key.id},
            {"GrantId": made["GrantId"]},
            {"GrantToken": made["GrantToken"], **by_id(key, made)},
        ):
            refused("ValidationException", needed, kms.retire_grant, **which)
        refused("InvalidGrantTokenException", "The grant token is invalid.", kms.retire_grant, GrantToken="x")
        refused("InvalidGrantIdException", "Invalid grant ID 'x'", kms.retire_grant, KeyId=key.id, GrantId="x")
        missing = f"Grant ID {UNKNOWN} not found"
        refused("NotFoundException", missing, kms.retire_grant, KeyId=key.id, GrantId=UNKNOWN)
        other = world.make_key()
        moved = {"KeyId": other.id, "GrantId": made["GrantId"]}
        refused("NotFoundException", f"Grant ID {made['GrantId']} not found", kms.retire_grant, **moved)
        denied = hidden(user("Carla", OTHER), "kms:RetireGrant")
        no_key = key.arn.replace(key.id, "00000000-1111-4222-8333-444444444444")
        for arn in (key.arn, no_key):
            foreign = {"KeyId": arn, "GrantId": UNKNOWN}
            refused("AccessDeniedException", denied, world.kms(FOREIGN_CARLA).retire_grant, **foreign)
        far = world.kms(region=FAR_REGION)
        assert error_of(far.retire_grant, GrantToken=made["GrantToken"]) == "NotFoundException"
        assert is_there(world, key, made)

    def test_its_record_names_the_grant_and_not_the_token(self, world, key):
        """The id stands beside the request, whose token is a secret to the trail."""
        made = grant(world.kms(), key, user("Bob"), "Decrypt", "RetireGrant")
        answer = world.kms("Bob").retire_grant(GrantToken=made["GrantToken"])
        record = trail.record_of(world.server, request_id(answer))
        assert record["eventName"] == "RetireGrant" and record["requestParameters"] is None
        assert record["additionalEventData"] == {"grantId": made["GrantId"]}
        assert record["responseElements"] == {"keyId": key.arn}
        assert [resource["ARN"] for resource in record["resources"]] == [key.arn]
        assert made["GrantToken"] not in str(record)


class TestRevoking:
    """R25: RevokeGrant is an administrator's."""

    def test_who_may_on_the_key_may(self, world, key):
        """From the next call the grantee is denied; the second time there is no such grant."""
        blob, bob = encrypted(world, key), world.kms("Bob")
        made, kept = (grant(world.kms(), key, user("Bob"), operation) for operation in ("Decrypt", "Encrypt"))
        bob.decrypt(CiphertextBlob=blob)
        answer = world.kms().revoke_grant(**by_id(key, made))
        assert error_of(bob.decrypt, CiphertextBlob=blob) == "AccessDeniedException"
        assert bob.encrypt(KeyId=key.id, Plaintext=b"m")["KeyId"] == key.arn
        assert is_there(world, key, kept) and not is_there(world, key, made)
        gone = f"Grant ID {made['GrantId']} not found"
        refused("NotFoundException", gone, world.kms().revoke_grant, **by_id(key, made))
        record = trail.record_of(world.server, request_id(answer))
        assert record["requestParameters"] == {"keyId": key.arn, "grantId": made["GrantId"]}
        assert record["responseElements"] == {"keyId": key.arn}

    def test_neither_grantee_nor_retiring_principal_may(self, world, key):
        """They retire; revoking needs the right on the key."""
        made = grant(world.kms(), key, user("Bob"), "RetireGrant", RetiringPrincipal=user("Bob"))
        denied = no_identity_policy(user("Bob"), "kms:RevokeGrant", key.arn)
        refused("AccessDeniedException", denied, world.kms("Bob").revoke_grant, **by_id(key, made))
        assert is_there(world, key, made)

    def test_what_is_no_grant_is_refused(self, world, key):
        """No id at all, an unknown one, one of another key's grant."""
        kms = world.kms()
        made = grant(kms, world.make_key(), user("Bob"), "Decrypt")
        refused("InvalidGrantIdException", "Invalid grant ID 'x'", kms.revoke_grant, KeyId=key.id, GrantId="x")
        for wrong in (UNKNOWN, made["GrantId"]):
            message = f"Grant ID {wrong} not found"
            refused("NotFoundException", message, kms.revoke_grant, KeyId=key.id, GrantId=wrong)
        no_key = {"KeyId": "gone", "GrantId": UNKNOWN}
        refused("NotFoundException", "Invalid keyId 'gone'", kms.revoke_grant, **no_key)
        broken = {"KeyId": "arn:aws:kms:x", "GrantId": UNKNOWN}
        refused("InvalidArnException", "Invalid arn arn:aws:kms:x", kms.revoke_grant, **broken)

    def test_works_in_any_state_of_the_key(self, world, key):
        """A disabled key, and one that waits for its deletion."""
        kms = world.kms()
        made = [grant(kms, key, user("Bob"), "Decrypt", "RetireGrant") for _ in range(4)]
        kms.disable_key(KeyId=key.id)
        kms.revoke_grant(**by_id(key, made[0]))
        world.kms("Bob").retire_grant(**by_id(key, made[1]))
        kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
        kms.revoke_grant(**by_id(key, made[2]))
        world.kms("Bob").retire_grant(**by_id(key, made[3]))
        assert kms.list_grants(KeyId=key.id)["Grants"] == []


@pytest.mark.parametrize("operation", ["retire_grant", "revoke_grant"])
def test_a_dry_run_ends_nothing(world, key, operation):
    """R25: it says what would have been."""
    made = grant(world.kms(), key, user("Bob"), "Decrypt")
    which = {**by_id(key, made), "DryRun": True}
    refused("DryRunOperationException", DRY_RUN, getattr(world.kms("Alice"), operation), **which)
    assert error_of(getattr(world.kms("Bob"), operation), **which) == "AccessDeniedException"
    unknown = {**which, "GrantId": UNKNOWN}
    refused("NotFoundException", f"Grant ID {UNKNOWN} not found", getattr(world.kms("Alice"), operation), **unknown)
    assert is_there(world, key, made)


def test_the_grants_of_a_deleted_key_are_gone(fresh):
    """R27: however many there are; nothing of them is left in the store, and other keys' grants are untouched."""
    kms, alice = fresh.kms(), fresh.kms("Alice")
    key, other = fresh.make_key(), fresh.make_key()
    made = [
        grant(kms, key, user("Bob"), "Decrypt", Name=f"n{number}", RetiringPrincipal=user("Alice"))
        for number in range(60)
    ]
    kept = grant(kms, other, user("Bob"), "Encrypt", Name="kept", RetiringPrincipal=user("Alice"))
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    fresh.server.advance(6 * DAY)
    assert len(alice.list_retirable_grants(RetiringPrincipal=user("Alice"), Limit=100)["Grants"]) == 61
    fresh.server.advance(2 * DAY)
    missing = f"Key '{key.arn}' does not exist"
    refused("NotFoundException", missing, kms.list_grants, KeyId=key.id)
    refused("NotFoundException", missing, alice.retire_grant, GrantToken=made[0]["GrantToken"])
    left = alice.list_retirable_grants(RetiringPrincipal=user("Alice"), Limit=100)["Grants"]
    assert ids(left) == {kept["GrantId"]}
    assert fresh.kms("Bob").encrypt(KeyId=other.id, Plaintext=b"m")["KeyId"] == other.arn
    deleted = [record for record in trail.records(fresh.server) if record["eventName"] == "DeleteKey"]
    assert [record["resources"][0]["ARN"] for record in deleted] == [key.arn]
    fresh.server.stop()
    database = sqlite3.connect(fresh.server.data_dir / "store.sqlite")
    rows = database.execute(f"select keyspace, count(*) from records where keyspace {KEYSPACES} group by keyspace")
    # One grant: by id, by grantee, by retiring principal, by name, and its counter.
    assert rows.fetchall() == [(8, 1), (9, 1), (10, 1), (11, 1), (12, 1)]
    database.close()
