"""Key policy and IAM are combined: every row of the table, through real calls."""

import itertools

import pytest

from aws import refused
from policies import (
    ENABLE_IAM,
    allow,
    deny,
    either_explicit_deny,
    explicit_deny,
    no_identity_policy,
    no_resource_policy,
    user,
)

# The user whose identity policies say this of kms:Encrypt.
USERS = {"allow": "IamAllows", "none": "Bob", "deny": "IamDenies"}
STATEMENTS = {"allow": allow, "deny": deny}
ALLOWED = {
    ("allow", "allow", True), ("allow", "allow", False),
    ("allow", "none", True), ("allow", "none", False),
    ("none", "allow", True),
}  # fmt: skip
ROWS = list(itertools.product(("allow", "none", "deny"), ("allow", "none", "deny"), (True, False)))


def expected_denial(key_policy: str, iam: str, enables_iam: bool, caller: str, resource: str):
    """The text of the denial: an explicit deny first, then the side that does not allow."""
    named = (caller, "kms:Encrypt", resource)
    if key_policy == "deny" and iam == "deny":
        return either_explicit_deny(*named)
    if iam == "deny":
        return explicit_deny(*named, "an identity-based policy")
    if key_policy == "deny":
        return explicit_deny(*named, "a resource-based policy")
    return no_identity_policy(*named) if enables_iam else no_resource_policy(*named)


@pytest.mark.parametrize(
    ("key_policy", "iam", "enables_iam"),
    ROWS,
    ids=[f"key-{key}-iam-{iam}-root-{'yes' if root else 'no'}" for key, iam, root in ROWS],
)
def test_key_policy_and_iam_decide_together(world, key_policy, iam, enables_iam):
    """R13, R19: an explicit deny always wins; IAM counts only where the key policy leaves it to the account."""
    name = USERS[iam]
    statements = [ENABLE_IAM] if enables_iam else []
    if key_policy in STATEMENTS:
        statements.append(STATEMENTS[key_policy](user(name), "kms:Encrypt"))
    key = world.make_key(*statements) if statements else world.make_key()
    if not statements:
        world.put_policy(key)
    kms = world.kms(name)
    if (key_policy, iam, enables_iam) in ALLOWED:
        blob = kms.encrypt(KeyId=key.id, Plaintext=b"row")["CiphertextBlob"]
        assert world.kms().decrypt(CiphertextBlob=blob)["Plaintext"] == b"row"
    else:
        message = expected_denial(key_policy, iam, enables_iam, user(name), key.arn)
        refused("AccessDeniedException", message, kms.encrypt, KeyId=key.id, Plaintext=b"row")


def test_the_table_has_every_row():
    """R13: 18 rows without grants, 5 of them allow."""
    assert len(ROWS) == 18 and len(ALLOWED) == 5 and ALLOWED < set(ROWS)
