"""What only whoever runs the server may ask, through the socket in its data directory: accounts and their roots."""

import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import ClientError

import aws
import trail
from policies import HOME, OTHER, root

UNUSED = "222233334444"


def ask(server, line: bytes, *, cut: bool = False) -> bytes:
    """Says one line through the socket, as no command would; empty if the server hangs up without a word."""
    folder = os.open(server.data_dir, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(30)
            peer.connect(f"/proc/self/fd/{folder}/operator.sock")
            try:
                peer.sendall(line)
                if cut:
                    peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server had heard enough
            answer = b""
            try:
                while part := peer.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
            return answer
    finally:
        os.close(folder)


def acts(server) -> list[dict]:
    return [record for record in trail.records(server) if record["userIdentity"].get("type") == "Operator"]


def run(server, *arguments: str) -> subprocess.CompletedProcess:
    done = server.command(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_an_account_is_made_and_its_root_acts_in_it_alone(fresh):
    """Each account has a root that can be given credentials; no account sees another's names."""
    server = fresh.server
    assert UNUSED in run(server, "accounts", "create", "--id", UNUSED).stdout
    run(server, "accounts", "root-credentials", UNUSED)
    keys = server.profiles()[f"{UNUSED}/root"]

    identity = aws.connect(server, keys, service="sts", region="us-west-2").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (UNUSED, root(UNUSED))
    kms = aws.connect(server, keys, service="kms", region="us-west-2")
    own = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/own", TargetKeyId=own)
    theirs = fresh.make_key()
    fresh.kms().create_alias(AliasName="alias/home", TargetKeyId=theirs.id)

    assert [key["KeyId"] for key in kms.list_keys()["Keys"]] == [own]
    names = [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]
    assert [name for name in names if not name.startswith("alias/aws/")] == ["alias/own"]
    assert own not in json.dumps(fresh.kms().list_keys()["Keys"])
    for foreign in (theirs.arn, theirs.id):
        with pytest.raises(ClientError):
            kms.describe_key(KeyId=foreign)
    exported = run(server, "env", "--profile", f"{UNUSED}/root").stdout
    assert keys.access_key_id in exported


def test_accounts_are_listed_and_chosen(fresh):
    server = fresh.server
    chosen = json.loads(run(server, "accounts", "create", "--json").stdout)["account"]
    assert re.fullmatch(r"[1-9]\d{11}", chosen)
    listed = json.loads(run(server, "accounts", "list", "--json").stdout)["accounts"]
    assert {account["account"] for account in listed} == {HOME, OTHER, chosen}
    assert [account["account"] for account in listed if account["home"]] == [HOME]
    assert all(account in run(server, "accounts", "list").stdout for account in (HOME, OTHER, chosen))


def test_what_cannot_be_is_refused_and_changes_nothing(fresh):
    server = fresh.server
    before = run(server, "accounts", "list", "--json").stdout
    again = server.command("accounts", "create", "--id", HOME)
    assert again.returncode != 0 and "exists already" in again.stderr
    nobody = server.command("accounts", "root-credentials", UNUSED)
    assert nobody.returncode != 0 and f"no account {UNUSED}" in nobody.stderr
    assert server.command("accounts", "create", "--id", "12345").returncode != 0
    assert run(server, "accounts", "list", "--json").stdout == before


def test_a_root_has_two_access_keys_and_replacing_ends_them_at_once(fresh):
    """IAM and STS quotas: two access keys; a key that was replaced opens nothing any more."""
    server = fresh.server
    run(server, "accounts", "create", "--id", UNUSED)
    old = []
    for _ in range(2):
        run(server, "accounts", "root-credentials", UNUSED)
        old.append(server.profiles()[f"{UNUSED}/root"])
    third = server.command("accounts", "root-credentials", UNUSED)
    assert third.returncode != 0 and "--replace" in third.stderr
    for keys in old:
        aws.connect(server, keys, service="sts", region="us-west-2").get_caller_identity()
    run(server, "accounts", "root-credentials", UNUSED, "--replace")
    for keys in old:
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            aws.connect(server, keys, service="sts", region="us-west-2").get_caller_identity()
    new = server.profiles()[f"{UNUSED}/root"]
    aws.connect(server, new, service="sts", region="us-west-2").get_caller_identity()


def test_every_act_is_recorded_without_its_secret(fresh):
    server = fresh.server
    run(server, "accounts", "create", "--id", UNUSED)
    server.command("accounts", "create", "--id", UNUSED)
    made = run(server, "accounts", "root-credentials", UNUSED, "--json").stdout
    keys = server.profiles()[f"{UNUSED}/root"]
    first, second, third = acts(server)
    assert first["userIdentity"] == {"type": "Operator", "principalId": f"uid:{os.getuid()}"}
    assert (first["eventName"], first["eventType"], first["readOnly"]) == ("CreateAccount", "KanukiOperatorAct", False)
    assert first["requestParameters"] == {"account": UNUSED} and first["recipientAccountId"] == UNUSED
    assert second["errorCode"] == "EntityAlreadyExists"
    assert third["eventName"] == "CreateRootCredentials"
    assert keys.secret_access_key not in made + json.dumps([first, second, third])
    assert trail.verify(server).returncode == 0


def test_accounts_outlive_a_crash(fresh):
    """Acknowledged means durable."""
    server = fresh.server
    run(server, "accounts", "create", "--id", UNUSED)
    run(server, "accounts", "root-credentials", UNUSED)
    keys = server.profiles()[f"{UNUSED}/root"]
    server.kill()
    server.start()
    assert aws.connect(server, keys, service="sts", region="us-west-2").get_caller_identity()["Account"] == UNUSED
    assert len(acts(server)) == 2


def test_the_socket_is_its_owners_alone(fresh):
    path = fresh.server.data_dir / "operator.sock"
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
    fresh.server.stop()
    assert not path.exists()
    alone = fresh.server.command("accounts", "list")
    assert alone.returncode != 0 and "no server runs" in alone.stderr
    fresh.server.start()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_gets_no_answer(fresh):
    """Not even one who can reach the file: the peer's user counts, as the system tells it."""
    path = fresh.server.data_dir / "operator.sock"
    script = (
        "import os, socket, sys\n"
        "peer = socket.socket(socket.AF_UNIX)\n"
        "os.chdir(sys.argv[1]); os.setgid(65534); os.setuid(65534)\n"
        "peer.connect('operator.sock')\n"
        "print(peer.recv(65536).decode())\n"
    )
    opened = []
    try:
        for folder in [path, *path.parents]:
            if folder == pathlib.Path("/"):
                break
            opened.append((folder, stat.S_IMODE(folder.stat().st_mode)))
            folder.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", script, str(path.parent)], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        for folder, mode in opened:
            folder.chmod(mode)
    assert "only the server's own user and root" in done.stdout, done.stderr
    assert HOME not in done.stdout
    assert acts(fresh.server) == []


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"null\n",
        b'{"act":"DropEverything"}\n',
        b'{"act":"CreateAccount","account":"1"}\n',
        b'{"act":"CreateAccount","extra":1}\n',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
    ],
    ids=["empty", "no-act", "null", "unknown", "short-id", "extra", "deep", "not-text"],
)
def test_nonsense_is_refused_in_one_line(world, line):
    answer = json.loads(ask(world.server, line))
    assert list(answer) == ["refused"] and len(answer["refused"]) < 500


def test_a_line_has_an_end(world):
    """Neither an endless line nor one that breaks off hangs the door or moves it."""
    assert b"done" not in ask(world.server, b'{"act":"ListAccounts"}', cut=True)
    assert b"done" not in ask(world.server, b" " * (600 * 1024))
    assert b"done" in ask(world.server, b'{"act":"ListAccounts"}\n')


def test_many_operators_at_once(fresh):
    """More peers than are served at once: all get their turn, and the accounts are all different."""
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(fresh.server, b'{"act":"CreateAccount"}\n')))
        for _ in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accounts = {json.loads(answer)["done"]["account"] for answer in answers}
    assert len(accounts) == 24
