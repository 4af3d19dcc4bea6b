"""Users and roles that a test makes through the IAM API, as their own clients see the server.

Invariant: names are never used twice in a run, so that tests can share a server.
"""

import itertools

import aws
from policies import HOME, document, role, user
from sigv4 import Keys
from world import FAR_REGION, HOME_REGION

_numbers = itertools.count(1)


def fresh_name(prefix: str = "t") -> str:
    """A name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


class Made:
    """A user or role with credentials."""

    def __init__(self, world, name: str, keys: Keys, arn: str, unique_id: str):
        self.world, self.name, self.keys, self.arn, self.id = world, name, keys, arn, unique_id

    def client(self, service: str):
        """A client with its credentials."""
        region = FAR_REGION if service == "iam" else HOME_REGION
        return aws.connect(self.world.server, self.keys, service=service, region=region)


def make_user(world, name: str | None = None, *policies: dict, **parameters) -> Made:
    """A user with an access key and, if statements are given, an inline policy of them."""
    iam = world.iam()
    name = name or fresh_name("user")
    made = iam.create_user(UserName=name, **parameters)["User"]
    if policies:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*policies))
    return Made(world, name, access_key(world, name), made["Arn"], made["UserId"])


def access_key(world, name: str) -> Keys:
    """A new access key of a user."""
    key = world.iam().create_access_key(UserName=name)["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def trusting(*principals: str, **more) -> str:
    """A trust policy."""
    return document(
        {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole", **more}
    )


def make_role(world, name: str | None = None, *policies: dict, **parameters) -> Made:
    """A role that `Admin` may assume, with a session of it."""
    iam = world.iam()
    name = name or fresh_name("role")
    parameters.setdefault("AssumeRolePolicyDocument", trusting(user("Admin")))
    made = iam.create_role(RoleName=name, **parameters)["Role"]
    if policies:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*policies))
    given = world.sts().assume_role(RoleArn=made["Arn"], RoleSessionName="s1")["Credentials"]
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return Made(world, name, keys, made["Arn"], made["RoleId"])


def make_policy(world, *statements: dict, name: str | None = None, **parameters) -> str:
    """A managed policy; answers its ARN."""
    text = document(*statements)
    made = world.iam().create_policy(PolicyName=name or fresh_name("policy"), PolicyDocument=text, **parameters)
    return made["Policy"]["Arn"]


def aws_policy(name: str) -> str:
    """The ARN of a managed policy of the service's."""
    return f"arn:aws:iam::aws:policy/{name}"


def own_policy(name: str, account: str = HOME) -> str:
    """The ARN of an account's own managed policy."""
    return f"arn:aws:iam::{account}:policy/{name}"


__all__ = [
    "Made", "access_key", "aws_policy", "fresh_name", "make_policy", "make_role", "make_user", "own_policy", "role",
    "trusting",
]  # fmt: skip
