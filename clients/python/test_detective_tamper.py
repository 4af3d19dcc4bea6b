"""A trail that was changed does not verify, and the verifier names where it breaks.

The files are handled as bytes only; no test here knows their format.
"""

import random
import shutil
import subprocess

import pytest

import trail
from kanuki import Server
from world import World

ROUNDS = 3
CALLS_PER_ROUND = 12
FLIPS = 8


@pytest.fixture(scope="module")
def honest(tmp_path_factory, _shared):
    """The data directory of a server that worked, was stopped and started a few times, and is stopped now."""
    server = _shared.make("honest")
    world = World(server)
    key = world.make_key()
    for number in range(ROUNDS):
        for _ in range(CALLS_PER_ROUND):
            world.kms().encrypt(KeyId=key.id, Plaintext=b"m")
        world.kms().update_key_description(KeyId=key.id, Description=f"round {number}")
        if number < ROUNDS - 1:
            server.restart()
    server.stop()
    assert trail.verify(server).returncode == 0
    return server


@pytest.fixture
def copy(honest, tmp_path):
    """A copy of that data directory, to be changed."""
    subprocess.run(
        ["cp", "-a", "--sparse=always", str(honest.data_dir), str(tmp_path / "data")], check=True, timeout=60
    )
    yield Server(tmp_path / "data")
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


def used(content: bytes) -> int:
    """How many bytes of a segment hold records: it is preallocated with zeros."""
    return len(content.rstrip(b"\0"))


def place_of(server: Server, request_id: str):
    """The segment that holds a record, and where in it the request id stands."""
    for segment in trail.segments(server):
        offset = segment.read_bytes().find(request_id.encode())
        if offset >= 0:
            return segment, offset
    raise AssertionError(f"no segment holds {request_id}: is the trail still written as JSON?")


def assert_broken(server: Server, *named: str) -> None:
    """`kanuki trail verify` exits with 1 and names the place."""
    verified = trail.verify(server)
    printed = verified.stdout + verified.stderr
    assert verified.returncode == 1, f"exit code {verified.returncode}: {printed}"
    assert any(name in printed for name in named), f"none of {named} is named: {printed}"


def test_an_honest_trail_verifies(copy, honest):
    """R39: also a copy of it, and it holds every call."""
    assert trail.verify(copy).returncode == 0
    trail.assert_each_call_recorded_once(copy, honest.calls)


@pytest.mark.parametrize("number", range(FLIPS))
def test_a_flipped_bit_is_found(copy, number):
    """R39: wherever it is: in the first record, the last, a header, a length, a digest."""
    dice = random.Random(number)
    segment = dice.choice(trail.segments(copy))
    content = bytearray(segment.read_bytes())
    end = used(bytes(content))
    offset = {0: 0, 1: end - 1}.get(number, dice.randrange(end))
    content[offset] ^= 1 << dice.randrange(8)
    segment.write_bytes(content)
    assert_broken(copy, segment.name, segment.stem)


def test_a_changed_name_is_found(copy, honest):
    """R39: a record that tells of another call, of the same length."""
    call = next(call for call in honest.calls if call.operation == "UpdateKeyDescription")
    segment, _ = place_of(copy, call.request_id)
    content = segment.read_bytes()
    changed = content.replace(b'"UpdateKeyDescription"', b'"GetParametersForImpo"')
    assert changed != content and len(changed) == len(content)
    segment.write_bytes(changed)
    assert_broken(copy, segment.name, segment.stem)


def test_removed_record_bytes_are_found(copy, honest):
    """R39: cut out of the middle, with what follows moved up and the file's size kept."""
    middle = honest.calls[len(honest.calls) // 2]
    following = honest.calls[len(honest.calls) // 2 + 1]
    segment, offset = place_of(copy, middle.request_id)
    content = segment.read_bytes()
    next_segment, next_offset = place_of(copy, following.request_id)
    # From one record's request id to the next one's is exactly one record's length.
    length = next_offset - offset if next_segment == segment and next_offset > offset else 100
    segment.write_bytes(content[:offset] + content[offset + length :] + b"\0" * length)
    assert_broken(copy, segment.name, segment.stem)


def test_swapped_records_are_found(copy, honest):
    """R39: two request ids change places."""
    first, second = honest.calls[5].request_id.encode(), honest.calls[6].request_id.encode()
    segment, _ = place_of(copy, honest.calls[5].request_id)
    content = segment.read_bytes()
    swapped = content.replace(first, b"#" * 36).replace(second, first).replace(b"#" * 36, second)
    assert swapped != content
    segment.write_bytes(swapped)
    assert_broken(copy, segment.name, segment.stem)


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_a_removed_segment_is_found(copy, which):
    """R39: the first or the last, even if there is only one."""
    segment = trail.segments(copy)[which]
    segment.unlink()
    assert_broken(copy, segment.name, segment.stem, "segment")


@pytest.mark.parametrize("kept", [0.34, 0.67, 0.999], ids=["a third", "two thirds", "all but the end"])
def test_a_truncated_tail_is_found(copy, kept):
    """R39: the newest records are cut off, as by someone who covers what he just did."""
    segment = trail.segments(copy)[-1]
    content = segment.read_bytes()
    end = int(used(content) * kept)
    segment.write_bytes(content[:end])
    assert_broken(copy, segment.name, segment.stem)


def test_a_zeroed_tail_is_found(copy, honest):
    """R39: the last record is overwritten with zeros, as preallocated space looks."""
    segment, offset = place_of(copy, honest.calls[-1].request_id)
    before, before_offset = place_of(copy, honest.calls[-2].request_id)
    content = segment.read_bytes()
    start = before_offset + (offset - before_offset) // 2 if before == segment else offset
    segment.write_bytes(content[:start] + b"\0" * (len(content) - start))
    assert_broken(copy, segment.name, segment.stem)
