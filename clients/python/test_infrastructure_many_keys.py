"""Work on one key takes as long among many keys as among few."""

import concurrent.futures
import statistics
import time

import pytest

from world import World

FEW = 50
SAMPLES = 60
# The bound is wide, since the machine has other work; a scan of all keys would be over it by far.
SLOWDOWN_MAX = 4.0
THREADS = 4
ROOM = """
[limits]
keys_per_account_max = 200000
[request_quotas.per_second]
CreateKey = 100000
"""


def medians(world: World, arn: str) -> dict[str, float]:
    """The median times of describing, encrypting and listing a first page, in seconds."""
    kms = world.kms()
    calls = {
        "describe": lambda: kms.describe_key(KeyId=arn),
        "encrypt": lambda: kms.encrypt(KeyId=arn, Plaintext=b"m"),
        "list": lambda: kms.list_keys(Limit=10),
        "list aliases": lambda: kms.list_aliases(KeyId=arn),
    }
    found = {}
    for name, call in calls.items():
        times = []
        for _ in range(SAMPLES):
            begun = time.perf_counter()
            call()
            times.append(time.perf_counter() - begun)
        found[name] = statistics.median(times)
    return found


def make_keys(world: World, number: int) -> None:
    kms = world.kms()
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda _: kms.create_key(), range(number)):
            pass


def compare(world: World, many: int) -> None:
    """The whole procedure."""
    key = world.make_key()
    make_keys(world, FEW)
    among_few = medians(world, key.arn)
    make_keys(world, many - FEW)
    among_many = medians(world, key.arn)
    ratios = {name: among_many[name] / among_few[name] for name in among_few}
    assert all(ratio < SLOWDOWN_MAX for ratio in ratios.values()), ratios
    pages = world.kms().get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1000})
    listed = [found["KeyArn"] for page in pages for found in page["Keys"]]
    assert len(listed) == len(set(listed)) >= many and key.arn in listed


@pytest.fixture
def roomy(servers, tmp_path):
    """A server whose quotas let a test make more keys than AWS would, as fast as it can."""
    config = tmp_path / "kanuki.toml"
    config.write_text(ROOM)
    return World(servers.make("roomy", config=config))


def test_a_thousand_keys_cost_no_time(roomy):
    """R65: describe, encrypt and list among 1,000 keys."""
    compare(roomy, 1_000)


@pytest.mark.slow
def test_a_hundred_thousand_keys_cost_no_time(roomy):
    """R65: the same among 100,000, which is the default quota of an account and Region."""
    compare(roomy, 100_000)
