"""Key policies: there is exactly one, it is the root of trust, and it is replaced as a whole."""

import json
import re

import pytest

import policies
from aws import refused
from policies import ADMIN, ENABLE_IAM, allow, document, no_identity_policy, no_resource_policy, user
from world import KNOWN_ARN, caller

LOCKOUT = "The new key policy will not allow you to update the key policy in the future."
NO_SUCH_PRINCIPAL = "Policy contains a statement with one or more invalid principals."


def test_every_key_has_exactly_one_policy_named_default(world, key):
    """R5: `default` is the only policy, and it is what GetKeyPolicy returns when no name is given."""
    kms = world.kms()
    listed = kms.list_key_policies(KeyId=key.id)
    assert listed["PolicyNames"] == ["default"] and listed["Truncated"] is False
    unnamed = kms.get_key_policy(KeyId=key.id)
    assert unnamed["PolicyName"] == "default"
    assert unnamed["Policy"] == kms.get_key_policy(KeyId=key.arn, PolicyName="default")["Policy"]


def test_a_policy_of_32_kib_is_accepted_and_a_longer_one_is_not(world, key):
    """R5: the size limit is 32,768 bytes."""
    kms = world.kms()

    def padded(size: int) -> str:
        text = document(ADMIN, Id="")
        return text.replace('"Id": ""', '"Id": "' + "x" * (size - len(text)) + '"')

    assert len(padded(32_768)) == 32_768
    kms.put_key_policy(KeyId=key.id, Policy=padded(32_768))
    refused("LimitExceededException", re.compile(".+"), kms.put_key_policy, KeyId=key.id, Policy=padded(32_769))
    assert kms.get_key_policy(KeyId=key.id)["Policy"] == padded(32_768)


def test_an_identity_policy_alone_is_not_enough(world):
    """R6, R7: without the account's statement Alice's `kms:*` gives nothing; with it, it does; without again, not."""
    key = world.make_key(allow(user("Bob"), "kms:DescribeKey"))
    alice = world.kms("Alice")
    denied = no_resource_policy(user("Alice"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, alice.encrypt, KeyId=key.id, Plaintext=b"m")
    world.put_policy(key, ENABLE_IAM)
    assert alice.encrypt(KeyId=key.id, Plaintext=b"m")["KeyId"] == key.arn
    world.put_policy(key)
    refused("AccessDeniedException", denied, alice.encrypt, KeyId=key.id, Plaintext=b"m")


def test_the_accounts_statement_lets_identity_policies_decide(world, key):
    """R7, R8: under the default policy each user has what IAM gives, no more."""
    assert world.kms("IamAllows").encrypt(KeyId=key.id, Plaintext=b"m")["KeyId"] == key.arn
    refused(
        "AccessDeniedException",
        no_identity_policy(user("Bob"), "kms:Encrypt", key.arn),
        world.kms("Bob").encrypt,
        KeyId=key.id,
        Plaintext=b"m",
    )
    refused(
        "AccessDeniedException",
        no_identity_policy(user("IamAllows"), "kms:GenerateDataKey", key.arn),
        world.kms("IamAllows").generate_data_key,
        KeyId=key.id,
        KeySpec="AES_256",
    )


@pytest.mark.parametrize("who", ["OneKey", "role/OneKeyRole"])
def test_an_identity_policy_reaches_only_the_key_it_names(world, key, who):
    """R8: `kms:Encrypt` on one key's ARN opens that key and no other, for a user and for a role."""
    kms = world.kms(who)
    assert kms.encrypt(KeyId=KNOWN_ARN, Plaintext=b"m")["KeyId"] == KNOWN_ARN
    denied = no_identity_policy(caller(who), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, kms.encrypt, KeyId=key.id, Plaintext=b"m")


def test_the_default_policy_enables_iam_and_nothing_else(world, key):
    """R9: one statement, for the account's root, with `kms:*` on `*`."""
    policy = json.loads(world.kms().get_key_policy(KeyId=key.id)["Policy"])
    assert policy["Version"] == "2012-10-17" and policy["Id"] == "key-default-1"
    assert policy["Statement"] == [
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": policies.root()},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]


def test_a_policy_that_locks_its_author_out_is_refused(world, key):
    """R9: unless the author says that it is meant."""
    kms = world.kms()
    locking = document(allow(user("Alice"), "kms:*"))
    before = kms.get_key_policy(KeyId=key.id)["Policy"]
    refused("MalformedPolicyDocumentException", LOCKOUT, kms.put_key_policy, KeyId=key.id, Policy=locking)
    refused("MalformedPolicyDocumentException", LOCKOUT, kms.create_key, Policy=locking)
    assert kms.get_key_policy(KeyId=key.id)["Policy"] == before
    kms.put_key_policy(KeyId=key.id, Policy=locking, BypassPolicyLockoutSafetyCheck=True)
    refused(
        "AccessDeniedException",
        no_resource_policy(user("Admin"), "kms:GetKeyPolicy", key.arn),
        kms.get_key_policy,
        KeyId=key.id,
    )
    assert world.kms("Alice").get_key_policy(KeyId=key.id)["Policy"] == locking


def test_a_policy_replaces_the_one_before_as_a_whole(world, key):
    """R24: after the second policy, nothing of the first is left, and who lost access is denied at once."""
    world.put_policy(key, allow(user("Bob"), "kms:Encrypt"))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"m")
    world.put_policy(key, allow(user("IamDenies"), "kms:DescribeKey"))
    assert json.loads(world.kms().get_key_policy(KeyId=key.id)["Policy"])["Statement"] == [
        ADMIN,
        allow(user("IamDenies"), "kms:DescribeKey"),
    ]
    denied = no_resource_policy(user("Bob"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"m")
    assert world.kms("IamDenies").describe_key(KeyId=key.id)["KeyMetadata"]["Arn"] == key.arn


def test_a_stored_policy_is_returned_byte_for_byte(world, key):
    """R5: blanks, order and repetition are the author's."""
    text = '{ "Statement" : [ %s ],\n\t"Version":"2012-10-17" }' % json.dumps(ADMIN)
    world.kms().put_key_policy(KeyId=key.id, Policy=text)
    assert world.kms().get_key_policy(KeyId=key.id)["Policy"] == text


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        pytest.param("{", None, id="broken JSON"),
        pytest.param("[]", None, id="no object"),
        pytest.param('{"Version":"2012-10-17"}', None, id="no statement"),
        pytest.param(document({**ADMIN, "Effect": "Perhaps"}), None, id="unknown effect"),
        pytest.param(document({**ADMIN, "Colour": "red"}), None, id="unknown element"),
        pytest.param(document(ADMIN, Version="2011-01-01"), None, id="unknown version"),
        pytest.param(
            document(ADMIN, allow(user("Bob"), "kms:Encrypt", Condition={"StringLooksLike": {"kms:ViaService": "x"}})),
            None,
            id="unknown operator",
        ),
        pytest.param(document(ADMIN, allow(user("Nobody"), "kms:Encrypt")), NO_SUCH_PRINCIPAL, id="no such user"),
        pytest.param(
            document(ADMIN, allow(policies.role("Nobody"), "kms:Encrypt")), NO_SUCH_PRINCIPAL, id="no such role"
        ),
        pytest.param(
            document(ADMIN, allow(user("Nobody", policies.OTHER), "kms:Encrypt")),
            NO_SUCH_PRINCIPAL,
            id="no such user in another account",
        ),
        pytest.param(
            document(ADMIN, {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}), None, id="no principal"
        ),
    ],
)
def test_a_document_that_is_no_key_policy_is_refused(world, key, policy, message):
    """R15: what cannot be understood in full is not stored, neither for an old key nor for a new one."""
    kms = world.kms()
    before = kms.get_key_policy(KeyId=key.id)["Policy"]
    message = message or re.compile("(?s).*")
    refused("MalformedPolicyDocumentException", message, kms.put_key_policy, KeyId=key.id, Policy=policy)
    refused("MalformedPolicyDocumentException", message, kms.create_key, Policy=policy)
    assert kms.get_key_policy(KeyId=key.id)["Policy"] == before


def test_the_fragments_of_the_whitepaper_are_no_policies(world, key):
    """R31: the example is printed as statements with a brace too many; as it stands it is refused."""
    fragment = json.dumps(allow(policies.role("RoleForExampleApp"), "kms:Encrypt", "kms:Decrypt")) + "}"
    refused(
        "MalformedPolicyDocumentException",
        re.compile("(?s).*"),
        world.kms().put_key_policy,
        KeyId=key.id,
        Policy=fragment,
    )


def test_only_the_name_default_is_known(world, key):
    """R5: there is no second policy to read or to write."""
    kms = world.kms()
    refused(
        "NotFoundException", re.compile(".+"), kms.get_key_policy, KeyId=key.id, PolicyName="other"
    )
    refused(
        "UnsupportedOperationException",
        re.compile(".+"),
        kms.put_key_policy,
        KeyId=key.id,
        PolicyName="other",
        Policy=document(ADMIN),
    )
