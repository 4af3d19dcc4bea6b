"""Second factors: devices, one-time codes that are good once, and policies that ask for a recent one."""

import base64
import concurrent.futures
import json
import os
import re
import struct
import zlib

import pytest

import imports
import policies
import totp
import trail
from aws import connect, error_of, refused, request_id
from policies import HOME, allow, deny, document, user
from sigv4 import Keys

WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code."
NOT_THEIRS = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and "
    "associated with this user."
)
INCOMPLETE = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
# The whitepaper's policy for critical calls.
P3_ACTIONS = ("kms:DeleteAlias", "kms:DeleteImportedKeyMaterial", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
RECENT = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
P3 = allow(user("ExampleUser"), *P3_ACTIONS, Condition=RECENT, Sid="MFACriticalKMSEvents")


def given(answer: dict) -> Keys:
    """The keys of temporary credentials."""
    made = answer["Credentials"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


@pytest.fixture(scope="module")
def example(steered):
    """A device of ExampleUser's."""
    device = totp.make(steered, "ExampleUser")
    totp.give(steered, device, "ExampleUser")
    return device


def login(world, device, who="ExampleUser", **more) -> Keys:
    """A session of a user on a code that was never used."""
    return given(world.sts(who).get_session_token(SerialNumber=device.serial, TokenCode=device.fresh(), **more))


def kms_of(world, keys: Keys):
    return connect(world.server, keys)


def critical_calls(world):
    """The four critical calls on a key under P3, ready to be made by a client."""
    key = world.make_key(P3, Origin="EXTERNAL")
    imports.bring_in(world.kms(), key.id, os.urandom(32))
    alias = f"alias/p3-{key.id[:8]}"
    world.kms().create_alias(AliasName=alias, TargetKeyId=key.id)
    text = document(policies.ADMIN, P3)
    return [
        lambda kms: kms.put_key_policy(KeyId=key.arn, PolicyName="default", Policy=text),
        lambda kms: kms.delete_alias(AliasName=alias),
        lambda kms: kms.delete_imported_key_material(KeyId=key.arn),
        lambda kms: kms.schedule_key_deletion(KeyId=key.arn, PendingWindowInDays=7),
    ]


def test_critical_calls_need_a_code_younger_than_300_seconds(steered, example):
    """R34, R96: allowed at 10 and at 299 seconds, refused at 300, for each of the four calls."""
    for age in (10, 299):
        for call in critical_calls(steered):
            kms = kms_of(steered, login(steered, example))
            steered.server.advance(age)
            call(kms)
    calls = critical_calls(steered)
    keys = login(steered, example)
    steered.server.advance(300)
    kms = kms_of(steered, keys)
    for call in calls:
        assert error_of(call, kms=kms) == "AccessDeniedException"
    # The same session is only too old for these, and a new code makes it young again.
    kms = kms_of(steered, login(steered, example))
    for call in calls:
        call(kms)


def test_critical_calls_are_refused_without_a_code(steered, example):
    """R34: neither long-term keys nor a session made without a code have an age."""
    plain = kms_of(steered, given(steered.sts("ExampleUser").get_session_token()))
    for call in critical_calls(steered):
        assert error_of(call, kms=plain) == "AccessDeniedException"
        assert error_of(call, kms=steered.kms("ExampleUser")) == "AccessDeniedException"


def test_the_record_says_that_a_code_was_given(steered, example):
    """R34, R36: `mfaAuthenticated` is true, and the code itself is nowhere."""
    code = example.fresh()
    answer = steered.sts("ExampleUser").get_session_token(SerialNumber=example.serial, TokenCode=code)
    login_record = trail.record_of(steered.server, request_id(answer))
    assert login_record["requestParameters"]["serialNumber"] == example.serial
    assert code not in json.dumps(login_record["requestParameters"])
    key = steered.make_key(P3)
    kms = kms_of(steered, given(answer))
    answer = kms.put_key_policy(KeyId=key.arn, PolicyName="default", Policy=document(policies.ADMIN, P3))
    identity = trail.record_of(steered.server, request_id(answer))["userIdentity"]
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"
    assert identity["arn"] == user("ExampleUser")


def test_an_allow_by_mfa_alone_is_no_requirement(steered, example):
    """R34b: P3 only adds an Allow; a Deny on the age, or on its absence, is what closes the other ways."""
    by_account = allow(policies.root(), "kms:*")
    key = steered.make_key(by_account, P3)
    steered.kms("Alice").disable_key(KeyId=key.id)
    steered.kms("Alice").schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    old = {"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": "300"}}
    none = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    closed = [deny("*", "kms:ScheduleKeyDeletion", Condition=condition) for condition in (old, none)]
    key = steered.make_key(by_account, P3, *closed)
    assert error_of(steered.kms("Alice").schedule_key_deletion, KeyId=key.id) == "AccessDeniedException"
    keys = login(steered, example)
    kms_of(steered, keys).schedule_key_deletion(KeyId=key.arn, PendingWindowInDays=7)


def test_a_code_is_good_once(steered, example):
    """R34: used again it is refused, wherever it was used, and so is every earlier one."""
    sts = steered.sts("ExampleUser")
    code, before = example.fresh(), example.at(-1)
    sts.get_session_token(SerialNumber=example.serial, TokenCode=code)
    for again in (code, before):
        refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=example.serial, TokenCode=again)
    # Of the next step, within the window: good, and then used up as well.
    after = example.at(1)
    sts.get_session_token(SerialNumber=example.serial, TokenCode=after)
    refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=example.serial, TokenCode=after)


def test_of_many_calls_with_one_code_one_succeeds(steered, example):
    """However many come at once."""
    code = example.fresh()

    def attempt(_):
        call = steered.sts("ExampleUser").get_session_token
        return error_of(call, SerialNumber=example.serial, TokenCode=code)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(4)))
    assert sorted(answers, key=str) == ["AccessDenied"] * 3 + [None], answers


def test_a_used_code_stays_used_through_a_crash(fresh):
    """What was taken is durable before the answer leaves."""
    device = totp.make(fresh, "d")
    totp.give(fresh, device, "ExampleUser")
    code = device.at(1)
    fresh.sts("ExampleUser").get_session_token(SerialNumber=device.serial, TokenCode=code)
    ahead = fresh.server.advanced
    fresh.server.kill()
    fresh.server.start()
    fresh.server.advance(ahead)
    call = fresh.sts("ExampleUser").get_session_token
    refused("AccessDenied", WRONG, call, SerialNumber=device.serial, TokenCode=code)
    fresh.sts("ExampleUser").get_session_token(SerialNumber=device.serial, TokenCode=device.fresh())


def test_guessing_is_slowed_down(steered, example):
    """Five wrong codes of a device in five minutes: then not even the right one is looked at."""
    sts = steered.sts("ExampleUser")
    steered.server.advance(400)
    for _ in range(5):
        refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=example.serial, TokenCode=example.wrong())
    refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=example.serial, TokenCode=example.fresh())
    steered.server.advance(100)
    refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=example.serial, TokenCode=example.fresh())
    steered.server.advance(100)
    sts.get_session_token(SerialNumber=example.serial, TokenCode=example.fresh())


def test_a_device_works_for_its_user_alone(steered, example):
    """Another user, a role session, a missing device, half of the two parameters."""
    code = example.fresh()
    alice = steered.sts("Alice").get_session_token
    refused("AccessDenied", NOT_THEIRS, alice, SerialNumber=example.serial, TokenCode=code)
    missing = f"arn:aws:iam::{HOME}:mfa/none"
    refused("AccessDenied", NOT_THEIRS, alice, SerialNumber=missing, TokenCode=code)
    refused("AccessDenied", NOT_THEIRS, alice, SerialNumber="GAHT12345678", TokenCode=code)
    refused("AccessDenied", INCOMPLETE, alice, SerialNumber=example.serial)
    refused("AccessDenied", INCOMPLETE, alice, TokenCode=code)
    for wrong in ("12345", "1234567", "12345x"):
        call = steered.client("Alice", "sts", "us-west-2", validate=False).get_session_token
        assert error_of(call, SerialNumber=example.serial, TokenCode=wrong) == "ValidationError"
    # None of this used the code up.
    steered.sts("ExampleUser").get_session_token(SerialNumber=example.serial, TokenCode=code)


def test_a_device_is_given_on_two_consecutive_codes(steered):
    """Not on one twice, not on two in the wrong order, not on codes of another device or far away in time."""
    device, other = totp.make(steered, "two-codes"), totp.make(steered, "another")
    message = "Authentication code for device is not valid."
    enable = steered.iam().enable_mfa_device
    steered.server.advance(60)

    def attempt(first: str, second: str) -> dict:
        codes = {"AuthenticationCode1": first, "AuthenticationCode2": second}
        return {"UserName": "OneKey", "SerialNumber": device.serial, **codes}

    for first, second in [
        (device.at(0), device.at(0)),
        (device.at(0), device.at(-1)),
        (device.at(-2), device.at(0)),
        (other.at(-1), other.at(0)),
        (device.at(-15), device.at(-14)),
    ]:
        refused("InvalidAuthenticationCode", message, enable, **attempt(first, second))
    enable(**attempt(device.at(-1), device.at(0)))
    taken = re.compile("MFADevice with serial number .* is already assigned.")
    refused("EntityAlreadyExists", taken, enable, **attempt(device.at(0), device.at(1)))
    sts = steered.sts("OneKey")
    refused("AccessDenied", WRONG, sts.get_session_token, SerialNumber=device.serial, TokenCode=device.at(0))
    sts.get_session_token(SerialNumber=device.serial, TokenCode=device.at(1))


def test_a_clock_that_went_astray_is_followed(steered):
    """ResyncMFADevice: twenty minutes ahead are too much for a login, and not for two codes in a row."""
    device = totp.make(steered, "astray")
    totp.give(steered, device, "OneAlias")
    steered.server.advance(600)
    ahead = 40
    sts, iam = steered.sts("OneAlias"), steered.iam()
    login = {"SerialNumber": device.serial}
    refused("AccessDenied", WRONG, sts.get_session_token, TokenCode=device.at(ahead), **login)
    both = {"UserName": "OneAlias", **login}
    message = "Authentication code for device is not valid."
    far = {"AuthenticationCode1": device.at(150), "AuthenticationCode2": device.at(151)}
    refused("InvalidAuthenticationCode", message, iam.resync_mfa_device, **both, **far)
    near = {"AuthenticationCode1": device.at(ahead - 1), "AuthenticationCode2": device.at(ahead)}
    iam.resync_mfa_device(**both, **near)
    refused("AccessDenied", WRONG, sts.get_session_token, TokenCode=device.at(ahead), **login)
    refused("AccessDenied", WRONG, sts.get_session_token, TokenCode=device.at(0), **login)
    steered.server.advance(90)
    sts.get_session_token(TokenCode=device.at(ahead), **login)


def test_the_seed_is_shown_once_as_text_and_as_image(fresh):
    """Base32 of 40 bytes, a PNG with a QR code; neither in the trail nor in any file of the server's."""
    answer = fresh.iam().create_virtual_mfa_device(VirtualMFADeviceName="seen", Path="/a/b/")
    device = answer["VirtualMFADevice"]
    seed = device["Base32StringSeed"]
    assert re.fullmatch(rb"[A-Z2-7]{64}", seed)
    rows = png_rows(device["QRCodePNG"])
    modules = [[rows[y][x] == 0 for x in range(18, len(rows), 4)] for y in range(18, len(rows), 4)]
    finder = [[max(abs(x - 3), abs(y - 3)) in (0, 1, 3) for x in range(7)] for y in range(7)]
    side = len(modules) - 4
    # The three corners by which a reader finds the symbol; the quiet border is white.
    for left, top in ((0, 0), (side - 7, 0), (0, side - 7)):
        corner = [row[left : left + 7] for row in modules[top : top + 7]]
        assert corner == finder, f"no finder pattern at {left}, {top}"
    assert all(value == 255 for value in rows[0]) and all(row[0] == 255 for row in rows)
    record = trail.record_of(fresh.server, request_id(answer))
    assert record["responseElements"] == {"virtualMFADevice": {"serialNumber": device["SerialNumber"]}}
    listed = fresh.iam().list_virtual_mfa_devices()["VirtualMFADevices"]
    assert listed == [{"SerialNumber": f"arn:aws:iam::{HOME}:mfa/a/b/seen"}]
    fresh.server.stop()
    raw = base64.b32decode(seed)
    for path in fresh.server.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert seed not in content and raw not in content and base64.b64encode(seed) not in content, path


def png_rows(png: bytes) -> list[bytes]:
    """The rows of an image in eight shades of grey, unfiltered."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 0) and width == height
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    flat, rows, above = zlib.decompress(data), [], bytes(width)
    for y in range(height):
        kind, line = flat[y * (width + 1)], bytearray(flat[y * (width + 1) + 1 : (y + 1) * (width + 1)])
        for x in range(width):
            left, up, corner = line[x - 1] if x else 0, above[x], above[x - 1] if x else 0
            guess = left + up - corner
            near = min((left, up, corner), key=lambda it: (abs(guess - it)))
            line[x] = (line[x] + (0, left, up, (left + up) // 2, near)[kind]) & 255
        above = bytes(line)
        rows.append(above)
    return rows


def test_devices_are_listed_tagged_and_removed(fresh):
    """The life of a device: made, given, taken away, deleted; each step only in its order."""
    iam = fresh.iam()
    devices = [totp.make(fresh, f"d{n}", Tags=[{"Key": "n", "Value": str(n)}]) for n in range(3)]
    message = "MFADevice entity at the same path and name already exists."
    refused("EntityAlreadyExists", message, iam.create_virtual_mfa_device, VirtualMFADeviceName="D1")
    totp.give(fresh, devices[1], "Alice")
    listed = iam.list_mfa_devices(UserName="Alice")["MFADevices"]
    assert [device["SerialNumber"] for device in listed] == [devices[1].serial]
    assert iam.get_mfa_device(SerialNumber=devices[1].serial, UserName="Alice")["EnableDate"]
    for status, expected in (("Assigned", [1]), ("Unassigned", [0, 2]), ("Any", [0, 1, 2])):
        pages = iam.get_paginator("list_virtual_mfa_devices")
        found = pages.paginate(AssignmentStatus=status, PaginationConfig={"PageSize": 1})
        serials = [device["SerialNumber"] for page in found for device in page["VirtualMFADevices"]]
        assert serials == [devices[n].serial for n in expected]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"][0]
    assert assigned["User"]["UserName"] == "Alice" and assigned["EnableDate"]

    one = {"SerialNumber": devices[1].serial}
    iam.tag_mfa_device(Tags=[{"Key": "N", "Value": "9"}, {"Key": "x", "Value": ""}], **one)
    assert iam.list_mfa_device_tags(**one)["Tags"] == [{"Key": "N", "Value": "9"}, {"Key": "x", "Value": ""}]
    iam.untag_mfa_device(TagKeys=["n"], **one)
    assert iam.list_mfa_device_tags(**one)["Tags"] == [{"Key": "x", "Value": ""}]

    in_use = "MFA VirtualDevice in use. Must deactivate first."
    refused("DeleteConflict", in_use, iam.delete_virtual_mfa_device, **one)
    absent = f"VirtualMFADevice with serial number {devices[1].serial} doesn't exist."
    refused("NoSuchEntity", absent, iam.deactivate_mfa_device, UserName="Bob", **one)
    iam.deactivate_mfa_device(UserName="Alice", **one)
    assert iam.list_mfa_devices(UserName="Alice")["MFADevices"] == []
    call = fresh.sts("Alice").get_session_token
    refused("AccessDenied", NOT_THEIRS, call, TokenCode=devices[1].fresh(), **one)
    # Given to somebody else it starts where it was: a code that was used stays used.
    totp.give(fresh, devices[1], "Bob")
    iam.deactivate_mfa_device(UserName="Bob", **one)
    iam.delete_virtual_mfa_device(**one)
    refused("NoSuchEntity", absent, iam.delete_virtual_mfa_device, **one)
    fresh.server.restart()
    assert len(fresh.iam().list_virtual_mfa_devices()["VirtualMFADevices"]) == 2


def test_a_user_with_a_device_cannot_be_deleted(steered):
    """And a user has eight devices at most."""
    iam = steered.iam()
    iam.create_user(UserName="Eight")
    devices = [totp.make(steered, f"eight-{n}") for n in range(9)]
    for device in devices[:8]:
        totp.give(steered, device, "Eight")
    steered.server.advance(60)
    codes = {"AuthenticationCode1": devices[8].at(-1), "AuthenticationCode2": devices[8].at(0)}
    message = "Cannot exceed quota for MfaDevicesPerUser: 8"
    one_more = {"UserName": "Eight", "SerialNumber": devices[8].serial, **codes}
    refused("LimitExceeded", message, iam.enable_mfa_device, **one_more)
    conflict = "Cannot delete entity, must delete MFA device first."
    refused("DeleteConflict", conflict, iam.delete_user, UserName="Eight")
    for device in devices[:8]:
        iam.deactivate_mfa_device(UserName="Eight", SerialNumber=device.serial)
    iam.delete_user(UserName="Eight")


def test_who_may_not_manages_no_devices(steered, example):
    """Each operation is decided like any other; another account does not even find the device."""
    iam = steered.iam("Bob")
    one, both = {"SerialNumber": example.serial}, {"SerialNumber": example.serial, "UserName": "ExampleUser"}
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    for call, parameters in [
        (iam.create_virtual_mfa_device, {"VirtualMFADeviceName": "x"}),
        (iam.delete_virtual_mfa_device, one),
        (iam.enable_mfa_device, {**both, **codes}),
        (iam.resync_mfa_device, {**both, **codes}),
        (iam.deactivate_mfa_device, both),
        (iam.get_mfa_device, both),
        (iam.list_mfa_devices, {"UserName": "ExampleUser"}),
        (iam.list_virtual_mfa_devices, {}),
        (iam.tag_mfa_device, {**one, "Tags": [{"Key": "a", "Value": "b"}]}),
        (iam.untag_mfa_device, {**one, "TagKeys": ["a"]}),
        (iam.list_mfa_device_tags, one),
    ]:
        assert error_of(call, **parameters) == "AccessDenied", call
    other = steered.iam(f"{policies.OTHER}/root")
    assert error_of(other.delete_virtual_mfa_device, **one) == "NoSuchEntity"
    assert other.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_iam_wants_a_session_with_a_code(steered, example):
    """GetSessionToken credentials reach IAM only if they were made on a code."""
    totp_admin = totp.make(steered, "Admin")
    totp.give(steered, totp_admin, "Admin")
    plain = given(steered.sts().get_session_token())
    with_code = login(steered, totp_admin, who="Admin")
    message = "The security token included in the request is invalid"
    iam = connect(steered.server, plain, service="iam", region="us-east-1")
    refused("InvalidClientTokenId", message, iam.get_user, UserName="Bob")
    iam = connect(steered.server, with_code, service="iam", region="us-east-1")
    assert iam.get_user(UserName="Bob")["User"]["UserName"] == "Bob"
    steered.iam().deactivate_mfa_device(UserName="Admin", SerialNumber=totp_admin.serial)
