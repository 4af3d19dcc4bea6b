"""Secrets stay where they belong: not on the disk, not in the server's memory, and the keeper cannot be read."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import pytest

import kanuki
from secrecy import Hunt, forms
from world import KNOWN_ALIAS, KNOWN_ARN, KNOWN_KEY_ID, KNOWN_MATERIAL, World

NOBODY = 65534
MEMORY_BYTES_MIN = 1 << 20


def use(world, key_id: str, hunt: Hunt) -> None:
    """Every way in which a secret passes through the server."""
    kms, dice = world.kms(), random.Random(1)
    for number in range(8):
        plaintext = dice.randbytes(64)
        context = {"number": str(number)}
        blob = kms.encrypt(KeyId=key_id, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == plaintext
        kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=key_id)
        hunt.add("plaintext", plaintext)
        hunt.add("data key", kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")["Plaintext"])
        sealed = kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256")["CiphertextBlob"]
        hunt.add("sealed data key", kms.decrypt(CiphertextBlob=sealed)["Plaintext"])
        hunt.add("random bytes", kms.generate_random(NumberOfBytes=32)["Plaintext"])
    refused = world.kms("Bob")
    try:
        refused.encrypt(KeyId=key_id, Plaintext=b"plaintext of a refused call")
    except refused.exceptions.ClientError:
        hunt.add("refused plaintext", b"plaintext of a refused call")


def test_no_secret_is_in_the_data_directory(fresh):
    """R1, R70: plaintexts, data keys and random bytes are nowhere on the disk, neither running nor after a kill."""
    hunt = Hunt()
    use(fresh, fresh.make_key().id, hunt)
    use(fresh, KNOWN_KEY_ID, hunt)
    hunt.add("key material", KNOWN_MATERIAL)
    assert hunt.in_folder(fresh.server.data_dir) == {}
    fresh.server.kill()
    assert hunt.in_folder(fresh.server.data_dir) == {}
    fresh.server.start()
    assert fresh.kms().encrypt(KeyId=KNOWN_KEY_ID, Plaintext=b"m")["KeyId"] == KNOWN_ARN
    fresh.server.stop()
    assert hunt.in_folder(fresh.server.data_dir) == {}
    assert not hunt.in_bytes("".join(fresh.server.output).encode())


def test_secret_access_keys_are_in_the_credentials_file_only(fresh):
    """R1: the search does find what is there, and finds it in no other file."""
    hunt = Hunt()
    fresh.kms("Bob"), fresh.sts("Bob").get_caller_identity()
    for name, keys in fresh.server.profiles().items():
        hunt.add(name, keys.secret_access_key.encode())
    session = fresh.assume("UserRole")
    hunt.add("session", session.secret_access_key.encode())
    found = hunt.in_folder(fresh.server.data_dir)
    assert set(found) == {"credentials"}
    assert found["credentials"] == {f"{name} (raw)" for name in fresh.server.profiles()}
    assert (fresh.server.data_dir / "credentials").stat().st_mode & 0o777 == 0o600


def test_known_material_works_and_is_kept_sealed(fresh):
    """R1: seeded material is used, also after a restart without the seed, by its id and by its alias."""
    kms = fresh.kms()
    blob = kms.encrypt(KeyId=KNOWN_ALIAS, Plaintext=b"m")
    assert blob["KeyId"] == KNOWN_ARN
    fresh.server.stop()
    fresh.server.seed = None
    fresh.server.start()
    assert fresh.kms().decrypt(CiphertextBlob=blob["CiphertextBlob"])["Plaintext"] == b"m"


def test_key_material_is_not_in_the_servers_memory(fresh):
    """R1: it is in the keeper only. The server is started again without the seed, in whose text it would be."""
    fresh.server.stop()
    fresh.server.seed = None
    fresh.server.start()
    kms, hunt, control = fresh.kms(), Hunt(), Hunt()
    for _ in range(50):
        kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=KNOWN_KEY_ID, Plaintext=b"m")["CiphertextBlob"])
    hunt.add("key material", KNOWN_MATERIAL)
    control.add("the command line", str(fresh.server.data_dir).encode())
    found, read = hunt.in_process(fresh.server.pid)
    assert read > MEMORY_BYTES_MIN, f"only {read} bytes of the server's memory could be read"
    assert not found
    assert "the command line (raw)" in control.in_process(fresh.server.pid)[0], "the search does not work"


@pytest.fixture
def unprivileged():
    """A server of an unprivileged user, so that being its owner is the only way to read it."""
    user = NOBODY if os.getuid() == 0 else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kanuki-unprivileged-"))
    executable = shutil.copy(kanuki.binary(), folder / "kanuki")
    os.chmod(executable, 0o755)
    if user is not None:
        os.chown(folder, user, user)
    server = kanuki.Server(folder / "data", executable=executable, user=user)
    try:
        yield server.start()
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def may_read(pid: int, user) -> bool:
    """Whether a process of that user can open another's memory."""
    identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    command = ["sh", "-c", "exec 3<\"/proc/$0/mem\"", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", check=False, **identity)
    assert done.returncode == 0 or "denied" in done.stderr, done.stderr
    return done.returncode == 0


def test_the_keeper_refuses_to_be_read(unprivileged):
    """R1: not even a process of the same user can open its memory; any other process of that user it can."""
    (keeper, *others) = unprivileged.children()
    assert not others, "the server has one child"
    identity = {} if unprivileged.user is None else {"user": unprivileged.user, "group": unprivileged.user}
    with subprocess.Popen(["sleep", "60"], **identity) as control:
        try:
            assert may_read(control.pid, unprivileged.user), "the control cannot be read either"
        finally:
            control.kill()
    assert not may_read(keeper, unprivileged.user)
    # The kernel gives the files of a process that may not be dumped to root.
    assert os.stat(f"/proc/{keeper}/mem").st_uid == 0
    status = pathlib.Path(f"/proc/{keeper}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, status
    world = World(unprivileged)
    assert world.kms().encrypt(KeyId=world.make_key().id, Plaintext=b"m")["CiphertextBlob"]


def test_the_search_finds_each_form(tmp_path):
    """R1: the search itself works, in files of every kind that the server has."""
    hunt = Hunt()
    hunt.add("material", KNOWN_MATERIAL)
    for name, needle in forms(KNOWN_MATERIAL).items():
        (tmp_path / "file").write_bytes(bytes(300_000) + b"x" * 7 + needle + bytes(300_000))
        assert hunt.in_folder(tmp_path)["file"], name
    (tmp_path / "file").write_bytes(bytes(600_000) + KNOWN_MATERIAL[:-1])
    assert hunt.in_folder(tmp_path) == {}
