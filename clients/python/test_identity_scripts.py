"""The scripts of the acceptance scenarios, with the stock AWS CLI, as they are printed.

The files are `printed/*.sh`; each line tells its own result.
"""

import json
import pathlib
import tempfile

import pytest

import scripts
import trail
from conftest import Servers
from policies import HOME, OTHER, role
from test_identity_encryption_context import P2_EC
from test_identity_mfa import P3

FOREIGN = role("ForeignRole", OTHER)


@pytest.fixture(scope="module")
def stage(aws_cli):
    """A server whose world the first script made."""
    servers = Servers()
    server = servers.make("scripts", seeded=False, insecure_test_mode=True)
    for arguments in (["create", "--id", OTHER], ["root-credentials", OTHER]):
        done = server.command("accounts", *arguments)
        assert done.returncode == 0, done.stderr
    made = scripts.Stage(server, pathlib.Path(tempfile.mkdtemp(dir=servers.folder)), aws_cli)
    made.home.keep("Admin", server.profiles()["default"])
    made.home.keep("Other", server.profiles()[f"{OTHER}/root"])
    for name in ("UserRole", "RoleForExampleApp"):
        made.home.configure(name, role_arn=role(name), source_profile="Admin", role_session_name="s1")
    made.home.configure("ForeignRole", role_arn=FOREIGN, source_profile="Eve")
    made.walk("s0-world.sh")
    yield made
    made.close()
    servers.close()


def test_policies_are_the_printed_ones():
    """What the scripts name is what the other tests use, and P2 has its brace too many."""
    texts = {number: (scripts.FOLDER / f"p{number}.txt").read_text() for number in "1234"}
    assert json.loads(scripts.wrapped(texts["2"]))["Statement"][1:] == [P2_EC]
    assert texts["2"].rstrip().endswith("}\n}")
    assert json.loads(scripts.wrapped(texts["3"]))["Statement"][1:] == [P3]
    assert [found["Sid"] for found in json.loads(scripts.wrapped(texts["1"]))["Statement"]] == [
        "Admin", "Allow for use of this Key", "Allow for EC2 Use",
    ]  # fmt: skip
    assert json.loads(texts["4"])["Id"] == "PutObjPolicy"


def test_what_cannot_be_walked_is_counted():
    """No script hides what it leaves out; what is marked is tried, and must fail."""
    marked = {path.name: sum(line.expected == "not walked" for line in scripts.read(path.name))
              for path in scripts.FOLDER.glob("*.sh")}  # fmt: skip
    assert {name: count for name, count in marked.items() if count} == {"s1-ebs.sh": 2}


def test_encrypted_volumes(stage):
    """R11, script S1: the policy P1, as far as there are no volumes."""
    stage.walk("s1-ebs.sh")


def test_an_encryption_context_in_a_policy(stage):
    """R31, script S2: the policy P2."""
    stage.walk("s2-context.sh")


def test_critical_calls_want_a_recent_code(stage):
    """R34, R96, script S3: the policy P3 at 10, 299 and 300 seconds, for each of the four calls."""
    stage.walk("s3-mfa.sh")
    of_sessions = [
        record
        for record in trail.records(stage.server)
        if record["eventName"] == "PutKeyPolicy" and "sessionContext" in record["userIdentity"]
    ]
    attributes = [record["userIdentity"]["sessionContext"]["attributes"] for record in of_sessions]
    assert [found["mfaAuthenticated"] for found in attributes] == ["false", "true", "true", "true"]
    assert ["errorCode" in record for record in of_sessions] == [True, False, False, True]


def test_keys_of_a_central_account(stage):
    """R21, R56, R57: another account's users use a key by its ARN, if both accounts let them."""
    stage.walk("central-keys.sh")


def test_keys_whose_users_are_listed(stage):
    """R22, R56: no account is trusted as a whole."""
    stage.walk("own-keys.sh")
