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


def test_aliases_in_a_key_policy(world, key):
    """`kms:ResourceAliases` has its value there too, and is absent of a key without aliases."""
    encrypt, names = world.kms("Bob").encrypt, {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/payroll-*"}}
    assert not denied_unless(world, key, "kms:Encrypt", names, encrypt, Plaintext=b"m")
    world.kms().create_alias(AliasName="alias/payroll-1", TargetKeyId=key.id)
    assert denied_unless(world, key, "kms:Encrypt", names, encrypt, Plaintext=b"m")
    world.kms().delete_alias(AliasName="alias/payroll-1")


def test_a_key_that_takes_no_context_has_none(world):
    """A context that a client sends along to an asymmetric key meets no condition; the call fails for it anyway."""
    key = world.make_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    encrypt, parameters = world.kms("Bob").encrypt, {"Plaintext": b"m", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    has_one = {"StringEquals": {"kms:EncryptionContext:a": "b"}}
    world.put_policy(key, allow(BOB, "kms:Encrypt", Condition=has_one))
    got = error_of(encrypt, KeyId=key.id, EncryptionContext={"a": "b"}, **parameters)
    assert got == "AccessDeniedException"
    has_none = {"Null": {"kms:EncryptionContextKeys": "true"}}
    assert denied_unless(world, key, "kms:Encrypt", has_none, encrypt, **parameters)


@pytest.mark.parametrize(
    ("method", "action", "spec", "usage", "parameters", "fact", "value"),
    [
        ("encrypt", "Encrypt", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", {"Plaintext": b"m"}, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
        (
            "generate_data_key", "GenerateDataKey", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", {"KeySpec": "AES_256"},
            "EncryptionAlgorithm", "SYMMETRIC_DEFAULT",
        ),
        (
            "sign", "Sign", "ECC_NIST_P256", "SIGN_VERIFY", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"},
            "MessageType", "RAW",
        ),
        (
            "schedule_key_deletion", "ScheduleKeyDeletion", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", {},
            "ScheduleKeyDeletionPendingWindowInDays", "30",
        ),
    ],
)  # fmt: skip
def test_defaults_are_seen(world, method, action, spec, usage, parameters, fact, value):
    """A parameter that is left out counts as its default, in an allow and in a deny."""
    key = world.make_key(KeySpec=spec, KeyUsage=usage)
    call = getattr(world.kms("Bob"), method)
    for operator, allowed in [("StringNotEquals", False), ("StringEquals", True)]:
        condition = {operator: {f"kms:{fact}": value}}
        assert denied_unless(world, key, f"kms:{action}", condition, call, **parameters) is allowed


NEW_KEY = [
    ("KeySpec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "ENCRYPT_DECRYPT"), ("KeyOrigin", "AWS_KMS"), ("MultiRegion", "false"),
]  # fmt: skip


@pytest.fixture(scope="module")
def makers():
    """A server with a user for each default of CreateKey, who may make keys with it, and one who may not."""
    made = Servers()
    seed = made.folder / "seed.toml"
    lines = ["[[account]]", f'id = "{HOME}"']
    for fact, value in NEW_KEY:
        for name, operator in [(f"Has{fact}", "StringEquals"), (f"Lacks{fact}", "StringNotEquals")]:
            policy = document(identity("Allow", "kms:CreateKey", Condition={operator: {f"kms:{fact}": value}}))
            lines += ["[[account.user]]", f'name = "{name}"', "access_key = true"]
            lines += [f"inline_policies = {{ use = '''{policy}''' }}"]
    seed.write_text("\n".join(lines))
    yield World(made.over(made.folder / "data", seed=seed))
    made.close()


@pytest.mark.parametrize("fact", [fact for fact, _ in NEW_KEY])
def test_defaults_of_a_new_key_are_seen(makers, fact):
    policy = {"BypassPolicyLockoutSafetyCheck": True}
    assert error_of(makers.kms(f"Has{fact}").create_key, **policy) is None
    assert error_of(makers.kms(f"Lacks{fact}").create_key, **policy) == "AccessDeniedException"
