"""Every operation on a key in every state, as `vectors/key-state-operations.json` has it.

The states are really reached. A cell that cannot be reached is named in the data with its reason, and counted here; an
operation that is not served is named too, and the test fails once it is.
"""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import Servers
from kanuki import REPOSITORY
from stores import Stores
from subjects import CALLS, OPERATIONS, StoredSubjects, Subjects, method, served

TABLE = json.loads((REPOSITORY / "vectors" / "key-state-operations.json").read_text())
NOT_SERVED = set(TABLE["not_served"])
# Operations after whose success the prepared grant or alias is gone, or the key may be of another state.
CONSUMING = {"DeleteAlias", "RetireGrant", "RevokeGrant", "UpdateAlias", "ReplicateKey", "UpdatePrimaryRegion"}
# So many cells were walked when the table was made; later there are only more.
WALKED_MIN = 300


def cells(row: dict):
    """The cells of a row that are not empty: state, origin, what is expected."""
    for state, origins in TABLE["states"].items():
        expected = row["cells"][state]
        for origin in origins:
            if expected is not None and origin in row.get("origins", origins):
                yield state, origin, expected[origin] if isinstance(expected, dict) else expected


def reason_not_to_walk(row: dict, state: str, origin: str) -> str | None:
    """Why a cell is not walked, or none."""
    if row["operation"] in NOT_SERVED:
        return f"{row['operation']} is not served"
    for place in TABLE["not_reachable"]:
        if place.get("state", state) == state and place.get("origin", origin) == origin:
            return place["reason"]
    return None


@pytest.fixture(scope="module")
def subjects(world):
    return Subjects(world)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    servers = Servers()
    stores = Stores(servers, tmp_path_factory.mktemp("stores"))
    yield StoredSubjects(stores)
    stores.proxy.stop()
    servers.close()


@pytest.fixture(scope="module")
def kept():
    """Subjects that are as they were made, by kind, origin and state."""
    return {}


def name(row: dict) -> str:
    return f"{row['operation']}-{row['part'].replace(' ', '-')}" if "part" in row else row["operation"]


@pytest.mark.parametrize("row", [row for row in TABLE["rows"] if row["operation"] not in NOT_SERVED], ids=name)
def test_each_state_has_its_answer(subjects, stored, kept, row):
    """R94, R97-R100: success or the refusal with its text; a refusal changes nothing that DescribeKey shows."""
    found = []
    for state, origin, expected in cells(row):
        if reason_not_to_walk(row, state, origin) is None:
            makers = stored if origin == "EXTERNAL_KEY_STORE" else subjects
            problem = walk(makers, kept, row, state, origin, expected)
            found += [f"{state}, {origin}: {problem}"] if problem else []
    assert not found, "\n".join(found)


def walk(subjects, kept, row: dict, state: str, origin: str, expected: str) -> str | None:
    """Makes the call of one cell; what is wrong with its answer, or none."""
    place = (row["kind"], origin, state)
    subject = kept.pop(place, None) or subjects.make(*place)
    parameters = subjects.parameters(row["operation"], subject, row.get("part"))
    before = subjects.metadata(subject)
    problem = _problem(subjects, row["operation"], parameters, subject, expected)
    after = subjects.metadata(subject)
    wanted = expected.removeprefix("to ") if expected.startswith("to ") else state
    if problem is None and after["KeyState"] != wanted:
        problem = f"the key is {after['KeyState']} now, not {wanted}"
    refused = expected in TABLE["refusals"]
    if problem is None and refused and before != after:
        problem = f"refused, but changed: {before} is now {after}"
    if problem is None and after["KeyState"] == state and (refused or row["operation"] not in CONSUMING):
        kept[place] = subject
    return problem


def _problem(subjects, operation: str, parameters: dict, subject, expected: str) -> str | None:
    refusal = TABLE["refusals"].get(expected)
    try:
        method(subjects.kms, operation)(**parameters)
    except ClientError as error:
        got = error.response["Error"]
        if refusal is None:
            return f"refused with {got['Code']} ({got['Message']})"
        text = refusal["message"] and refusal["message"].format(arn=subject.arn, origin=subject.origin)
        if got["Code"] != refusal["error"] or (text is not None and got["Message"] != text):
            return f"refused with {got['Code']} ({got['Message']}), not {refusal['error']} ({text})"
        return None
    return None if refusal is None else f"allowed, but {refusal['error']} was expected"


def test_the_table_has_every_operation():
    """R94: once or in each of its parts, or under `without_a_key`; every row has every state."""
    rows = [row["operation"] for row in TABLE["rows"]]
    assert set(rows) | set(TABLE["without_a_key"]) == set(OPERATIONS)
    assert not set(rows) & set(TABLE["without_a_key"])
    assert set(CALLS) == set(rows)
    for row in TABLE["rows"]:
        assert set(row["cells"]) == set(TABLE["states"]), row["operation"]
        for state, origin, expected in cells(row):
            known = expected == "ok" or expected.removeprefix("to ") in TABLE["states"] or expected in TABLE["refusals"]
            assert known, (row["operation"], state, origin, expected)


def test_what_is_not_walked_is_named_and_counted(world, record_property):
    """R94: no list is stale: what is said not to be served is not, and what is said to be out of reach is."""
    assert {operation for operation in OPERATIONS if not served(world, operation)} == NOT_SERVED
    stale = [place for place in TABLE["not_reachable"] if place.get("until", None) in set(OPERATIONS) - NOT_SERVED]
    assert not stale, f"within reach by now: {stale}"
    reasons = [reason_not_to_walk(row, state, origin) for row in TABLE["rows"] for state, origin, _ in cells(row)]
    walked = reasons.count(None)
    for reason in sorted({reason for reason in reasons if reason}):
        record_property("not walked", f"{reasons.count(reason)} cells: {reason}")
        print(f"not walked: {reasons.count(reason)} cells: {reason}")
    print(f"walked: {walked} of {len(reasons)} cells")
    assert walked > WALKED_MIN
