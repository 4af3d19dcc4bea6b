"""Terraform with the stock AWS provider: declares keys and principals, changes them, takes over what is there, and takes
all away again; after each step it finds nothing to change.

It needs the programs: `terraform` on the path, and a directory with the provider in `KANUKI_TERRAFORM_PLUGINS`, since
tests reach no network.
"""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from aws import error_of
from kanuki import REPOSITORY, clean_environment
from policies import HOME
from world import FAR_REGION

TERRAFORM = shutil.which("terraform")
PLUGINS = os.environ.get("KANUKI_TERRAFORM_PLUGINS", "")
SECONDS_MAX = 280

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TERRAFORM is None, reason="there is no terraform on the path"),
    pytest.mark.skipif(
        not pathlib.Path(PLUGINS or "/nowhere").is_dir(), reason="KANUKI_TERRAFORM_PLUGINS names no directory"
    ),
]


class Workspace:
    """The configuration in a directory of its own, applied to one server."""

    def __init__(self, world, place: pathlib.Path):
        shutil.copy(REPOSITORY / "clients" / "python" / "terraform" / "main.tf", place)
        keys = world.keys("Admin")
        self.place = place
        self.environment = clean_environment(
            AWS_ACCESS_KEY_ID=keys.access_key_id,
            AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
            TF_VAR_endpoint=world.server.endpoint,
            TF_VAR_account=HOME,
            TF_IN_AUTOMATION="1",
            TF_INPUT="0",
            CHECKPOINT_DISABLE="1",
        )

    def run(self, *arguments: str, expected: int = 0) -> str:
        """Runs `terraform`; answers what it printed."""
        done = subprocess.run(
            [TERRAFORM, *arguments],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == expected, f"terraform {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def variables(version: int) -> tuple[str, ...]:
    """The arguments for a version of the configuration."""
    return ("-no-color", "-var", f"version_of_all={version}")


def test_a_configuration_is_applied_changed_taken_over_and_destroyed(fresh, tmp_path):
    """After each apply and each import there is nothing to change; after destroying there is nothing left."""
    terraform = Workspace(fresh, tmp_path)
    terraform.run("init", f"-plugin-dir={PLUGINS}", "-no-color")
    iam, kms, far = fresh.iam(), fresh.kms(), fresh.kms(region=FAR_REGION)

    terraform.run("apply", "-auto-approve", *variables(1))
    terraform.run("plan", "-detailed-exitcode", *variables(1))
    outputs = {name: output["value"] for name, output in json.loads(terraform.run("output", "-json")).items()}
    assert outputs["account"] == HOME and outputs["sealed"] is True
    assert None not in outputs["looked_up"] and len(outputs["looked_up"]) == 10
    key = outputs["key"]
    assert kms.describe_key(KeyId="alias/terraform-app")["KeyMetadata"]["Arn"] == key
    assert kms.describe_key(KeyId="alias/terraform-brought")["KeyMetadata"]["Arn"] == outputs["brought"]
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 2
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    assert '"kms:Encrypt"' in kms.get_key_policy(KeyId=outputs["separate"])["Policy"]
    assert far.describe_key(KeyId=outputs["replica"])["KeyMetadata"]["Description"] == "replica, 1"
    assert kms.describe_key(KeyId=outputs["brought"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert iam.get_role(RoleName="terraform-app")["Role"]["MaxSessionDuration"] == 7200
    assert iam.list_account_aliases()["AccountAliases"] == ["terraform-home"]

    terraform.run("apply", "-auto-approve", *variables(2))
    terraform.run("plan", "-detailed-exitcode", *variables(2))
    tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]}
    assert tags == {"Team": "red", "New": "1"}
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 180
    assert kms.describe_key(KeyId="alias/terraform-brought")["KeyMetadata"]["Arn"] == key
    assert kms.describe_key(KeyId=outputs["written"])["KeyMetadata"]["KeyState"] == "Disabled"
    assert '"kms:Encrypt"' not in kms.get_key_policy(KeyId=outputs["separate"])["Policy"]
    assert far.describe_key(KeyId=outputs["replica"])["KeyMetadata"]["Description"] == "replica, 2"
    assert len(iam.list_policy_versions(PolicyArn=outputs["policy"])["Versions"]) == 2
    assert iam.get_user(UserName="terraform-deployer")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == (
        outputs["policy"]
    )
    assert [found["UserName"] for found in iam.get_group(GroupName="terraform-closed-renamed")["Users"]] == [
        "terraform-member"
    ]
    assert iam.list_account_aliases()["AccountAliases"] == ["terraform-home-renamed"]

    # What is there already is taken over as it is.
    for address, identifier in (
        ("aws_kms_key.app", key.rpartition("/")[2]),
        ("aws_kms_alias.app", "alias/terraform-app"),
        ("aws_iam_role.app", "terraform-app"),
        ("aws_iam_user.member", "terraform-member"),
        ("aws_iam_policy.use", outputs["policy"]),
    ):
        terraform.run("state", "rm", address)
        terraform.run("import", *variables(2), address, identifier)
    # What exists in the configuration alone, such as a waiting period, is set there; then nothing is left to change.
    terraform.run("apply", "-auto-approve", *variables(2))
    terraform.run("plan", "-detailed-exitcode", *variables(2))

    terraform.run("destroy", "-auto-approve", *variables(2))
    assert error_of(iam.get_role, RoleName="terraform-app") == "NoSuchEntity"
    assert error_of(iam.get_user, UserName="terraform-deployer") == "NoSuchEntity"
    assert error_of(iam.get_group, GroupName="terraform-team") == "NoSuchEntity"
    assert error_of(iam.get_instance_profile, InstanceProfileName="terraform-app") == "NoSuchEntity"
    assert error_of(iam.get_policy, PolicyArn=outputs["policy"]) == "NoSuchEntity"
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert iam.list_account_aliases()["AccountAliases"] == []
    for name in ("key", "separate", "brought", "written"):
        assert kms.describe_key(KeyId=outputs[name])["KeyMetadata"]["KeyState"] == "PendingDeletion", name
    assert far.describe_key(KeyId=outputs["replica"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert [alias for alias in kms.list_aliases()["Aliases"] if "terraform" in alias["AliasName"]] == []
