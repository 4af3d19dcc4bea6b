"""Groups: what they give to their members, from joining to leaving."""

from aws import error_of, refused
from policies import HOME, document, identity
from principals import fresh_name, make_policy, make_user
from test_identity_iam_policies import LIST_KEYS, NO_LIST, may_list


def make_group(world, **parameters) -> str:
    """A group; answers its name."""
    name = fresh_name("group")
    world.iam().create_group(GroupName=name, **parameters)
    return name


def test_members_have_what_the_group_has_and_no_longer(world):
    """Inline and managed policies of a group count for each member at once, and cease to at once."""
    iam, group, arn = world.iam(), make_group(world), make_policy(world, LIST_KEYS)
    one, two = make_user(world), make_user(world)
    kms_one, kms_two = one.client("kms"), two.client("kms")
    iam.add_user_to_group(GroupName=group, UserName=one.name)
    iam.add_user_to_group(GroupName=group, UserName=one.name)
    assert not may_list(kms_one)
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    assert may_list(kms_one) and not may_list(kms_two)
    iam.add_user_to_group(GroupName=group, UserName=two.name)
    assert may_list(kms_two)
    iam.put_group_policy(GroupName=group, PolicyName="no", PolicyDocument=document(NO_LIST))
    assert not may_list(kms_one) and not may_list(kms_two)
    iam.delete_group_policy(GroupName=group, PolicyName="no")
    assert may_list(kms_one) and may_list(kms_two)
    iam.remove_user_from_group(GroupName=group, UserName=one.name)
    assert not may_list(kms_one) and may_list(kms_two)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(NO_LIST), SetAsDefault=True)
    assert not may_list(kms_two)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert may_list(kms_two)
    iam.detach_group_policy(GroupName=group, PolicyArn=arn)
    assert not may_list(kms_two)


def test_a_group_knows_its_members_and_a_user_its_groups(world):
    """In pages, under their new names after a renaming."""
    iam, group = world.iam(), make_group(world, Path="/teams/")
    names = sorted(make_user(world).name for _ in range(5))
    for name in names:
        iam.add_user_to_group(GroupName=group, UserName=name)
    pages = list(iam.get_paginator("get_group").paginate(GroupName=group, PaginationConfig={"PageSize": 2}))
    assert sorted(user["UserName"] for page in pages for user in page["Users"]) == names and len(pages) == 3
    assert pages[0]["Group"]["Arn"] == f"arn:aws:iam::{HOME}:group/teams/{group}"
    renamed = fresh_name("renamed")
    iam.update_group(GroupName=group, NewGroupName=renamed, NewPath="/")
    groups = iam.list_groups_for_user(UserName=names[0])["Groups"]
    assert [(found["GroupName"], found["Path"]) for found in groups] == [(renamed, "/")]
    assert groups[0]["GroupId"] == pages[0]["Group"]["GroupId"]
    assert error_of(iam.get_group, GroupName=group) == "NoSuchEntity"


def test_what_hangs_on_a_group_keeps_it(world):
    """Members and policies first; and a user in a group is not deleted either."""
    iam, group, made = world.iam(), make_group(world), make_user(world)
    iam.add_user_to_group(GroupName=group, UserName=made.name)
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    message = "Cannot delete entity, must remove users from group first."
    refused("DeleteConflict", message, iam.delete_group, GroupName=group)
    refused("DeleteConflict", message, iam.delete_user, UserName=made.name)
    iam.remove_user_from_group(GroupName=group, UserName=made.name)
    assert error_of(iam.remove_user_from_group, GroupName=group, UserName=made.name) == "NoSuchEntity"
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(LIST_KEYS))
    refused("DeleteConflict", "Cannot delete entity, must delete policies first.", iam.delete_group, GroupName=group)
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.delete_group(GroupName=group)
    iam.delete_user(UserName=made.name)
    refused("NoSuchEntity", f"The group with name {group} cannot be found.", iam.delete_group, GroupName=group)
    message = "Group with name Twice already exists."
    iam.create_group(GroupName="twice")
    refused("EntityAlreadyExists", message, iam.create_group, GroupName="Twice")
    iam.delete_group(GroupName="TWICE")


def test_ten_groups_are_the_most(world):
    """The eleventh is refused."""
    iam, made = world.iam(), make_user(world)
    for _ in range(10):
        iam.add_user_to_group(GroupName=make_group(world), UserName=made.name)
    message = "Cannot exceed quota for GroupsPerUser: 10"
    refused("LimitExceeded", message, iam.add_user_to_group, GroupName=make_group(world), UserName=made.name)


def test_joining_a_group_is_decided_on_the_group(world):
    """Who may fill one group may not fill another: else every right would be a group away."""
    group, other, made = make_group(world), make_group(world), make_user(world)
    arn = f"arn:aws:iam::{HOME}:group/{group}"
    helper = make_user(world, None, identity("Allow", "iam:AddUserToGroup", resource=arn)).client("iam")
    helper.add_user_to_group(GroupName=group, UserName=made.name)
    assert error_of(helper.add_user_to_group, GroupName=other, UserName=made.name) == "AccessDenied"
    assert error_of(helper.remove_user_from_group, GroupName=group, UserName=made.name) == "AccessDenied"
