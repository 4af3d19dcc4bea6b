"""Access keys: made, used, switched off, deleted; their secrets are seen once."""

import pathlib

import aws
import trail
from aws import error_of, refused, request_id
from policies import OTHER, identity, root
from principals import access_key, make_user
from sigv4 import Keys

UNKNOWN = "InvalidClientTokenId"


def works(world, keys: Keys) -> bool:
    """Whether a key still signs."""
    code = error_of(aws.connect(world.server, keys, service="sts").get_caller_identity)
    assert code in (None, UNKNOWN), code
    return code is None


def test_a_key_is_switched_off_and_on_for_the_next_call(world):
    """Deactivating and deleting take effect at once, and only for that key."""
    made, iam = make_user(world), world.iam()
    second = access_key(world, made.name)
    assert works(world, made.keys) and works(world, second)
    for _ in range(3):
        iam.update_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id, Status="Inactive")
        assert not works(world, made.keys) and works(world, second)
        iam.update_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id, Status="Active")
        assert works(world, made.keys)
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    assert not works(world, made.keys) and works(world, second)
    listed = iam.list_access_keys(UserName=made.name)["AccessKeyMetadata"]
    assert [(key["AccessKeyId"], key["Status"]) for key in listed] == [(second.access_key_id, "Active")]
    message = f"The Access Key with id {made.keys.access_key_id} cannot be found."
    gone = {"UserName": made.name, "AccessKeyId": made.keys.access_key_id}
    refused("NoSuchEntity", message, iam.delete_access_key, **gone)
    refused("NoSuchEntity", message, iam.update_access_key, **gone, Status="Active")


def test_two_keys_are_the_most(world):
    """The third is refused, and a deleted one makes room."""
    made, iam = make_user(world), world.iam()
    access_key(world, made.name)
    message = "Cannot exceed quota for AccessKeysPerUser: 2"
    refused("LimitExceeded", message, iam.create_access_key, UserName=made.name)
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    assert works(world, access_key(world, made.name))


def test_users_and_root_manage_their_own_keys_without_a_name(world):
    """Whose keys they are follows from who signs; nobody reaches another's keys."""
    own = identity("Allow", "iam:*AccessKey*", resource="arn:aws:iam::*:user/${aws:username}")
    mine, other = make_user(world, None, own), make_user(world)
    iam = mine.client("iam")
    made = iam.create_access_key()["AccessKey"]
    assert made["UserName"] == mine.name and made["Status"] == "Active"
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 2
    iam.delete_access_key(AccessKeyId=made["AccessKeyId"])
    theirs = other.keys.access_key_id
    assert error_of(iam.delete_access_key, AccessKeyId=theirs) == "NoSuchEntity"
    assert error_of(iam.delete_access_key, UserName=other.name, AccessKeyId=theirs) == "AccessDenied"
    assert error_of(iam.create_access_key, UserName=other.name) == "AccessDenied"
    assert works(world, other.keys)
    root_iam = world.iam(f"{OTHER}/root")
    made = root_iam.create_access_key()["AccessKey"]
    keys = Keys(made["AccessKeyId"], made["SecretAccessKey"])
    assert aws.connect(world.server, keys, service="sts").get_caller_identity()["Arn"] == root(OTHER)
    root_iam.delete_access_key(AccessKeyId=keys.access_key_id)
    assert not works(world, keys)


def test_the_secret_is_in_its_answer_and_nowhere_else(fresh):
    """Neither in the trail nor in any file of the data directory, also after a restart."""
    made = make_user(fresh)
    answer = fresh.iam().create_access_key(UserName=made.name)
    key = answer["AccessKey"]
    secret = key["SecretAccessKey"]
    assert len(secret) == 40
    record = trail.record_of(fresh.server, request_id(answer))
    assert record["responseElements"]["accessKey"]["accessKeyId"] == key["AccessKeyId"]
    assert secret not in str(record)
    fresh.server.restart()
    assert works(fresh, Keys(key["AccessKeyId"], secret))
    fresh.server.stop()
    for file in pathlib.Path(fresh.server.data_dir).rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file
    fresh.server.start()


def test_a_deleted_user_is_nobody_and_its_name_gives_nothing_back(world):
    """Rights hang on the id: a new user of the old name has none of them, and the old key is dead."""
    made, iam = make_user(world, None, identity("Allow", "kms:ListKeys")), world.iam()
    assert error_of(made.client("kms").list_keys) is None
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    iam.delete_user_policy(UserName=made.name, PolicyName="own")
    iam.delete_user(UserName=made.name)
    assert not works(world, made.keys)
    again = make_user(world, made.name)
    assert again.arn == made.arn and again.id != made.id
    assert not works(world, made.keys)
    assert error_of(again.client("kms").list_keys) == "AccessDeniedException"
