"""A key of imported material is controlled and recorded as any other; and what is imported stays the keeper's."""

import os
import re

import pytest

import trail
from imports import bring_in
from lifecycles import OBSERVED, Life, granted, named, shape_of, tagged
from secrecy import Hunt
from world import World

# Where the origin itself shows: the API gives imported keys no automatic rotation, and tells more of their material.
OF_THE_ORIGIN = {"get_key_rotation_status", "list_key_rotations"}
EVENTS_OF_THE_ORIGIN = {"GetKeyRotationStatus", "GetParametersForImport", "ImportKeyMaterial"}
MEMBERS_OF_THE_ORIGIN = re.compile(r"'(ExpirationModel|Origin|origin)': '[A-Z_]+',? ?")


class Imported(Life):
    """A life whose keys have imported material, and are usable as soon as they are made."""

    def make(self, **parameters) -> str:
        arn = super().make(Origin="EXTERNAL", **parameters)
        bring_in(self.kms(), arn, os.urandom(32))
        return arn


def told(world: World, kind, life) -> tuple[list, list]:
    """What is seen of a life after each step, and what the trail says of it."""
    of_this = kind(world)
    seen = []
    for step in life(of_this):
        found = {name: answer for name, answer in of_this.observe().items() if name.split()[-1] not in OF_THE_ORIGIN}
        seen.append((step, MEMBERS_OF_THE_ORIGIN.sub("", shape_of(found))))
    records = [
        (record["eventName"], record.get("errorCode"), record["readOnly"], sorted(record["requestParameters"] or {}))
        for record in trail.records(world.server)
        if record["eventName"] not in EVENTS_OF_THE_ORIGIN
    ]
    return seen, records


@pytest.mark.parametrize("life", [granted, named, tagged], ids=lambda life: life.__name__)
def test_imported_keys_are_controlled_and_recorded_as_any(servers, life):
    """R50: policies, grants, tags, aliases, states and the trail are the same for both origins, step by step."""
    assert set(OBSERVED) > OF_THE_ORIGIN
    own, own_records = told(World(servers.make("own")), Life, life)
    imported, imported_records = told(World(servers.make("imported")), Imported, life)
    assert imported == own
    assert imported_records == own_records and len(own_records) > 10


def test_imported_material_is_nowhere_but_in_the_keeper(fresh):
    """R1: imported, used, deleted and imported again; neither file nor output has it, and no answer gives it."""
    kms, hunt = fresh.kms(), Hunt()
    key, material = fresh.make_key(Origin="EXTERNAL"), os.urandom(32)
    hunt.add("imported material", material)
    bring_in(kms, key.id, material)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    answers = [kms.describe_key(KeyId=key.id), kms.list_key_rotations(KeyId=key.id), blob]
    assert not hunt.in_bytes(repr(answers).encode())
    kms.delete_imported_key_material(KeyId=key.id)
    bring_in(kms, key.id, material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
    assert hunt.in_folder(fresh.server.data_dir) == {}
    found, read = hunt.in_process(fresh.server.pid)
    assert read > 1 << 20 and found == set()
    fresh.server.kill()
    assert hunt.in_folder(fresh.server.data_dir) == {}
    assert not hunt.in_bytes("".join(fresh.server.output).encode())
