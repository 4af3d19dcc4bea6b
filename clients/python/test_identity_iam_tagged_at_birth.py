"""Tags that an entity is made with take the right to tag it, as the same tags put on later do.

Not here: keys, which have their own table (`test_identity_condition_keys.py`).
"""

import pytest

from aws import error_of
from policies import HOME, document, identity, user
from principals import fresh_name, make_user, trusting

TAGS = [{"Key": "Team", "Value": "blue"}]
MAKING = (
    "iam:CreateInstanceProfile", "iam:CreateOpenIDConnectProvider", "iam:CreatePolicy", "iam:CreateRole",
    "iam:CreateUser", "iam:CreateVirtualMFADevice",
)  # fmt: skip
CASES = {
    "InstanceProfile": ("create_instance_profile", lambda name: {"InstanceProfileName": name}),
    "OpenIDConnectProvider": (
        "create_open_id_connect_provider",
        lambda name: {"Url": f"https://{name}.example.com", "ClientIDList": ["c"]},
    ),
    "Policy": (
        "create_policy",
        lambda name: {"PolicyName": name, "PolicyDocument": document(identity("Allow", "kms:ListKeys"))},
    ),
    "Role": (
        "create_role",
        lambda name: {"RoleName": name, "AssumeRolePolicyDocument": trusting(user("Admin"))},
    ),
    "User": ("create_user", lambda name: {"UserName": name}),
    "MFADevice": ("create_virtual_mfa_device", lambda name: {"VirtualMFADeviceName": name}),
}


@pytest.fixture(scope="module")
def makers(world):
    """Users who may make everything: one who may tag nothing, and one who may tag for the team `blue`."""
    of_blue = {"StringEquals": {"aws:RequestTag/Team": "blue"}}
    without = make_user(world, None, identity("Allow", *MAKING))
    tagger = make_user(world, None, identity("Allow", *MAKING), identity("Allow", "iam:Tag*", Condition=of_blue))
    return without.client("iam"), tagger.client("iam")


@pytest.mark.parametrize("kind", sorted(CASES))
def test_tags_of_a_new_entity_take_the_right_to_tag(world, makers, kind):
    """Without it the entity is not made; without tags nothing is asked for; conditions on the tags count."""
    method, parameters = CASES[kind]
    without, tagger = (getattr(maker, method) for maker in makers)
    name = fresh_name("born")
    with pytest.raises(without.__self__.exceptions.ClientError) as raised:
        without(**parameters(name), Tags=TAGS)
    error = raised.value.response["Error"]
    assert error["Code"] == "AccessDenied", error
    assert f"is not authorized to perform: iam:Tag{kind} on resource: arn:aws:iam::{HOME}:" in error["Message"], error
    red = [{"Key": "Team", "Value": "red"}]
    assert error_of(tagger, **parameters(name), Tags=red) == "AccessDenied"
    assert error_of(tagger, **parameters(name), Tags=TAGS) is None
    assert error_of(without, **parameters(fresh_name("born"))) is None
