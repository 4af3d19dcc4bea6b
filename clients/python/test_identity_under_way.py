"""A right that is taken away while a call is under way: the call does not change anything on it any more.

A key pair of 4,096 bits takes the keeper long enough for somebody else to act in between.
"""

import concurrent.futures
import time

import pytest

from aws import error_of
from policies import document, identity
from principals import fresh_name, make_policy, make_user

CREATE = identity("Allow", "kms:CreateKey")
DENY = identity("Deny", "kms:CreateKey")
# From when a call is under way until the right is taken away.
HEAD_START_SECONDS = 0.15
SLOW = {"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"}


def keys(world) -> int:
    return sum(len(page["Keys"]) for page in world.kms().get_paginator("list_keys").paginate())


def meanwhile(slow, act) -> tuple[object, bool]:
    """Makes a slow call and acts while it is under way: the result of the call, and whether it ended after the act."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow)
        time.sleep(HEAD_START_SECONDS)
        act()
        was_under_way = not running.done()
        return running.result(), was_under_way


def own_policy(world, made):
    world.iam().put_user_policy(UserName=made.name, PolicyName="own", PolicyDocument=document(DENY))


def by_own_policy(world):
    """The user's inline policy is replaced."""
    made = make_user(world, None, CREATE)
    return made, lambda: own_policy(world, made)


def by_group(world):
    """The user leaves the group that lets it."""
    made, group = make_user(world), fresh_name("group")
    iam = world.iam()
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=document(CREATE))
    iam.add_user_to_group(GroupName=group, UserName=made.name)
    return made, lambda: iam.remove_user_from_group(GroupName=group, UserName=made.name)


def by_group_policy(world):
    """The policy of the user's group is replaced."""
    made, leave = by_group(world)
    group = world.iam().list_groups_for_user(UserName=made.name)["Groups"][0]["GroupName"]
    text = document(DENY)
    return made, lambda: world.iam().put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=text)


def by_managed_policy(world):
    """Another version of a managed policy comes into force."""
    made, arn = make_user(world), make_policy(world, CREATE)
    world.iam().attach_user_policy(UserName=made.name, PolicyArn=arn)
    text = document(DENY)
    return made, lambda: world.iam().create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


def by_access_key(world):
    """The access key that signed is switched off."""
    made = make_user(world, None, CREATE)
    key = made.keys.access_key_id
    return made, lambda: world.iam().update_access_key(UserName=made.name, AccessKeyId=key, Status="Inactive")


@pytest.mark.parametrize("way", [by_own_policy, by_group, by_group_policy, by_managed_policy, by_access_key])
def test_a_change_is_not_made_on_a_right_that_is_gone(fresh, way):
    """Nothing is made, and the answer says that the right is gone."""
    made, revoke = way(fresh)
    kms, before = made.client("kms"), keys(fresh)
    code, under_way = meanwhile(lambda: error_of(kms.create_key, **SLOW), revoke)
    if not under_way:
        pytest.skip("this machine makes a key pair faster than the right is taken away")
    expected = "UnrecognizedClientException" if way is by_access_key else "AccessDeniedException"
    assert code == expected
    assert keys(fresh) == before


def test_a_change_of_somebody_elses_rights_stops_nobody(fresh):
    """A call goes on when a policy changes that has nothing to do with its caller."""
    made, other = make_user(fresh, None, CREATE), make_user(fresh, None, CREATE)
    before = keys(fresh)
    code, _ = meanwhile(lambda: error_of(made.client("kms").create_key, **SLOW), lambda: own_policy(fresh, other))
    assert code is None and keys(fresh) == before + 1
