"""Starting and stopping: what is laid down, who may read it, and that a second start serves the same state."""

import json
import os
import signal
import subprocess

import pytest

import kanuki
import trail
from policies import HOME, user
from world import KNOWN_ARN, World


def test_a_first_start_needs_nothing(servers):
    """R1: an empty directory becomes a service with one administrator, whose access key nobody else can read."""
    server = servers.make("empty", seeded=False)
    assert server.endpoint.startswith("http://127.0.0.1:")
    assert server.endpoint in "".join(server.output), "the endpoint is printed too"
    mode = (server.data_dir / "credentials").stat().st_mode & 0o777
    assert mode == 0o600 and set(server.profiles()) == {"default"}
    assert server.data_dir.stat().st_mode & 0o077 == 0, "the data directory is the owner's alone"
    world = World(server)
    assert world.sts().get_caller_identity()["Arn"] == user("Admin")
    assert world.kms().list_keys()["Keys"] == []
    assert world.make_key().arn.split(":")[4] == HOME


def test_the_seed_makes_what_it_names(fresh):
    """R1: a profile per access key; other accounts' profiles carry the account."""
    assert {"default", "Alice", "Bob", "444455556666/Bob", "444455556666/Carla"} <= set(fresh.server.profiles())
    assert "root" not in fresh.server.profiles()
    keys = fresh.server.profiles().values()
    assert len({key.access_key_id for key in keys}) == len(keys)


@pytest.mark.parametrize("with_seed", [True, False], ids=["with the seed", "without the seed"])
def test_a_second_start_serves_the_same_state(fresh, with_seed):
    """R2: keys, policies, aliases, tags, access keys and sessions; a seed is applied only where things are missing."""
    kms, key = fresh.kms(), fresh.make_key(Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key.id)
    fresh.put_policy(key)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    fresh.assume("UserRole")
    before = (_state(fresh, key), fresh.server.profiles())
    fresh.server.stop()
    if not with_seed:
        fresh.server.seed = None
    fresh.server.start()
    assert (_state(fresh, key), fresh.server.profiles()) == before
    assert fresh.kms().decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    # The session was taken before the restart.
    assert fresh.sts("role/UserRole").get_caller_identity()["Arn"].endswith("assumed-role/UserRole/s1")
    trail.assert_each_call_recorded_once(fresh.server)


def _state(world, key) -> list:
    kms = world.kms()
    answers = [
        kms.describe_key(KeyId=key.id),
        kms.get_key_policy(KeyId=key.id),
        kms.list_resource_tags(KeyId=key.id),
        kms.list_aliases(),
        kms.list_keys(),
        kms.describe_key(KeyId=KNOWN_ARN),
    ]
    return [{name: value for name, value in answer.items() if name != "ResponseMetadata"} for answer in answers]


def test_env_prints_what_a_shell_needs(fresh):
    """R69: for the administrator, and for a profile by name; an unknown profile is an error."""
    for profile, name in ((None, "default"), ("Alice", "Alice"), ("444455556666/Bob", "444455556666/Bob")):
        done = fresh.server.command("env", *([] if profile is None else ["--profile", profile]))
        assert done.returncode == 0, done.stderr
        exported = _exports(done.stdout)
        keys = fresh.server.profiles()[name]
        assert exported["AWS_ENDPOINT_URL"] == fresh.server.endpoint
        assert exported["AWS_ACCESS_KEY_ID"] == keys.access_key_id
        assert exported["AWS_SECRET_ACCESS_KEY"] == keys.secret_access_key
        assert exported["AWS_DEFAULT_REGION"] == exported["AWS_REGION"]
        assert exported["AWS_REGION"] in kanuki.REGIONS
    failed = fresh.server.command("env", "--profile", "Nobody")
    assert failed.returncode != 0 and "Nobody" in failed.stderr


def _exports(text: str) -> dict[str, str]:
    """What a shell would have in its environment after evaluating the text."""
    script = text + "\nenv -0 | grep -z '^AWS_'"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, timeout=30, env={"PATH": os.environ["PATH"]}
    )
    return dict(entry.partition("=")[::2] for entry in done.stdout.split("\0") if entry)


def test_two_servers_cannot_share_a_data_directory(fresh):
    """R2: the second refuses to start and says why; the first is not disturbed."""
    second = kanuki.Server(fresh.server.data_dir)
    endpoint = fresh.server.endpoint
    try:
        with pytest.raises(kanuki.StartError):
            second.start()
    finally:
        second.close()
        fresh.server.endpoint_file.write_text(endpoint + "\n")
    assert second.log().strip(), "no reason was given"
    assert fresh.kms().list_keys()["Keys"]


def test_a_dead_keeper_means_no_answers_that_need_a_key(fresh):
    """R1: when the keeper dies, the server does not answer as if nothing were; after a restart all is there."""
    key = fresh.make_key()
    blob = fresh.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    (keeper,) = fresh.server.children()
    os.kill(keeper, signal.SIGKILL)
    kms = fresh.kms()
    try:
        kms.decrypt(CiphertextBlob=blob)
    except kms.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
    except Exception as error:  # noqa: BLE001: no answer at all is right too
        assert "onnect" in repr(error), error
    else:
        raise AssertionError("a ciphertext was decrypted without the keeper")
    fresh.server.close()
    fresh.server.start()
    assert fresh.kms().decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"


def test_a_wrong_seed_is_refused(servers):
    """R1: an unknown field, a broken policy, an account that is none: no start, and the reason names it."""
    for text, named in (
        ('[[account]]\nid = "111122223333"\ncolour = "red"\n', "colour"),
        ('[[account]]\nid = "12"\n', "12"),
        ("[[account]\n", "seed"),
        ('[[account]]\nid = "111122223333"\n[[account.user]]\nname = "A"\ninline_policies = { p = "{}" }\n', "A"),
    ):
        server = servers.make("wrong-seed", seeded=False, start=False)
        server.data_dir.parent.mkdir(exist_ok=True)
        server.seed = server.data_dir.parent / "seed.toml"
        server.seed.write_text(text)
        with pytest.raises(kanuki.StartError) as failed:
            server.start()
        assert named in str(failed.value), failed.value


def test_records_of_all_starts_are_one_trail(fresh):
    """R39: stopping and starting breaks nothing."""
    for _ in range(3):
        fresh.kms().list_keys()
        fresh.server.restart()
    assert trail.verify(fresh.server).returncode == 0
    trail.assert_each_call_recorded_once(fresh.server)
    assert json.dumps(trail.records(fresh.server)[0])
