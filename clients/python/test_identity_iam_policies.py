"""Inline and managed policies: what they give, when they begin and cease to give it, and what stands in their way."""

import json
import re

import pytest

from aws import error_of, refused
from policies import HOME, OTHER, document, identity, user
from principals import (
    aws_policy, fresh_name, make_policy, make_role, make_user, own_policy,
)  # fmt: skip

LIST_KEYS = identity("Allow", "kms:ListKeys")
RANDOM = identity("Allow", "kms:GenerateRandom")
NO_LIST = identity("Deny", "kms:ListKeys")


def may_list(kms) -> bool:
    """Whether ListKeys is allowed."""
    code = error_of(kms.list_keys)
    assert code in (None, "AccessDeniedException"), code
    return code is None


def test_an_inline_policy_holds_from_the_call_that_put_it_to_the_one_that_deleted_it(world):
    """Read your writes, in both directions, also for a policy that is replaced."""
    made, iam = make_user(world), world.iam()
    kms = made.client("kms")
    assert not may_list(kms)
    for _ in range(3):
        iam.put_user_policy(UserName=made.name, PolicyName="p", PolicyDocument=document(LIST_KEYS))
        assert may_list(kms)
        iam.put_user_policy(UserName=made.name, PolicyName="p", PolicyDocument=document(RANDOM))
        assert not may_list(kms)
        kms.generate_random(NumberOfBytes=1)
        iam.delete_user_policy(UserName=made.name, PolicyName="p")
        assert error_of(kms.generate_random, NumberOfBytes=1) == "AccessDeniedException"
    message = "The user policy with name p cannot be found."
    refused("NoSuchEntity", message, iam.delete_user_policy, UserName=made.name, PolicyName="p")
    refused("NoSuchEntity", message, iam.get_user_policy, UserName=made.name, PolicyName="p")


@pytest.mark.parametrize("kind", ["user", "role", "group"])
def test_inline_policies_come_back_as_they_were_put(world, kind):
    """Byte for byte, also with blanks, plus signs and characters beyond ASCII; the list is sorted and paged."""
    iam, name = world.iam(), fresh_name(kind)
    member = {"user": "UserName", "role": "RoleName", "group": "GroupName"}[kind]
    if kind == "role":
        make_role(world, name)
    else:
        getattr(iam, f"create_{kind}")(**{member: name})
    text = '{"Version": "2012-10-17",\n\t"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*", '
    text += '"Condition": {"StringEquals": {"aws:username": "é+% &<\\u0041"}}}}'
    for policy in ("b", "a", "c"):
        put = getattr(iam, f"put_{kind}_policy")
        put(**{member: name, "PolicyName": policy, "PolicyDocument": text})
    got = getattr(iam, f"get_{kind}_policy")(**{member: name, "PolicyName": "a"})
    assert got[member] == name and got["PolicyName"] == "a"
    assert got["PolicyDocument"] == json.loads(text)
    pages = iam.get_paginator(f"list_{kind}_policies").paginate(**{member: name, "PaginationConfig": {"PageSize": 2}})
    assert [policy for page in pages for policy in page["PolicyNames"]] == ["a", "b", "c"]


def test_documents_are_checked_before_anything_changes(world):
    """The reason is told; a broken document never becomes a policy."""
    made, iam = make_user(world), world.iam()
    for text, message in [
        ("{", "Syntax errors in policy."),
        (document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (document({**LIST_KEYS, "Principal": "*"}), "Policy document should not specify a principal."),
    ]:
        put = {"UserName": made.name, "PolicyName": "p", "PolicyDocument": text}
        refused("MalformedPolicyDocument", message, iam.put_user_policy, **put)
        refused("MalformedPolicyDocument", message, iam.create_policy, PolicyName="broken", PolicyDocument=text)
    assert iam.list_user_policies(UserName=made.name)["PolicyNames"] == []
    assert error_of(iam.get_policy, PolicyArn=own_policy("broken")) == "NoSuchEntity"


def test_sizes_are_limited_without_white_space(world):
    """2048 for all inline policies of a user, 6144 for a managed policy; white space is free, but not endless."""
    made, iam = make_user(world), world.iam()
    padding = {"Effect": "Allow", "Action": "a:" + "b" * 1000, "Resource": "*"}
    iam.put_user_policy(UserName=made.name, PolicyName="one", PolicyDocument=document(padding))
    message = f"Maximum policy size of 2048 bytes exceeded for user {made.name}"
    too_much = document({**padding, "Action": "a:" + "b" * 1000})
    refused(
        "LimitExceeded", message, iam.put_user_policy, UserName=made.name, PolicyName="two", PolicyDocument=too_much
    )
    iam.put_user_policy(UserName=made.name, PolicyName="one", PolicyDocument=document(padding) + " " * 100_000)
    large = document({"Effect": "Allow", "Action": "a:" + "b" * 6100, "Resource": "*"})
    message = "Cannot exceed quota for PolicySize: 6144"
    refused("LimitExceeded", message, iam.create_policy, PolicyName="large", PolicyDocument=large)
    blank = document(padding) + " " * 131_000
    for i in range(8):
        code = error_of(iam.put_user_policy, UserName=made.name, PolicyName=f"w{i}", PolicyDocument=blank[:131_072])
        assert code in (None, "LimitExceeded")
    assert code == "LimitExceeded"


def test_a_managed_policy_holds_as_long_as_it_is_attached(world):
    """For users and for sessions of roles; detaching takes effect for the very next call."""
    arn, iam = make_policy(world, LIST_KEYS), world.iam()
    made, role = make_user(world), make_role(world)
    iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    assert may_list(made.client("kms")) and may_list(role.client("kms"))
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    attached = iam.list_attached_user_policies(UserName=made.name)["AttachedPolicies"]
    assert attached == [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}]
    message = "Cannot delete a policy attached to entities."
    refused("DeleteConflict", message, iam.delete_policy, PolicyArn=arn)
    message = "Cannot delete entity, must detach all policies first."
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    refused("DeleteConflict", message, iam.delete_user, UserName=made.name)
    refused("DeleteConflict", message, iam.delete_role, RoleName=role.name)
    iam.detach_role_policy(RoleName=role.name, PolicyArn=arn)
    assert not may_list(role.client("kms"))
    iam.detach_user_policy(UserName=made.name, PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", iam.detach_user_policy, UserName=made.name, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", iam.get_policy, PolicyArn=arn)
    iam.delete_user(UserName=made.name)


def test_versions_take_effect_when_they_become_the_default(world):
    """Five at most, numbers never come again, the default one cannot be deleted."""
    arn, iam = make_policy(world, RANDOM), world.iam()
    made = make_user(world)
    kms = made.client("kms")
    iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    assert not may_list(kms)
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(LIST_KEYS))["PolicyVersion"]
    assert second["VersionId"] == "v2" and not second["IsDefaultVersion"]
    assert not may_list(kms)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert may_list(kms)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(NO_LIST, RANDOM), SetAsDefault=True)
    assert not may_list(kms)
    for _ in range(2):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(RANDOM))
    message = re.compile("A managed policy can have up to 5 versions. .*")
    refused("LimitExceeded", message, iam.create_policy_version, PolicyArn=arn, PolicyDocument=document(RANDOM))
    message = "Cannot delete the default version of a policy."
    refused("DeleteConflict", message, iam.delete_policy_version, PolicyArn=arn, VersionId="v3")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    again = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(RANDOM))["PolicyVersion"]
    assert again["VersionId"] == "v6"
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v6", "v4", "v3", "v2", "v1"]
    got = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert got["Document"] == json.loads(document(LIST_KEYS))
    iam.detach_user_policy(UserName=made.name, PolicyArn=arn)
    message = re.compile("This policy has more than one version. .*")
    refused("DeleteConflict", message, iam.delete_policy, PolicyArn=arn)
    assert error_of(iam.get_policy_version, PolicyArn=arn, VersionId="v5") == "NoSuchEntity"


def test_a_policy_that_is_made_again_gives_nothing_to_its_old_users(world):
    """Who uses a policy names its id, not its name."""
    name, iam = fresh_name("policy"), world.iam()
    first = make_policy(world, LIST_KEYS, name=name)
    made = make_user(world)
    iam.attach_user_policy(UserName=made.name, PolicyArn=first)
    iam.detach_user_policy(UserName=made.name, PolicyArn=first)
    iam.delete_policy(PolicyArn=first)
    second = make_policy(world, LIST_KEYS, name=name)
    assert second == first
    assert not may_list(made.client("kms"))
    assert iam.list_attached_user_policies(UserName=made.name)["AttachedPolicies"] == []


def test_ten_policies_are_the_most(world):
    """The eleventh is refused."""
    made, iam = make_user(world), world.iam()
    arns = [make_policy(world, RANDOM) for _ in range(11)]
    for arn in arns[:10]:
        iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    message = "Cannot exceed quota for PoliciesPerUser: 10"
    refused("LimitExceeded", message, iam.attach_user_policy, UserName=made.name, PolicyArn=arns[10])
    pages = iam.get_paginator("list_attached_user_policies")
    pages = pages.paginate(UserName=made.name, PaginationConfig={"PageSize": 3})
    assert {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]} == set(arns[:10])


AWS_NAMES = [
    "AdministratorAccess", "ReadOnlyAccess", "SecurityAudit", "AWSKeyManagementServicePowerUser", "PowerUserAccess",
    "IAMFullAccess", "IAMReadOnlyAccess", "IAMUserChangePassword",
]  # fmt: skip


@pytest.mark.parametrize("name", AWS_NAMES)
def test_the_services_own_policies_are_there_and_are_nobodys_to_change(world, name):
    """They are read and attached in every account, and neither edited nor deleted."""
    arn, iam = aws_policy(name), world.iam()
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["PolicyName"] == name and policy["IsAttachable"]
    got = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert got["Document"]["Statement"] and got["IsDefaultVersion"]
    for call in (iam.delete_policy, iam.tag_policy):
        more = {"Tags": [{"Key": "a", "Value": "b"}]} if call == iam.tag_policy else {}
        assert error_of(call, PolicyArn=arn, **more) == "AccessDenied"
    text = document(RANDOM)
    assert error_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=text) == "AccessDenied"
    made = make_user(world)
    iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    users = iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]
    assert made.id in [found["UserId"] for found in users]
    iam.detach_user_policy(UserName=made.name, PolicyArn=arn)


@pytest.mark.parametrize(
    ("name", "allowed", "denied"),
    [
        ("AdministratorAccess", ["list_keys", "create_key"], []),
        ("ReadOnlyAccess", ["list_keys", "list_aliases"], ["create_key", "generate_random"]),
        ("AWSKeyManagementServicePowerUser", ["create_key", "generate_random"], ["list_grants"]),
        ("SecurityAudit", ["list_keys"], ["create_key"]),
        ("PowerUserAccess", ["create_key"], []),
        ("IAMFullAccess", [], ["list_keys"]),
    ],
)
def test_what_the_services_own_policies_give(world, key, name, allowed, denied):
    """Each allows what its name is known for, and nothing beyond."""
    made, iam = make_user(world), world.iam()
    iam.attach_user_policy(UserName=made.name, PolicyArn=aws_policy(name))
    kms = made.client("kms")
    more = {"generate_random": {"NumberOfBytes": 1}, "list_grants": {"KeyId": key.id}}
    for call in allowed:
        assert error_of(getattr(kms, call), **more.get(call, {})) is None, call
    for call in denied:
        if call != "list_grants":
            assert error_of(getattr(kms, call), **more.get(call, {})) == "AccessDeniedException", call
    reads_users = name not in ("PowerUserAccess", "AWSKeyManagementServicePowerUser")
    assert (error_of(made.client("iam").list_groups) is None) == (reads_users or name.startswith("AWSKey"))
    expected = None if name in ("AdministratorAccess", "IAMFullAccess") else "AccessDenied"
    assert error_of(made.client("iam").create_group, GroupName=fresh_name("group")) == expected


def test_policies_are_listed_by_scope_use_and_path(world):
    """The service's first, then the own ones; every page but the last is full."""
    iam = world.iam()
    arns = [make_policy(world, RANDOM, Path="/listed/") for _ in range(5)]
    made = make_user(world)
    iam.attach_user_policy(UserName=made.name, PolicyArn=arns[0])
    local = iam.get_paginator("list_policies").paginate(
        Scope="Local", PathPrefix="/listed/", PaginationConfig={"PageSize": 2}
    )
    pages = [[policy["Arn"] for policy in page["Policies"]] for page in local]
    assert [arn for page in pages for arn in page] == sorted(arns)
    attached = iam.list_policies(Scope="Local", PathPrefix="/listed/", OnlyAttached=True)["Policies"]
    assert [policy["Arn"] for policy in attached] == [arns[0]]
    everything = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 7})
    listed = [policy["Arn"] for page in everything for policy in page["Policies"]]
    assert len(listed) == len(set(listed)) and set(arns) < set(listed)
    assert {aws_policy(name) for name in AWS_NAMES} < set(listed)
    of_service = iam.list_policies(Scope="AWS")["Policies"]
    assert all(policy["Arn"].startswith("arn:aws:iam::aws:") for policy in of_service)


def test_policies_of_other_accounts_are_out_of_reach(world):
    """Neither attached, nor read, nor seen."""
    foreign = world.iam(f"{OTHER}/root")
    name = fresh_name("foreign")
    theirs = foreign.create_policy(PolicyName=name, PolicyDocument=document(LIST_KEYS))["Policy"]["Arn"]
    made, iam = make_user(world), world.iam()
    assert error_of(iam.attach_user_policy, UserName=made.name, PolicyArn=theirs) == "NoSuchEntity"
    assert error_of(iam.get_policy, PolicyArn=theirs) == "AccessDenied"
    assert error_of(iam.delete_policy, PolicyArn=theirs) == "AccessDenied"
    assert foreign.get_policy(PolicyArn=theirs)["Policy"]["PolicyName"] == name
    for text in ("arn:aws:kms:us-east-1:1:key/x", "arn:aws:iam::aws:role/AdministratorAccess"):
        assert error_of(iam.attach_user_policy, UserName=made.name, PolicyArn=text) == "InvalidInput"


def test_tags_and_description_of_a_policy(world):
    """They come back from GetPolicy and not from lists; tag conditions see them."""
    iam = world.iam()
    arn = make_policy(world, RANDOM, Description="what it is for", Tags=[{"Key": "Team", "Value": "blue"}])
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["Description"] == "what it is for" and policy["Tags"] == [{"Key": "Team", "Value": "blue"}]
    only_blue = identity("Allow", "iam:GetPolicy", Condition={"StringEquals": {"iam:ResourceTag/team": "blue"}})
    reader = make_user(world, None, only_blue).client("iam")
    reader.get_policy(PolicyArn=arn)
    iam.untag_policy(PolicyArn=arn, TagKeys=["TEAM"])
    assert error_of(reader.get_policy, PolicyArn=arn) == "AccessDenied"
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "Team", "Value": "blue"}])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "Team", "Value": "blue"}]
    reader.get_policy(PolicyArn=arn)


def test_conditions_bound_what_an_administrator_may_attach(world):
    """iam:PolicyARN limits AttachUserPolicy, the resource limits to whom; both are checked before anything changes."""
    harmless, harmful = make_policy(world, RANDOM), make_policy(world, identity("Allow", "*"))
    mine, theirs = make_user(world), make_user(world)
    statement = identity(
        "Allow",
        "iam:AttachUserPolicy",
        resource=mine.arn,
        Condition={"ArnEquals": {"iam:PolicyARN": harmless}},
    )
    helper = make_user(world, None, statement).client("iam")
    helper.attach_user_policy(UserName=mine.name, PolicyArn=harmless)
    assert error_of(helper.attach_user_policy, UserName=mine.name, PolicyArn=harmful) == "AccessDenied"
    assert error_of(helper.attach_user_policy, UserName=theirs.name, PolicyArn=harmless) == "AccessDenied"
    attached = world.iam().list_attached_user_policies(UserName=mine.name)["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [harmless]
    assert user(mine.name) == mine.arn and HOME in mine.arn


def test_everything_about_policies_outlives_a_kill(fresh):
    """Policies, versions and attachments are durable when their calls return, and so is their end."""
    made = make_user(fresh)
    kept, dropped = make_policy(fresh, RANDOM), make_policy(fresh, LIST_KEYS)
    iam = fresh.iam()
    for arn in (kept, dropped):
        iam.attach_user_policy(UserName=made.name, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=kept, PolicyDocument=document(LIST_KEYS), SetAsDefault=True)
    iam.set_default_policy_version(PolicyArn=kept, VersionId="v1")
    iam.detach_user_policy(UserName=made.name, PolicyArn=dropped)
    fresh.server.kill()
    fresh.server.start()
    kms = made.client("kms")
    kms.generate_random(NumberOfBytes=1)
    assert not may_list(kms)
    versions = fresh.iam().list_policy_versions(PolicyArn=kept)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [("v2", False), ("v1", True)]
