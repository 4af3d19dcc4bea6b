"""The accounts, users and roles of the tests, and short ways to act as one of them.

The names follow the acceptance scenarios: home account 111122223333 with `Admin`, a second account 444455556666.
Identity policies stand in the seed; key policies are put through the API by each test.
"""

import dataclasses
import pathlib
import threading

import aws
import kanuki
import policies
from policies import HOME, OTHER, allow, document, identity, user
from sigv4 import Keys

HOME_REGION = "us-west-2"
FAR_REGION = "us-east-1"
THIRD_REGION = "eu-west-1"

# Key material that the tests know, to look for it where it must not be.
KNOWN_KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KNOWN_MATERIAL = bytes.fromhex("8f3b0d5e62c1a947f0de1b7734a85cc2915fe60b3d28476ca1ee9073b5d4162f")
KNOWN_ALIAS = "alias/known-material"
KNOWN_ARN = f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{KNOWN_KEY_ID}"

ONE_ALIAS = "alias/only-named-in-iam"
ONE_ALIAS_ARN = f"arn:aws:kms:{HOME_REGION}:{HOME}:{ONE_ALIAS}"

# What IAM says of the users of the home account.
IDENTITY_POLICIES = {
    "Alice": document(identity("Allow", "kms:*")),
    "FarMaker": document(
        identity("Allow", "kms:CreateKey", Condition={"StringEquals": {"aws:RequestedRegion": FAR_REGION}})
    ),
    "Bob": None,
    "IamAllows": document(identity("Allow", "kms:Encrypt", "kms:DescribeKey")),
    "IamDenies": document(identity("Allow", "kms:*"), identity("Deny", "kms:Encrypt")),
    "OneKey": document(identity("Allow", "kms:Encrypt", resource=KNOWN_ARN)),
    "OneAlias": document(identity("Allow", "kms:*", resource=ONE_ALIAS_ARN)),
    "KeyMaker": document(identity("Allow", "kms:CreateKey", "kms:PutKeyPolicy")),
    "ExampleUser": document(identity("Allow", "kms:DeleteAlias", resource=f"arn:aws:kms:*:{HOME}:alias/*")),
    "Auditor": document(identity("Allow", "kms:List*", "kms:Describe*", "kms:Get*")),
}
ROLE_POLICIES = {
    "RoleForExampleApp": None,
    "UserRole": None,
    "OneKeyRole": document(identity("Allow", "kms:Encrypt", resource=KNOWN_ARN)),
}
OTHER_POLICIES = {"Bob": None, "Carla": document(identity("Allow", "kms:*"))}
TRUST = document({"Effect": "Allow", "Principal": {"AWS": user("Admin")}, "Action": "sts:AssumeRole"})


def seed() -> str:
    """The seed file."""
    lines = ["[[account]]", f'id = "{HOME}"']
    for name, policy in IDENTITY_POLICIES.items():
        lines += _user(name, policy)
    for name, policy in ROLE_POLICIES.items():
        lines += ["[[account.role]]", f'name = "{name}"', f"trust_policy = '''{TRUST}'''", *_inline(policy)]
    lines += [
        "[[account.key]]",
        f'insecure_key_id = "{KNOWN_KEY_ID}"',
        f'insecure_material = "{KNOWN_MATERIAL.hex()}"',
        f'region = "{HOME_REGION}"',
        f'alias = "{KNOWN_ALIAS}"',
        "[[account]]",
        f'id = "{OTHER}"',
        "root_access_key = true",
    ]
    for name, policy in OTHER_POLICIES.items():
        lines += _user(name, policy)
    return "\n".join(lines) + "\n"


def _user(name: str, policy: str | None) -> list[str]:
    return ["[[account.user]]", f'name = "{name}"', "access_key = true", *_inline(policy)]


def _inline(policy: str | None) -> list[str]:
    return [] if policy is None else [f"inline_policies = {{ use = '''{policy}''' }}"]


@dataclasses.dataclass(frozen=True)
class Key:
    """A KMS key made by a test."""

    arn: str

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]


class World:
    """A server with the seed, seen by its users."""

    def __init__(self, server: kanuki.Server):
        self.server = server
        self._lock = threading.Lock()
        self._clients: dict = {}
        self._sessions: dict[tuple[str, str], Keys] = {}

    def keys(self, who: str) -> Keys:
        """The access key of `Admin`, of a seeded user (`Alice`, `444455556666/Bob`), or of a role (`role/Name`)."""
        if who.startswith("role/"):
            return self.assume(who.removeprefix("role/"))
        return self.server.profiles()["default" if who == "Admin" else who]

    def client(self, who: str, service: str, region: str, validate: bool = True):
        """The client of a user; one for all tests, until the server is started again."""
        place = (who, service, region, validate, self.server.endpoint)
        with self._lock:
            known = self._clients.get(place)
        if known is None:
            made = aws.connect(self.server, self.keys(who), service=service, region=region, validate=validate)
            with self._lock:
                known = self._clients.setdefault(place, made)
        return known

    def kms(self, who: str = "Admin", region: str = HOME_REGION, validate: bool = True):
        """A KMS client of a user."""
        return self.client(who, "kms", region, validate)

    def sts(self, who: str = "Admin", region: str = HOME_REGION):
        """An STS client of a user."""
        return self.client(who, "sts", region)

    def iam(self, who: str = "Admin"):
        """An IAM client of a user."""
        return self.client(who, "iam", FAR_REGION)

    def assume(self, role: str, session: str = "s1") -> Keys:
        """The keys of a role session, taken by `Admin`; kept, since sessions outlive a test."""
        known = self._sessions.get((role, session))
        if known is None:
            answer = self.sts().assume_role(RoleArn=policies.role(role), RoleSessionName=session)
            given = answer["Credentials"]
            known = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
            self._sessions[role, session] = known
        return known

    def make_key(self, *statements: dict, region: str = HOME_REGION, who: str = "Admin", **parameters) -> Key:
        """A new key. With statements its policy is those and `Admin`'s; without any it is the default policy."""
        if statements:
            parameters["Policy"] = document(policies.ADMIN, *statements)
        return Key(self.kms(who, region).create_key(**parameters)["KeyMetadata"]["Arn"])

    def put_policy(self, key: Key, *statements: dict, region: str = HOME_REGION) -> dict:
        """Replaces the policy of a key by `Admin`'s statement and these."""
        text = document(policies.ADMIN, *statements)
        return self.kms(region=region).put_key_policy(KeyId=key.id, PolicyName="default", Policy=text)


def caller(who: str) -> str:
    """The ARN by which denials and records name a caller."""
    if who.startswith("role/"):
        return policies.role_session(who.removeprefix("role/"), "s1")
    account, _, name = who.rpartition("/")
    return user(name, account or HOME)


def write_seed(folder: pathlib.Path) -> pathlib.Path:
    """Writes the seed file into a folder."""
    path = folder / "seed.toml"
    path.write_text(seed())
    return path


def write_config(folder: pathlib.Path) -> pathlib.Path:
    """Writes a configuration whose request quotas let hundreds of tests make keys at the same time: clients of the
    tests do not try again. What the quotas do has its own tests."""
    path = folder / "kanuki.toml"
    path.write_text("[request_quotas]\nburst_seconds = 3600\n")
    return path


def full_use(principal) -> dict:
    """A statement that allows the use of a key, as the console writes it."""
    return allow(
        principal, "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"
    )
