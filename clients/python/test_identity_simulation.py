"""Simulations of policies: they say what real calls do, and where it is written.

Not here: which keys and operators decide how; the vectors of the policy engine have those.
Source: the pages of SimulatePrincipalPolicy and SimulateCustomPolicy of the IAM API reference.
"""

import itertools
import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

import kanuki
import policies
import trail
from aws import error_of, refused
from policies import ENABLE_IAM, HOME, OTHER, allow, deny, document, identity, role, root, user
from principals import aws_policy, fresh_name, make_policy, make_role, make_user, trusting
from test_identity_iam_groups import make_group
from world import HOME_REGION, KNOWN_ARN, OTHER_POLICIES

ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:DisableKeyRotation"]
CONTEXTS = [{}, {"app": "payroll"}]
PAYROLL = {"StringEquals": {"kms:EncryptionContext:app": "payroll"}}


def given(name: str, kind: str, *values: str) -> dict:
    """A context entry."""
    return {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": list(values)}


def of_context(context: dict) -> list[dict]:
    """The condition keys of an encryption context."""
    found = [given(f"kms:EncryptionContext:{key}", "string", value) for key, value in context.items()]
    return [*found, given("kms:EncryptionContextKeys", "stringList", *sorted(context))] if context else []


def decisions(answer: dict) -> dict[str, str]:
    """The decision on each action."""
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}


def only(answer: dict) -> dict:
    """The only result."""
    (result,) = answer["EvaluationResults"]
    return result


def custom(world, *statements: dict, action="kms:Decrypt", **parameters) -> dict:
    """The only result of a simulation of statements."""
    policy = document(*statements)
    return only(world.iam().simulate_custom_policy(PolicyInputList=[policy], ActionNames=[action], **parameters))


class Reality:
    """Real calls on a key, each answered or denied."""

    def __init__(self, world, key):
        self.key = key
        # A ciphertext for each context, made by who may do everything.
        self.blobs = [
            world.kms().encrypt(KeyId=key.arn, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
            for context in CONTEXTS
        ]

    def allows(self, kms, action: str, context: dict, name: str | None = None) -> bool:
        key = {"KeyId": name or self.key.arn}
        calls = {
            "kms:Encrypt": (kms.encrypt, {**key, "Plaintext": b"x", "EncryptionContext": context}),
            "kms:Decrypt": (
                kms.decrypt,
                {**key, "CiphertextBlob": self.blobs[CONTEXTS.index(context)], "EncryptionContext": context},
            ),
            "kms:GenerateDataKey": (
                kms.generate_data_key,
                {**key, "KeySpec": "AES_256", "EncryptionContext": context},
            ),
            "kms:DescribeKey": (kms.describe_key, key),
            "kms:DisableKeyRotation": (kms.disable_key_rotation, key),
        }
        call, parameters = calls[action]
        code = error_of(call, **parameters)
        assert code in (None, "AccessDeniedException"), (action, code)
        return code is None

    def takes_context(self, action: str) -> bool:
        return action not in ("kms:DescribeKey", "kms:DisableKeyRotation")


def key_policies(principals: list[str]) -> dict[str, list[dict]]:
    """Key policies that differ in how they go together with identity policies."""
    return {
        "the account decides": [ENABLE_IAM],
        "the account decides on some": [allow(root(), "kms:Decrypt", "kms:DescribeKey")],
        "nobody else": [],
        "named": [allow(principals, "kms:Encrypt", "kms:DescribeKey")],
        "named on condition": [ENABLE_IAM, allow(principals, "kms:Decrypt", Condition=PAYROLL)],
        "denied": [ENABLE_IAM, deny(principals, "kms:Decrypt", "kms:DescribeKey")],
        "everybody of the account": [
            allow("*", "kms:Generate*", Condition={"StringEquals": {"kms:CallerAccount": HOME}})
        ],
        "denied without context": [
            ENABLE_IAM,
            deny("*", "kms:Encrypt", Condition={"Null": {"kms:EncryptionContextKeys": "true"},
                                                "ArnNotEquals": {"aws:PrincipalArn": user("Admin")}}),
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def cast(world):
    """Users and a role whose policies say something different, each in another way."""
    iam = world.iam()
    of_group = make_user(world)
    group = make_group(world)
    iam.put_group_policy(GroupName=group, PolicyName="g", PolicyDocument=document(identity("Allow", "kms:*")))
    denied_by_group = make_user(world, None, identity("Allow", "kms:*"))
    denying = make_group(world)
    no_use = make_policy(world, identity("Deny", "kms:Decrypt", "kms:Encrypt"))
    iam.attach_group_policy(GroupName=denying, PolicyArn=no_use)
    for name, member in ((group, of_group), (denying, denied_by_group), (group, denied_by_group)):
        iam.add_user_to_group(GroupName=name, UserName=member.name)
    ceiling = make_policy(world, identity("Allow", "kms:Encrypt", "kms:Generate*"), identity("Allow", "iam:*"))
    bounded = make_user(world, None, identity("Allow", "kms:*"), PermissionsBoundary=ceiling)
    denying_ceiling = make_policy(world, identity("Allow", "*"), identity("Deny", "kms:GenerateDataKey"))
    bounded_role = make_role(world, None, identity("Allow", "kms:*"), PermissionsBoundary=ceiling)
    own_name = {"StringEquals": {"kms:EncryptionContext:app": "${aws:username}"}}
    tagged = {"StringEquals": {"aws:PrincipalTag/Team": "blue"}, "StringLike": {"aws:username": "user-*"}}
    return [
        make_user(world),
        make_user(world, None, identity("Allow", "kms:*")),
        make_user(world, None, identity("Allow", "kms:Decrypt", "kms:Describe*", Condition=PAYROLL)),
        make_user(world, None, identity("Allow", "kms:*"), identity("Deny", "kms:Encrypt", Condition=PAYROLL)),
        make_user(world, None, identity("Allow", "*", Condition=tagged), Tags=[{"Key": "Team", "Value": "blue"}]),
        make_user(world, None, identity("Allow", "*", Condition=tagged), Tags=[{"Key": "Team", "Value": "red"}]),
        make_user(world, "payroll", identity("Allow", "kms:*", Condition=own_name)),
        make_user(world, None, identity("Allow", "kms:*", resource=KNOWN_ARN)),
        make_user(world, None, {"Effect": "Allow", "NotAction": "kms:D*", "Resource": "*"}),
        make_user(world, None, identity("Allow", "kms:*"), PermissionsBoundary=denying_ceiling),
        of_group, denied_by_group, bounded, bounded_role,
        make_role(world, None, identity("Allow", "kms:Decrypt", "kms:DescribeKey")),
    ]  # fmt: skip


def test_a_simulation_and_the_real_call_agree(world, cast):
    """For each principal, key policy, action and encryption context; none of them by chance on one side alone."""
    iam, counted = world.iam(), {"allowed": 0, "implicitDeny": 0, "explicitDeny": 0}
    clients = {made.arn: made.client("kms") for made in cast}
    for what, statements in key_policies([made.arn for made in cast]).items():
        key = world.make_key(*statements, Description=what)
        text = world.kms().get_key_policy(KeyId=key.id)["Policy"]
        reality = Reality(world, key)
        for made, context in itertools.product(cast, CONTEXTS):
            actions = [action for action in ACTIONS if not context or reality.takes_context(action)]
            answer = iam.simulate_principal_policy(
                PolicySourceArn=made.arn, ActionNames=actions, ResourceArns=[key.arn], ResourcePolicy=text,
                ContextEntries=of_context(context),
            )  # fmt: skip
            for action, decision in decisions(answer).items():
                really = reality.allows(clients[made.arn], action, context)
                assert (decision == "allowed") == really, (what, made.name, action, context, answer)
                counted[decision] += 1
    assert min(counted.values()) > 40, counted


def test_without_its_policy_a_key_is_left_to_the_account(world, cast):
    """As AWS does it: the stored key policy is not read, and what the identity policies say is said."""
    key, closed = world.make_key(ENABLE_IAM), world.make_key(allow(user("Bob"), "kms:Encrypt"))
    reality = Reality(world, key)
    for made in cast:
        answer = world.iam().simulate_principal_policy(
            PolicySourceArn=made.arn, ActionNames=ACTIONS, ResourceArns=[key.arn]
        )
        for action, decision in decisions(answer).items():
            assert (decision == "allowed") == reality.allows(made.client("kms"), action, {}), (made.name, action)
        other = world.iam().simulate_principal_policy(
            PolicySourceArn=made.arn, ActionNames=ACTIONS, ResourceArns=[closed.arn]
        )
        assert decisions(other) == decisions(answer)


def test_grants_do_not_count(world):
    """A grant gives, and no simulation knows of it."""
    made, key = make_user(world), world.make_key(ENABLE_IAM)
    grant = {"KeyId": key.id, "GranteePrincipal": made.arn, "Operations": ["Encrypt"]}
    world.kms().create_grant(**grant)
    made.client("kms").encrypt(KeyId=key.arn, Plaintext=b"x")
    text = world.kms().get_key_policy(KeyId=key.id)["Policy"]
    answer = world.iam().simulate_principal_policy(
        PolicySourceArn=made.arn, ActionNames=["kms:Encrypt"], ResourceArns=[key.arn], ResourcePolicy=text
    )
    assert decisions(answer) == {"kms:Encrypt": "implicitDeny"}


def test_an_alias_gives_no_right_on_its_key(world):
    """Neither in a policy, nor as the resource: a call by an alias is decided on the key."""
    alias = f"alias/{fresh_name('simulated')}"
    key = world.make_key(ENABLE_IAM)
    world.kms().create_alias(AliasName=alias, TargetKeyId=key.id)
    alias_arn = f"arn:aws:kms:{HOME_REGION}:{HOME}:{alias}"
    every_key = f"arn:aws:kms:{HOME_REGION}:{HOME}:key/*"
    reality = Reality(world, key)
    for resource, expected in ((alias_arn, False), (every_key, True), ("*", True)):
        made = make_user(world, None, identity("Allow", "kms:*", resource=resource))
        assert reality.allows(made.client("kms"), "kms:Encrypt", {}, name=alias_arn) == expected
        result = only(
            world.iam().simulate_principal_policy(
                PolicySourceArn=made.arn, ActionNames=["kms:Encrypt"], ResourceArns=[key.arn, alias_arn]
            )
        )
        specific = {it["EvalResourceName"]: it["EvalResourceDecision"] for it in result["ResourceSpecificResults"]}
        assert specific == dict.fromkeys((key.arn, alias_arn), "allowed" if expected else "implicitDeny")
    # The operations on aliases are on the alias, as they are.
    statements = [identity("Allow", "kms:DeleteAlias", resource=alias_arn)]
    assert custom(world, *statements, action="kms:DeleteAlias", ResourceArns=[alias_arn])["EvalDecision"] == "allowed"


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([allow(root(OTHER), "kms:*")], {"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"}),
        ([allow(user("Carla", OTHER), "kms:Encrypt")], {"kms:Encrypt"}),
        ([ENABLE_IAM], set()),
        ([allow(root(OTHER), "kms:*"), deny(user("Carla", OTHER), "kms:Encrypt")],
         {"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"}),
    ],
)  # fmt: skip
def test_across_accounts_both_sides_must_allow(world, statements, allowed):
    """From the other account, with its own policies; and from the key's, with policies that are given."""
    key = world.make_key(*statements)
    text = world.kms().get_key_policy(KeyId=key.id)["Policy"]
    reality = Reality(world, key)
    really = {action for action in ACTIONS if reality.allows(world.kms(f"{OTHER}/Carla"), action, {})}
    assert really == allowed
    carla = user("Carla", OTHER)
    common = {
        "ActionNames": ACTIONS, "ResourceArns": [key.arn], "ResourcePolicy": text, "ResourceOwner": root(HOME),
    }  # fmt: skip
    of_carla = world.iam(f"{OTHER}/root").simulate_principal_policy(PolicySourceArn=carla, **common)
    of_texts = world.iam().simulate_custom_policy(
        PolicyInputList=[OTHER_POLICIES["Carla"]], CallerArn=carla, **common
    )
    for answer in (of_carla, of_texts):
        found = decisions(answer)
        assert {action for action, decision in found.items() if decision == "allowed"} == really
        for result in answer["EvaluationResults"]:
            details = result["EvalDecisionDetails"]
            assert details["IAM Policy"] == "allowed" and details.keys() == {"IAM Policy", "Resource Policy"}
            assert (details["Resource Policy"] == "allowed") == (result["EvalDecision"] == "allowed")
            (specific,) = result["ResourceSpecificResults"]
            assert specific["EvalDecisionDetails"] == details


def test_a_bucket_is_its_owners(world):
    """A resource whose ARN names no account belongs to the caller's, or to whom the request says."""
    bucket = {"ResourceArns": ["arn:aws:s3:::bucket/x"], "action": "s3:GetObject", "CallerArn": user("Bob")}
    own = identity("Allow", "s3:*")
    policy = document(allow(user("Bob"), "s3:GetObject", resource="arn:aws:s3:::bucket/*"))
    result = custom(world, own, **bucket)
    assert result["EvalDecision"] == "allowed" and result["EvalDecisionDetails"] == {}
    for owner in (OTHER, root(OTHER)):
        result = custom(world, own, **bucket, ResourceOwner=owner)
        assert result["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}
        result = custom(world, own, **bucket, ResourceOwner=owner, ResourcePolicy=policy)
        assert result["EvalDecision"] == "allowed"
    nothing = identity("Allow", "iam:*")
    result = custom(world, nothing, **bucket, ResourcePolicy=policy, PermissionsBoundaryPolicyInputList=[document(nothing)])
    assert result["EvalDecision"] == "allowed"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    result = custom(
        world, nothing, **bucket, ResourceOwner=OTHER, ResourcePolicy=policy,
        PermissionsBoundaryPolicyInputList=[document(nothing)],
    )  # fmt: skip
    assert result["EvalDecision"] == "implicitDeny" and result["MatchedStatements"] == []
    assert result["EvalDecisionDetails"] == {
        "IAM Policy": "implicitDeny", "Resource Policy": "allowed", "Permissions Boundary Policy": "implicitDeny",
    }  # fmt: skip
    (specific,) = result["ResourceSpecificResults"]
    assert [it["SourcePolicyId"] for it in specific["MatchedStatements"]] == ["ResourcePolicy"]


def test_a_role_is_assumed_as_its_trust_policy_says(world):
    """Beyond AWS, whose simulator leaves trust policies out: with the role's, the answer is that of the call."""
    own, trusted = make_user(world, None, identity("Allow", "sts:AssumeRole")), make_user(world)
    for trust, expected in (
        (trusting(trusted.arn), {own.arn: False, trusted.arn: True}),
        (trusting(root()), {own.arn: True, trusted.arn: False}),
    ):
        name = fresh_name("role")
        world.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        for made in (own, trusted):
            really = error_of(made.client("sts").assume_role, RoleArn=role(name), RoleSessionName="s1") is None
            assert really == expected[made.arn]
            answer = world.iam().simulate_principal_policy(
                PolicySourceArn=made.arn, ActionNames=["sts:AssumeRole"], ResourceArns=[role(name)],
                ResourcePolicy=trust,
            )  # fmt: skip
            assert (decisions(answer)["sts:AssumeRole"] == "allowed") == really


TEXT = """{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*" },
    { "Sid": "two", "Effect": "Allow",
      "Action": "kms:*", "Resource": "*" }, {"Effect":"Deny","Action":"kms:Sign","Resource":"*"}
  ]
}"""


def place(found: dict) -> tuple:
    start, end = found["StartPosition"], found["EndPosition"]
    return (start["Line"], start["Column"]), (end["Line"], end["Column"])


def cut(text: str, found: dict) -> str:
    """What stands at a place of a text."""
    (line, column), (last, behind) = place(found)
    lines = text.split("\n")[line - 1 : last]
    lines[-1] = lines[-1][: behind - 1]
    lines[0] = lines[0][column - 1 :]
    return "\n".join(lines)


def test_statements_are_told_by_policy_and_place(world):
    """Each under the name and type of its policy, with the lines and columns of its text as it was submitted."""
    iam, made, group = world.iam(), make_user(world), make_group(world)
    iam.put_user_policy(UserName=made.name, PolicyName="own", PolicyDocument=TEXT)
    iam.add_user_to_group(GroupName=group, UserName=made.name)
    of_group = document(identity("Allow", "kms:List*"), identity("Allow", "kms:Decrypt"))
    iam.put_group_policy(GroupName=group, PolicyName="shared", PolicyDocument=of_group)
    arn = make_policy(world, identity("Allow", "kms:D*"))
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    iam.attach_user_policy(UserName=made.name, PolicyArn=aws_policy("AdministratorAccess"))
    answer = iam.simulate_principal_policy(
        PolicySourceArn=made.arn, ActionNames=["kms:Decrypt", "kms:Sign", "kms:ListKeys"],
        PolicyInputList=[TEXT, document(identity("Allow", "*"))],
    )  # fmt: skip
    decrypt, sign, list_keys = answer["EvaluationResults"]
    found = {it["SourcePolicyId"]: it for it in decrypt["MatchedStatements"]}
    own, shared = f"user_{made.name}_own", f"group_{group}_shared"
    assert {name: it["SourcePolicyType"] for name, it in found.items()} == {
        own: "user", shared: "group", arn.rpartition("/")[2]: "user-managed", "AdministratorAccess": "aws-managed",
        "PolicyInputList.1": "none", "PolicyInputList.2": "none",
    }  # fmt: skip
    assert place(found[own]) == place(found["PolicyInputList.1"]) == ((5, 5), (6, 43))
    assert json.loads(cut(TEXT, found[own]))["Sid"] == "two"
    assert json.loads(cut(of_group, found[shared])) == json.loads(of_group)["Statement"][1]
    # An explicit deny is told by what denies, and by nothing else.
    assert sign["EvalDecision"] == "explicitDeny"
    assert {it["SourcePolicyId"] for it in sign["MatchedStatements"]} == {own, "PolicyInputList.1"}
    assert all(json.loads(cut(TEXT, it))["Effect"] == "Deny" for it in sign["MatchedStatements"])
    assert list_keys["EvalDecision"] == "allowed" and list_keys["EvalResourceName"] == "*"
    assert decrypt["EvalResourceName"] == "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"
    assert "ResourceSpecificResults" not in decrypt and "EvalDecisionDetails" not in decrypt

    of_role = make_role(world, None, identity("Allow", "kms:Decrypt"))
    matched = only(iam.simulate_principal_policy(PolicySourceArn=of_role.arn, ActionNames=["kms:Decrypt"]))
    (statement,) = matched["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == (f"role_{of_role.name}_own", "role")
    group_arn = iam.get_group(GroupName=group)["Group"]["Arn"]
    matched = only(iam.simulate_principal_policy(PolicySourceArn=group_arn, ActionNames=["kms:Decrypt"]))
    assert {it["SourcePolicyType"] for it in matched["MatchedStatements"]} == {"group", "user-managed"}


def test_an_action_has_the_most_restrictive_answer_of_its_resources(world):
    """And tells the statements that led there, once; each resource has its own."""
    keys = [f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{name}" for name in ("a", "b", "c")]
    some = [identity("Allow", "kms:*", resource=keys[:2])]
    result = custom(world, *some, ResourceArns=keys)
    assert result["EvalDecision"] == "implicitDeny" and result["MatchedStatements"] == []
    specific = result["ResourceSpecificResults"]
    assert [it["EvalResourceName"] for it in specific] == keys
    assert [it["EvalResourceDecision"] for it in specific] == ["allowed", "allowed", "implicitDeny"]
    assert [len(it["MatchedStatements"]) for it in specific] == [1, 1, 0]
    assert len(custom(world, *some, ResourceArns=keys[:2])["MatchedStatements"]) == 1
    result = custom(world, *some, identity("Deny", "kms:*", resource=keys[0]), ResourceArns=keys)
    assert result["EvalDecision"] == "explicitDeny" and len(result["MatchedStatements"]) == 1


def test_keys_that_are_missed_are_told(world):
    """Those of statements on the action and the resource; given ones are used, of every type."""
    conditions = {
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "60"},
        "Bool": {"aws:SecureTransport": "true"},
        "DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"},
        "BinaryEquals": {"test:Bytes": "QmluYXJ5"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
        "StringEquals": {"aws:PrincipalTag/Team": "${aws:ResourceTag/Team}"},
    }
    statements = [
        identity("Allow", "kms:Decrypt", Condition=conditions),
        identity("Allow", "kms:Encrypt", Condition={"Bool": {"test:Other": "true"}}),
    ]
    keys = {name for keys in conditions.values() for name in keys} | {"aws:ResourceTag/Team"}
    result = custom(world, *statements)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == sorted(keys, key=str.lower)

    whole = [
        given("AWS:sourceip", "ip", "203.0.113.9"),
        given("aws:MultiFactorAuthAge", "numeric", "59"),
        given("aws:SecureTransport", "boolean", "true"),
        given("aws:TokenIssueTime", "date", "2027-01-01T00:00:00Z"),
        given("test:Bytes", "binary", "QmluYXJ5"),
        given("aws:TagKeys", "stringList", "a", "b"),
        given("aws:PrincipalTag/Team", "string", "blue"),
        given("aws:ResourceTag/Team", "string", "blue"),
    ]
    result = custom(world, *statements, ContextEntries=whole)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    for i, wrong in enumerate(
        [
            given("aws:SourceIp", "ip", "198.51.100.1"), given("aws:MultiFactorAuthAge", "numeric", "60"),
            given("aws:SecureTransport", "boolean", "false"), given("aws:TokenIssueTime", "date", "2019-01-01"),
            given("test:Bytes", "binary", "QmluYXJz"), given("aws:TagKeys", "stringList", "a", "c"),
            given("aws:PrincipalTag/Team", "string", "red"),
        ]
    ):  # fmt: skip
        result = custom(world, *statements, ContextEntries=[*whole[:i], wrong, *whole[i + 1 :]])
        assert result["EvalDecision"] == "implicitDeny", wrong
    many = ["numericList", "booleanList", "ipList", "dateList", "binaryList"]
    values = ["1", "true", "::1", "2027-01-01", "QmluYXJ5"]
    entries_of_each = [given(f"test:{kind}", kind, value) for kind, value in zip(many, values, strict=True)]
    assert custom(world, *statements, ContextEntries=entries_of_each)["EvalDecision"] == "implicitDeny"


def test_policies_of_the_entity_can_be_left_out(world):
    """By type, by ARN with wildcards, by name and holder; what matches nothing is ignored."""
    iam, group = world.iam(), make_group(world)
    ceiling = make_policy(world, identity("Allow", "kms:Decrypt"))
    made = make_user(world, None, identity("Allow", "kms:Encrypt"), PermissionsBoundary=ceiling)
    arn = make_policy(world, identity("Allow", "kms:Sign"))
    iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    iam.attach_user_policy(UserName=made.name, PolicyArn=aws_policy("AdministratorAccess"))
    iam.put_group_policy(GroupName=group, PolicyName="g", PolicyDocument=document(identity("Allow", "kms:Verify")))
    iam.add_user_to_group(GroupName=group, UserName=made.name)
    admin = {"PolicyArn": aws_policy("Administrator*")}
    no_ceiling, actions = {"PolicyType": "permission-boundary"}, ["kms:Encrypt", "kms:Sign", "kms:Verify"]
    inline = {"PolicyName": "own", "AttachmentType": "user", "AttachmentName": made.name[:-1] + "?"}
    of_group = {"PolicyName": "g", "AttachmentType": "group", "AttachmentName": "*"}
    other = {**of_group, "AttachmentName": "none-such"}

    def allowed(*identifiers):
        answer = iam.simulate_principal_policy(
            PolicySourceArn=made.arn, ActionNames=actions, PolicyExclusionList=list(identifiers)
        )
        return [action for action, decision in decisions(answer).items() if decision == "allowed"]

    assert allowed() == []
    assert allowed(no_ceiling) == actions
    assert allowed(no_ceiling, admin) == actions
    assert allowed(no_ceiling, {"PolicyType": "aws-managed"}, {"PolicyArn": arn}) == ["kms:Encrypt", "kms:Verify"]
    assert allowed(no_ceiling, admin, {"PolicyType": "user-managed"}) == ["kms:Encrypt", "kms:Verify"]
    assert allowed(no_ceiling, admin, {"PolicyType": "inline"}) == ["kms:Sign"]
    assert allowed(no_ceiling, admin, {"InlinePolicyIdentifier": inline}) == ["kms:Sign", "kms:Verify"]
    assert allowed(no_ceiling, admin, {"InlinePolicyIdentifier": of_group}) == ["kms:Encrypt", "kms:Sign"]
    ignored = [{"PolicyType": "scp"}, {"PolicyType": "rcp"}, {"InlinePolicyIdentifier": other}]
    assert allowed(no_ceiling, admin, *ignored) == actions
    for wrong in ("arn:aws:iam::aws:policy/A*B*", f"arn:aws:iam::{HOME}:user/Admin"):
        with pytest.raises(ClientError, match="InvalidInput"):
            allowed({"PolicyArn": wrong})


def test_a_boundary_that_is_given_stands_in_for_the_own_one(world):
    ceiling = make_policy(world, identity("Allow", "kms:Decrypt"))
    made = make_user(world, None, identity("Allow", "kms:*"), PermissionsBoundary=ceiling)
    simulate = world.iam().simulate_principal_policy
    common = {"PolicySourceArn": made.arn, "ActionNames": ["kms:Encrypt", "kms:Decrypt"]}
    answer = simulate(**common)
    assert decisions(answer) == {"kms:Encrypt": "implicitDeny", "kms:Decrypt": "allowed"}
    details = [it["PermissionsBoundaryDecisionDetail"] for it in answer["EvaluationResults"]]
    assert details == [{"AllowedByPermissionsBoundary": False}, {"AllowedByPermissionsBoundary": True}]
    other = document(identity("Allow", "kms:*"), identity("Deny", "kms:Decrypt"))
    answer = simulate(**common, PermissionsBoundaryPolicyInputList=[other])
    assert decisions(answer) == {"kms:Encrypt": "allowed", "kms:Decrypt": "explicitDeny"}
    assert answer["EvaluationResults"][1]["MatchedStatements"] == []


def test_organizations_can_be_given(world):
    """Level by level, from the root to the account; each must allow."""
    everything = document(identity("Allow", "*"))
    no_keys = document(identity("Allow", "*"), identity("Deny", "kms:*"))
    for levels, expected in (
        ([[everything], [everything]], ("allowed", True)),
        ([[everything], [document(identity("Allow", "s3:*"))]], ("implicitDeny", False)),
        ([[everything, no_keys]], ("explicitDeny", False)),
    ):
        listed = [{"ServiceControlPolicyInputList": texts} for texts in levels]
        result = custom(world, identity("Allow", "*"), OrderedOrganizationPolicyInputList=listed)
        detail = result["OrganizationsDecisionDetail"]["AllowedByOrganizations"]
        assert (result["EvalDecision"], detail) == expected
    assert "OrganizationsDecisionDetail" not in custom(world, identity("Allow", "*"))


def test_pages_go_through_all_actions_once(world):
    actions = [f"kms:Action{number}" for number in range(250)]
    common = {"PolicyInputList": [document(identity("Allow", "kms:*"))], "ActionNames": actions}
    first = world.iam().simulate_custom_policy(**common)
    assert len(first["EvaluationResults"]) == 100 and first["IsTruncated"]
    pages = world.iam().get_paginator("simulate_custom_policy").paginate(**common, PaginationConfig={"PageSize": 33})
    found = [it["EvalActionName"] for page in pages for it in page["EvaluationResults"]]
    assert found == actions
    assert error_of(world.iam().simulate_custom_policy, **common, Marker="AAAA") == "ValidationError"


def test_work_is_bounded(world):
    """Too much at once is refused; what is a lot comes in short pages."""
    iam = world.iam()
    keys = [f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{number}" for number in range(700)]
    texts = [document(identity("Allow", "kms:*", resource="arn:aws:kms:*:*:key/" + "a" * 6000))] * 2
    common = {"ActionNames": ["kms:Sign", "kms:Verify"], "ResourceArns": keys[:150]}
    answer = iam.simulate_custom_policy(PolicyInputList=texts, **common)
    assert answer["IsTruncated"] and len(answer["EvaluationResults"]) == 1
    answer = iam.simulate_custom_policy(PolicyInputList=texts, **common, Marker=answer["Marker"])
    assert not answer["IsTruncated"] and len(answer["EvaluationResults"]) == 1
    refused(
        "InvalidInput", "The policies, resources and context values are too much for one simulation.",
        iam.simulate_custom_policy, PolicyInputList=texts, **{**common, "ResourceArns": keys},
    )  # fmt: skip
    actions = ["kms:Sign"] * 1001
    code = error_of(iam.simulate_custom_policy, PolicyInputList=texts[:1], ActionNames=actions)
    assert code == "MalformedInput"


def test_policies_of_thousands_of_statements_are_told_in_time(world):
    """Each statement in its place; the work grows with the text and not with its square."""
    text = document(*[identity("Allow", "kms:*")] * 1900)
    started = time.monotonic()
    answer = world.iam().simulate_custom_policy(PolicyInputList=[text] * 4, ActionNames=["kms:Sign"] * 1000)
    assert time.monotonic() - started < 30
    # A page tells ten thousand statements at most, so that no answer grows beyond measure.
    (result,) = answer["EvaluationResults"]
    matched = result["MatchedStatements"]
    assert answer["IsTruncated"] and len(matched) == 4 * 1900
    last = max(matched, key=lambda it: (it["SourcePolicyId"], it["EndPosition"]["Column"]))
    assert last["SourcePolicyId"] == "PolicyInputList.4"
    assert json.loads(cut(text, last)) == identity("Allow", "kms:*") and place(last)[1] == (1, len(text) - 1)


VALID = document(identity("Allow", "kms:*"))
RIGHT = {"PolicyInputList": [VALID], "ActionNames": ["kms:Decrypt"]}
KEY = {"ResourceArns": [KNOWN_ARN]}
RESOURCE_POLICY = document(ENABLE_IAM)
WRONG = {
    "an action without a service": {"ActionNames": ["Decrypt"]},
    "an action with a wildcard": {"ActionNames": ["kms:*"]},
    "a key id for an ARN": {"ResourceArns": [KNOWN_ARN.rpartition("/")[2]]},
    "a policy that is none": {"PolicyInputList": ["{}"]},
    "a policy with a principal": {"PolicyInputList": [RESOURCE_POLICY]},
    "a boundary that is none": {"PermissionsBoundaryPolicyInputList": ["{}"]},
    "two boundaries": {"PermissionsBoundaryPolicyInputList": [VALID, VALID]},
    "a resource policy without a caller": {"ResourcePolicy": RESOURCE_POLICY, **KEY},
    "a resource policy that is none": {"ResourcePolicy": VALID, "CallerArn": user("Bob"), **KEY},
    "a resource policy of nothing": {"ResourcePolicy": RESOURCE_POLICY, "CallerArn": user("Bob")},
    "a resource policy of a user": {
        "ResourcePolicy": RESOURCE_POLICY, "CallerArn": user("Bob"), "ResourceArns": [user("Bob")],
    },
    "a session as the caller": {"CallerArn": policies.role_session("r", "s")},
    "an owner that is none": {"ResourceOwner": "somebody"},
    "an option for instances": {"ResourceHandlingOption": "EC2-VPC-EBS"},
    "a number that is none": {"ContextEntries": [given("test:N", "numeric", "x")]},
    "two values of one": {"ContextEntries": [given("test:N", "string", "x", "y")]},
    "two binary values": {"ContextEntries": [given("test:N", "binaryList", "QQ==", "Qg==")]},
    "a key twice": {"ContextEntries": [given(name, "string", "x") for name in ("test:Name", "TEST:name")]},
    "an entry without a type": {"ContextEntries": [{"ContextKeyName": "test:N", "ContextKeyValues": ["x"]}]},
    "a level of an organization that is none": {
        "OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": ["{}"]}]
    },
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_simulated_is_refused(world, what):
    assert error_of(world.iam().simulate_custom_policy, **{**RIGHT, **WRONG[what]}) == "InvalidInput"


def test_context_keys_are_told(world):
    """Of given policies, and of an entity's with its groups."""
    iam, made, group = world.iam(), make_user(world), make_group(world)
    own = document(identity("Allow", "kms:*", Condition={"StringLike": {"kms:ViaService": "${aws:username}.*"}}))
    shared = document(identity("Allow", "kms:*", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    third = document(allow("*", "kms:*", Condition={"StringEquals": {"kms:CallerAccount": HOME}}))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[own, third])["ContextKeyNames"] == [
        "aws:username", "kms:CallerAccount", "kms:ViaService",
    ]  # fmt: skip
    iam.put_user_policy(UserName=made.name, PolicyName="own", PolicyDocument=own)
    iam.put_group_policy(GroupName=group, PolicyName="shared", PolicyDocument=shared)
    iam.add_user_to_group(GroupName=group, UserName=made.name)
    keys = iam.get_context_keys_for_principal_policy
    assert keys(PolicySourceArn=made.arn)["ContextKeyNames"] == [
        "aws:SecureTransport", "aws:username", "kms:ViaService",
    ]  # fmt: skip
    group_arn = iam.get_group(GroupName=group)["Group"]["Arn"]
    names = keys(PolicySourceArn=group_arn, PolicyInputList=[third])["ContextKeyNames"]
    assert names == ["aws:SecureTransport", "kms:CallerAccount"]
    assert error_of(keys, PolicySourceArn=user("Nobody")) == "NoSuchEntity"
    assert error_of(iam.get_context_keys_for_custom_policy, PolicyInputList=["{}"]) == "InvalidInput"


def test_a_simulation_must_be_allowed_on_the_entity(world):
    """On its ARN, tags and all; and for the custom form on everything. Other accounts are never told of."""
    iam = world.iam()
    mine = {"StringEquals": {"aws:ResourceTag/Team": "blue"}}
    asker = make_user(world, None, identity("Allow", "iam:SimulatePrincipalPolicy", Condition=mine))
    blue = make_user(world, None, identity("Allow", "kms:*"), Tags=[{"Key": "Team", "Value": "blue"}])
    red = make_user(world, None, identity("Allow", "kms:*"), Tags=[{"Key": "Team", "Value": "red"}])
    simulate = asker.client("iam").simulate_principal_policy
    action = {"ActionNames": ["kms:Decrypt"]}
    assert decisions(simulate(PolicySourceArn=blue.arn, **action)) == {"kms:Decrypt": "allowed"}
    assert error_of(simulate, PolicySourceArn=red.arn, **action) == "AccessDenied"
    assert error_of(simulate, PolicySourceArn=user("Nobody"), **action) == "AccessDenied"
    assert error_of(asker.client("iam").simulate_custom_policy, **RIGHT) == "AccessDenied"
    assert error_of(asker.client("iam").get_context_keys_for_custom_policy, PolicyInputList=[VALID]) == "AccessDenied"
    keys = asker.client("iam").get_context_keys_for_principal_policy
    assert error_of(keys, PolicySourceArn=blue.arn) == "AccessDenied"
    # Who asks about others learns nothing of them but what the policies say that are shown to it.
    other = simulate(PolicySourceArn=blue.arn, CallerArn=red.arn, **action)
    assert decisions(other) == {"kms:Decrypt": "allowed"}
    for arn in (user("Nobody"), blue.arn.replace("user/", "user/path/"), role("none-such")):
        assert error_of(iam.simulate_principal_policy, PolicySourceArn=arn, **action) == "NoSuchEntity"
    for arn in (user("Carla", OTHER), user("Nobody", OTHER)):
        assert error_of(iam.simulate_principal_policy, PolicySourceArn=arn, **action) == "AccessDenied"
    for arn in (root(), policies.role_session("r", "s"), aws_policy("AdministratorAccess")):
        message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        refused("InvalidInput", message, iam.simulate_principal_policy, PolicySourceArn=arn, **action)


def test_a_simulation_is_recorded_without_what_it_was_given(world):
    """Who asked about whom, and not the policies and values that were tried."""
    common = {"ActionNames": ["kms:Sign"], "ContextEntries": [given("test:Name", "string", "tried")]}
    answer = world.iam().simulate_principal_policy(
        PolicySourceArn=user("Bob"), PolicyInputList=[document(identity("Allow", "kms:Tried"))], **common
    )
    record = trail.record_of(world.server, answer["ResponseMetadata"]["RequestId"])
    assert (record["eventName"], record["readOnly"]) == ("SimulatePrincipalPolicy", True)
    assert record["requestParameters"] == {"policySourceArn": user("Bob"), "actionNames": ["kms:Sign"]}
    assert [resource["ARN"] for resource in record["resources"]] == [user("Bob")]
    assert "tried" not in json.dumps(record).lower()


def test_another_caller_acts_as_if_it_had_the_policies(world):
    """Its name is used; nothing of it is looked up, so nothing of it is told."""
    names = {"StringEquals": {"aws:username": "Bob", "aws:PrincipalArn": user("Bob")}}
    made = make_user(world, None, identity("Allow", "kms:Decrypt", Condition=names))
    common = {"PolicySourceArn": made.arn, "ActionNames": ["kms:Decrypt"]}
    assert only(world.iam().simulate_principal_policy(**common))["EvalDecision"] == "implicitDeny"
    result = only(world.iam().simulate_principal_policy(**common, CallerArn=user("Bob")))
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    tagged = identity("Allow", "kms:Decrypt", Condition={"StringEquals": {"aws:PrincipalTag/Team": "blue"}})
    blue = make_user(world, Tags=[{"Key": "Team", "Value": "blue"}])
    result = custom(world, tagged, CallerArn=blue.arn)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:PrincipalTag/Team"])
    result = custom(world, tagged, ContextEntries=[given("aws:PrincipalTag/Team", "string", "blue")])
    assert result["EvalDecision"] == "allowed"


def test_the_stock_command_line_simulates(world, aws_cli):
    """`aws iam simulate-principal-policy`, as people type it."""
    keys = world.keys("Admin")
    command = [
        str(aws_cli), "iam", "simulate-principal-policy", "--policy-source-arn", user("IamDenies"),
        "--action-names", "kms:Encrypt", "kms:Decrypt", "--resource-arns", KNOWN_ARN,
        "--context-entries", "ContextKeyName=kms:KeySpec,ContextKeyValues=SYMMETRIC_DEFAULT,ContextKeyType=string",
        "--output", "json",
    ]  # fmt: skip
    environment = kanuki.clean_environment(
        AWS_ENDPOINT_URL=world.server.endpoint, AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID=keys.access_key_id, AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_CONFIG_FILE="/dev/null", AWS_PAGER="",
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert decisions(json.loads(done.stdout)) == {"kms:Encrypt": "explicitDeny", "kms:Decrypt": "allowed"}
