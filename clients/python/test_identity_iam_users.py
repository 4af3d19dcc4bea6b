"""Users through the IAM API: made, found, listed and deleted, by those who may."""

import json
import os
import re
import subprocess

import pytest

import trail
from aws import error_of, refused, request_id
from kanuki import clean_environment
from policies import HOME, OTHER, root, user
from world import FAR_REGION, HOME_REGION


def denied(who: str, action: str, resource: str) -> str:
    """Denied since nothing allows."""
    return (
        f"User: {user(who)} is not authorized to perform: {action} on resource: {resource} because no identity-based "
        f"policy allows the {action} action"
    )


def test_a_user_is_made_found_and_deleted(world):
    """The stored spelling is kept; an id is never used again; case does not make another name."""
    iam = world.iam()
    made = iam.create_user(UserName="Nora", Path="/staff/eu/", Tags=[{"Key": "Team", "Value": "blue"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{HOME}:user/staff/eu/Nora" and made["Path"] == "/staff/eu/"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"]) and made["Tags"] == [{"Key": "Team", "Value": "blue"}]
    assert iam.get_user(UserName="nora")["User"] == made
    message = "User with name NORA already exists."
    refused("EntityAlreadyExists", message, iam.create_user, UserName="NORA")
    iam.delete_user(UserName="Nora")
    refused("NoSuchEntity", "The user with name Nora cannot be found.", iam.get_user, UserName="Nora")
    refused("NoSuchEntity", "The user with name Nora cannot be found.", iam.delete_user, UserName="Nora")
    again = iam.create_user(UserName="Nora")["User"]
    assert again["UserId"] != made["UserId"] and again["Path"] == "/" and "Tags" not in again
    iam.delete_user(UserName="Nora")


def test_without_a_name_it_is_the_caller(world):
    """A user is itself, root is the account; a role session has to say whom it means."""
    assert world.iam().get_user()["User"]["Arn"] == user("Admin")
    of_root = world.iam(f"{OTHER}/root").get_user()["User"]
    assert of_root["Arn"] == root(OTHER) and of_root["UserId"] == OTHER
    refused(
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
        world.iam("role/UserRole").get_user,
    )


def test_who_may_not_learns_nothing(world):
    """A missing user and an existing one are refused alike; other accounts are not even reached."""
    iam = world.iam("Bob")
    for name in ("Alice", "Nobody"):
        refused("AccessDenied", denied("Bob", "iam:GetUser", user(name)), iam.get_user, UserName=name)
        refused("AccessDenied", denied("Bob", "iam:CreateUser", user(name)), iam.create_user, UserName=name)
        refused("AccessDenied", denied("Bob", "iam:DeleteUser", user(name)), iam.delete_user, UserName=name)
    refused("AccessDenied", denied("Bob", "iam:ListUsers", "*"), iam.list_users)
    names = {found["UserName"] for found in world.iam(f"{OTHER}/root").list_users()["Users"]}
    # Other tests make users there too; those of the home account are never among them.
    assert {"Bob", "Carla"} <= names and not names & {"Admin", "Alice", "Auditor", "KeyMaker"}


def test_lists_come_in_pages(world):
    """By name, in pages of the asked size; a path prefix filters; markers of other lists are refused."""
    iam = world.iam()
    names = [f"paged-{i:02}" for i in range(7)]
    for name in names:
        iam.create_user(UserName=name, Path="/paged/" if name != names[3] else "/paged/deep/")
    first = iam.list_users(PathPrefix="/paged/", MaxItems=3)
    assert [found["UserName"] for found in first["Users"]] == names[:3] and first["IsTruncated"]
    second = iam.list_users(PathPrefix="/paged/", MaxItems=3, Marker=first["Marker"])
    third = iam.list_users(PathPrefix="/paged/", MaxItems=3, Marker=second["Marker"])
    assert [found["UserName"] for found in second["Users"] + third["Users"]] == names[3:]
    assert not third["IsTruncated"] and "Marker" not in third
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    everyone = [found["UserName"] for page in pages for found in page["Users"]]
    assert everyone == sorted(everyone, key=str.lower) and set(names) < set(everyone)
    deep = iam.list_users(PathPrefix="/paged/deep")["Users"]
    assert [found["UserName"] for found in deep] == [names[3]]
    refused("ValidationError", "Invalid Marker.", iam.list_users, Marker="bm9uc2Vuc2U=")
    for name in names:
        iam.delete_user(UserName=name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"UserName": ""},
        {"UserName": "a" * 65},
        {"UserName": "a b"},
        {"UserName": "ok", "Path": "no-slash"},
        {"UserName": "ok", "Path": "/" + "a" * 511 + "/"},
        {"UserName": "ok", "Tags": [{"Key": "", "Value": "x"}]},
        {"UserName": "ok", "Tags": [{"Key": "x", "Value": "y" * 257}]},
        {"UserName": "ok", "Tags": [{"Key": "a<b", "Value": "x"}]},
    ],
)
def test_what_the_model_forbids_is_refused(world, parameters):
    """Every constraint of the model is checked by the server, not only by the client."""
    iam = world.client("Admin", "iam", FAR_REGION, validate=False)
    message = re.compile(r"\d validation errors? detected: .*failed to satisfy constraint: .*")
    refused("ValidationError", message, iam.create_user, **parameters)
    assert error_of(iam.get_user, UserName="ok") == "NoSuchEntity"


def test_tags_have_rules(world):
    """Keys that differ in case alone are the same; 50 tags at most; `aws:` is reserved."""
    iam = world.iam()
    twice = [{"Key": "Team", "Value": "1"}, {"Key": "team", "Value": "2"}]
    message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    refused("InvalidInput", message, iam.create_user, UserName="Tagged", Tags=twice)
    many = [{"Key": f"k{i}", "Value": ""} for i in range(51)]
    message = "Cannot exceed quota for TagsPerUser: 50"
    refused("LimitExceeded", message, iam.create_user, UserName="Tagged", Tags=many)
    reserved = [{"Key": "aws:x", "Value": "1"}]
    assert error_of(iam.create_user, UserName="Tagged", Tags=reserved) == "InvalidInput"
    assert error_of(iam.get_user, UserName="Tagged") == "NoSuchEntity"


def test_any_region_may_be_signed_for_and_the_record_says_which_it_is(world):
    """IAM has no Regions: a client of any served Region reaches it, and records name the service's own."""
    for region in (FAR_REGION, HOME_REGION):
        answer = world.client("Admin", "iam", region).get_user()
        record = trail.record_of(world.server, request_id(answer))
        assert record["awsRegion"] == "us-east-1" and record["eventSource"] == "iam.amazonaws.com"
    made = world.iam().create_user(UserName="Recorded", Tags=[{"Key": "a", "Value": "b"}])
    record = trail.record_of(world.server, request_id(made))
    assert record["eventName"] == "CreateUser" and not record["readOnly"]
    assert record["requestParameters"]["userName"] == "Recorded"
    assert record["responseElements"]["user"]["userId"] == made["User"]["UserId"]
    world.iam().delete_user(UserName="Recorded")


def test_the_stock_command_line_works(world, aws_cli):
    """`aws iam` with nothing but an endpoint and credentials."""
    keys = world.keys("Admin")
    environment = clean_environment(
        AWS_ENDPOINT_URL=world.server.endpoint,
        AWS_ACCESS_KEY_ID=keys.access_key_id,
        AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_DEFAULT_REGION=HOME_REGION,
        AWS_CONFIG_FILE=os.devnull,
    )

    def run(*arguments):
        done = subprocess.run(
            [str(aws_cli), "iam", *arguments, "--output", "json"],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            check=False,
        )
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    code, made, error = run("create-user", "--user-name", "Cli", "--path", "/cli/", "--tags", "Key=a,Value=b c")
    assert code == 0, error
    assert made["User"]["Tags"] == [{"Key": "a", "Value": "b c"}]
    code, listed, _ = run("list-users", "--path-prefix", "/cli/")
    assert code == 0 and [found["UserName"] for found in listed["Users"]] == ["Cli"]
    assert run("delete-user", "--user-name", "Cli")[0] == 0
    code, _, error = run("get-user", "--user-name", "Cli")
    assert code != 0 and "(NoSuchEntity)" in error


def test_users_outlive_a_restart(fresh):
    """What was acknowledged is there after a kill; what was deleted stays deleted."""
    iam = fresh.iam()
    kept = iam.create_user(UserName="Kept", Tags=[{"Key": "a", "Value": "b"}])["User"]
    iam.create_user(UserName="Gone")
    iam.delete_user(UserName="Gone")
    fresh.server.kill()
    fresh.server.start()
    iam = fresh.iam()
    assert iam.get_user(UserName="Kept")["User"] == kept
    assert error_of(iam.get_user, UserName="Gone") == "NoSuchEntity"


def test_a_user_with_access_keys_is_not_deleted(world):
    """What hangs on a user is removed first; the refusal says what."""
    message = "Cannot delete entity, must delete access keys first."
    refused("DeleteConflict", message, world.iam().delete_user, UserName="Bob")
    assert world.sts("Bob").get_caller_identity()["Arn"] == user("Bob")
