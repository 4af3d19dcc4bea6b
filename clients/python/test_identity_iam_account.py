"""What IAM says of an account as a whole: alias, summary, authorization details, last uses of keys."""

import csv
import io
import json

import totp
from aws import error_of, refused
from policies import OTHER, document, identity, root, user
from principals import fresh_name, make_policy, make_role, make_user, trusting
from world import HOME_REGION

RANDOM = identity("Allow", "kms:GenerateRandom")


def test_an_alias_belongs_to_one_account(fresh):
    """It takes the place of the one before, is unique in the installation and names the root."""
    iam, other = fresh.iam(), fresh.iam(f"{OTHER}/root")
    iam.create_account_alias(AccountAlias="our-keys")
    iam.create_account_alias(AccountAlias="our-keys")
    message = "The account alias our-keys already exists."
    refused("EntityAlreadyExists", message, other.create_account_alias, AccountAlias="our-keys")
    other.create_account_alias(AccountAlias="their-keys")
    assert other.get_user()["User"]["UserName"] == "their-keys"
    iam.create_account_alias(AccountAlias="renamed")
    assert iam.list_account_aliases()["AccountAliases"] == ["renamed"]
    other.create_account_alias(AccountAlias="our-keys")
    assert error_of(iam.delete_account_alias, AccountAlias="our-keys") == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="renamed")
    assert iam.list_account_aliases()["AccountAliases"] == []
    for wrong in ("ab", "-abc", "abc-", "a--b", "Abc", "a" * 64):
        raw = fresh.client("Admin", "iam", "us-east-1", validate=False)
        assert error_of(raw.create_account_alias, AccountAlias=wrong) == "ValidationError", wrong


def test_the_summary_counts(fresh):
    """Each kind is counted, for the own account alone."""
    before = fresh.iam().get_account_summary()["SummaryMap"]
    make_user(fresh)
    make_role(fresh)
    make_policy(fresh, RANDOM)
    fresh.iam().create_group(GroupName="g")
    after = fresh.iam().get_account_summary()["SummaryMap"]
    for kind in ("Users", "Roles", "Policies", "Groups"):
        assert after[kind] == before[kind] + 1, kind
    assert after["AccessKeysPerUserQuota"] == 2 and after["AccountAccessKeysPresent"] == 0
    theirs = fresh.iam(f"{OTHER}/root").get_account_summary()["SummaryMap"]
    assert theirs["AccountAccessKeysPresent"] == 1 and theirs["Groups"] == 0


def test_the_summary_counts_devices_and_providers(steered):
    """Devices that are somebody's apart from those that are nobody's; what root cannot have is not there."""
    iam = steered.iam()
    before = iam.get_account_summary()["SummaryMap"]
    device = totp.make(steered, fresh_name("device"))
    totp.give(steered, device, "Alice")
    totp.make(steered, fresh_name("device"))
    arn = iam.create_open_id_connect_provider(Url="https://counted.example.com")["OpenIDConnectProviderArn"]
    after = iam.get_account_summary()["SummaryMap"]
    changes = {"MFADevices": 2, "MFADevicesInUse": 1, "Providers": 1}
    assert {kind: after[kind] - before[kind] for kind in changes} == changes
    assert {kind for kind in after if after[kind] != before[kind]} == changes.keys()
    assert after["AccountMFAEnabled"] == after["AccountPasswordPresent"] == 0
    theirs = steered.iam(f"{OTHER}/root").get_account_summary()["SummaryMap"]
    assert (theirs["MFADevices"], theirs["Providers"]) == (0, 0)
    iam.deactivate_mfa_device(UserName="Alice", SerialNumber=device.serial)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    later = iam.get_account_summary()["SummaryMap"]
    assert (later["MFADevicesInUse"], later["Providers"]) == (before["MFADevicesInUse"], before["Providers"])


def test_the_quotas_of_the_summary_are_those_that_hold(fresh):
    """Each number is the one at which the server says no."""
    iam, quotas = fresh.iam(), fresh.iam().get_account_summary()["SummaryMap"]
    sizes = {f"{kind}PolicySizeQuota": quotas[f"{kind}PolicySizeQuota"] for kind in ("User", "Group", "Role")}
    assert sizes == {"UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10_240}
    iam.create_group(GroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(user("Admin")))

    def sized(size: int, **more) -> str:
        empty = document(identity("Allow", "kms:Encrypt", Sid=""), **more).replace(" ", "")
        return document(identity("Allow", "kms:Encrypt", Sid="x" * (size - len(empty))), **more)

    puts = {
        "UserPolicySizeQuota": lambda text: iam.put_user_policy(UserName="Bob", PolicyName="p", PolicyDocument=text),
        "GroupPolicySizeQuota": lambda text: iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=text),
        "RolePolicySizeQuota": lambda text: iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=text),
        "PolicySizeQuota": lambda text: iam.create_policy(PolicyName=fresh_name("p"), PolicyDocument=text),
    }
    for quota, put in puts.items():
        assert error_of(put, text=sized(quotas[quota])) is None, quota
        assert error_of(put, text=sized(quotas[quota] + 1)) == "LimitExceeded", quota


def test_authorization_details_show_all_that_gives_or_limits_rights(fresh):
    """In pages of any size, the same as in one; filtered by kind."""
    iam, made, role = fresh.iam(), make_user(fresh, None, RANDOM), make_role(fresh, None, RANDOM)
    boundary = make_policy(fresh, RANDOM)
    iam.create_group(GroupName="g")
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=document(RANDOM))
    iam.add_user_to_group(GroupName="g", UserName=made.name)
    iam.put_user_permissions_boundary(UserName=made.name, PermissionsBoundary=boundary)
    iam.attach_role_policy(RoleName=role.name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_instance_profile(InstanceProfileName="i")
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName=role.name)
    whole = iam.get_account_authorization_details()
    assert not whole["IsTruncated"]
    user = next(user for user in whole["UserDetailList"] if user["UserName"] == made.name)
    assert user["GroupList"] == ["g"] and user["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert user["UserPolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(document(RANDOM))}]
    held = next(found for found in whole["RoleDetailList"] if found["RoleName"] == role.name)
    assert [policy["PolicyName"] for policy in held["AttachedManagedPolicies"]] == ["ReadOnlyAccess"]
    assert [profile["InstanceProfileName"] for profile in held["InstanceProfileList"]] == ["i"]
    policies = {policy["Arn"]: policy for policy in whole["Policies"]}
    assert policies[boundary]["PolicyVersionList"][0]["Document"] == json.loads(document(RANDOM))
    assert "arn:aws:iam::aws:policy/ReadOnlyAccess" in policies and len(policies) == 2
    lists = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    for size in (1, 2, 3, 5):
        pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": size})
        joined = {name: [] for name in lists}
        for page in pages:
            assert sum(len(page[name]) for name in lists) <= size
            for name in lists:
                joined[name] += page[name]
        assert joined == {name: whole[name] for name in lists}, size
    only = iam.get_account_authorization_details(Filter=["Group"])
    assert [group["GroupName"] for group in only["GroupDetailList"]] == ["g"] and only["UserDetailList"] == []


def test_the_last_use_of_a_key_is_told(steered):
    """Fed by real use: time, service and Region; told to who may see that user, and durable."""
    world = steered
    made, iam = make_user(world, None, RANDOM), world.iam()
    key = made.keys.access_key_id
    unused = iam.get_access_key_last_used(AccessKeyId=key)
    assert unused["UserName"] == made.name
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    made.client("kms").generate_random(NumberOfBytes=1)
    first = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (first["ServiceName"], first["Region"]) == ("kms", HOME_REGION)
    world.server.advance(3600)
    assert error_of(made.client("iam").get_user) == "AccessDenied"
    second = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (second["ServiceName"], second["Region"]) == ("iam", "us-east-1")
    assert 3600 <= (second["LastUsedDate"] - first["LastUsedDate"]).total_seconds() < 3700
    world.server.restart()
    again = world.iam().get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert again == second
    stranger = make_user(world, None, identity("Allow", "iam:GetAccessKeyLastUsed", resource=made.arn))
    assert error_of(stranger.client("iam").get_access_key_last_used, AccessKeyId=key) is None
    own = stranger.keys.access_key_id
    assert error_of(stranger.client("iam").get_access_key_last_used, AccessKeyId=own) == "AccessDenied"
    theirs = world.iam(f"{OTHER}/root")
    message = f"User: {root(OTHER)} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {{}}"
    for unknown in (key, "AKIAIOSFODNN7EXAMPLE"):
        refused("AccessDenied", message.format(unknown), theirs.get_access_key_last_used, AccessKeyId=unknown)


def test_the_credential_report_tells_the_state_of_every_users_keys(steered):
    """One row for each user and the root; it is made on demand and expires after four hours."""
    world, iam = steered, steered.iam(f"{OTHER}/root")
    refused("ReportNotPresent", "No report present. Please generate a new report.", iam.get_credential_report)
    name = fresh_name("with,comma")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    holder = fresh_name("holder")
    iam.create_user(UserName=holder)
    device = totp.make(world, holder, iam)
    world.server.advance(2 * totp.STEP_SECONDS)
    codes = {"AuthenticationCode1": device.at(-1), "AuthenticationCode2": device.at(0)}
    iam.enable_mfa_device(UserName=holder, SerialNumber=device.serial, **codes)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(report["Content"].decode()))}
    users = {user["UserName"] for user in iam.list_users()["Users"]}
    assert rows.keys() == users | {"<root_account>"}
    assert rows[name]["access_key_1_active"] == "false" and rows[name]["access_key_1_last_used_date"] == "N/A"
    assert (rows[holder]["mfa_active"], rows[name]["mfa_active"]) == ("true", "false")
    root_row = rows["<root_account>"]
    assert root_row["access_key_1_active"] == "true" and root_row["access_key_1_last_used_service"] == "iam"
    assert all(None not in row and None not in row.values() for row in rows.values())
    refused("ReportNotPresent", "No report present. Please generate a new report.", world.iam().get_credential_report)
    world.server.advance(4 * 3600)
    refused("ReportExpired", "Report expired. Please generate a new report.", iam.get_credential_report)


def test_what_users_do_not_have_here_is_said_so(world):
    """Tools that clean up behind a user ask for these: the lists are empty, the passwords do not exist."""
    iam, made = world.iam(), make_user(world)
    assert iam.list_ssh_public_keys(UserName=made.name)["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName=made.name)["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName=made.name)["ServiceSpecificCredentials"] == []
    for call in (iam.get_login_profile, iam.delete_login_profile):
        assert error_of(call, UserName=made.name) == "NoSuchEntity"
    for call in (iam.create_login_profile, iam.update_login_profile):
        assert error_of(call, UserName=made.name, Password="no door takes it") == "InvalidAction"
    assert error_of(iam.get_account_password_policy) == "NoSuchEntity"
    assert error_of(iam.list_ssh_public_keys, UserName=fresh_name("nobody")) == "NoSuchEntity"
