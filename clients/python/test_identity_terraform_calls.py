"""The calls that Terraform's AWS provider makes for each kind of IAM resource, in its order, for machines without it.

Source: the provider's resources for IAM, from creation to destruction, with what it reads back after each change.
"""

import datetime

from aws import error_of, refused, request_id
from policies import HOME, document, identity, user
from principals import aws_policy, fresh_name, own_policy, trusting

READ_ONLY = aws_policy("ReadOnlyAccess")
POLICY = document(identity("Allow", "kms:Encrypt"))
OTHER_POLICY = document(identity("Allow", "kms:Decrypt"))
TAGS = [{"Key": "Team", "Value": "blue"}]


def tags_of(answer: dict) -> dict[str, str]:
    """Tags by key."""
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}


def test_the_start_of_the_provider(world):
    """Who am I; and the ways to find it out where that is not served."""
    assert world.sts().get_caller_identity()["Account"] == HOME
    assert world.iam().get_user()["User"]["Arn"] == user("Admin")
    assert len(world.iam().list_roles(MaxItems=1)["Roles"]) == 1


def test_a_user_from_creation_to_a_forced_end(world):
    """aws_iam_user with force_destroy, aws_iam_access_key, aws_iam_user_policy, attachments and memberships."""
    iam, name, renamed, group = world.iam(), fresh_name("tf"), fresh_name("tf"), fresh_name("tf-group")
    iam.create_user(UserName=name, Path="/tf/", Tags=TAGS, PermissionsBoundary=READ_ONLY)
    made = iam.get_user(UserName=name)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY and tags_of(made) == {"Team": "blue"}
    iam.update_user(UserName=name, NewUserName=renamed, NewPath="/tf2/")
    iam.put_user_permissions_boundary(UserName=renamed, PermissionsBoundary=aws_policy("PowerUserAccess"))
    iam.delete_user_permissions_boundary(UserName=renamed)
    iam.untag_user(UserName=renamed, TagKeys=["Team"])
    iam.tag_user(UserName=renamed, Tags=[{"Key": "New", "Value": "1"}])
    read = iam.get_user(UserName=renamed)["User"]
    assert read["Path"] == "/tf2/" and read["UserId"] == made["UserId"] and tags_of(read) == {"New": "1"}
    assert "PermissionsBoundary" not in read and error_of(iam.get_user, UserName=name) == "NoSuchEntity"

    key = iam.create_access_key(UserName=renamed)["AccessKey"]
    iam.update_access_key(UserName=renamed, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    (listed,) = iam.list_access_keys(UserName=renamed)["AccessKeyMetadata"]
    assert (listed["AccessKeyId"], listed["Status"]) == (key["AccessKeyId"], "Inactive")
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["UserName"] == renamed

    iam.put_user_policy(UserName=renamed, PolicyName="own", PolicyDocument=POLICY)
    assert iam.get_user_policy(UserName=renamed, PolicyName="own")["PolicyDocument"]
    iam.attach_user_policy(UserName=renamed, PolicyArn=READ_ONLY)
    (attached,) = iam.list_attached_user_policies(UserName=renamed)["AttachedPolicies"]
    assert attached["PolicyArn"] == READ_ONLY
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=renamed)
    assert [found["UserName"] for found in iam.get_group(GroupName=group)["Users"]] == [renamed]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=renamed, Tags=TAGS)["VirtualMFADevice"]

    iam.detach_user_policy(UserName=renamed, PolicyArn=READ_ONLY)
    iam.delete_user_policy(UserName=renamed, PolicyName="own")
    assert error_of(iam.get_user_policy, UserName=renamed, PolicyName="own") == "NoSuchEntity"
    for found in iam.list_groups_for_user(UserName=renamed)["Groups"]:
        iam.remove_user_from_group(GroupName=found["GroupName"], UserName=renamed)
    for found in iam.list_access_keys(UserName=renamed)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=renamed, AccessKeyId=found["AccessKeyId"])
    assert iam.list_ssh_public_keys(UserName=renamed)["SSHPublicKeys"] == []
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert device["SerialNumber"] not in [found["SerialNumber"] for found in assigned]
    assert iam.list_mfa_devices(UserName=renamed)["MFADevices"] == []
    assert error_of(iam.delete_login_profile, UserName=renamed) == "NoSuchEntity"
    assert iam.list_signing_certificates(UserName=renamed)["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName=renamed)["ServiceSpecificCredentials"] == []
    iam.delete_user(UserName=renamed)
    assert error_of(iam.get_user, UserName=renamed) == "NoSuchEntity"
    # aws_iam_virtual_mfa_device, which outlives the user.
    scanned = iam.get_paginator("list_virtual_mfa_devices").paginate().search("VirtualMFADevices[].SerialNumber")
    assert device["SerialNumber"] in list(scanned)
    assert tags_of(iam.list_mfa_device_tags(SerialNumber=device["SerialNumber"])) == {"Team": "blue"}
    iam.delete_virtual_mfa_device(SerialNumber=device["SerialNumber"])
    iam.update_group(GroupName=group, NewGroupName=group + "-renamed")
    iam.delete_group(GroupName=group + "-renamed")


def test_a_role_from_creation_to_its_end(world):
    """aws_iam_role, its policies, and aws_iam_instance_profile."""
    iam, name = world.iam(), fresh_name("tf-role")
    trust = trusting(user("Admin"))
    invalid = trusting(user("NobodyYet"))
    refusal = refused(
        "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"' + user("NobodyYet") + '"',
        iam.create_role, RoleName=name, AssumeRolePolicyDocument=invalid,
    )  # fmt: skip
    assert request_id(refusal)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, MaxSessionDuration=7200, Tags=TAGS)
    assert iam.get_role(RoleName=name)["Role"]["Arn"] == f"arn:aws:iam::{HOME}:role/{name}"
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=POLICY)
    (listed,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    assert iam.get_role_policy(RoleName=name, PolicyName=listed)["PolicyDocument"]
    iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trusting(user("Admin"), user("Bob")))
    iam.update_role_description(RoleName=name, Description="changed")
    iam.update_role(RoleName=name, MaxSessionDuration=3600)
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=READ_ONLY)
    iam.delete_role_permissions_boundary(RoleName=name)
    iam.tag_role(RoleName=name, Tags=[{"Key": "New", "Value": "1"}])
    iam.untag_role(RoleName=name, TagKeys=["Team"])
    read = iam.get_role(RoleName=name)["Role"]
    assert read["MaxSessionDuration"] == 3600 and tags_of(read) == {"New": "1"}
    profile = {"InstanceProfileName": name}
    iam.create_instance_profile(**profile)
    iam.add_role_to_instance_profile(RoleName=name, **profile)
    (shown,) = iam.get_instance_profile(**profile)["InstanceProfile"]["Roles"]
    assert shown["RoleName"] == name

    assert error_of(iam.delete_role, RoleName=name) == "DeleteConflict"
    for found in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(RoleName=name, InstanceProfileName=found["InstanceProfileName"])
    for found in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=found["PolicyArn"])
    for found in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=found)
    iam.delete_role(RoleName=name)
    iam.delete_instance_profile(**profile)
    assert error_of(iam.get_role, RoleName=name) == "NoSuchEntity"


def test_a_policy_through_six_versions(world):
    """aws_iam_policy: the oldest version goes when there are five, and the new one becomes the default later."""
    iam, name = world.iam(), fresh_name("tf-policy")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=POLICY, Tags=TAGS)["Policy"]["Arn"]
    assert arn == own_policy(name)
    for _ in range(6):
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= 5:
            assert error_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=OTHER_POLICY) == "LimitExceeded"
            spare = [version for version in versions if not version["IsDefaultVersion"]]
            oldest = min(spare, key=lambda version: (version["CreateDate"], int(version["VersionId"][1:])))
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=OTHER_POLICY, SetAsDefault=False)
        version = made["PolicyVersion"]["VersionId"]
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] != version
        iam.set_default_policy_version(PolicyArn=arn, VersionId=version)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == version
    read = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    assert read["IsDefaultVersion"] and read["CreateDate"] <= datetime.datetime.now(datetime.timezone.utc)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "New", "Value": "1"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["Team"])
    assert tags_of(iam.list_policy_tags(PolicyArn=arn)) == {"New": "1"}
    for found in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not found["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=found["VersionId"])
    iam.delete_policy(PolicyArn=arn)
    assert error_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_an_identity_provider_from_creation_to_its_end(world):
    """aws_iam_openid_connect_provider."""
    iam, thumbprint = world.iam(), "cf23df2207d99a74fbe169e3eba035e633b65d94"
    host = f"oidc.example.com/id/{fresh_name('TF')}"
    made = iam.create_open_id_connect_provider(
        Url=f"https://{host}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=[thumbprint], Tags=TAGS
    )
    one = {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}
    assert one["OpenIDConnectProviderArn"] == f"arn:aws:iam::{HOME}:oidc-provider/{host}"
    iam.add_client_id_to_open_id_connect_provider(ClientID="ci", **one)
    iam.remove_client_id_from_open_id_connect_provider(ClientID="sts.amazonaws.com", **one)
    iam.update_open_id_connect_provider_thumbprint(ThumbprintList=[thumbprint[::-1]], **one)
    read = iam.get_open_id_connect_provider(**one)
    assert (read["Url"], read["ClientIDList"], read["ThumbprintList"]) == (host, ["ci"], [thumbprint[::-1]])
    iam.tag_open_id_connect_provider(Tags=[{"Key": "New", "Value": "1"}], **one)
    iam.untag_open_id_connect_provider(TagKeys=["Team"], **one)
    assert tags_of(iam.list_open_id_connect_provider_tags(**one)) == {"New": "1"}
    iam.delete_open_id_connect_provider(**one)
    assert error_of(iam.get_open_id_connect_provider, **one) == "NoSuchEntity"
