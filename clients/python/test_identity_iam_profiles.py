"""Instance profiles: holders of roles, and what passing a role on takes."""

import re

from aws import error_of, refused
from policies import HOME, identity
from principals import fresh_name, make_role, make_user


def test_a_profile_is_made_filled_listed_emptied_and_deleted(world):
    """One role at most; neither of the two is deleted while it holds the other."""
    iam, name, role = world.iam(), fresh_name("profile"), make_role(world)
    made = iam.create_instance_profile(
        InstanceProfileName=name, Path="/machines/", Tags=[{"Key": "Team", "Value": "blue"}]
    )["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{HOME}:instance-profile/machines/{name}" and made["Roles"] == []
    assert re.fullmatch(r"AIPA[A-Z2-7]{17}", made["InstanceProfileId"])
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role.name)
    message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    add = {"InstanceProfileName": name, "RoleName": make_role(world).name}
    refused("LimitExceeded", message, iam.add_role_to_instance_profile, **add)
    shown = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [held["Arn"] for held in shown["Roles"]] == [role.arn] and shown["Tags"] == made["Tags"]
    for_role = iam.list_instance_profiles_for_role(RoleName=role.name)["InstanceProfiles"]
    assert [profile["InstanceProfileName"] for profile in for_role] == [name]
    listed = iam.list_instance_profiles(PathPrefix="/machines/")["InstanceProfiles"]
    assert name in [profile["InstanceProfileName"] for profile in listed]
    message = "Cannot delete entity, must remove roles from instance profile first."
    refused("DeleteConflict", message, iam.delete_role, RoleName=role.name)
    refused("DeleteConflict", message, iam.delete_instance_profile, InstanceProfileName=name)
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role.name)
    assert error_of(
        iam.remove_role_from_instance_profile, InstanceProfileName=name, RoleName=role.name
    ) == "NoSuchEntity"
    assert iam.list_instance_profiles_for_role(RoleName=role.name)["InstanceProfiles"] == []
    iam.delete_role(RoleName=role.name)
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["team"])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == []
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == [{"Key": "a", "Value": "b"}]
    refused(
        "EntityAlreadyExists",
        f"Instance Profile {name} already exists.",
        iam.create_instance_profile,
        InstanceProfileName=name,
    )
    iam.delete_instance_profile(InstanceProfileName=name)
    assert error_of(iam.get_instance_profile, InstanceProfileName=name) == "NoSuchEntity"


def test_a_role_is_put_into_a_profile_only_by_who_may_pass_it_on(world):
    """Without iam:PassRole on that role a profile would be a way to every role."""
    iam, name = world.iam(), fresh_name("profile")
    mine, other = make_role(world), make_role(world)
    iam.create_instance_profile(InstanceProfileName=name)
    helper = make_user(
        world,
        None,
        identity("Allow", "iam:AddRoleToInstanceProfile"),
        identity(
            "Allow",
            "iam:PassRole",
            resource=mine.arn,
            Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ).client("iam")
    add = {"InstanceProfileName": name}
    assert error_of(helper.add_role_to_instance_profile, **add, RoleName=other.name) == "AccessDenied"
    assert error_of(helper.add_role_to_instance_profile, **add, RoleName=mine.name) is None
