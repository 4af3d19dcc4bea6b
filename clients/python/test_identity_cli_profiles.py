"""Profiles of the stock AWS CLI: every way in which it gets credentials by itself, with nothing but an endpoint set."""

import json
import pathlib
import re
import shlex
import sys
import tempfile

import pytest

import scripts
import totp
import trail
from home import Home
from policies import HOME, allow, document, role, role_session, user
from principals import fresh_name, trusting
from test_identity_mfa import P3

WITH_CODE = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.fixture
def home(steered, aws_cli):
    """A home directory with the keys of the seed's users."""
    made = Home(pathlib.Path(tempfile.mkdtemp(dir=steered.server.data_dir.parent)), aws_cli, steered.server.endpoint)
    for name in ("Admin", "Alice", "Bob", "ExampleUser"):
        made.keep(name, steered.keys(name))
    return made


@pytest.fixture(scope="module")
def device(steered):
    """The second factor of ExampleUser."""
    made = totp.make(steered, "ExampleUser")
    totp.give(steered, made, "ExampleUser")
    return made


def make_role(world, *principals: str, **condition) -> str:
    """A role without policies, by name."""
    name = fresh_name("cli")
    more = {"Condition": condition} if condition else {}
    world.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trusting(*principals, **more))
    return name


def who(done) -> str:
    """Whom a successful GetCallerIdentity names."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Arn"]


WHOAMI = ("sts", "get-caller-identity", "--output", "json")


def assumptions(world, name: str) -> list[dict]:
    """The records of the calls that took a role."""
    wanted = role(name)
    found = (record for record in trail.records(world.server) if record["eventName"].startswith("AssumeRole"))
    return [record for record in found if (record.get("requestParameters") or {}).get("roleArn") == wanted]


def test_a_profile_names_a_role(steered, home):
    """`role_arn` and `source_profile`: the session is taken once and kept, with its name and its length."""
    name = make_role(steered, user("Bob"))
    home.configure("app", role_arn=role(name), source_profile="Bob", role_session_name="night", duration_seconds="1800")
    for _ in range(2):
        assert who(home.aws("app", *WHOAMI)) == role_session(name, "night")
    (record,) = assumptions(steered, name)
    assert record["requestParameters"]["durationSeconds"] == 1800
    assert record["userIdentity"]["arn"] == user("Bob")
    home.configure("unnamed", role_arn=role(name), source_profile="Bob")
    assert re.fullmatch(re.escape(role_session(name, "")) + r"botocore-session-\d+", who(home.aws("unnamed", *WHOAMI)))
    home.configure("foreign", role_arn=role(name), source_profile="Alice", role_session_name="evening")
    done = home.aws("foreign", *WHOAMI)
    assert done.returncode != 0 and "(AccessDenied) when calling the AssumeRole operation" in done.stderr


def test_a_profile_takes_its_keys_from_the_environment(steered, home):
    """`credential_source`: a role on the keys of whoever runs the command."""
    name = make_role(steered, user("Bob"))
    home.configure("app", role_arn=role(name), credential_source="Environment", role_session_name="s1")
    keys = steered.keys("Bob")
    own = {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
    assert who(home.aws("app", *WHOAMI, **own)) == role_session(name, "s1")


def test_a_profile_shows_an_external_id(steered, home):
    """`external_id`: without the right one the role is not for this customer."""
    name = make_role(steered, user("Bob"), StringEquals={"sts:ExternalId": "partner-7"})
    home.configure("right", role_arn=role(name), source_profile="Bob", role_session_name="s1", external_id="partner-7")
    home.configure("wrong", role_arn=role(name), source_profile="Bob", role_session_name="s1", external_id="partner-8")
    home.configure("without", role_arn=role(name), source_profile="Bob", role_session_name="s1")
    assert who(home.aws("right", *WHOAMI)) == role_session(name, "s1")
    for profile in ("wrong", "without"):
        assert "(AccessDenied)" in home.aws(profile, *WHOAMI).stderr


def test_a_chain_of_profiles(steered, home):
    """A role on a role on a user: only the one that the last role trusts can take it."""
    first = make_role(steered, user("Bob"))
    second = make_role(steered, role(first))
    home.configure("first", role_arn=role(first), source_profile="Bob", role_session_name="s1")
    home.configure("second", role_arn=role(second), source_profile="first", role_session_name="s2")
    home.configure("short", role_arn=role(second), source_profile="Bob", role_session_name="s3")
    assert who(home.aws("second", *WHOAMI)) == role_session(second, "s2")
    assert "(AccessDenied)" in home.aws("short", *WHOAMI).stderr
    key = steered.make_key(allow(role(second), "kms:Encrypt"))
    encrypt = ("kms", "encrypt", "--key-id", key.arn, "--plaintext", "fileb:///etc/hostname")
    assert home.aws("second", *encrypt).returncode == 0
    assert "(AccessDeniedException)" in home.aws("first", *encrypt).stderr


def test_a_profile_asks_for_a_code(steered, home, device):
    """R34: `mfa_serial` with `role_arn` and `source_profile`; the CLI asks at the terminal, once for a session."""
    name = make_role(steered, user("ExampleUser"), **WITH_CODE)
    settings = {"role_arn": role(name), "source_profile": "ExampleUser", "role_session_name": "s1"}
    home.configure("careless", **settings)
    home.configure("careful", **settings, mfa_serial=device.serial)
    done = home.aws("careless", *WHOAMI)
    assert "(AccessDenied) when calling the AssumeRole operation" in done.stderr

    code, shown = home.aws_at_terminal("careful", device.wrong(), *WHOAMI)
    assert code != 0 and "MultiFactorAuthentication failed with invalid MFA one time pass code." in shown, shown
    code, shown = home.aws_at_terminal("careful", device.fresh(), *WHOAMI)
    assert code == 0 and role_session(name, "s1") in shown, shown
    assert f"Enter MFA code for {device.serial}" in shown
    # Kept: nobody is asked again, and nobody could be.
    assert who(home.aws("careful", *WHOAMI)) == role_session(name, "s1")
    records = assumptions(steered, name)
    assert [record.get("errorCode") for record in records] == ["AccessDenied", "AccessDenied", None]
    assert records[-1]["requestParameters"]["serialNumber"] == device.serial


def test_a_program_gives_the_profile_its_session(steered, home, device):
    """R34: `credential_process`: a program logs in with a code, and the critical calls of P3 pass."""
    key = steered.make_key(P3)
    (home.folder / "p3.json").write_text(scripts.wrapped(json.dumps(P3)))
    put = ("kms", "put-key-policy", "--key-id", key.arn, "--policy", "file://p3.json")
    assert "(AccessDeniedException)" in home.aws("ExampleUser", *put).stderr
    program = home.folder / "log-in"
    program.write_text(LOG_IN.format(python=sys.executable))
    program.chmod(0o700)
    login = home.aws(
        "ExampleUser", "sts", "get-session-token", "--serial-number", device.serial, "--token-code", device.fresh(),
        "--output", "json",
    )  # fmt: skip
    assert login.returncode == 0, login.stderr
    (home.folder / "session.json").write_text(login.stdout)
    home.configure("logged-in", credential_process=shlex.join([str(program), str(home.folder / "session.json")]))
    done = home.aws("logged-in", *put)
    assert done.returncode == 0, done.stderr
    steered.server.advance(300)
    assert "(AccessDeniedException)" in home.aws("logged-in", *put).stderr


# The form of the answer: "Sourcing credentials with an external process", AWS CLI user guide.
LOG_IN = """#!{python}
import json, sys
given = json.load(open(sys.argv[1]))["Credentials"]
print(json.dumps({{"Version": 1, **given}}))
"""


def test_a_session_of_a_federated_user(steered, home):
    """`aws sts get-federation-token`, and its keys in a profile: not more than the session policy."""
    policy = document({"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"})
    token = home.aws("Admin", "sts", "get-federation-token", "--name", "guest", "--policy", policy, "--output", "json")
    assert token.returncode == 0, token.stderr
    given = json.loads(token.stdout)["Credentials"]
    own = {"AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"]}
    own["AWS_SESSION_TOKEN"] = given["SessionToken"]
    assert who(home.aws(None, *WHOAMI, **own)) == f"arn:aws:sts::{HOME}:federated-user/guest"
    key = steered.make_key()
    assert home.aws(None, "kms", "describe-key", "--key-id", key.arn, **own).returncode == 0
    disable = home.aws(None, "kms", "disable-key", "--key-id", key.arn, **own)
    assert "(AccessDeniedException)" in disable.stderr


def test_each_way_to_name_the_endpoint(steered, home):
    """One variable for all services, one for each, the profile, a section of services, an option."""
    endpoint, nowhere = steered.server.endpoint, "http://127.0.0.1:9"
    none = {"AWS_ENDPOINT_URL": None}
    home.configure("direct", endpoint_url=endpoint)
    home.configure("by-service", services="kanuki", endpoint_url=nowhere)
    home.services("kanuki", kms=endpoint, sts=endpoint, iam=endpoint)
    for profile in ("direct", "by-service"):
        home.keep(profile, steered.keys("Admin"))
    list_keys, get_user = ("kms", "list-keys", "--max-items", "1"), ("iam", "get-user", "--user-name", "Bob")
    for profile, environment in (
        ("Admin", {}),
        ("Admin", {"AWS_ENDPOINT_URL": nowhere, "AWS_ENDPOINT_URL_KMS": endpoint, "AWS_ENDPOINT_URL_IAM": endpoint}),
        ("direct", none),
        ("by-service", none),
    ):
        for arguments in (list_keys, get_user):
            done = home.aws(profile, *arguments, **environment)
            assert done.returncode == 0, (profile, environment, done.stderr)
    assert home.aws("Admin", *list_keys, "--endpoint-url", endpoint, AWS_ENDPOINT_URL=nowhere).returncode == 0
    refused = home.aws("Admin", *list_keys, AWS_ENDPOINT_URL=nowhere, AWS_MAX_ATTEMPTS="1")
    assert refused.returncode != 0 and "Could not connect to the endpoint URL" in refused.stderr
