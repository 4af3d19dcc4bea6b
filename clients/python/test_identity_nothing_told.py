"""What a refusal must not tell: what the keys of another account look like, and the codes that a request holds.

Not here: the texts of denials in general (`test_identity_decision_table.py`).
"""

import json

import pytest
from botocore.exceptions import ClientError

import aws
import policies
import trail
from policies import HOME, OTHER, identity
from principals import fresh_name
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
