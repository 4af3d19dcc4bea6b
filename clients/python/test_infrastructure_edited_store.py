"""A store that was edited by hand: the touched key is refused, never served wrong, and the others work.

The store is opened as plain SQLite while the server is stopped: table `records(keyspace, key, version, value)`.
What the values mean is sealed; the rows of a KMS key are found by its id in their key.
"""

import sqlite3
import uuid

import pytest
from botocore.exceptions import ClientError

from policies import ADMIN, document
from world import World

REFUSALS = {"KMSInternalException", "KeyUnavailableException"}
# Lists walk over all records, so they may be refused as long as one of those is damaged.
LISTS = {"ListKeys", "ListAliases"}
# The number of the keyspace of keys' last uses.
LAST_USES = 31


class Store:
    """The rows of the store of a stopped server."""

    def __init__(self, server):
        assert server.process is None, "stop the server first"
        self._database = sqlite3.connect(server.data_dir / "store.sqlite")

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if not failed:
            self._database.commit()
        self._database.close()

    def rows_of(self, key_id: str) -> dict[tuple, tuple]:
        """The rows whose key holds this id, as text or as bytes: (keyspace, key without the id) → (key, version,
        value)."""
        found = {}
        needles = (key_id.encode(), uuid.UUID(key_id).bytes)
        rows = self._database.execute("SELECT keyspace, key, version, value FROM records")
        for keyspace, key, version, value in rows:
            raw = key.encode() if isinstance(key, str) else bytes(key)
            for needle in needles:
                if needle in raw:
                    found[keyspace, raw.replace(needle, b"<id>")] = (key, version, value)
        assert found, f"no row names {key_id}: how are keys of the store written?"
        return found

    def put(self, keyspace, key, value) -> None:
        """Replaces the value of a row and leaves everything else as it is."""
        done = self._database.execute(
            "UPDATE records SET value = ? WHERE keyspace = ? AND key = ?", (value, keyspace, key)
        )
        assert done.rowcount == 1


@pytest.fixture
def two_keys(fresh):
    """Two keys with an alias and tags each, a ciphertext of each, and what is known of them; the server is stopped."""
    kms, keys = fresh.kms(), []
    for name in ("first", "second"):
        key = fresh.make_key(Description=name, Tags=[{"TagKey": "name", "TagValue": name}])
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key.id)
        kms.put_key_policy(KeyId=key.id, Policy=document(ADMIN, Id=name))
        keys.append((key, kms.encrypt(KeyId=key.id, Plaintext=name.encode())["CiphertextBlob"]))
    known = [answers(fresh, *key) for key in keys]
    fresh.server.stop()
    return keys, known


def answers(world: World, key, blob: bytes) -> dict:
    """What the server says of a key: each answer, or the code of the refusal."""
    kms = world.kms()

    def decrypted_again():
        return kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key.arn, Plaintext=b"again")["CiphertextBlob"])["Plaintext"]

    calls = {
        # Before any use, which would be told from memory.
        "GetKeyLastUsage": lambda: kms.get_key_last_usage(KeyId=key.arn)["TrackingStartDate"],
        "DescribeKey": lambda: kms.describe_key(KeyId=key.arn)["KeyMetadata"],
        "GetKeyPolicy": lambda: kms.get_key_policy(KeyId=key.arn)["Policy"],
        "ListResourceTags": lambda: kms.list_resource_tags(KeyId=key.arn)["Tags"],
        "ListAliases": lambda: [alias["AliasName"] for alias in kms.list_aliases(KeyId=key.arn)["Aliases"]],
        "ListKeys": lambda: key.arn in set(kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn")),
        "Encrypt": decrypted_again,
        "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob)["Plaintext"],
    }
    found = {}
    for name, call in calls.items():
        try:
            found[name] = call()
        except ClientError as error:
            assert error.response["Error"]["Message"], f"{name}: a refusal without a word of why"
            found[name] = error.response["Error"]["Code"]
    return found


def refuses(answer) -> bool:
    """Whether an answer of `answers` is the refusal of a damaged record."""
    return isinstance(answer, str) and answer in REFUSALS


def assert_refused_not_wrong(world: World, keys, known) -> None:
    """The first key: every answer is the right one or a refusal, and at least one is a refusal. The second: as ever."""
    world.server.start()
    got = answers(world, *keys[0])
    refusals = {name for name, answer in got.items() if refuses(answer)}
    wrong = {name for name in got if name not in refusals and got[name] != known[0][name]}
    assert not wrong, f"answers from an edited record: { {name: got[name] for name in wrong} }"
    assert refusals, "nothing was refused"
    untouched = answers(world, *keys[1])
    lost = {n for n in untouched if untouched[n] != known[1][n] and not (n in LISTS and refuses(untouched[n]))}
    assert not lost, f"another key suffers: { {name: untouched[name] for name in lost} }"
    world.server.stop()


def each_row(world: World, keys):
    """The rows that both keys have, one after the other, as (place, row of the first, row of the second)."""
    with Store(world.server) as store:
        first, second = (store.rows_of(key.id) for key, _ in keys)
    shared = sorted(first.keys() & second.keys(), key=repr)
    assert shared, f"no places in common: {sorted(first, key=repr)} and {sorted(second, key=repr)}"
    return [(place[0], first[place], second[place]) for place in shared]


def with_value(world: World, keyspace, row, value, check) -> None:
    """Checks with one row's value replaced, and puts the old value back."""
    key, _, old = row
    with Store(world.server) as store:
        store.put(keyspace, key, value)
    check()
    with Store(world.server) as store:
        store.put(keyspace, key, old)


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_an_edited_record_is_refused(fresh, two_keys, place):
    """R1: a bit flipped in any record of a key, while the server was down."""
    keys, known = two_keys
    for keyspace, first, _ in each_row(fresh, keys):
        value = bytearray(first[2])
        if not value:
            continue
        value[{"start": 0, "middle": len(value) // 2, "end": -1}[place]] ^= 1
        with_value(fresh, keyspace, first, bytes(value), lambda: assert_refused_not_wrong(fresh, keys, known))
    fresh.server.start()
    assert answers(fresh, *keys[0]) == known[0], "with every byte put back, all is as before"


def test_a_copied_record_is_refused(fresh, two_keys):
    """R1: the second key's record in the place of the first's, byte for byte."""
    keys, known = two_keys
    for keyspace, first, second in each_row(fresh, keys):
        if first[2] == second[2]:
            continue
        with_value(fresh, keyspace, first, second[2], lambda: assert_refused_not_wrong(fresh, keys, known))


def test_swapped_records_are_refused(fresh, two_keys):
    """R1: both keys are refused then; neither is served as the other."""
    keys, known = two_keys
    for keyspace, first, second in each_row(fresh, keys):
        if first[2] == second[2]:
            continue
        with Store(fresh.server) as store:
            store.put(keyspace, first[0], second[2])
            store.put(keyspace, second[0], first[2])
        fresh.server.start()
        third = fresh.make_key()
        assert fresh.kms().encrypt(KeyId=third.id, Plaintext=b"m")["KeyId"] == third.arn, "a new key works"
        for (key, blob), expected in zip(keys, known, strict=True):
            got = answers(fresh, key, blob)
            wrong = {name for name in got if got[name] != expected[name] and not refuses(got[name])}
            assert not wrong, f"{keyspace}: answers from a swapped record: { {name: got[name] for name in wrong} }"
            assert any(refuses(answer) for answer in got.values())
        fresh.server.stop()
        with Store(fresh.server) as store:
            store.put(keyspace, first[0], first[2])
            store.put(keyspace, second[0], second[2])


def test_an_older_value_in_a_newer_version_is_refused(fresh, two_keys):
    """R1: a revoked policy cannot be brought back by putting its old record's value in the place of the new."""
    keys, _ = two_keys
    (key, _), (other, _) = keys
    with Store(fresh.server) as store:
        before = store.rows_of(key.id)
    fresh.server.start()
    newer = document(ADMIN, Id="newer")
    fresh.kms().put_key_policy(KeyId=key.id, Policy=newer)
    fresh.server.stop()
    with Store(fresh.server) as store:
        after = store.rows_of(key.id)
        changed = [place for place in before if place in after and before[place][2] != after[place][2]]
        assert changed, "PutKeyPolicy changed no record of the key"
        for place in changed:
            store.put(place[0], after[place][0], before[place][2])
    fresh.server.start()
    try:
        policy = fresh.kms().get_key_policy(KeyId=key.id)["Policy"]
    except ClientError as error:
        assert error.response["Error"]["Code"] in REFUSALS, error
    else:
        raise AssertionError(f"the old record was served: {policy}")
    assert fresh.kms().encrypt(KeyId=other.id, Plaintext=b"m")["KeyId"] == other.arn


def test_a_damaged_last_use_holds_up_no_other(fresh, two_keys):
    """R1: the last use of one key cannot be written over its damaged record; that of another key is, at the stop."""
    keys, _ = two_keys
    (key, _), (other, _) = keys
    with Store(fresh.server) as store:
        place = (LAST_USES, *(row for keyspace, row in store.rows_of(key.id) if keyspace == LAST_USES))
        damaged, before = store.rows_of(key.id)[place], store.rows_of(other.id)[place]
        store.put(LAST_USES, damaged[0], damaged[2][:-1] + bytes([damaged[2][-1] ^ 1]))
    fresh.server.start()
    for used in (key, other):
        fresh.kms().encrypt(KeyId=used.id, Plaintext=b"m")
    fresh.server.stop()
    with Store(fresh.server) as store:
        assert store.rows_of(other.id)[place] != before
    fresh.server.start()
    with pytest.raises(ClientError) as refused:
        fresh.kms().get_key_last_usage(KeyId=key.id)
    assert refused.value.response["Error"]["Code"] in REFUSALS
    assert fresh.kms().get_key_last_usage(KeyId=other.id)["KeyLastUsage"]["Operation"] == "Encrypt"
