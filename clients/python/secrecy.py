"""Looks for secrets where they must not be: in files and in the memory of a process.

A secret is looked for raw, in hexadecimal and in base64 at each of its three alignments.
"""

import base64
import pathlib
import re

PAGE = 4096
SHORTEST = 12  # shorter secrets would be found by chance


def forms(secret: bytes) -> dict[str, bytes]:
    """The ways in which a secret could be written."""
    assert len(secret) >= SHORTEST, "too short to be looked for"
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for shift in range(3):
        # Only those characters that do not depend on what stands before and after.
        encoded = base64.b64encode(b"\0" * shift + secret)
        start = (shift * 8 + 5) // 6
        whole = encoded[start : (shift + len(secret)) * 8 // 6]
        found[f"base64+{shift}"] = whole
        found[f"base64url+{shift}"] = whole.replace(b"+", b"-").replace(b"/", b"_")
    return found


class Hunt:
    """A set of secrets to look for, each with a name."""

    def __init__(self):
        self._needles: dict[bytes, str] = {}

    def add(self, name: str, secret: bytes) -> None:
        for form, needle in forms(secret).items():
            self._needles.setdefault(needle, f"{name} ({form})")

    def in_bytes(self, content: bytes) -> set[str]:
        """The names of what is found."""
        return {name for needle, name in self._needles.items() if needle in content}

    def in_folder(self, folder: pathlib.Path) -> dict[str, set[str]]:
        """What is found in which file below a folder."""
        found = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                names = self.in_bytes(without_empty_pages(path.read_bytes()))
                if names:
                    found[str(path.relative_to(folder))] = names
        return found

    def in_process(self, pid: int) -> tuple[set[str], int]:
        """What is found in a process's memory, and how many bytes could be read."""
        found, read = set(), 0
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for start, end in readable_regions(pid):
                content = _read_region(memory, start, end)
                read += len(content)
                found |= self.in_bytes(without_empty_pages(content))
        return found, read


def readable_regions(pid: int) -> list[tuple[int, int]]:
    """The address ranges of a process that can be read, without the kernel's own."""
    regions = []
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        range_, rights, *rest = line.split()
        if rights.startswith("r") and not (rest and rest[-1].startswith("[v")):
            start, _, end = range_.partition("-")
            regions.append((int(start, 16), int(end, 16)))
    return regions


def without_empty_pages(content: bytes) -> bytes:
    """The content without pages of zeros: preallocated files are mostly those. Neighbours stay apart."""
    if len(content) < 16 * PAGE:
        return content
    empty = bytes(PAGE)
    pages = (content[at : at + PAGE] for at in range(0, len(content), PAGE))
    return re.sub(rb"\0{64,}", b"\0" * 64, b"".join(page if page != empty else b"\0" * 64 for page in pages))


def _read_region(memory, start: int, end: int) -> bytes:
    parts, at = [], start
    while at < end:
        try:
            memory.seek(at)
            part = memory.read(min(end - at, 16 << 20))
        except (OSError, ValueError, OverflowError):
            break  # a region that went away, or that the kernel does not give out
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)
