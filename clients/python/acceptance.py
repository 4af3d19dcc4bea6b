"""Reads `clients/acceptance.toml`: which tests carry out which acceptance scenario."""

import dataclasses
import pathlib

from kanuki import REPOSITORY

TABLE = REPOSITORY / "clients" / "acceptance.toml"
FOLDER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A scenario, its tests as `test_file.py::test`, and what of it no test carries out."""

    id: str
    title: str
    tests: tuple[str, ...]
    not_walked: str | None


def requirements() -> list[Requirement]:
    """The scenarios, in the order of the whitepaper."""
    import tomllib  # of Python 3.11: whoever only runs other tests does without

    entries = tomllib.loads(TABLE.read_text())["requirement"]
    found = []
    for entry in entries:
        unknown = entry.keys() - {"id", "title", "tests", "not_walked"}
        assert not unknown, f"{entry['id']}: {unknown}"
        tests = tuple(f"test_{file}.py::{test}" for file, _, test in (it.partition("::") for it in entry["tests"]))
        found.append(Requirement(entry["id"], entry["title"], tests, entry.get("not_walked")))
    return found
