"""Grants: rights for one principal on one key, beside the key policy; who gets what, and under which constraints.

How grants end and how they are listed stands in `test_identity_grants_endings.py`.
"""

import concurrent.futures
import itertools
import json
import re

import pytest

import rawhttp
import trail
from aws import connect, error_of, refused, request_id
from policies import (
    CIPHERTEXT,
    ENABLE_IAM,
    HOME,
    OTHER,
    allow,
    deny,
    explicit_deny,
    hidden,
    no_identity_policy,
    no_resource_policy,
    role,
    role_session,
    root,
    user,
)
from test_identity_decision_table import ALLOWED, STATEMENTS, USERS, expected_denial
from world import HOME_REGION, World, caller

APP = "role/RoleForExampleApp"
FOREIGN_BOB = f"{OTHER}/Bob"
FOREIGN_CARLA = f"{OTHER}/Carla"
FIN = {"dept": "fin"}
DRY_RUN = "The request would have succeeded, but the DryRun option is set."
SYMMETRIC_OPERATIONS = [
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
    "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
]  # fmt: skip


def grant(kms, key, grantee: str, *operations: str, **more) -> dict:
    """Makes a grant."""
    return kms.create_grant(KeyId=key.arn, GranteePrincipal=grantee, Operations=list(operations), **more)


def cannot(code: str, kms, key, grantee: str, *operations: str, message=re.compile(".+"), **more) -> dict:
    """Tries to make a grant that must be refused."""
    given = {"KeyId": key.arn, "GranteePrincipal": grantee, "Operations": list(operations), **more}
    return refused(code, message, kms.create_grant, **given)


def encrypted(world, key, **context) -> bytes:
    """A ciphertext that `Admin` makes."""
    return world.kms().encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext=context)["CiphertextBlob"]


ROWS = list(itertools.product(("allow", "none", "deny"), ("allow", "none", "deny"), (True, False), (True, False)))


@pytest.mark.parametrize(
    ("key_policy", "iam", "enables_iam", "granted"),
    ROWS,
    ids=[
        f"key-{key}-iam-{iam}-root-{'yes' if enables else 'no'}-grant-{'yes' if granted else 'no'}"
        for key, iam, enables, granted in ROWS
    ],
)
def test_key_policy_iam_and_grants_decide_together(world, key_policy, iam, enables_iam, granted):
    """R13: a grant allows whatever the policies leave open; an explicit deny wins over it too."""
    name = USERS[iam]
    key = world.make_key()
    statements = [ENABLE_IAM] if enables_iam else []
    if key_policy in STATEMENTS:
        statements.append(STATEMENTS[key_policy](user(name), "kms:Encrypt"))
    world.put_policy(key, *statements)
    if granted:
        grant(world.kms(), key, user(name), "Encrypt")
    kms = world.kms(name)
    allowed = (key_policy, iam, enables_iam) in ALLOWED or (granted and "deny" not in (key_policy, iam))
    if allowed:
        assert kms.encrypt(KeyId=key.id, Plaintext=b"row")["KeyId"] == key.arn
    else:
        message = expected_denial(key_policy, iam, enables_iam, user(name), key.arn)
        refused("AccessDeniedException", message, kms.encrypt, KeyId=key.id, Plaintext=b"row")


def test_the_table_with_grants_has_every_row():
    """R13: 36 rows."""
    assert len(set(ROWS)) == 36


def test_a_grant_gives_scoped_rights_at_once(world, key):
    """R25: Bob decrypts with the department's context, and more pairs; nothing else, and nobody else does."""
    bob, blob = world.kms("Bob"), encrypted(world, key, **FIN)
    denied = no_identity_policy(user("Bob"), "kms:Decrypt", CIPHERTEXT)
    refused("AccessDeniedException", denied, bob.decrypt, CiphertextBlob=blob, EncryptionContext=FIN)
    made = grant(world.kms(), key, user("Bob"), "Decrypt", Constraints={"EncryptionContextSubset": FIN})
    assert re.fullmatch("[0-9a-f]{64}", made["GrantId"])
    assert bob.decrypt(CiphertextBlob=blob, EncryptionContext=FIN)["Plaintext"] == b"m"
    more = {**FIN, "year": "2026"}
    assert bob.decrypt(CiphertextBlob=encrypted(world, key, **more), EncryptionContext=more)["Plaintext"] == b"m"
    for wrong in ({}, {"dept": "hr"}, {"Dept": "fin"}, {"year": "2026"}):
        blob = encrypted(world, key, **wrong)
        refused("AccessDeniedException", denied, bob.decrypt, CiphertextBlob=blob, EncryptionContext=wrong)
    refused(
        "AccessDeniedException",
        no_identity_policy(user("Bob"), "kms:Encrypt", key.arn),
        bob.encrypt,
        KeyId=key.id,
        Plaintext=b"m",
        EncryptionContext=FIN,
    )
    blob = encrypted(world, key, **FIN)
    assert error_of(world.kms(APP).decrypt, CiphertextBlob=blob, EncryptionContext=FIN) == "AccessDeniedException"


def test_equals_means_exactly_these_pairs(world, key):
    """R25: no pair more, no pair less; DescribeKey has no context and is not bound."""
    bob, pairs = world.kms("Bob"), {"a": "1", "b": "2"}
    grant(
        world.kms(), key, user("Bob"), "Encrypt", "DescribeKey", Constraints={"EncryptionContextEquals": pairs}
    )
    assert bob.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext={"b": "2", "a": "1"})["KeyId"] == key.arn
    for wrong in ({"a": "1"}, {**pairs, "c": "3"}, {"a": "1", "b": "3"}, {}):
        code = error_of(bob.encrypt, KeyId=key.id, Plaintext=b"m", EncryptionContext=wrong)
        assert code == "AccessDeniedException", wrong
    assert bob.describe_key(KeyId=key.id)["KeyMetadata"]["Arn"] == key.arn


def test_each_side_of_a_re_encryption_needs_its_own_grant(world, key):
    """R25: ReEncryptFrom on one key and ReEncryptTo on the other."""
    bob, other, blob = world.kms("Bob"), world.make_key(), encrypted(world, key)
    parameters = {"CiphertextBlob": blob, "DestinationKeyId": other.arn}
    grant(world.kms(), key, user("Bob"), "ReEncryptFrom")
    denied = no_identity_policy(user("Bob"), "kms:ReEncryptTo", other.arn)
    refused("AccessDeniedException", denied, bob.re_encrypt, **parameters)
    grant(world.kms(), other, user("Bob"), "ReEncryptTo")
    assert bob.re_encrypt(**parameters)["KeyId"] == other.arn


@pytest.mark.parametrize("grantee", [role("RoleForExampleApp"), role_session("RoleForExampleApp", "s1")])
def test_a_role_is_granted_for_all_its_sessions_or_for_one(world, key, grantee):
    """R25: a grant to the session's ARN does not reach another session of the role."""
    grant(world.kms(), key, grantee, "GenerateDataKey")
    assert world.kms(APP).generate_data_key(KeyId=key.id, KeySpec="AES_256")["KeyId"] == key.arn
    other = world.assume("RoleForExampleApp", "s2")
    kms = connect(world.server, other)
    reached = error_of(kms.generate_data_key, KeyId=key.id, KeySpec="AES_256") is None
    assert reached == (grantee == role("RoleForExampleApp"))
    assert error_of(world.kms("role/UserRole").generate_data_key, KeyId=key.id, KeySpec="AES_256")


def test_a_grant_crosses_accounts(world, key):
    """R25: to a user of another account, without any policy of either account; to an account's root as well."""
    bob = world.kms(FOREIGN_BOB)
    denied = hidden(user("Bob", OTHER), "kms:Encrypt")
    refused("AccessDeniedException", denied, bob.encrypt, KeyId=key.arn, Plaintext=b"m")
    grant(world.kms(), key, user("Bob", OTHER), "Encrypt")
    assert bob.encrypt(KeyId=key.arn, Plaintext=b"m")["KeyId"] == key.arn
    refused("AccessDeniedException", hidden(user("Bob", OTHER), "kms:Decrypt"), bob.decrypt,
            KeyId=key.arn, CiphertextBlob=encrypted(world, key))  # fmt: skip
    assert error_of(world.kms("Bob").encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    theirs = world.kms(f"{OTHER}/root")
    assert error_of(theirs.encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    grant(world.kms(), key, root(OTHER), "Encrypt")
    assert theirs.encrypt(KeyId=key.arn, Plaintext=b"m")["KeyId"] == key.arn


def test_another_account_makes_grants_where_both_sides_let_it(world):
    """R25: CreateGrant, ListGrants and RevokeGrant work across accounts; the issuing account is the caller's."""
    key = world.make_key(allow(root(OTHER), "kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"))
    carla = world.kms(FOREIGN_CARLA)
    made = grant(carla, key, user("Bob", OTHER), "Encrypt")
    assert world.kms(FOREIGN_BOB).encrypt(KeyId=key.arn, Plaintext=b"m")["KeyId"] == key.arn
    [entry] = carla.list_grants(KeyId=key.arn)["Grants"]
    assert entry["IssuingAccount"] == root(OTHER) and entry["KeyId"] == key.arn
    assert world.kms().list_grants(KeyId=key.id)["Grants"][0]["GrantId"] == made["GrantId"]
    carla.revoke_grant(KeyId=key.arn, GrantId=made["GrantId"])
    assert error_of(world.kms(FOREIGN_BOB).encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    elsewhere = world.make_key()
    denied = hidden(user("Carla", OTHER), "kms:CreateGrant")
    cannot("AccessDeniedException", carla, elsewhere, user("Bob", OTHER), "Encrypt", message=denied)


def test_a_token_is_good_at_once_and_gives_its_bearer_nothing(world, key):
    """R25: the grantee may show it; who is not the grantee gets nothing by it; a wrong one is refused."""
    blob, made = encrypted(world, key), grant(world.kms(), key, user("Bob"), "Decrypt")
    tokens = [made["GrantToken"]]
    assert world.kms("Bob").decrypt(CiphertextBlob=blob, GrantTokens=tokens)["Plaintext"] == b"m"
    assert error_of(world.kms(APP).decrypt, CiphertextBlob=blob, GrantTokens=tokens) == "AccessDeniedException"
    kms = world.kms()
    for call, parameters in {
        kms.encrypt: {"KeyId": key.id, "Plaintext": b"m"},
        kms.decrypt: {"CiphertextBlob": blob},
        kms.generate_data_key: {"KeyId": key.id, "KeySpec": "AES_256"},
        kms.generate_data_key_without_plaintext: {"KeyId": key.id, "KeySpec": "AES_256"},
        kms.re_encrypt: {"CiphertextBlob": blob, "DestinationKeyId": key.id},
        kms.create_grant: {"KeyId": key.id, "GranteePrincipal": user("Bob"), "Operations": ["Decrypt"]},
    }.items():
        wrong = {**parameters, "GrantTokens": ["bm8gdG9rZW4="]}
        refused("InvalidGrantTokenException", "The grant token is invalid.", call, **wrong)
        right = {**parameters, "GrantTokens": tokens}
        call(**right)
    # DescribeKey knows no error for wrong tokens.
    assert kms.describe_key(KeyId=key.id, GrantTokens=["bm8gdG9rZW4="])["KeyMetadata"]["Arn"] == key.arn


def test_the_same_name_and_parameters_are_the_same_grant(world, key):
    """R25: the id is the first one's, the token is new; anything else makes another grant, and so does no name."""
    kms, bob = world.kms(), user("Bob")
    first = grant(kms, key, bob, "Decrypt", "Encrypt", Name="job-1", Constraints={"EncryptionContextSubset": FIN})
    again = grant(kms, key, bob, "Encrypt", "Decrypt", Name="job-1", Constraints={"EncryptionContextSubset": FIN})
    assert first["GrantId"] == again["GrantId"] and first["GrantToken"] != again["GrantToken"]
    others = [
        grant(kms, key, bob, "Decrypt", "Encrypt", Name="job-1"),
        grant(kms, key, bob, "Decrypt", "Encrypt", Name="job-1", Constraints={"EncryptionContextEquals": FIN}),
        grant(kms, key, bob, "Decrypt", Name="job-1", Constraints={"EncryptionContextSubset": FIN}),
        grant(kms, key, user("Alice"), "Decrypt", "Encrypt", Name="job-1"),
        grant(kms, key, bob, "Decrypt", "Encrypt", Name="job-1", RetiringPrincipal=user("Alice")),
        grant(kms, key, bob, "Decrypt"),
        grant(kms, key, bob, "Decrypt"),
    ]
    assert len({made["GrantId"] for made in [first, *others]}) == 8
    assert len(kms.list_grants(KeyId=key.id)["Grants"]) == 8
    kms.revoke_grant(KeyId=key.id, GrantId=first["GrantId"])
    anew = grant(kms, key, bob, "Decrypt", "Encrypt", Name="job-1", Constraints={"EncryptionContextSubset": FIN})
    assert anew["GrantId"] != first["GrantId"]


def test_a_name_that_many_use_at_once_is_one_grant(world, key):
    """R25: eight equal calls at the same time; and sixteen without a name are sixteen grants."""
    kms = world.kms()
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        same = list(threads.map(lambda _: grant(kms, key, user("Bob"), "Decrypt", Name="one"), range(8)))
        assert len({made["GrantId"] for made in same}) == 1
        each = list(threads.map(lambda _: grant(kms, key, user("Bob"), "Decrypt"), range(16)))
    assert len({made["GrantId"] for made in each}) == 16
    assert len(kms.list_grants(KeyId=key.id)["Grants"]) == 17


def test_a_symmetric_key_grants_eleven_operations(world, key):
    """R25: every one of them, and none that the key cannot do."""
    kms = world.kms()
    grant(kms, key, user("Bob"), *SYMMETRIC_OPERATIONS)
    [entry] = kms.list_grants(KeyId=key.id)["Grants"]
    assert sorted(entry["Operations"]) == sorted(SYMMETRIC_OPERATIONS)
    for wrong in ("Sign", "Verify", "GetPublicKey", "GenerateMac", "DeriveSharedSecret", "Encapsulate"):
        message = re.compile(
            rf"Operations \[{wrong}\] are not supported when creating a grant for a symmetric KMS key with key usage "
            r"ENCRYPT_DECRYPT\. Valid operations are \[Decrypt, Encrypt, .*\]"
        )
        cannot("ValidationException", kms, key, user("Bob"), "Decrypt", wrong, message=message)
    assert len(kms.list_grants(KeyId=key.id)["Grants"]) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param(
            {"Constraints": {"EncryptionContextEquals": FIN, "EncryptionContextSubset": FIN}},
            "More than one constraint supplied",
            id="two constraints",
        ),
        pytest.param(
            {"Constraints": {"EncryptionContextSubset": {str(i): "v" for i in range(9)}}},
            "A grant constraint can have at most 8 encryption context pairs.",
            id="nine pairs",
        ),
        pytest.param(
            {"Constraints": {"EncryptionContextEquals": {"k": "v" * 385}}},
            re.compile("A value of an encryption context pair .* at most 384 characters."),
            id="long value",
        ),
        pytest.param(
            {"Constraints": {"SourceArn": "arn:aws:ec2:us-east-1:1:volume/x"}},
            re.compile("1 validation error detected: Value '.*' at 'constraints.sourceArn' failed to satisfy .*"),
            id="source no ARN",
        ),
        pytest.param({"Operations": []}, "You must specify at least one operation.", id="no operation"),
        pytest.param(
            {"Operations": ["Decrypt", "PutKeyPolicy"]},
            re.compile(r"1 validation error detected: Value '\[Decrypt, PutKeyPolicy\]' at 'operations' failed .*"),
            id="no grant operation",
        ),
        pytest.param(
            {"Name": "no blanks"},
            re.compile("1 validation error detected: Value 'no blanks' at 'name' failed to satisfy constraint: .*"),
            id="name with a blank",
        ),
        pytest.param(
            {"GranteePrincipal": "arn:aws:iam::111122223333:user/*"},
            re.compile("1 validation error detected: Value '.*' at 'granteePrincipal' failed .*"),
            id="wildcard grantee",
        ),
        pytest.param(
            {"GranteePrincipal": None},
            "You must specify either GranteePrincipal or GranteeServicePrincipal.",
            id="no grantee",
        ),
        pytest.param(
            {"GranteeServicePrincipal": "logs.us-west-2.amazonaws.com"},
            "You cannot specify both GranteePrincipal and GranteeServicePrincipal.",
            id="two grantees",
        ),
        pytest.param(
            {"RetiringPrincipal": user("Bob"), "RetiringServicePrincipal": "logs.us-west-2.amazonaws.com"},
            "You cannot specify both RetiringPrincipal and RetiringServicePrincipal.",
            id="two retiring principals",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(world, key, parameters, message):
    """R25: and makes no grant."""
    kms = world.kms(validate=False)
    given = {"KeyId": key.id, "GranteePrincipal": user("Bob"), "Operations": ["Decrypt"], **parameters}
    given = {name: value for name, value in given.items() if value is not None}
    refused("ValidationException", message, kms.create_grant, **given)
    assert world.kms().list_grants(KeyId=key.id)["Grants"] == []


def test_an_unknown_constraint_is_not_forgotten(world, key):
    """R25: a limitation that this server does not know would be lost, so there is no such grant."""
    given = {"KeyId": key.id, "GranteePrincipal": user("Bob"), "Operations": ["Decrypt"]}
    body = json.dumps({**given, "Constraints": {"EncryptionContextMatches": FIN}}).encode()
    answer = rawhttp.Draft(world.server, world.keys("Admin"), "CreateGrant", body).send()
    assert (answer.code, answer.message) == (
        "ValidationException",
        "Unknown member 'EncryptionContextMatches' at 'constraints'",
    )
    assert world.kms().list_grants(KeyId=key.id)["Grants"] == []


@pytest.mark.parametrize(
    "who",
    [
        user("Nobody"),
        role("Nobody"),
        "arn:aws:iam::999999999999:root",
        "arn:aws:iam::111122223333:group/Admins",
        "arn:aws:sts::111122223333:assumed-role/RoleForExampleApp",
        "arn:aws:sts::111122223333:assumed-role/RoleForExampleApp/",
        HOME,
        "logs.us-west-2.amazonaws.com",
    ],
)
def test_grantee_and_retiring_principal_must_exist(world, key, who):
    """R25: whoever is not there now gets nothing later."""
    message = f"ARN does not refer to a valid principal: {who}"
    cannot("InvalidArnException", world.kms(), key, who, "Decrypt", message=message)
    cannot("InvalidArnException", world.kms(), key, user("Bob"), "Decrypt", message=message, RetiringPrincipal=who)


def test_a_key_is_named_by_its_id_and_never_by_an_alias(world, key):
    """R64: for every operation on grants."""
    kms = world.kms()
    kms.create_alias(AliasName="alias/r64-grants", TargetKeyId=key.id)
    made = grant(kms, key, user("Bob"), "Decrypt")
    for alias in ("alias/r64-grants", f"arn:aws:kms:{HOME_REGION}:{HOME}:alias/r64-grants"):
        for call, parameters in {
            kms.create_grant: {"GranteePrincipal": user("Bob"), "Operations": ["Decrypt"]},
            kms.list_grants: {},
            kms.revoke_grant: {"GrantId": made["GrantId"]},
            kms.retire_grant: {"GrantId": made["GrantId"]},
        }.items():
            message = "Key Aliases are not supported for this operation."
            refused("InvalidArnException", message, call, KeyId=alias, **parameters)
    refused(
        "NotFoundException", "Invalid keyId 'gone'", kms.create_grant,
        KeyId="gone", GranteePrincipal=user("Bob"), Operations=["Decrypt"],
    )  # fmt: skip


def test_no_grant_is_made_on_a_key_that_is_out_of_use(world, key):
    """R25, R94: those that are there stay, and come back into force with the key."""
    kms, bob, blob = world.kms(), world.kms("Bob"), encrypted(world, key)
    grant(kms, key, user("Bob"), "Decrypt")
    kms.disable_key(KeyId=key.id)
    cannot("DisabledException", kms, key, user("Bob"), "Encrypt", message=f"{key.arn} is disabled.")
    refused("DisabledException", f"{key.arn} is disabled.", bob.decrypt, CiphertextBlob=blob)
    assert len(kms.list_grants(KeyId=key.id)["Grants"]) == 1
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    pending = f"{key.arn} is pending deletion."
    cannot("KMSInvalidStateException", kms, key, user("Bob"), "Encrypt", message=pending)
    kms.cancel_key_deletion(KeyId=key.id)
    kms.enable_key(KeyId=key.id)
    assert bob.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"


CONDITIONS = [
    pytest.param(
        {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]}},
        {"Operations": ["Decrypt"]},
        {"Operations": ["Decrypt", "Encrypt"]},
        id="GrantOperations",
    ),
    pytest.param(
        {"StringEquals": {"kms:GranteePrincipal": role("UserRole")}},
        {"GranteePrincipal": role("UserRole")},
        {"GranteePrincipal": user("Alice")},
        id="GranteePrincipal",
    ),
    pytest.param(
        {"StringEquals": {"kms:RetiringPrincipal": user("Alice")}},
        {"RetiringPrincipal": user("Alice")},
        {},
        id="RetiringPrincipal",
    ),
    pytest.param(
        {"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}},
        {"Constraints": {"EncryptionContextEquals": FIN}},
        {"Constraints": {"EncryptionContextSubset": FIN}},
        id="GrantConstraintType",
    ),
    pytest.param(
        {"StringEquals": {"kms:EncryptionContext:dept": "fin"}},
        {"Constraints": {"EncryptionContextSubset": FIN}},
        {"Constraints": {"EncryptionContextSubset": {"dept": "hr"}}},
        id="EncryptionContext",
    ),
    pytest.param(
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "dept"}},
        {"Constraints": {"EncryptionContextEquals": FIN}},
        {},
        id="EncryptionContextKeys",
    ),
    pytest.param(
        {"Bool": {"kms:GrantIsForAWSResource": "true"}}, None, {}, id="GrantIsForAWSResource"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "right", "wrong"), CONDITIONS)
def test_a_policy_can_say_which_grants_may_be_made(world, condition, right, wrong):
    """R25: by the condition keys of CreateGrant."""
    key = world.make_key(allow(user("Bob"), "kms:CreateGrant", Condition=condition))
    bob = world.kms("Bob")
    basis = {"KeyId": key.arn, "GranteePrincipal": role("UserRole"), "Operations": ["Decrypt"]}
    denied = no_resource_policy(user("Bob"), "kms:CreateGrant", key.arn)
    refused("AccessDeniedException", denied, bob.create_grant, **{**basis, **wrong})
    if right is not None:
        assert bob.create_grant(**{**basis, **right})["GrantId"]


class TestChildGrants:
    """R25: who may make grants only by a grant gives no more than that one."""

    PARENT = ["CreateGrant", "Decrypt", "Encrypt"]

    @pytest.fixture
    def denied(self, key):
        return no_identity_policy(user("Bob"), "kms:CreateGrant", key.arn)

    def test_it_gives_no_operation_more(self, world, key, denied):
        """Only what the parent gives; and the child works."""
        bob = world.kms("Bob")
        cannot("AccessDeniedException", bob, key, role("UserRole"), "Decrypt", message=denied)
        grant(world.kms(), key, user("Bob"), *self.PARENT)
        for more in (["DescribeKey"], ["Decrypt", "GenerateDataKey"], ["RetireGrant"]):
            cannot("AccessDeniedException", bob, key, role("UserRole"), *more, message=denied)
        made = grant(bob, key, role("UserRole"), "Decrypt")
        entries = world.kms().list_grants(KeyId=key.id, GrantId=made["GrantId"])["Grants"]
        assert entries[0]["GranteePrincipal"] == role("UserRole")
        blob = encrypted(world, key)
        assert world.kms("role/UserRole").decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
        assert error_of(world.kms("role/UserRole").create_grant, KeyId=key.arn, GranteePrincipal=user("Bob"),
                        Operations=["Decrypt"]) == "AccessDeniedException"  # fmt: skip

    @pytest.mark.parametrize(
        ("parent", "child", "allowed"),
        [
            ({"EncryptionContextSubset": FIN}, {"EncryptionContextSubset": FIN}, True),
            ({"EncryptionContextSubset": FIN}, {"EncryptionContextSubset": {**FIN, "a": "1"}}, True),
            ({"EncryptionContextSubset": FIN}, {"EncryptionContextEquals": {**FIN, "a": "1"}}, True),
            ({"EncryptionContextSubset": FIN}, {"EncryptionContextSubset": {"a": "1"}}, False),
            ({"EncryptionContextSubset": FIN}, {}, False),
            ({"EncryptionContextEquals": FIN}, {"EncryptionContextEquals": FIN}, True),
            ({"EncryptionContextEquals": FIN}, {"EncryptionContextSubset": FIN}, False),
            ({"EncryptionContextEquals": FIN}, {"EncryptionContextEquals": {**FIN, "a": "1"}}, False),
            ({"EncryptionContextEquals": FIN}, {}, False),
        ],
    )
    def test_its_constraint_is_equal_or_stricter(self, world, key, denied, parent, child, allowed):
        """Subset may gain pairs or become Equals; Equals stays as it is."""
        grant(world.kms(), key, user("Bob"), *self.PARENT, Constraints=parent)
        more = {"Constraints": child} if child else {}
        if allowed:
            assert grant(world.kms("Bob"), key, role("UserRole"), "Decrypt", **more)["GrantId"]
        else:
            cannot("AccessDeniedException", world.kms("Bob"), key, role("UserRole"), "Decrypt", message=denied, **more)

    def test_one_parent_must_give_it_all(self, world, key, denied):
        """Two parents do not add up; a policy knows no parents."""
        grant(world.kms(), key, user("Bob"), "CreateGrant", "Decrypt")
        grant(world.kms(), key, user("Bob"), "CreateGrant", "Encrypt")
        bob = world.kms("Bob")
        cannot("AccessDeniedException", bob, key, role("UserRole"), "Decrypt", "Encrypt", message=denied)
        world.put_policy(key, allow(user("Bob"), "kms:CreateGrant"))
        assert grant(bob, key, role("UserRole"), "Decrypt", "Encrypt", "GenerateDataKey")["GrantId"]


def test_an_explicit_deny_wins_over_a_grant_that_is_there(world, key):
    """R13: put into the key policy afterwards, it holds from the next call."""
    bob = world.kms("Bob")
    grant(world.kms(), key, user("Bob"), "Encrypt")
    bob.encrypt(KeyId=key.id, Plaintext=b"m")
    world.put_policy(key, ENABLE_IAM, deny(user("Bob"), "kms:Encrypt"))
    denied = explicit_deny(user("Bob"), "kms:Encrypt", key.arn, "a resource-based policy")
    refused("AccessDeniedException", denied, bob.encrypt, KeyId=key.id, Plaintext=b"m")


def test_a_dry_run_makes_no_grant(world, key):
    """R25: it says what would have been: success, or the error."""
    dry = {"DryRun": True}
    cannot("DryRunOperationException", world.kms(), key, user("Bob"), "Decrypt", message=DRY_RUN, **dry)
    cannot("AccessDeniedException", world.kms("Bob"), key, user("Bob"), "Decrypt", **dry)
    cannot("InvalidArnException", world.kms(), key, user("Nobody"), "Decrypt", **dry)
    assert world.kms().list_grants(KeyId=key.id)["Grants"] == []


def test_a_grant_for_a_service_is_for_one_resource(world, key):
    """R25: it needs a source and someone who may retire it, and reaches no user."""
    kms, service = world.kms(), "logs.us-west-2.amazonaws.com"
    source = f"arn:aws:logs:{HOME_REGION}:{HOME}:log-group:g"
    given = {"KeyId": key.id, "GranteeServicePrincipal": service, "Operations": ["Decrypt"]}
    needs = "You must specify a SourceArn constraint when you specify GranteeServicePrincipal."
    refused("ValidationException", needs, kms.create_grant, **given)
    given["Constraints"] = {"SourceArn": source}
    refused("ValidationException", re.compile("You must specify either RetiringPrincipal .*"), kms.create_grant, **given)
    kms.create_grant(**given, RetiringServicePrincipal=service)
    [entry] = kms.list_grants(KeyId=key.id)["Grants"]
    assert entry["GranteeServicePrincipal"] == entry["RetiringServicePrincipal"] == service
    assert entry["Constraints"] == {"SourceArn": source} and "GranteePrincipal" not in entry
    # A user does not call on behalf of a resource, so such a grant gives a user nothing.
    grant(kms, key, user("Bob"), "Encrypt", Constraints={"SourceArn": source})
    assert error_of(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"m") == "AccessDeniedException"


def test_the_right_one_of_a_thousand_grants_is_found(world, key):
    """R26: one key with 1,000 grants to as many grantees, 300 more to one of them, each with its own context."""
    kms, session = world.kms(), role_session("RoleForExampleApp", "many-{}")

    def many(number: int) -> None:
        grant(kms, key, session.format(number), "Decrypt")

    def of_alice(number: int) -> None:
        constraints = {"EncryptionContextEquals": {"volume": str(number)}}
        grant(kms, key, role("UserRole"), "Decrypt", Constraints=constraints)

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(many, range(1000)))
        list(threads.map(of_alice, range(300)))
    grant(kms, key, user("Bob"), "Decrypt")
    blob = encrypted(world, key)
    assert world.kms("Bob").decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    held = connect(world.server, world.assume("RoleForExampleApp", "many-777"))
    assert held.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    assert error_of(world.kms(APP).decrypt, CiphertextBlob=blob) == "AccessDeniedException"
    volumes = world.kms("role/UserRole")
    blob = encrypted(world, key, volume="299")
    assert volumes.decrypt(CiphertextBlob=blob, EncryptionContext={"volume": "299"})["Plaintext"] == b"m"
    blob = encrypted(world, key, volume="300")
    code = error_of(volumes.decrypt, CiphertextBlob=blob, EncryptionContext={"volume": "300"})
    assert code == "AccessDeniedException"
    listed = kms.get_paginator("list_grants").paginate(KeyId=key.id, PaginationConfig={"PageSize": 100})
    assert len(set(listed.search("Grants[].GrantId"))) == 1301
    only = kms.list_grants(KeyId=key.id, GranteePrincipal=session.format(41))["Grants"]
    assert [entry["GranteePrincipal"] for entry in only] == [session.format(41)]


@pytest.fixture
def limited(servers, tmp_path):
    """A server on which a key may have three grants."""
    config = tmp_path / "kanuki.toml"
    config.write_text("[limits]\ngrants_per_key_max = 3\n")
    return World(servers.make("limited", config=config))


def test_a_key_has_no_more_grants_than_its_limit(limited):
    """R26: the fourth is refused, also when many try at once; after a revocation one more is possible."""
    kms, key, other = limited.kms(), limited.make_key(), limited.make_key()
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        tried = [threads.submit(grant, kms, key, user("Bob"), "Decrypt") for _ in range(8)]
        failed = [attempt.exception() for attempt in tried if attempt.exception() is not None]
    assert [error.response["Error"]["Code"] for error in failed] == ["LimitExceededException"] * 5
    message = f"{key.arn} has reached the limit of 3 grants."
    cannot("LimitExceededException", kms, key, user("Bob"), "Decrypt", message=message)
    grants = kms.list_grants(KeyId=key.id)["Grants"]
    assert len(grants) == 3
    kms.revoke_grant(KeyId=key.id, GrantId=grants[0]["GrantId"])
    named = grant(kms, key, user("Bob"), "Decrypt", Name="last")
    assert grant(kms, key, user("Bob"), "Decrypt", Name="last")["GrantId"] == named["GrantId"]
    cannot("LimitExceededException", kms, key, user("Bob"), "Decrypt", message=message)
    grant(kms, other, user("Bob"), "Decrypt")


def test_a_grant_survives_a_kill(fresh):
    """R25: acknowledged means durable; and a revocation does not come back."""
    kms, key = fresh.kms(), fresh.make_key()
    grant(kms, key, user("Bob"), "Encrypt")
    made = grant(kms, key, user("Bob"), "DescribeKey")
    kms.revoke_grant(KeyId=key.id, GrantId=made["GrantId"])
    fresh.server.kill()
    fresh.server.start()
    bob = fresh.kms("Bob")
    assert bob.encrypt(KeyId=key.id, Plaintext=b"m")["KeyId"] == key.arn
    assert error_of(bob.describe_key, KeyId=key.id) == "AccessDeniedException"


def test_the_record_tells_what_was_granted_and_no_token(world, key):
    """R25: who, what, on which key, under which id."""
    made = grant(
        world.kms(), key, user("Bob"), "Decrypt", "RetireGrant",
        RetiringPrincipal=user("Alice"), Name="audited", Constraints={"EncryptionContextSubset": FIN},
    )  # fmt: skip
    record = trail.record_of(world.server, request_id(made))
    assert record["eventName"] == "CreateGrant" and record["readOnly"] is False
    assert record["requestParameters"] == {
        "keyId": key.arn,
        "granteePrincipal": user("Bob"),
        "retiringPrincipal": user("Alice"),
        "operations": ["Decrypt", "RetireGrant"],
        "constraints": {"encryptionContextSubset": FIN},
        "name": "audited",
    }
    assert record["responseElements"] == {"grantId": made["GrantId"], "keyId": key.arn}
    assert [resource["ARN"] for resource in record["resources"]] == [key.arn]
    used = world.kms("Bob").decrypt(
        CiphertextBlob=encrypted(world, key, **FIN), EncryptionContext=FIN, GrantTokens=[made["GrantToken"]]
    )
    for answer in (made, used):
        assert made["GrantToken"] not in str(trail.record_of(world.server, request_id(answer)))
    assert caller("Bob") == trail.record_of(world.server, request_id(used))["userIdentity"]["arn"]
