"""What the files of the store hold, as bytes: for tests of what must have left them.

Not here: what the rows mean; they are sealed.
"""

import contextlib
import pathlib
import shutil
import sqlite3
import uuid

from kanuki import Server

# So much of the end of a sealed row tells it from every other.
TAIL_BYTES = 64


def stored_rows(server: Server, key, folder: pathlib.Path) -> list[bytes]:
    """The sealed values of a key's rows, read from a copy of the store's files."""
    folder.mkdir()
    for path in server.data_dir.glob("store.sqlite*"):
        shutil.copy(path, folder / path.name)
    with contextlib.closing(sqlite3.connect(folder / "store.sqlite")) as database:
        rows = list(database.execute("SELECT key, value FROM records"))
    return [bytes(value) for place, value in rows if uuid.UUID(key.id).bytes in bytes(place)]


def holds(server: Server, rows: list[bytes]) -> bool:
    """Whether any file of the store still holds one of these rows, in use or not."""
    contents = [path.read_bytes() for path in server.data_dir.glob("store.sqlite*")]
    return any(row[-TAIL_BYTES:] in content for row in rows for content in contents)
