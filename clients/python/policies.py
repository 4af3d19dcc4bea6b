"""Policy documents, principals and the texts of denials.

Sources of the texts: "Troubleshooting access denied error messages", AWS IAM user guide; AWS KMS developer guide.
"""

import json
import re

HOME = "111122223333"
OTHER = "444455556666"


def user(name: str, account: str = HOME) -> str:
    """The ARN of a user."""
    return f"arn:aws:iam::{account}:user/{name}"


def role(name: str, account: str = HOME) -> str:
    """The ARN of a role."""
    return f"arn:aws:iam::{account}:role/{name}"


def role_session(name: str, session: str, account: str = HOME) -> str:
    """The ARN of a role session."""
    return f"arn:aws:sts::{account}:assumed-role/{name}/{session}"


def root(account: str = HOME) -> str:
    """The ARN of an account's root."""
    return f"arn:aws:iam::{account}:root"


def allow(principal, *actions: str, resource="*", **more) -> dict:
    """A key policy statement that allows."""
    return _statement("Allow", principal, actions, resource, more)


def deny(principal, *actions: str, resource="*", **more) -> dict:
    """A key policy statement that denies."""
    return _statement("Deny", principal, actions, resource, more)


def document(*statements: dict, **more) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)})


def identity(effect: str, *actions: str, resource="*", **more) -> dict:
    """An identity policy statement."""
    return {"Effect": effect, "Action": list(actions), "Resource": resource, **more}


def no_identity_policy(caller: str, action: str, resource: str) -> str:
    """Denied since no policy of the caller allows."""
    return f"{_start(caller, action, resource)} because no identity-based policy allows the {action} action"


def no_resource_policy(caller: str, action: str, resource: str) -> str:
    """Denied since the key policy does not allow and does not leave it to the account."""
    return f"{_start(caller, action, resource)} because no resource-based policy allows the {action} action"


def explicit_deny(caller: str, action: str, resource: str, kind: str) -> str:
    """Denied explicitly; `kind` is `an identity-based policy` or `a resource-based policy`."""
    return f"{_start(caller, action, resource)} with an explicit deny in {kind}"


def either_explicit_deny(caller: str, action: str, resource: str) -> re.Pattern:
    """Denied explicitly by two policies: the API names one, and does not promise which."""
    return re.compile(
        re.escape(f"{_start(caller, action, resource)} with an explicit deny in ")
        + "(an identity-based policy|a resource-based policy)"
    )


def hidden(caller: str, action: str) -> str:
    """Denied for a caller who must not learn whether the key exists."""
    return (
        f"User: {caller} is not authorized to perform: {action} on this resource because the resource does not exist "
        "in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    )


CIPHERTEXT = "the resource associated with this ciphertext"


def _start(caller: str, action: str, resource: str) -> str:
    place = resource if resource == CIPHERTEXT else f"resource: {resource}"
    return f"User: {caller} is not authorized to perform: {action} on {place}"


def _statement(effect, principal, actions, resource, more) -> dict:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource, **more}
    if principal is not None:
        statement["Principal"] = "*" if principal == "*" else {"AWS": principal}
    return statement


# Every wrapped policy of the acceptance scenarios has the first; the second leaves the rest to the account's IAM.
ADMIN = {"Sid": "Admin", **allow(user("Admin"), "kms:*")}
ENABLE_IAM = {"Sid": "Enable IAM User Permissions", **allow(root(), "kms:*")}
