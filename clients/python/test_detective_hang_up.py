"""A client that hangs up before its answer: what it asked for is done and recorded, or neither."""

import json
import random
import socket
import struct
import time

import rawhttp
import sigv4
import trail
from kanuki import wait_until
from sigv4 import Scope

CALLS = 200
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def create_key(world, number: int) -> bytes:
    """A signed CreateKey as it goes over the wire."""
    host, port = world.server.address
    body = json.dumps({"Description": f"hang-up-{number}"}).encode()
    scope = Scope(sigv4.now(), "us-west-2", "kms")
    headers = [
        ("Host", f"{host}:{port}"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "TrentService.CreateKey"),
        ("X-Amz-Date", scope.timestamp),
    ]
    authorization = sigv4.authorization("POST", "/", "", headers, body, world.keys("Admin"), scope)
    headers += [("Authorization", authorization), ("Content-Length", str(len(body)))]
    return rawhttp.request("POST", "/", headers, body)


def hang_up(world, request: bytes, reset: bool) -> None:
    """Sends a request and leaves within a few milliseconds, politely or not."""
    with socket.create_connection(world.server.address, timeout=20) as connection:
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connection.sendall(request)
        time.sleep(random.random() * 0.0025)


def test_who_hangs_up_does_not_escape_the_trail(fresh):
    """R3: every key that was made has its record at once, while the server runs, and after an orderly stop."""
    for number in range(CALLS):
        hang_up(fresh, create_key(fresh, number), reset=number % 2 == 1)
    kms = fresh.kms()

    def made() -> set[str]:
        arns = kms.get_paginator("list_keys").paginate().search("Keys[].KeyArn")
        found = (kms.describe_key(KeyId=arn)["KeyMetadata"] for arn in arns)
        return {metadata["Arn"] for metadata in found if metadata["Description"].startswith("hang-up-")}

    def recorded() -> list[str]:
        records = (r for r in trail.records(fresh.server) if r["eventName"] == "CreateKey" and "errorCode" not in r)
        arns = (record["responseElements"]["keyMetadata"] for record in records)
        return sorted(metadata["arn"] for metadata in arns if metadata["description"].startswith("hang-up-"))

    wait_until(lambda: sorted(made()) == recorded(), 10, "each key that was made is recorded once")
    keys = made()
    assert len(keys) > CALLS // 4, f"only {len(keys)} of {CALLS} requests came whole: the test shows little"
    fresh.server.stop()
    assert recorded() == sorted(keys)
    assert trail.verify(fresh.server).returncode == 0
