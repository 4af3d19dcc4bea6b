"""Terraform with the stock AWS provider: declares keys and principals, finds nothing to change, takes all away again.

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

TERRAFORM = shutil.which("terraform")
PLUGINS = os.environ.get("KANUKI_TERRAFORM_PLUGINS", "")
SECONDS_MAX = 280

pytestmark = [
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


def test_a_configuration_is_applied_stays_as_it_is_and_is_destroyed(fresh, tmp_path):
    """After applying there is nothing to change; after destroying there is nothing left."""
    terraform = Workspace(fresh, tmp_path)
    terraform.run("init", f"-plugin-dir={PLUGINS}", "-no-color")
    terraform.run("apply", "-auto-approve", "-no-color")
    outputs = json.loads(terraform.run("output", "-json"))
    assert outputs["account"]["value"] == HOME
    terraform.run("plan", "-detailed-exitcode", "-no-color")
    iam, kms = fresh.iam(), fresh.kms()
    key = outputs["key"]["value"]
    assert kms.describe_key(KeyId="alias/terraform-app")["KeyMetadata"]["Arn"] == key
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    assert iam.get_role(RoleName="terraform-app")["Role"]["MaxSessionDuration"] == 7200
    terraform.run("destroy", "-auto-approve", "-no-color")
    assert error_of(iam.get_role, RoleName="terraform-app") == "NoSuchEntity"
    assert error_of(iam.get_user, UserName="terraform-deployer") == "NoSuchEntity"
    assert error_of(iam.get_group, GroupName="terraform-team") == "NoSuchEntity"
    assert error_of(iam.get_instance_profile, InstanceProfileName="terraform-app") == "NoSuchEntity"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
