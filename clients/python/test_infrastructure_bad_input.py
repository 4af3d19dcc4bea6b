"""Whatever arrives on the socket, the answer is one of the API's own errors, with one record, and the server lives."""

import base64
import json
import random
import re
import socket

import pytest

import rawhttp
import shapes
import trail
from rawhttp import Draft, request

SERIALIZATION = {"SerializationException"}
SERIALIZATION_OR_VALIDATION = {"SerializationException", "ValidationException"}
TOO_LARGE = {"RequestEntityTooLargeException", "ValidationException"}
RSS_GROWTH_KIB_MAX = 24 * 1024
GARBAGE = 200


def assert_api_error(world, answer, codes: set[str], message: str = "(?s).*") -> None:
    """One of the API's own errors, well-formed, with exactly one record; and the server still answers."""
    assert answer is not None, "the connection was closed without an answer"
    assert answer.code in codes, answer
    assert re.fullmatch(message, answer.message or ""), answer.message
    found = shapes.problems_of_error(None, answer.status, answer.headers, answer.body)
    assert not found, found
    record = trail.record_of(world.server, answer.request_id)
    assert trail.same_error(record["errorCode"], answer.code), record
    assert_alive(world)


def assert_alive(world) -> None:
    assert world.server.alive(), world.server.log()
    assert Draft(world.server, world.keys("Admin"), "ListKeys", b"{}").send().status == 200


def nested(depth: int) -> bytes:
    return b'{"KeyId":' + b"[" * depth + b"]" * depth + b"}"


# Operation, body, the codes that may come, what the message is like.
BODIES = {
    "no bytes": ("DescribeKey", b"", SERIALIZATION_OR_VALIDATION, ".*"),
    "blanks": ("DescribeKey", b"  \r\n ", SERIALIZATION_OR_VALIDATION, ".*"),
    "an open brace": ("DescribeKey", b"{", SERIALIZATION, ".*"),
    "cut off": ("DescribeKey", b'{"KeyId":"alias/x', SERIALIZATION, ".*"),
    "two objects": ("DescribeKey", b'{"KeyId":"a"}{"KeyId":"b"}', SERIALIZATION, ".*"),
    "a list": ("DescribeKey", b"[]", SERIALIZATION, ".*"),
    "a number": ("DescribeKey", b"17", SERIALIZATION, ".*"),
    "null": ("DescribeKey", b"null", SERIALIZATION_OR_VALIDATION, ".*"),
    "no UTF-8": ("DescribeKey", b'{"KeyId":"\xff\xfe"}', SERIALIZATION, ".*"),
    "half a surrogate": ("DescribeKey", b'{"KeyId":"\\ud800"}', SERIALIZATION, ".*"),
    "a comment": ("DescribeKey", b'{/* */"KeyId":"a"}', SERIALIZATION, ".*"),
    "a form": ("DescribeKey", b"Action=DescribeKey&KeyId=a", SERIALIZATION, ".*"),
    "number for string": ("DescribeKey", b'{"KeyId":5}', SERIALIZATION, ".*"),
    "object for string": ("DescribeKey", b'{"KeyId":{"a":"b"}}', SERIALIZATION, ".*"),
    "string for list": ("TagResource", b'{"KeyId":"a","Tags":"b"}', SERIALIZATION, ".*"),
    "string for boolean": ("PutKeyPolicy", b'{"KeyId":"a","Policy":"{}","BypassPolicyLockoutSafetyCheck":"x"}',
                           SERIALIZATION, ".*"),
    "string for number": ("GenerateRandom", b'{"NumberOfBytes":"many"}', SERIALIZATION, ".*"),
    "fraction for number": ("GenerateRandom", b'{"NumberOfBytes":1.5}', SERIALIZATION_OR_VALIDATION, ".*"),
    "huge number": ("GenerateRandom", b'{"NumberOfBytes":1e400}', SERIALIZATION_OR_VALIDATION, ".*"),
    "number past 64 bits": ("GenerateRandom", b'{"NumberOfBytes":99999999999999999999}',
                            SERIALIZATION_OR_VALIDATION, ".*"),
    "list for map": ("Encrypt", b'{"KeyId":"a","Plaintext":"YQ==","EncryptionContext":[]}', SERIALIZATION, ".*"),
    "number in the context": ("Encrypt", b'{"KeyId":"a","Plaintext":"YQ==","EncryptionContext":{"a":1}}',
                              SERIALIZATION, ".*"),
    "no base64": ("Decrypt", b'{"CiphertextBlob":"***"}', SERIALIZATION_OR_VALIDATION, ".*"),
    "nested 100 deep": ("DescribeKey", nested(100), SERIALIZATION, ".*"),
    "nested 100,000 deep": ("DescribeKey", nested(100_000), SERIALIZATION, ".*"),
    "nested in an unknown member": ("DescribeKey", b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
                                    SERIALIZATION_OR_VALIDATION, ".*"),
    "required member missing": ("DescribeKey", b"{}", {"ValidationException"},
                                "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
                                "Member must not be null"),
    "required member null": ("DescribeKey", b'{"KeyId":null}', {"ValidationException"},
                             "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
                             "Member must not be null"),
    "two members missing": ("TagResource", b"{}", {"ValidationException"}, "2 validation errors detected: .*; .*"),
    "name too long": ("DescribeKey", json.dumps({"KeyId": "x" * 2049}).encode(), {"ValidationException"},
                      ".*'keyId' failed to satisfy constraint: Member must have length less than or equal to 2048"),
    "1 MiB of a string": ("Encrypt", json.dumps({"KeyId": "a", "Plaintext": "A" * (1 << 20)}).encode(),
                          TOO_LARGE, ".*"),
    "1 MiB of blanks": ("DescribeKey", b" " * (1 << 20) + b"{}", TOO_LARGE | SERIALIZATION, ".*"),
    "1 MiB of zeros": ("DescribeKey", bytes(1 << 20), TOO_LARGE | SERIALIZATION, ".*"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_wrong_is_refused(world, name):
    """R3: broken, of the wrong types, too deep, too long: the API's error, and one record."""
    operation, body, codes, message = BODIES[name]
    answer = Draft(world.server, world.keys("Admin"), operation, body).send()
    assert_api_error(world, answer, codes, "(?s)" + message)


@pytest.mark.parametrize("target", ["TrentService.NoSuchThing", "NoService.ListKeys", "ListKeys", "", "TrentService.",
                                    "TrentService.listkeys", "a" * 4000])  # fmt: skip
def test_an_unknown_operation_is_refused(world, target):
    """R3: whatever the target is."""
    made = Draft(world.server, world.keys("Admin"), "ListKeys", b"{}").replace("X-Amz-Target", target)
    assert_api_error(world, made.send(), {"UnknownOperationException"})


def test_a_missing_target_is_refused(world):
    """R3: there is no operation to run."""
    made = Draft(world.server, world.keys("Admin"), "ListKeys", b"{}").replace("X-Amz-Target")
    assert_api_error(world, made.send(), {"UnknownOperationException"})


def test_two_targets_are_refused(world):
    """R3: signed as they are sent, joined by a comma, they name no operation."""
    made = Draft(world.server, world.keys("Admin"), "ListKeys", b"{}")
    made.replace("X-Amz-Target", "TrentService.ListKeys", "TrentService.CreateKey")
    assert_api_error(world, made.send(), {"UnknownOperationException", "InvalidSignatureException"})


def test_unknown_members_and_repeated_names_do_no_harm(world, key):
    """R3: members that the model does not know are ignored; of a repeated one, one value counts, or none."""
    body = json.dumps({"KeyId": key.id, "Colour": "red", "Deep": [{"a": [1]}]}).encode()
    answer = Draft(world.server, world.keys("Admin"), "DescribeKey", body).send()
    assert answer.status == 200 and json.loads(answer.body)["KeyMetadata"]["Arn"] == key.arn
    body = f'{{"KeyId":"{key.id}","KeyId":"alias/nobody"}}'.encode()
    answer = Draft(world.server, world.keys("Admin"), "DescribeKey", body).send()
    assert answer.status == 200 or answer.code in ("NotFoundException", "SerializationException")
    assert len(trail.by_request_id(world.server)[answer.request_id]) == 1


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), id="TLS hello"),
        pytest.param(b"POST / HTTP/9.9\r\nHost: x\r\n\r\n", id="HTTP 9.9"),
        pytest.param(b"\0" * 1000, id="zeros"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", id="two lengths"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * (1 << 20) + b"\r\n\r\n", id="header of 1 MiB"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", id="20,000 headers"),
        pytest.param(b"POST /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="path of 1 MiB"),
        pytest.param(b"DELETE /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", id="another method and path"),
        pytest.param(b"GET /%zz?%zz=%zz HTTP/1.1\r\nHost: x\r\n\r\n", id="broken escapes"),
    ],
)
def test_what_is_hardly_http_is_refused(world, sent):
    """R3: an error or a closed connection, never a success; what got as far as a request id is recorded."""
    answer = rawhttp.send(world.server, sent, half_close=True)
    if answer is not None:
        assert answer.status >= 400, answer
        if answer.request_id:
            assert len(trail.by_request_id(world.server)[answer.request_id]) == 1
    assert_alive(world)


def test_a_client_that_stops_talking_blocks_nobody(world):
    """R3: fifty half-sent requests stay open while others are answered."""
    host, port = world.server.address
    head = request("POST", "/", [("Host", f"{host}:{port}"), ("Content-Length", "1000")])
    waiting = [socket.create_connection((host, port), timeout=10) for _ in range(50)]
    try:
        for connection in waiting:
            connection.sendall(head[: len(head) - 2])
        assert_alive(world)
        assert world.kms().list_keys()["Keys"]
    finally:
        for connection in waiting:
            connection.close()


def test_a_body_shorter_than_promised_does_nothing(world):
    """R3: the client goes away in the middle; nothing is made of what came."""
    before = len(world.kms().get_paginator("list_keys").paginate().build_full_result()["Keys"])
    draft = Draft(world.server, world.keys("Admin"), "CreateKey", b"{}")
    rawhttp_send = draft.send(lambda headers, body: ([*headers, ("Connection", "close")], body))
    assert rawhttp_send.status == 200
    host, port = world.server.address
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(request("POST", "/", [("Host", f"{host}:{port}"), ("Content-Length", "100")], b"{}"))
    after = len(world.kms().get_paginator("list_keys").paginate().build_full_result()["Keys"])
    assert after == before + 1
    assert_alive(world)


def test_ciphertexts_cut_at_every_length_do_not_open(world, key):
    """R28: each is refused without a message; none brings the server down; memory does not grow."""
    kms = world.kms(validate=False)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"k" * 32)["CiphertextBlob"]
    draft_codes = set()
    for length in range(len(blob)):
        draft_codes.add((length > 0, _code(kms, blob[:length])))
    assert draft_codes == {(False, "ValidationException"), (True, "InvalidCiphertextException")}
    longer = [blob + bytes(extra) for extra in (1, 16, 4096)]
    assert {_code(kms, one) for one in longer} == {"InvalidCiphertextException"}
    trail.assert_each_call_recorded_once(world.server)
    before = world.server.rss_kib()
    for length in range(len(blob)):
        _code(kms, blob[:length])
    for _ in range(20):
        Draft(world.server, world.keys("Admin"), "DescribeKey", nested(100_000)).send()
        Draft(world.server, world.keys("Admin"), "Encrypt", b" " * (1 << 20)).send()
    assert world.server.rss_kib() - before < RSS_GROWTH_KIB_MAX
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"k" * 32


def test_a_ciphertext_with_any_bit_flipped_does_not_open(world, key):
    """R28: a flip in the name of the key may also lead to a key that nobody may use."""
    kms = world.kms()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"k" * 32)["CiphertextBlob"]
    codes = set()
    for offset in range(len(blob)):
        changed = bytearray(blob)
        changed[offset] ^= 1 << (offset % 8)
        codes.add(_code(kms, bytes(changed)))
    assert "InvalidCiphertextException" in codes
    assert codes <= {"InvalidCiphertextException", "AccessDeniedException"}


def test_random_ciphertexts_do_not_open(world):
    """R28: of any length up to the longest that is allowed; one byte more is refused by its length."""
    kms, dice = world.kms(validate=False), random.Random(28)
    codes = {_code(kms, dice.randbytes(dice.randrange(1, 6145))) for _ in range(GARBAGE)}
    assert codes <= {"InvalidCiphertextException", "AccessDeniedException"} and codes
    assert _code(kms, bytes(6145)) == "ValidationException"
    body = json.dumps({"CiphertextBlob": base64.b64encode(b"x" * 6145).decode()}).encode()
    message = "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: .* 6144"
    answer = Draft(world.server, world.keys("Admin"), "Decrypt", body).send()
    assert_api_error(world, answer, {"ValidationException"}, message)


def _code(kms, blob: bytes) -> str:
    try:
        kms.decrypt(CiphertextBlob=blob)
    except kms.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"a ciphertext that was not made here opened: {blob.hex()}")
