"""Boundaries and session policies beside key policies, trust policies, identity policies and grants, as the tables of
`vectors/policy/ceilings.json` and `ceilings-of-trust.json` have them.

Each answer of the tables is a real call of a principal that was made for it, and the words of the denial name the kind
of policy that the table names. The same tables are decided by the policy engine and its judge without a server
(`crates/testkit/src/judge/ceilings.rs`).
"""

import itertools
import json
from typing import NamedTuple

import pytest

import policies
from aws import connect, refused
from kanuki import REPOSITORY
from policies import (
    HOME,
    OTHER,
    allow,
    deny,
    document,
    explicit_deny,
    hidden,
    identity,
    no_identity_policy,
    no_resource_policy,
)
from principals import fresh_name, trusting
from sigv4 import Keys
from test_identity_sessions import given
from world import HOME_REGION

FILES = {
    "key": json.loads((REPOSITORY / "vectors" / "policy" / "ceilings.json").read_text()),
    "role": json.loads((REPOSITORY / "vectors" / "policy" / "ceilings-of-trust.json").read_text()),
}
DENIERS = {
    "boundary": "a permissions boundary",
    "identity": "an identity-based policy",
    "resource": "a resource-based policy",
    "session": "a session policy",
}
ANSWERS_MIN = {"key": 1_000, "role": 400}


class Row(NamedTuple):
    """A line of a table for one caller and one combination of identity policies and boundary."""

    resource: str
    table: int
    caller: str
    identity: str
    boundary: str
    answers: tuple[str, ...]

    def __str__(self) -> str:
        name = FILES[self.resource]["tables"][self.table]["name"].replace(" ", "-")
        return f"{self.resource}-{name}-{self.caller}-identity-{self.identity}-boundary-{self.boundary}"


def rows() -> list[Row]:
    """Every line of every table, taken apart."""
    return [
        Row(resource, number, caller, identities_of, boundary, tuple(answers))
        for resource, file in FILES.items()
        for number, table in enumerate(file["tables"])
        for caller in table["callers"]
        for identities, boundaries, *answers in table["lines"]
        for identities_of, boundary in itertools.product(identities.split(), boundaries.split())
    ]


ROWS = rows()


class Person(NamedTuple):
    """A principal as the tables name it, with ARN and keys of its sessions by kind of session policies."""

    user: str | None
    role: str | None
    sessions: dict[str, str]
    keys: dict[str, Keys]


class Account:
    """The users and roles of one account, one for each combination of identity policies and boundary."""

    def __init__(self, world, file: dict, account: str):
        self.world, self.file, self.account = world, file, account
        self.iam = world.iam("Admin" if account == HOME else f"{OTHER}/root")
        self.boundaries = {word: self._boundary(statements) for word, statements in file["boundary"].items()}
        self.users, self.roles, self.federated, self.user_sessions = {}, {}, {}, {}
        self.opener, keys = self._user(document(identity("Allow", "sts:AssumeRole")))
        self.opener_sts = connect(world.server, keys, service="sts")
        for place in itertools.product(file["identity"], file["boundary"]):
            self._make(place)

    def person(self, caller: str, identity: str, boundary: str) -> Person:
        kinds = {"federated": self.federated, "role": self.roles, "user": self.users}
        kinds["user-session"] = self.user_sessions
        return kinds[caller.removeprefix("foreign-")][identity, boundary]

    def arns(self, word: str, *, of: tuple[str, str] | None = None) -> list[str]:
        """Everyone whom a statement or grant of the tables means by a word; of one combination, if it is given."""
        kinds = {"role": [self.roles], "session": [self.roles, self.federated], "user": [self.users]}[word]
        people = [who for kind in kinds for place, who in kind.items() if of in (None, place)]
        if word == "session":
            return [arn for who in people for arn in who.sessions.values()]
        return [getattr(who, word) for who in people]

    def _boundary(self, statements: list | None) -> dict:
        if statements is None:
            return {}
        name = fresh_name("ceiling")
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))["Policy"]
        return {"PermissionsBoundary": made["Arn"]}

    def _user(self, rights: str, **boundary) -> tuple[str, Keys]:
        name = fresh_name("under")
        arn = self.iam.create_user(UserName=name, **boundary)["User"]["Arn"]
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=rights)
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        return arn, Keys(made["AccessKeyId"], made["SecretAccessKey"])

    def _make(self, place: tuple[str, str]) -> None:
        rights, boundary = document(*self.file["identity"][place[0]]), self.boundaries[place[1]]
        user, keys = self._user(rights, **boundary)
        sts = connect(self.world.server, keys, service="sts")
        self.users[place] = Person(user, None, {"absent": user}, {"absent": keys})
        self.user_sessions[place] = Person(user, None, {"absent": user}, {"absent": given(sts.get_session_token())})
        name = fresh_name("under")
        trust = trusting(self.opener)
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **boundary)["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=rights)
        self.roles[place] = self._sessions(
            None, role, lambda word, **more: self.opener_sts.assume_role(RoleArn=role, RoleSessionName=word, **more),
            lambda word: policies.role_session(name, word, self.account),
        )  # fmt: skip
        if any("federated" in table["callers"] for table in self.file["tables"]) and self.account == HOME:
            self.federated[place] = self._sessions(
                user, None, lambda word, **more: sts.get_federation_token(Name=f"{name}-{word}", **more),
                lambda word: f"arn:aws:sts::{self.account}:federated-user/{name}-{word}",
            )  # fmt: skip

    def _sessions(self, user, role, make, arn_of) -> Person:
        arns, keys = {}, {}
        for word in self.file["order"]:
            statements = self.file["session"][word]
            more = {} if statements is None else {"Policy": document(*statements)}
            arns[word], keys[word] = arn_of(word), given(make(word, **more))
        return Person(user, role, arns, keys)


@pytest.fixture(scope="module")
def casts(world):
    """Everyone of the tables of keys, and everyone of those of roles."""
    return {"key": KeyCast(world, FILES["key"]), "role": RoleCast(world, FILES["role"])}


class Cast:
    """Everyone, in both accounts; and what the tables are about, made as it is asked for."""

    def __init__(self, world, file: dict):
        self.world, self.file = world, file
        self.accounts = {account: Account(world, file, account) for account in (HOME, OTHER)}
        self._made, self._clients = {}, {}

    def account(self, caller: str) -> Account:
        return self.accounts[OTHER if caller.startswith("foreign-") else HOME]

    def resource(self, row: Row) -> str:
        """The ARN of the key or role of a row."""
        of = (row.identity, row.boundary) if self.one_by_one else None
        if (row.table, of) not in self._made:
            table, account = self.file["tables"][row.table], self.account(row.caller)
            statements = [self._statement(text, account, of) for text in table["policy"]]
            self._made[row.table, of] = self.make(statements, table, account)
        return self._made[row.table, of]

    def client(self, keys: Keys, service: str):
        """A client, for all the tables."""
        if keys not in self._clients:
            self._clients[keys] = connect(self.world.server, keys, service=service, region=HOME_REGION)
        return self._clients[keys]

    def _statement(self, text: str, account: Account, of: tuple[str, str] | None) -> dict:
        effect, who = text.split(" ", 1)
        make = {"Allow": allow, "Deny": deny}[effect]
        action = self.file["action"]
        if who == "everyone":
            return make("*", action)
        if who == "account":
            return make(policies.root(account.account), action)
        if who.startswith("all but "):
            spared = [policies.root(account.account), policies.user("Admin")]
            spared += account.arns(who.removeprefix("all but "), of=of)
            return {**deny(None, action), "NotPrincipal": {"AWS": spared}}
        return make(account.arns(who, of=of), action)


class KeyCast(Cast):
    """Keys, which are used."""

    one_by_one = False

    def make(self, statements: list[dict], table: dict, account: Account) -> str:
        key = self.world.make_key()
        self.world.put_policy(key, *statements)
        for arn in account.arns(table["grant"]) if "grant" in table else []:
            self.world.kms().create_grant(KeyId=key.arn, GranteePrincipal=arn, Operations=["Encrypt"])
        return key.arn

    def call(self, keys: Keys, arn: str) -> dict:
        return self.client(keys, "kms").encrypt(KeyId=arn, Plaintext=b"m")

    @staticmethod
    def denial(answer: str, caller: str, arn: str, key: str) -> str:
        """The words of a denial. Another account learns nothing of the reason."""
        by, named = answer[1:], (arn, "kms:Encrypt", key)
        if caller.startswith("foreign-"):
            return hidden(arn, "kms:Encrypt")
        if answer.startswith("!"):
            return explicit_deny(*named, DENIERS[by])
        if by == "resource":
            return no_resource_policy(*named)
        start = no_identity_policy(*named)
        if by == "default":
            return start
        missing = {"boundary": "permissions boundary", "session": "session policy"}[by]
        return start.replace("no identity-based policy", f"no {missing}")


class RoleCast(Cast):
    """Roles, which are assumed."""

    # A trust policy is too short to name everyone.
    one_by_one = True

    def make(self, statements: list[dict], table: dict, account: Account) -> str:
        # A trust policy has no Resource.
        statements = [allow(policies.user("Admin"), self.file["action"]), *statements]
        trust = document(*({name: one[name] for name in one if name != "Resource"} for one in statements))
        made = self.world.iam().create_role(RoleName=fresh_name("trusting"), AssumeRolePolicyDocument=trust)
        return made["Role"]["Arn"]

    def call(self, keys: Keys, arn: str) -> dict:
        return self.client(keys, "sts").assume_role(RoleArn=arn, RoleSessionName="under")

    @staticmethod
    def denial(answer: str, caller: str, arn: str, trusting_role: str) -> str:
        """The words of a denial. Only an explicit one, in the own account, is told."""
        named = (arn, "sts:AssumeRole", trusting_role)
        if answer.startswith("!") and not caller.startswith("foreign-"):
            kind = {**DENIERS, "resource": "the role trust policy"}[answer[1:]]
            return explicit_deny(*named, kind)
        return no_identity_policy(*named).partition(" because ")[0]


@pytest.mark.parametrize("row", ROWS, ids=map(str, ROWS))
def test_ceilings_are_where_the_tables_have_them(casts, row):
    """R13, R19: resource policy, identity policies, boundary, session policies and grants decide together."""
    cast = casts[row.resource]
    arn = cast.resource(row)
    who = cast.account(row.caller).person(row.caller, row.identity, row.boundary)
    code = {"key": "AccessDeniedException", "role": "AccessDenied"}[row.resource]
    for (word, keys), answer in zip(who.keys.items(), row.answers, strict=True):
        if answer.startswith("+"):
            assert cast.call(keys, arn), (word, answer)
        else:
            message = cast.denial(answer, row.caller, who.sessions[word], arn)
            refused(code, message, cast.call, keys=keys, arn=arn)


@pytest.mark.parametrize("resource", FILES)
def test_the_tables_are_complete(resource):
    """R13: each table answers for every combination of policies; all in all more than a thousand answers."""
    file, own = FILES[resource], [row for row in ROWS if row.resource == resource]
    for number, table in enumerate(file["tables"]):
        places = [(row.caller, row.identity, row.boundary) for row in own if row.table == number]
        wanted = itertools.product(table["callers"], file["identity"], file["boundary"])
        assert sorted(places) == sorted(wanted), table["name"]
    assert sum(len(row.answers) for row in own) >= ANSWERS_MIN[resource]
