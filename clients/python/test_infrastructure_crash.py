"""`kill -9` under load: what was acknowledged is there, with its record, and nothing is half made."""

import dataclasses
import json
import random
import threading
import time

import pytest

import trail
from aws import NO_ANSWER
from policies import ADMIN, document
from world import KNOWN_ARN, World

THREADS = 4
LOAD_SECONDS = (0.05, 0.35)
CREATED_MIN = 10


@dataclasses.dataclass
class Made:
    """A key that one thread made, with what was acknowledged of it."""

    arn: str
    number: int
    ciphertexts: list[tuple[bytes, bytes]] = dataclasses.field(default_factory=list)
    # The number in the newest policy that was acknowledged, and in one that may be in force too.
    policy: int | None = None
    policy_in_flight: int | None = None


class Load:
    """Threads that create keys, put policies and encrypt, until the server is gone."""

    def __init__(self, world: World):
        self.world = world
        self.keys: list[Made] = []
        self.unexpected: list[str] = []
        self._counter = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """A number that was never given before."""
        with self._lock:
            self._counter += 1
            return self._counter

    def kill_during(self, seconds: float) -> None:
        """Runs the load for a while, kills the server in the middle of it, and waits for the threads."""
        self.world.kms()
        threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)  # the load, not a wait for anything
        self.world.server.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs after the server was killed"

    def _work(self) -> None:
        kms = self.world.kms()
        try:
            while True:
                self._one_key(kms)
        except NO_ANSWER:
            return  # the server is gone: nothing was acknowledged
        except Exception as error:  # noqa: BLE001: reported by the test, whatever it is
            self.unexpected.append(repr(error))

    def _one_key(self, kms) -> None:
        number = self.next()
        tags = [{"TagKey": "number", "TagValue": str(number)}, {"TagKey": "second", "TagValue": str(number)}]
        made = Made(kms.create_key(Description=str(number), Tags=tags)["KeyMetadata"]["Arn"], number)
        self.keys.append(made)
        for _ in range(2):
            made.policy_in_flight = self.next()
            kms.put_key_policy(KeyId=made.arn, Policy=policy(made.policy_in_flight))
            made.policy = made.policy_in_flight
            plaintext = str(self.next()).encode()
            made.ciphertexts.append((kms.encrypt(KeyId=made.arn, Plaintext=plaintext)["CiphertextBlob"], plaintext))


def policy(number: int) -> str:
    """A policy that carries a number."""
    return document(ADMIN, Id=f"policy-{number}")


def assert_whole(load: Load, keys: list[Made]) -> None:
    """Each acknowledged change is there; what was in flight is there whole or not at all."""
    kms = load.world.kms()
    for made in keys:
        metadata = kms.describe_key(KeyId=made.arn)["KeyMetadata"]
        assert metadata["KeyState"] == "Enabled" and metadata["Description"] == str(made.number)
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=made.arn)["Tags"]}
        assert tags == {"number": str(made.number), "second": str(made.number)}
        text = kms.get_key_policy(KeyId=made.arn)["Policy"]
        possible = {policy(number) for number in (made.policy, made.policy_in_flight) if number is not None}
        if made.policy is None:
            possible.add(text if json.loads(text)["Id"] == "key-default-1" else None)
        assert text in possible, f"neither the acknowledged policy nor the one in flight: {text}"
        for blob, plaintext in made.ciphertexts:
            assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext


def assert_changes_and_records_agree(load: Load) -> None:
    """The keys that exist are those of which the trail tells, and each policy in force has its record."""
    server, kms = load.world.server, load.world.kms()
    found = trail.records(server)
    created = {
        record["responseElements"]["keyMetadata"]["arn"]
        for record in found
        if record["eventName"] == "CreateKey" and not record.get("errorCode")
    }
    listed = set(kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn")) - {KNOWN_ARN}
    assert listed - created == set(), "keys without a record"
    assert created - listed == set(), "records of keys that do not exist"
    put = {
        json.loads(record["requestParameters"]["policy"]).get("Id")
        for record in found
        if record["eventName"] == "PutKeyPolicy" and not record.get("errorCode")
    }
    for arn in listed:
        in_force = json.loads(kms.get_key_policy(KeyId=arn)["Policy"])["Id"]
        assert in_force == "key-default-1" or in_force in put, f"policy {in_force} without a record"
        assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=arn, Plaintext=b"m")["CiphertextBlob"])["Plaintext"] == b"m"


def kill_again_and_again(world: World, kills: int, seed: int) -> None:
    """The whole procedure."""
    load, dice = Load(world), random.Random(seed)
    for _ in range(kills):
        before = len(load.keys)
        load.kill_during(dice.uniform(*LOAD_SECONDS))
        world.server.start()
        assert not load.unexpected, load.unexpected
        assert_whole(load, load.keys[before:])
        trail.assert_each_call_recorded_once(world.server)
    assert len(load.keys) > CREATED_MIN, "too little load to have tested anything"
    assert_whole(load, load.keys)
    assert_changes_and_records_agree(load)
    verified = trail.verify(world.server)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_ten_kills_lose_nothing_and_invent_nothing(fresh):
    """R2: keys, policies and ciphertexts that were acknowledged, and their records, survive 10 kills under load."""
    kill_again_and_again(fresh, 10, seed=2)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_invent_nothing(fresh):
    """R2: the same, 50 times."""
    kill_again_and_again(fresh, 50, seed=50)


def test_a_key_can_be_made_at_once_after_each_kill(fresh):
    """R2: a server that is killed while it starts comes up again."""
    for delay in (0.0, 0.01, 0.03, 0.1):
        fresh.server.kill()
        starting = threading.Thread(target=_start_quietly, args=(fresh.server,))
        starting.start()
        time.sleep(delay)  # kills at another point of the start each time
        process = fresh.server.process
        if process is not None:
            process.kill()
        starting.join(60)
        fresh.server.close()
        fresh.server.start()
        assert fresh.kms().describe_key(KeyId=fresh.make_key().id)["KeyMetadata"]["KeyState"] == "Enabled"
    assert trail.verify(fresh.server).returncode == 0
    trail.assert_each_call_recorded_once(fresh.server)


def _start_quietly(server) -> None:
    try:
        server.start()
    except AssertionError:
        pass  # it was killed before it was ready: that is the point
