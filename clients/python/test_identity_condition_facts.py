"""Condition keys whose value is not simply what the request says: defaults, absences, and what has none.

Not here: every key of every operation; the table of conditions has those.
Source: "Condition keys for AWS KMS" of the developer guide; the service authorization reference.
"""

import datetime

import pytest

import imports
from aws import error_of
from conftest import Servers
from policies import HOME, allow, document, identity, user
from world import World

BOB = user("Bob")


def denied_unless(world: World, key, action: str, condition: dict, call, **parameters) -> bool:
    """Whether a key policy with this condition lets Bob make the call."""
    world.put_policy(key, allow(BOB, action, Condition=condition))
    got = error_of(call, KeyId=key.id, **parameters)
    assert got in (None, "AccessDeniedException"), got
    return got is None


def test_the_period_of_a_rotation(world, key):
    """`kms:RotationPeriodInDays` is the period that comes into force, also when none is given."""
    enable = world.kms("Bob").enable_key_rotation
    short = {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "200"}}
    action = "kms:EnableKeyRotation"
    assert not denied_unless(world, key, action, short, enable)
    year = {"NumericEquals": {"kms:RotationPeriodInDays": "365"}}
    assert denied_unless(world, key, action, year, enable)
    assert denied_unless(world, key, action, short, enable, RotationPeriodInDays=180)
    # The key keeps its 180 days, so asking again without a period stays within the limit.
    assert denied_unless(world, key, action, short, enable)
    assert not denied_unless(world, key, action, short, enable, RotationPeriodInDays=201)


# What the identity policies of the users of these tests allow all of KMS under.
CALLERS = {
    "Known": {"StringLike": {"kms:CallerAccount": "*"}},
    "Unknown": {"Null": {"kms:CallerAccount": "true", "kms:ViaService": "true"}},
}


@pytest.fixture(scope="module")
def callers():
    """A server with those users."""
    made = Servers()
    seed = made.folder / "seed.toml"
    lines = ["[[account]]", f'id = "{HOME}"']
    for name, condition in CALLERS.items():
        policy = document(identity("Allow", "kms:*", Condition=condition))
        lines += ["[[account.user]]", f'name = "{name}"', "access_key = true"]
        lines += [f"inline_policies = {{ use = '''{policy}''' }}"]
    seed.write_text("\n".join(lines))
    yield World(made.over(made.folder / "data", seed=seed))
    made.close()


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("list_keys", {}),
        ("list_aliases", {}),
        ("generate_random", {"NumberOfBytes": 16}),
        ("list_retirable_grants", {"RetiringPrincipal": user("Known")}),
    ],
)
def test_operations_without_keys_of_the_service(callers, operation, parameters):
    """No `kms:` key is there, so nothing that names one allows."""
    assert error_of(getattr(callers.kms("Known"), operation), **parameters) == "AccessDeniedException"
    assert error_of(getattr(callers.kms("Unknown"), operation), **parameters) is None


def test_a_new_key_has_a_caller(callers):
    """CreateKey has `kms:CallerAccount` although there is no key yet."""
    assert error_of(callers.kms("Known").create_key) is None
    assert error_of(callers.kms("Unknown").create_key) == "AccessDeniedException"


def test_how_long_imported_material_lasts(world):
    """`kms:ExpirationModel` and `kms:ValidTo` are there when the parameter is: a default is not seen."""
    key = world.make_key(Origin="EXTERNAL")
    tomorrow = {"ValidTo": datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)}
    for condition, more, allowed in [
        ({"Null": {"kms:ExpirationModel": "false"}}, tomorrow, False),
        ({"Null": {"kms:ExpirationModel": "false"}}, {**tomorrow, "ExpirationModel": imports.EXPIRES}, True),
        ({"Null": {"kms:ValidTo": "true"}}, {"ExpirationModel": imports.FOREVER}, True),
        ({"Null": {"kms:ValidTo": "true"}}, tomorrow, False),
    ]:
        world.put_policy(key, allow(BOB, "kms:ImportKeyMaterial", Condition=condition))
        parameters = imports.prepare(world.kms(), key.id, b"\x07" * 32)
        got = error_of(world.kms("Bob").import_key_material, **parameters, **more)
        assert got == (None if allowed else "AccessDeniedException"), (condition, more)
