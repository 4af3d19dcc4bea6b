"""What a refusal must not tell: what the keys of another account look like, and the codes that a request holds.

Not here: the texts of denials in general (`test_identity_decision_table.py`).
"""

import json

import pytest
from botocore.exceptions import ClientError

import aws
import policies
import trail
from policies import HOME, OTHER, allow, identity, user
from principals import fresh_name, trusting
from sigv4 import Keys

CODE = "914 275"


def refusal(call, **parameters) -> dict:
    """The error of a call that must be refused."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]


def test_tags_of_a_foreign_key_decide_nothing_about_an_alias(world):
    """Conditions on tags that a caller writes into his own policies tell him nothing about a key of another account:
    neither that it exists nor what its tags say."""
    key = world.make_key(Tags=[{"TagKey": "Project", "TagValue": "moonshot"}])
    none = key.arn.replace(key.id, "00000000-0000-4000-8000-000000000000")
    iam, spy = world.iam(f"{OTHER}/root"), fresh_name("spy")
    iam.create_user(UserName=spy)
    made = iam.create_access_key(UserName=spy)["AccessKey"]
    kms = aws.connect(world.server, Keys(made["AccessKeyId"], made["SecretAccessKey"]))
    answers = set()
    for condition in (
        {"StringLike": {"aws:ResourceTag/Project": "m*"}},
        {"StringLike": {"aws:ResourceTag/Project": "x*"}},
        {"Null": {"aws:ResourceTag/Project": "false"}},
    ):
        text = policies.document(identity("Allow", "kms:CreateAlias", Condition=condition))
        iam.put_user_policy(UserName=spy, PolicyName="guess", PolicyDocument=text)
        for target in (key.arn, none):
            answers.add(refusal(kms.create_alias, AliasName="alias/spy", TargetKeyId=target)["Message"])
    assert len(answers) == 1, answers


def test_the_length_of_a_decision_tells_nothing_of_a_foreign_key(world):
    """What a decoded message leaves out because there is too much does not depend on the policy of a key that the caller
    must not know of, however long the caller's own policies are."""
    iam, name = world.iam(f"{OTHER}/root"), fresh_name("spy")
    statements = [allow(user("Admin"), "kms:*", Sid=f"S{n}") for n in range(20)]
    key = world.make_key(*statements)
    none = key.arn.replace(key.id, "00000000-0000-4000-8000-000000000000")
    trust = trusting(policies.root(OTHER), user("Carla", OTHER))
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    decode = identity("Allow", "sts:DecodeAuthorizationMessage")
    iam.put_role_policy(RoleName=name, PolicyName="decode", PolicyDocument=policies.document(decode))
    for n in range(7):
        long = identity("Allow", "kms:Sign", Condition={"StringEquals": {"aws:userid": "x" * 5800}})
        text = policies.document(long)
        made = iam.create_policy(PolicyName=f"{name}-{n}", PolicyDocument=text)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=made)
    given = world.sts(f"{OTHER}/Carla").assume_role(RoleArn=role, RoleSessionName="s1")["Credentials"]
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    kms, sts = (aws.connect(world.server, keys, service=service) for service in ("kms", "sts"))

    def told(target: str) -> dict:
        with pytest.raises(ClientError) as raised:
            kms.describe_key(KeyId=target)
        message = raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-kanuki-authorization-message"]
        decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
        return {**decoded["decision"], "requestId": "", "time": ""}

    for length in range(0, 9500, 500):
        filling = identity("Allow", "kms:Sign", Condition={"StringEquals": {"aws:userid": "x" * length}})
        iam.put_role_policy(RoleName=name, PolicyName="filling", PolicyDocument=policies.document(filling))
        assert told(key.arn) == told(none), length


def test_a_code_of_the_wrong_form_is_repeated_nowhere(world):
    """A one-time code with a blank in it is refused by its member's name alone, in the answer and in the trail."""
    serial = f"arn:aws:iam::{HOME}:mfa/nothing"
    iam, sts = world.iam(), world.sts()
    two = {"UserName": "Bob", "SerialNumber": serial, "AuthenticationCode1": CODE, "AuthenticationCode2": CODE}
    role = {"RoleArn": policies.role("UserRole"), "RoleSessionName": "s1"}
    for call, parameters in (
        (sts.get_session_token, {"SerialNumber": serial, "TokenCode": CODE}),
        (sts.assume_role, {**role, "SerialNumber": serial, "TokenCode": CODE}),
        (iam.enable_mfa_device, two),
        (iam.resync_mfa_device, two),
    ):
        error = refusal(call, **parameters)
        assert error["Code"] == "ValidationError" and "ode" in error["Message"], error
        assert CODE not in error["Message"], error
    told = [record for record in trail.records(world.server) if CODE in json.dumps(record)]
    assert not told, told
