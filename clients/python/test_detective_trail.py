"""The trail: every call has exactly one record, which tells who did what, and no secrets."""

import base64
import concurrent.futures
import datetime
import json
import random
import re
import resource
import subprocess
import threading

import botocore.exceptions
import pytest

import policies
import principals
import rawhttp
import trail
from aws import NO_ANSWER, error_of, refused, request_id
from kanuki import wait_until
from policies import HOME, user
from rawhttp import Draft
from world import KNOWN_ARN, World

CALLS = 1000
THREADS = 4


def mixed_call(world, number: int, key, blob: bytes) -> None:
    """One call of many kinds; a third of them are refused."""
    kms, bob = world.kms(), world.kms("Bob")
    loose = world.kms(validate=False)
    kinds = [
        lambda: kms.encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext={"number": str(number)}),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256"),
        lambda: kms.generate_data_key_without_plaintext(KeyId=key.id, NumberOfBytes=64),
        lambda: kms.generate_random(NumberOfBytes=32),
        lambda: kms.describe_key(KeyId=key.id),
        lambda: kms.list_keys(Limit=3),
        lambda: kms.list_aliases(),
        lambda: kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "number", "TagValue": str(number)}]),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key.id),
        lambda: world.sts("Bob").get_caller_identity(),
        # Denied.
        lambda: bob.encrypt(KeyId=key.id, Plaintext=b"m"),
        lambda: bob.list_keys(),
        lambda: bob.decrypt(CiphertextBlob=blob),
        # Missing or wrong.
        lambda: kms.describe_key(KeyId="alias/nobody"),
        lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}),
        lambda: kms.generate_random(NumberOfBytes=1025),
        lambda: loose.encrypt(KeyId=key.id, Plaintext=b""),
        # Malformed.
        lambda: Draft(world.server, world.keys("Admin"), "Encrypt", b"{").send(),
        lambda: Draft(world.server, world.keys("Admin"), "NoSuchThing", b"{}").send(),
        lambda: Draft(world.server, world.keys("Bob"), "ListKeys", b"{}").send(_unsign),
    ]
    try:
        kinds[number % len(kinds)]()
    except botocore.exceptions.ClientError:
        pass  # noted, with its code, by the client


def _unsign(headers, body):
    return [pair for pair in headers if pair[0] != "Authorization"], body


def test_a_thousand_mixed_calls_leave_a_thousand_records(fresh):
    """R3: each call, refused ones included, has exactly one record, matched by its request id.

    Throttled calls are not among them: no quota is set here.
    """
    key = fresh.make_key()
    blob = fresh.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    fresh.kms("Bob"), fresh.kms(validate=False), fresh.sts("Bob")
    numbers = list(range(CALLS))
    random.Random(3).shuffle(numbers)
    before = len(fresh.server.calls)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda number: mixed_call(fresh, number, key, blob), numbers))
    made = fresh.server.calls[before:]
    assert len(made) == CALLS and len({call.request_id for call in made}) == CALLS
    assert sum(call.error_code is not None for call in made) > CALLS // 3
    trail.assert_each_call_recorded_once(fresh.server)
    found = trail.by_request_id(fresh.server)
    counts = [len(found[call.request_id]) for call in fresh.server.calls]
    assert counts == [1] * len(counts)
    assert set(found) == {call.request_id for call in fresh.server.calls}, "records of requests that nobody made"
    assert len({record["eventID"] for records in found.values() for record in records}) == len(found)
    verified = trail.verify(fresh.server)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_no_call_succeeds_without_its_record(servers):
    """R3: when the trail cannot be written, calls fail; nothing runs unrecorded, and the trail stays whole."""
    world = World(servers.make("full-disk", ignore_file_size_signal=True))
    server, key, kms = world.server, world.make_key(), world.kms()
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    answered = len(server.calls)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    for call in (lambda: kms.encrypt(KeyId=key.id, Plaintext=b"m"), lambda: kms.create_key(), kms.list_keys):
        try:
            call()
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("KMSInternalException", "ServiceUnavailableException")
        except NO_ANSWER:
            pass  # the server closed the connection rather than answer
        else:
            raise AssertionError("a call was answered though its record could not be written")
    if server.alive():
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.close()
    server.start()
    assert world.kms().describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "Enabled"
    assert _key_arns(world) == _created_in_trail(server)
    trail.assert_each_call_recorded_once(server, server.calls[:answered])
    assert trail.verify(server).returncode == 0


def _key_arns(world) -> set[str]:
    arns = set()
    for region in ("us-west-2", "us-east-1"):
        pages = world.kms(region=region).get_paginator("list_keys").paginate()
        arns |= set(pages.search("Keys[].KeyArn"))
    return arns - {KNOWN_ARN}


def _created_in_trail(server) -> set[str]:
    return {
        record["responseElements"]["keyMetadata"]["arn"]
        for record in trail.records(server)
        if record["eventName"] == "CreateKey" and not record.get("errorCode")
    }


def test_a_record_tells_who_what_when_and_whence(world, key):
    """R36: the members of a CloudTrail record, of a call that changes nothing."""
    begun = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    answer = world.kms("IamAllows").encrypt(KeyId=key.id, Plaintext=b"m", EncryptionContext={"a": "1"})
    record = trail.record_of(world.server, request_id(answer))
    assert record["eventVersion"].startswith("1.")
    assert record["eventSource"] == "kms.amazonaws.com" and record["eventName"] == "Encrypt"
    assert record["awsRegion"] == "us-west-2" and record["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in record["userAgent"] and "botocore" in record["userAgent"].lower()
    identity = record["userIdentity"]
    assert identity["type"] == "IAMUser" and identity["arn"] == user("IamAllows")
    assert identity["accountId"] == HOME and identity["userName"] == "IamAllows"
    assert identity["accessKeyId"] == world.keys("IamAllows").access_key_id
    when = datetime.datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    assert begun <= when <= datetime.datetime.now(datetime.timezone.utc)
    assert record["requestParameters"] == {
        "keyId": key.id,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {"a": "1"},
    }
    assert record["responseElements"] is None
    assert record["resources"] == [{"accountId": HOME, "type": "AWS::KMS::Key", "ARN": key.arn}]
    assert record["readOnly"] is True and record["managementEvent"] is True
    assert record["eventType"] == "AwsApiCall" and record["eventCategory"] == "Management"
    assert record["recipientAccountId"] == HOME
    assert re.fullmatch("[0-9a-f-]{36}", record["eventID"])
    assert "errorCode" not in record and "errorMessage" not in record


def test_a_record_of_a_change_tells_what_was_changed(world):
    """R36: CreateKey with its defaults filled in; the new key is in the answer's part and in the resources."""
    answer = world.kms().create_key(Description="of the record", Tags=[{"TagKey": "a", "TagValue": "b"}])
    arn = answer["KeyMetadata"]["Arn"]
    record = trail.record_of(world.server, request_id(answer))
    assert record["readOnly"] is False
    given = record["requestParameters"]
    assert given["description"] == "of the record" and given["keySpec"] == "SYMMETRIC_DEFAULT"
    assert given["customerMasterKeySpec"] == "SYMMETRIC_DEFAULT" and given["keyUsage"] == "ENCRYPT_DECRYPT"
    assert given["origin"] == "AWS_KMS" and given["bypassPolicyLockoutSafetyCheck"] is False
    assert record["responseElements"]["keyMetadata"]["arn"] == arn
    assert [resource["ARN"] for resource in record["resources"]] == [arn]


def test_a_record_of_a_refusal_tells_the_reason(world, key):
    """R36: errorCode and errorMessage, with the caller and the key."""
    denied = policies.no_identity_policy(user("Bob"), "kms:DisableKey", key.arn)
    answer = refused("AccessDeniedException", denied, world.kms("Bob").disable_key, KeyId=key.id)
    record = trail.record_of(world.server, request_id(answer))
    assert trail.same_error(record["errorCode"], "AccessDeniedException") and record["errorMessage"] == denied
    assert record["userIdentity"]["arn"] == user("Bob") and record["requestParameters"]["keyId"] == key.id
    assert record["responseElements"] is None


def test_the_context_is_recorded_as_given_and_nothing_secret_is(world, key):
    """R30: the encryption context of successes and failures equals the input; data and ciphertexts are nowhere."""
    kms = world.kms()
    context = {"purpose": "R30", "ünïcode": "✓ \"quoted\" \\ and\nlines", "": ""}
    context.pop("")
    secret = b"a plaintext that no auditor may see: 4111111111111111"
    encrypted = kms.encrypt(KeyId=key.id, Plaintext=secret, EncryptionContext=context)
    blob = encrypted["CiphertextBlob"]
    decrypted = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    made = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256", EncryptionContext=context)
    failed = refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=blob, EncryptionContext={"x": "y"})
    found = trail.by_request_id(world.server)
    for answer in (encrypted, decrypted, made):
        (record,) = found[request_id(answer)]
        assert record["requestParameters"]["encryptionContext"] == context
    (record,) = found[request_id(failed)]
    assert record["requestParameters"]["encryptionContext"] == {"x": "y"}
    assert record["errorCode"] == "InvalidCiphertextException" and not record.get("errorMessage")
    everything = json.dumps([found[request_id(answer)] for answer in (encrypted, decrypted, made, failed)])
    for value in (secret, blob, made["Plaintext"], made["CiphertextBlob"]):
        assert base64.b64encode(value).decode() not in everything
        assert value.hex() not in everything
    assert "4111111111111111" not in everything


def test_material_ids_are_recorded(world, key):
    """R36: additionalEventData names the key material that was used."""
    kms = world.kms()
    made = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256")
    record = trail.record_of(world.server, request_id(made))
    assert record["additionalEventData"]["keyMaterialId"] == made["KeyMaterialId"]


def test_a_follower_sees_records_as_they_come(fresh):
    """R37: `kanuki trail tail --follow` feeds existing security tools."""
    server, lines, made = fresh.server, [], []
    command = [server.executable, "trail", "tail", "--follow", "--data-dir", server.data_dir]

    def seen() -> bool:
        made.append(request_id(fresh.kms().generate_random(NumberOfBytes=8)))
        return any(made_id in line for line in list(lines) for made_id in made)

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        threading.Thread(target=lambda: lines.extend(follower.stdout), daemon=True).start()
        try:
            wait_until(seen, 20, "the follower prints a record that was made while it ran")
        finally:
            follower.kill()


def test_the_last_records_can_be_asked_for(world):
    """R40: `-n 2` prints two records, the newest last."""
    first, second = (world.kms().generate_random(NumberOfBytes=8) for _ in range(2))
    done = world.server.command("trail", "tail", "-n", "2")
    assert done.returncode == 0, done.stderr
    ids = [json.loads(line)["requestID"] for line in done.stdout.splitlines()]
    assert ids == [request_id(first), request_id(second)]


@pytest.mark.parametrize("operation", ["DescribeKey", "NoSuchThing"])
def test_a_client_cannot_forge_a_record(world, operation):
    """R39: line breaks and quotes from a client stay inside their record."""
    forged = 'x"}\r\n{"eventName":"Forged","requestID":"forged"}\r\n'
    body = json.dumps({"KeyId": forged}).encode()
    made = Draft(world.server, world.keys("Admin"), operation, body)
    answer = made.replace("User-Agent", 'a"}{"eventName":"Forged"}').send()
    assert isinstance(answer, rawhttp.Answer) and answer.status == 400
    record = trail.record_of(world.server, answer.request_id)
    assert record["eventName"] == operation and "forged" not in trail.by_request_id(world.server)
    assert error_of(world.kms().list_keys) is None


def test_numbers_and_truth_values_of_forms_are_recorded_as_such(world):
    """R36: IAM and STS take forms, which hold texts alone; a record has the types of the model, as CloudTrail's."""
    iam, sts = world.iam(), world.sts()
    name = principals.fresh_name("typed")
    trust = principals.trusting(user("Admin"))
    calls = [
        (iam.create_role, {"RoleName": name, "AssumeRolePolicyDocument": trust, "MaxSessionDuration": 7200}),
        (sts.assume_role, {"RoleArn": policies.role(name), "RoleSessionName": "12", "DurationSeconds": 900}),
        (iam.list_policies, {"OnlyAttached": True, "MaxItems": 3}),
        (iam.list_users, {"PathPrefix": "/12/", "MaxItems": 5}),
    ]
    for call, parameters in calls:
        record = trail.record_of(world.server, request_id(call(**parameters)))
        for member, value in parameters.items():
            recorded = record["requestParameters"][member[0].lower() + member[1:]]
            assert recorded == value and type(recorded) is type(value), (member, recorded)
    iam.delete_role(RoleName=name)
