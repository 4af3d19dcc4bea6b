"""Reads the audit trail of a server through `kanuki trail`, as an auditor would.

Not here: the format of the segment files; only `test_detective_tamper.py` touches those, as bytes.
"""

import json
import pathlib
import subprocess

from kanuki import Call, Server

ALL = 10_000_000
RECENT = 1_000


def records(server: Server, last: int = ALL) -> list[dict]:
    """The records of the trail, or the last of them, oldest first."""
    done = server.command("trail", "tail", "-n", str(last))
    assert done.returncode == 0, f"`kanuki trail tail` failed: {done.stderr}{done.stdout}"
    # Records may hold characters that Python, but not JSON, takes for ends of lines.
    return [json.loads(line) for line in done.stdout.split("\n") if line.strip()]


def by_request_id(server: Server, last: int = ALL) -> dict[str, list[dict]]:
    """The records of API calls, by request id."""
    found: dict[str, list[dict]] = {}
    for record in records(server, last):
        if record.get("requestID"):
            found.setdefault(record["requestID"], []).append(record)
    return found


def record_of(server: Server, request_id: str) -> dict:
    """The one record of a call that was just made. (That there is no older one, the end of the run checks.)"""
    found = by_request_id(server, RECENT).get(request_id, [])
    assert len(found) == 1, f"{len(found)} records for request {request_id}"
    return found[0]


def verify(server: Server) -> subprocess.CompletedProcess:
    """`kanuki trail verify`."""
    return server.command("trail", "verify")


def segments(server: Server) -> list[pathlib.Path]:
    """The segment files, oldest first."""
    return sorted((server.data_dir / "trail").glob("segment-*.ktrail"))


def assert_each_call_recorded_once(server: Server, calls: list[Call] | None = None) -> None:
    """Every answered call has its record, and no two records of one account and Region tell of the same request."""
    found = by_request_id(server)
    problems = []
    for call in server.calls if calls is None else calls:
        of_call = found.get(call.request_id, [])
        places = [(record.get("recipientAccountId"), record["awsRegion"]) for record in of_call]
        if not of_call or len(places) != len(set(places)):
            problems.append(f"{call}: {len(of_call)} records")
            continue
        if not same_error(of_call[0].get("errorCode"), call.error_code):
            problems.append(f"{call}: recorded as {of_call[0].get('errorCode')}")
    assert not problems, f"{len(problems)} calls are not recorded as they should be:\n" + "\n".join(problems[:20])


def same_error(recorded: str | None, answered: str | None) -> bool:
    """Whether a record's error code tells of the answered one. CloudTrail writes `AccessDenied` for the exception."""
    if answered == "AccessDeniedException":
        return recorded in ("AccessDenied", "AccessDeniedException")
    return recorded == answered
