"""Every condition key at every action, as `vectors/condition-keys.json` has it.

For each condition key there are four users: two whose identity policy allows everything under a condition on that key,
with the right value and with another, and two to whom the key policies allow the same. Where an action has the key, the
right value allows and the other does not; where it has not, no condition on it ever matches.

Not here: negated operators, `Null` and `…IfExists`; the policy engine's own vectors have those.
A call counts as allowed when it succeeds, or is refused for something that comes after authorization: calls that would
change a key are made on one whose deletion is pending, so that one key serves every cell.
"""

import dataclasses
import datetime
import json

import pytest
from botocore.exceptions import ClientError

from conftest import Servers
from kanuki import REPOSITORY
from neighbour import for_caller
from policies import ADMIN, ENABLE_IAM, HOME, allow, document, identity, user
from subjects import CALLS, KINDS, OPERATIONS, WITHOUT_KEY, Subjects, method, served
from world import (
    FAR_REGION,
    HOME_REGION,
    KNOWN_ALIAS,
    KNOWN_ARN,
    KNOWN_KEY_ID,
    KNOWN_MATERIAL,
    Key,
    World,
    write_config,
)

TABLE = json.loads((REPOSITORY / "vectors" / "condition-keys.json").read_text())
ALL_ALIASES, ALL_KEYS = f"arn:aws:kms:*:{HOME}:alias/*", f"arn:aws:kms:*:{HOME}:key/*"
# Refusals that come after authorization.
AFTERWARDS = {
    "CustomKeyStoreNotFoundException", "DryRunOperationException", "KMSInvalidStateException",
    "MalformedPolicyDocumentException", "UnsupportedOperationException", "XksProxyUriUnreachableException",
}  # fmt: skip
WITH_ANOTHER_OPERATION = {"ReEncryptFrom": ("ReEncrypt", "source"), "ReEncryptTo": ("ReEncrypt", "destination")}
ON_IMPORTED = {"DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial"}
ON_DOOMED = {
    "CreateAlias", "CreateGrant", "DisableKey", "DisableKeyRotation", "EnableKey", "EnableKeyRotation",
    "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription",
}  # fmt: skip
KIND_OF = {
    "Decapsulate": "encapsulate", "DeriveSharedSecret": "agree", "Encapsulate": "encapsulate", "GenerateMac": "mac",
    "GetPublicKey": "sign", "ReplicateKey": "primary", "Sign": "sign", "UpdatePrimaryRegion": "replicated",
    "Verify": "sign", "VerifyMac": "mac",
}  # fmt: skip
# By alias the key is named where the operation takes an alias; the member is KeyId unless it is one of these.
NAMING_MEMBER = {"ReEncryptFrom": "SourceKeyId", "ReEncryptTo": "DestinationKeyId"}


def expand(names) -> list[str]:
    """Actions of a list of actions and groups."""
    found: list[str] = []
    for name in names:
        found += expand(TABLE["groups"][name]) if name in TABLE["groups"] else [name]
    return found


ACTIONS = tuple(sorted(expand(["ALL"])))
ON_KEYS = frozenset(expand(["KEYOPS"]))
CUSTOM_STORES = frozenset(expand(["CKS"]))


def place_of(action: str) -> tuple[str, str, str]:
    """Kind, origin and state of the key on which an action is tried."""
    if action in ON_IMPORTED:
        return "symmetric", "EXTERNAL", "PendingDeletion"
    if action == "ReplicateKey":
        return "primary", "AWS_KMS", "PendingDeletion"
    if action == "UpdatePrimaryRegion":
        return "replicated", "AWS_KMS", "PendingReplicaDeletion"
    return KIND_OF.get(action, "symmetric"), "AWS_KMS", "PendingDeletion" if action in ON_DOOMED else "Enabled"


def value(entry: dict, which: str, kind: str, origin: str):
    """The value to compare with, for a key of that kind."""
    spec = KINDS[kind].get("KeySpec", "SYMMETRIC_DEFAULT")
    usage = KINDS[kind].get("KeyUsage", "ENCRYPT_DECRYPT")
    multi = "MultiRegion" in KINDS[kind] or entry.get("multi_region", False)
    filled = {"spec": spec, "usage": usage, "origin": origin}
    filled |= {"multi_region": str(multi).lower(), "not_multi_region": str(not multi).lower()}
    given = entry[which]
    return [text.format(**filled) for text in given] if isinstance(given, list) else given.format(**filled)


def condition(entry: dict, which: str, kind: str, origin: str) -> dict:
    return {"Condition": {entry["operator"]: {entry["key"]: value(entry, which, kind, origin)}}}


@dataclasses.dataclass(frozen=True)
class Person:
    """A user for one condition key: by which kind of policy, and with which value."""

    number: int
    entry: dict
    policy: str
    which: str

    @property
    def name(self) -> str:
        return f"{self.policy}-{self.which}-{self.number}"

    def identity_policy(self) -> str:
        """What is not the matter of the test is allowed outright: aliases, the other key, the replica's side."""
        there = {"Condition": {"StringEquals": {"aws:RequestedRegion": FAR_REGION}}}
        statements = [
            identity("Allow", "kms:*", resource=[ALL_ALIASES, KNOWN_ARN]),
            identity("Allow", "kms:CreateKey", "kms:UpdatePrimaryRegion", **there),
        ]
        if self.policy == "identity":
            actions_by_place: dict = {}
            for action in ACTIONS:
                # A key that is tagged as it is made has no ARN yet.
                where = "*" if action not in ON_KEYS or action == "TagResource" else ALL_KEYS
                actions_by_place.setdefault((where, *place_of(action)[:2]), []).append(f"kms:{action}")
            for (where, kind, origin), actions in actions_by_place.items():
                statements.append(
                    identity("Allow", *actions, resource=where, **condition(self.entry, self.which, kind, origin))
                )
        return document(*statements)

    def statement(self, kind: str, origin: str) -> dict:
        """The statement of a key policy."""
        return allow(user(self.name), "kms:*", **condition(self.entry, self.which, kind, origin))


PEOPLE = [
    Person(number, entry, policy, which)
    for number, entry in enumerate(TABLE["keys"])
    for policy in ("identity", "key")
    for which in ("value", "other")
    if not (policy == "key" and entry.get("policies") == "identity")
]


def key_policy(kind: str, origin: str) -> str:
    """The policy of a key, with a statement for each user that has his rights from it."""
    return document(ADMIN, ENABLE_IAM, *(who.statement(kind, origin) for who in PEOPLE if who.policy == "key"))


def seed() -> str:
    lines = ["[[account]]", f'id = "{HOME}"']
    for name in ("Alice", "Bob"):
        lines += ["[[account.user]]", f'name = "{name}"']
    for who in PEOPLE:
        lines += ["[[account.user]]", f'name = "{who.name}"', "access_key = true"]
        lines.append(f"inline_policies = {{ use = '''{who.identity_policy()}''' }}")
    lines += ["[[account.key]]", f'insecure_key_id = "{KNOWN_KEY_ID}"', f'region = "{HOME_REGION}"']
    lines += [f'insecure_material = "{KNOWN_MATERIAL.hex()}"', f'alias = "{KNOWN_ALIAS}"']
    return "\n".join(lines) + "\n"


class Walk:
    """A server with all those users, and the keys on which they try."""

    def __init__(self, servers: Servers):
        path = servers.folder / "seed.toml"
        path.write_text(seed())
        config = write_config(servers.folder)
        self.world = World(servers.over(servers.folder / "data", seed=path, config=config))
        self.subjects = Subjects(self.world, policy=key_policy, other=Key(KNOWN_ARN))
        self.moving = "alias/moving"
        self.subjects.kms.create_alias(AliasName=self.moving, TargetKeyId=KNOWN_KEY_ID)
        self._kept: dict = {}
        self._through: dict = {}
        self.not_served = {name for name in OPERATIONS if not served(self.world, name)}

    def actions(self) -> list[str]:
        """The actions of operations that are served."""
        return [name for name in ACTIONS if WITH_ANOTHER_OPERATION.get(name, (name,))[0] not in self.not_served]

    def client(self, who: Person, through: str | None):
        """The user's client; through a service that calls for him, if one is named."""
        if through is None:
            return self.world.kms(who.name)
        if (who.name, through) not in self._through:
            self._through[who.name, through] = for_caller(self.world, who.name, through)
        return self._through[who.name, through]

    def is_allowed(self, who: Person, action: str, through: str | None) -> bool:
        """Makes the call; an answer that tells neither is an error of the test."""
        operation, part = WITH_ANOTHER_OPERATION.get(action, (action, None))
        multi_region = who.entry.get("multi_region", False)
        subject = self.subject(action, multi_region) if action in ON_KEYS else None
        parameters = self.parameters(who, action, operation, part, subject)
        try:
            method(self.client(who, through), operation)(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            assert code == "AccessDeniedException" or code in AFTERWARDS, f"{action}: {error}"
            return code != "AccessDeniedException"
        if action == "DeleteAlias":
            self.subjects.kms.create_alias(AliasName=subject.ready["alias"], TargetKeyId=subject.id)
        return True

    def subject(self, action: str, multi_region: bool):
        place = (*place_of(action), multi_region)
        if place not in self._kept:
            self._kept[place] = self.subjects.make(*place)
        return self._kept[place]

    def parameters(self, who: Person, action: str, operation: str, part, subject) -> dict:
        """A right call, with what the condition key needs in it."""
        if subject is None:
            own = {"RetiringPrincipal": user(who.name)} if action == "ListRetirableGrants" else {}
            parameters = {**WITHOUT_KEY[action], **own}
        elif action == "UpdateAlias":
            parameters = {"AliasName": self.moving, "TargetKeyId": subject.id}
        else:
            parameters = CALLS[operation](self.subjects, subject, part)
        if action in ("RetireGrant", "RevokeGrant"):
            parameters = {**parameters, "DryRun": True}
        if who.entry.get("by_alias") and action in expand(who.entry["actions"]):
            parameters = {**parameters, NAMING_MEMBER.get(action, "KeyId"): subject.ready["alias"]}
        if who.entry.get("expiring") and action == "ImportKeyMaterial":
            tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
            parameters = {**parameters, "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": tomorrow}
        return {**parameters, **who.entry.get("request", {}).get(action, {})}


@pytest.fixture(scope="module")
def walk():
    servers = Servers()
    yield Walk(servers)
    servers.close()


def is_walked(who: Person, action: str) -> bool:
    """Key policies say nothing of actions without a key, nor of who may retire a grant."""
    return who.policy == "identity" or (action in ON_KEYS and action != "RetireGrant")


@pytest.mark.parametrize("entry", TABLE["keys"], ids=lambda entry: entry["key"])
def test_a_condition_key_is_there_where_it_belongs(walk, entry):
    """R29, R64: the right value allows and another does not; elsewhere no condition on the key matches."""
    if entry.get("multi_region") and "ReplicateKey" in walk.not_served:
        pytest.skip("multi-Region keys are not served yet")
    deviations = {(known["key"], known["action"]) for known in TABLE["known_deviations"]}
    found, walked = [], 0
    for who, action, through, expected in cells(walk, entry):
        walked += 1
        got = walk.is_allowed(who, action, through)
        if (got == expected) == ((entry["key"], action) in deviations):
            said = "but is a known deviation" if got == expected else f"through {through}"
            found.append(f"{action} by {who.policy} policy, {who.which}: {'allowed' if got else 'denied'} {said}")
    assert walked > 0 and not found, f"{walked} cells walked; wrong:\n" + "\n".join(found)


def cells(walk: Walk, entry: dict):
    """What is walked for a condition key: user, action, the service that calls for him, and whether it is allowed."""
    applies, through = set(expand(entry["actions"])), entry.get("through")
    for who in (who for who in PEOPLE if who.entry is entry):
        for action in (action for action in walk.actions() if is_walked(who, action)):
            right = who.which == "value"
            if action in applies:
                yield who, action, through, right
            if right and (action not in applies or through is not None):
                # Not the action's key, or not in direct calls.
                yield who, action, None, False


def test_the_table_is_whole():
    """R29: every action of every operation; and no deviation is left, which would say here of which cell and why."""
    operations = set(OPERATIONS) - {"ReEncrypt"} | set(WITH_ANOTHER_OPERATION)
    assert set(ACTIONS) == operations and len(ACTIONS) == len(operations)
    for entry in TABLE["keys"]:
        assert set(expand(entry["actions"])) <= operations, entry["key"]
        assert bool(entry["actions"]) != ("absent" in entry), entry["key"]
    assert TABLE["known_deviations"] == []
