"""Which operations reach keys of other accounts: each as the API's model says, and no other.

Source: "Cross-account use" in the documentation of each operation in the API's model.
Not here: retiring a grant, which rests on the grant; `test_identity_grants_endings.py` has that.
"""

import re

import pytest

from aws import error_of
from policies import ADMIN, OTHER, allow, document, root
from subjects import CALLS, MODEL, Subjects, method
from test_identity_condition_keys import KIND_OF, ON_IMPORTED

CARLA = f"{OTHER}/Carla"
POLICY = document(ADMIN, allow(root(OTHER), "kms:*"))
SAYS = re.compile(r"<b>Cross-account use</b>\s*:\s*(Yes|No|<i>No</i>|<i>Yes</i>)")
# A call of these names no key, or an alias beside it.
ELSEWHERE = {"CreateAlias", "DeleteAlias", "ListAliases", "RetireGrant", "UpdateAlias"}
OPERATIONS = sorted(set(CALLS) - ELSEWHERE)


def crosses(operation: str) -> bool:
    """Whether the model says that the operation works on keys of other accounts."""
    said = SAYS.search(MODEL.operation_model(operation).documentation)
    assert said, f"the model says nothing of {operation}"
    return "Yes" in said[1]


@pytest.fixture(scope="module")
def subjects(world):
    """Keys that leave everything to the other account, made once for each kind."""
    made, kept = Subjects(world, lambda *_: POLICY, other=world.make_key(Policy=POLICY)), {}

    def subject(kind: str, origin: str):
        if (kind, origin) not in kept:
            kept[kind, origin] = made.make(kind, origin)
        return kept[kind, origin]

    made.kept = subject
    return made


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_reaches_other_accounts_if_the_model_says_so(world, subjects, operation):
    """R21: the key policy gives the other account everything, and its user may do everything there."""
    subject = subjects.kept(KIND_OF.get(operation, "symmetric"), "EXTERNAL" if operation in ON_IMPORTED else "AWS_KMS")
    parameters = subjects.parameters(operation, subject)
    arns = {subject.id: subject.arn, subjects.other.id: subjects.other.arn}
    for member in {"KeyId", "DestinationKeyId"} & set(parameters):
        # Keys of others are named by nothing but their ARN.
        parameters[member] = arns[parameters[member]]
    call = method(world.kms(CARLA), operation)
    expected = None if crosses(operation) else "AccessDeniedException"
    assert error_of(call, **parameters) == expected


def test_the_model_names_both_kinds():
    """R21: an operation that is new in the model is asked for too."""
    both = {crosses(operation) for operation in OPERATIONS}
    assert both == {True, False} and {"Encapsulate", "Decapsulate"} <= set(OPERATIONS)
