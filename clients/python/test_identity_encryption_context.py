"""The encryption context in policies: the whitepaper's P2-EC as printed, and the layers of defence."""

import pytest

import policies
import trail
from aws import refused, request_id
from policies import CIPHERTEXT, allow, no_resource_policy, user
from world import caller

APP = "role/RoleForExampleApp"
# P2-EC as printed (without the surplus brace).
P2_EC = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/RoleForExampleApp"},
    "Action": ["kms:Encrypt", "kms:Decrypt"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {
            "kms:EncryptionContext:AppName": "ExampleApp",
            "kms:EncryptionContext:Version": "1.0.24",
        }
    },
}
RIGHT = {"AppName": "ExampleApp", "Version": "1.0.24"}
WRONG = [
    pytest.param({"AppName": "ExampleApp", "Version": "1.0.25"}, id="other version"),
    pytest.param({"AppName": "ExampleApp"}, id="version missing"),
    pytest.param({"AppName": "exampleapp", "Version": "1.0.24"}, id="value in other case"),
    pytest.param({}, id="none"),
]


@pytest.fixture
def app_key(world):
    """A key under P2-EC and the administrator's statement."""
    return world.make_key(P2_EC)


def test_with_both_pairs_the_application_encrypts_and_decrypts(world, app_key):
    """R31: also when a pair more is given, which decryption then needs too."""
    kms = world.kms(APP)
    blob = kms.encrypt(KeyId=app_key.arn, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=RIGHT)["Plaintext"] == b"m"
    more = {**RIGHT, "Extra": "1"}
    blob = kms.encrypt(KeyId=app_key.arn, Plaintext=b"m", EncryptionContext=more)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=more)["Plaintext"] == b"m"
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=blob, EncryptionContext=RIGHT)


@pytest.mark.parametrize("context", WRONG)
def test_with_another_context_the_application_is_denied(world, app_key, context):
    """R31: denied by the policy, before any cryptography, for encryption and decryption."""
    kms = world.kms(APP)
    blob = kms.encrypt(KeyId=app_key.arn, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"]
    denied = no_resource_policy(caller(APP), "kms:Encrypt", app_key.arn)
    refused(
        "AccessDeniedException",
        denied,
        kms.encrypt,
        KeyId=app_key.arn,
        Plaintext=b"m",
        EncryptionContext=context,
    )
    denied = no_resource_policy(caller(APP), "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    # Whoever passes the policy still needs the context itself.
    refused("InvalidCiphertextException", None, world.kms().decrypt, CiphertextBlob=blob, EncryptionContext=context)


def test_a_denied_decryption_is_denied_whatever_the_ciphertext_holds(world, app_key):
    """R31: no cryptography is performed on a denial, so a damaged ciphertext gets the same answer."""
    kms = world.kms(APP)
    blob = bytearray(kms.encrypt(KeyId=app_key.arn, Plaintext=b"m", EncryptionContext=RIGHT)["CiphertextBlob"])
    blob[-1] ^= 1
    denied = no_resource_policy(caller(APP), "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, kms.decrypt, CiphertextBlob=bytes(blob))
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=bytes(blob), EncryptionContext=RIGHT)


def test_the_context_is_recorded_of_refused_calls_too(world, app_key):
    """R30, R31: the record of a denial tells the context and the reason."""
    context = {"AppName": "ExampleApp", "Version": "1.0.25"}
    denied = no_resource_policy(caller(APP), "kms:Encrypt", app_key.arn)
    answer = refused(
        "AccessDeniedException",
        denied,
        world.kms(APP).encrypt,
        KeyId=app_key.arn,
        Plaintext=b"m",
        EncryptionContext=context,
    )
    record = trail.record_of(world.server, request_id(answer))
    assert record["requestParameters"]["encryptionContext"] == context
    assert record["errorMessage"] == denied


def test_the_name_of_a_context_condition_ignores_case(world):
    """R29: `kms:encryptioncontext:APPNAME` is the same condition key; the value is compared exactly."""
    condition = {"StringEquals": {"kms:encryptioncontext:APPNAME": "ExampleApp"}}
    key = world.make_key(allow(user("Bob"), "kms:Encrypt", Condition=condition))
    kms = world.kms("Bob")
    kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext={"AppName": "ExampleApp"})
    denied = no_resource_policy(user("Bob"), "kms:Encrypt", key.arn)
    refused(
        "AccessDeniedException",
        denied,
        kms.encrypt,
        KeyId=key.id,
        Plaintext=b"m",
        EncryptionContext={"AppName": "EXAMPLEAPP"},
    )


KEYS = "kms:EncryptionContextKeys"
CONTEXTS = [{}, {"a": "1"}, {"a": "1", "b": "2"}, {"a": "1", "c": "3"}, {"c": "3"}, {"A": "1"}]


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        pytest.param({"ForAllValues:StringEquals": {KEYS: ["a", "b"]}}, [0, 1, 2], id="all-values"),
        pytest.param({"ForAnyValue:StringEquals": {KEYS: ["a", "b"]}}, [1, 2, 3], id="any-value"),
        pytest.param({"Null": {KEYS: "true"}}, [0], id="absent"),
        pytest.param(
            {"ForAllValues:StringEquals": {KEYS: ["a", "b"]}, "Null": {KEYS: "false"}}, [1, 2], id="all and present"
        ),
    ],
)
def test_conditions_on_the_names_in_the_context(world, condition, allowed):
    """R29: set operators and Null on `kms:EncryptionContextKeys`; names are compared exactly."""
    key = world.make_key(allow(user("Bob"), "kms:Encrypt", Condition=condition))
    kms = world.kms("Bob")
    for index, context in enumerate(CONTEXTS):
        if index in allowed:
            kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=context)
        else:
            denied = no_resource_policy(user("Bob"), "kms:Encrypt", key.arn)
            refused(
                "AccessDeniedException", denied, kms.encrypt, KeyId=key.id, Plaintext=b"m", EncryptionContext=context
            )


def test_each_of_three_layers_blocks_alone(world):
    """R33: the IAM right, the key policy and the context; taking any one away is enough."""
    context = {"vault": "7"}
    enabled = world.make_key(policies.ENABLE_IAM)
    alice = world.kms("Alice")
    blob = alice.encrypt(KeyId=enabled.id, Plaintext=b"m", EncryptionContext=context)["CiphertextBlob"]
    assert alice.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"m"
    # Without the IAM right: Bob has none.
    denied = policies.no_identity_policy(user("Bob"), "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, world.kms("Bob").decrypt, CiphertextBlob=blob, EncryptionContext=context)
    # Without the context.
    refused("InvalidCiphertextException", None, alice.decrypt, CiphertextBlob=blob, EncryptionContext={"vault": "8"})
    # Without the key policy.
    world.put_policy(enabled)
    denied = no_resource_policy(user("Alice"), "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, alice.decrypt, CiphertextBlob=blob, EncryptionContext=context)
