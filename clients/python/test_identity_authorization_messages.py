"""Encoded authorization messages: a refused caller hands one on, and who may decode it reads the whole decision.

Source: "DecodeAuthorizationMessage", AWS STS API reference.
"""

import base64
import json
import random
import re
import subprocess

import pytest
from botocore.exceptions import ClientError

import kanuki
import trail
from aws import error_of, refused, request_id
from neighbour import for_caller, for_itself
from policies import ENABLE_IAM, HOME, OTHER, allow, deny, identity, user
from principals import fresh_name, make_role, make_user, trusting
from world import HOME_REGION

HEADER = "x-kanuki-authorization-message"
INVALID = ("InvalidAuthorizationMessageException", "Message is not valid")
CHARS_MAX = 3072
MAY_DECODE = identity("Allow", "sts:DecodeAuthorizationMessage")
DENIED = {"kms": "AccessDeniedException", "iam": "AccessDenied", "sts": "AccessDenied"}


def denied(call, **parameters) -> dict:
    """The answer to a call that is denied."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] in DENIED.values(), error.value
    return error.value.response


def message_of(answer: dict) -> str | None:
    """The encoded message that came with an answer."""
    return answer["ResponseMetadata"]["HTTPHeaders"].get(HEADER)


def decode(sts, message: str) -> dict:
    return json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])


def explain(server, *arguments: str) -> dict:
    done = server.command("explain", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def reader(world):
    """A user who may decode, and nothing else."""
    return make_user(world, fresh_name("reader"), MAY_DECODE)


def test_a_denial_decodes_to_what_explain_prints(world, reader):
    """KMS, IAM and STS; users, role sessions and root; through services; and the body stays the API's."""
    key = world.make_key(ENABLE_IAM, {**deny(user("Alice"), "kms:Encrypt"), "Sid": "NotAlice"})
    world.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"])
    worker = make_role(world)
    context = {"EncryptionContext": {"app": "payroll"}}
    calls = [
        (world.kms("Bob").encrypt, {"KeyId": key.id, "Plaintext": b"x", **context}),
        (world.kms("Alice").encrypt, {"KeyId": key.arn, "Plaintext": b"x"}),
        (worker.client("kms").describe_key, {"KeyId": key.arn}),
        (for_caller(world, "Bob", "s3").encrypt, {"KeyId": key.arn, "Plaintext": b"x"}),
        (world.client("Bob", "iam", "us-east-1").create_user, {"UserName": "never"}),
        (world.sts("Bob").get_access_key_info, {"AccessKeyId": "A" * 20}),
        (world.sts("Bob").assume_role, {"RoleArn": worker.arn, "RoleSessionName": "s1"}),
    ]
    for call, parameters in calls:
        answer = denied(call, **parameters)
        message = message_of(answer)
        assert message and len(message) <= CHARS_MAX and message not in answer["Error"]["Message"]
        decoded = decode(reader.client("sts"), message)
        assert decoded.pop("decision") == explain(world.server, "--request-id", request_id(answer)), decoded
        assert decoded.keys() == {"allowed", "explicitDeny", "matchedStatements", "failures", "context"}
        assert decoded["allowed"] is False and decoded["failures"] == {"items": []}


def test_a_decoded_message_has_the_members_of_the_api(world, reader):
    condition = {"StringEquals": {"kms:EncryptionContext:app": ["payroll"]}}
    key = world.make_key(ENABLE_IAM, {**deny(user("Alice"), "kms:Encrypt", Condition=condition), "Sid": "NotHere"})
    answer = denied(
        world.kms("Alice").encrypt, KeyId=key.id, Plaintext=b"x", EncryptionContext={"app": "payroll", "team": "blue"}
    )
    decoded = decode(reader.client("sts"), message_of(answer))
    assert decoded["explicitDeny"] is True
    statements = {item["statementId"]: item for item in decoded["matchedStatements"]["items"]}
    assert statements["NotHere"] == {
        "statementId": "NotHere",
        "effect": "DENY",
        "policy": "key policy",
        "policyType": "resource",
        "statement": 3,
        "conditions": {"items": [{"key": "kms:EncryptionContext:app", "values": {"items": [{"value": "payroll"}]}}]},
    }
    context = decoded["context"]
    alice = world.iam().get_user(UserName="Alice")["User"]
    assert context["principal"] == {"id": alice["UserId"], "name": "Alice", "arn": user("Alice")}
    assert (context["action"], context["resource"]) == ("kms:Encrypt", key.arn)
    conditions = {item["key"]: [it["value"] for it in item["values"]["items"]] for item in context["conditions"]["items"]}
    assert conditions == {"kms:encryptioncontext:app": ["payroll"]}
    implicit = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    assert decode(reader.client("sts"), message_of(implicit))["explicitDeny"] is False


def test_grants_and_conditions_that_did_not_help_are_in_it(world, reader):
    condition = {"StringEquals": {"kms:EncryptionContext:app": ["payroll"]}}
    key = world.make_key(allow(user("Bob"), "kms:Encrypt", Condition=condition))
    grant = world.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"])
    answer = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x", EncryptionContext={"app": "mail"})
    (demand,) = decode(reader.client("sts"), message_of(answer))["decision"]["demands"]
    assert [(it["id"], it["reason"]) for it in demand["grants"]] == [
        (grant["GrantId"], "it does not hold the operation")
    ]
    compared = [it for document in demand["documents"] for found in document["statements"] for it in found["conditions"]]
    assert [(it["values"], it["request"], it["holds"]) for it in compared] == [(["payroll"], ["mail"], False)]


def test_only_what_is_decided_has_a_message(world, key):
    """Neither success nor any other refusal, nor a denial of a service that belongs to no account."""
    answers = [world.kms().describe_key(KeyId=key.id)]
    with pytest.raises(ClientError) as error:
        world.kms().describe_key(KeyId="alias/none-such")
    answers.append(error.value.response)
    answers.append(denied(for_itself(world, "s3", HOME).encrypt, KeyId=key.arn, Plaintext=b"x"))
    assert [message_of(answer) for answer in answers] == [None] * len(answers)


def test_decoding_needs_the_right(world, key):
    message = message_of(denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x"))
    answer = denied(world.sts("Bob").decode_authorization_message, EncodedMessage=message)
    assert answer["Error"]["Message"] == (
        f"User: {user('Bob')} is not authorized to perform: sts:DecodeAuthorizationMessage on resource: * because no "
        "identity-based policy allows the sts:DecodeAuthorizationMessage action"
    )
    on_one_resource = make_user(
        world, fresh_name("user"), identity("Allow", "sts:DecodeAuthorizationMessage", resource="arn:aws:iam::*:user/x")
    )
    assert error_of(on_one_resource.client("sts").decode_authorization_message, EncodedMessage=message) == "AccessDenied"
    # A session of a role decodes for the role's account; a user's session calls this operation never.
    session = make_role(world, fresh_name("role"), MAY_DECODE)
    assert decode(session.client("sts"), message)["allowed"] is False


def test_another_account_learns_nothing(world, reader):
    """Its message opens for itself alone, and the other account's resource is not told of: neither its policy nor
    whether it exists."""
    key = world.make_key({**deny(user("Carla", OTHER), "kms:Encrypt"), "Sid": "Secret-name-of-a-statement"})
    missing = f"arn:aws:kms:{HOME_REGION}:{HOME}:key/00000000-0000-4000-8000-000000000000"
    carla, their_root = f"{OTHER}/Carla", world.sts(f"{OTHER}/root")
    of_key, of_missing = (
        message_of(denied(world.kms(carla).encrypt, KeyId=arn, Plaintext=b"x")) for arn in (key.arn, missing)
    )
    refused(*INVALID, reader.client("sts").decode_authorization_message, EncodedMessage=of_key)
    ours = message_of(denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x"))
    refused(*INVALID, their_root.decode_authorization_message, EncodedMessage=ours)
    seen = []
    for message in (of_key, of_missing):
        decoded = decode(their_root, message)
        text = json.dumps(decoded)
        assert "Secret-name" not in text and key.id not in text.replace(decoded["decision"].pop("message"), "")
        del decoded["decision"]["requestId"], decoded["decision"]["time"]
        seen.append(decoded)
    assert seen[0] == seen[1] and seen[0]["explicitDeny"] is False
    assert seen[0]["context"]["resource"] == "*"
    assert "another account's" in seen[0]["decision"]["demands"][0]["reason"]


def test_external_ids_are_not_shown(world, reader):
    condition = {"StringEquals": {"sts:ExternalId": "partner-secret-7"}}
    name = fresh_name("role")
    made = world.iam().create_role(
        RoleName=name, AssumeRolePolicyDocument=trusting(user("Admin"), Condition=condition)
    )["Role"]
    answer = denied(
        world.sts().assume_role, RoleArn=made["Arn"], RoleSessionName="s1", ExternalId="partner-secret-8"
    )
    decoded = decode(reader.client("sts"), message_of(answer))
    assert "partner-secret" not in json.dumps(decoded)
    (found,) = (
        it
        for document in decoded["decision"]["demands"][0]["documents"]
        for statement in document["statements"]
        for it in statement["conditions"]
    )
    assert (found["key"], found["holds"]) == ("sts:ExternalId", False)


def test_nothing_but_a_whole_message_is_taken(world, reader, servers):
    """Cut, edited, with anything added, of another form or another installation: the same answer, and a record."""
    key = world.make_key()
    answer = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    message, sts = message_of(answer), reader.client("sts")
    chance = random.Random(7)
    raw = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
    wrong = [message[:length] for length in chance.sample(range(1, len(message)), 25)]
    for _ in range(40):
        edited = bytearray(raw)
        edited[chance.randrange(len(edited))] ^= 1 << chance.randrange(8)
        wrong.append(base64.urlsafe_b64encode(bytes(edited)).rstrip(b"=").decode())
    wrong += [message + tail for tail in ("A", "=", "==", "\n", " ")] + [message[:100] + "\n" + message[100:]]
    wrong += ["x", "=", "é", "AAAA" * 700, "A" * 10_240, message * 3, base64.b64encode(b"{}").decode()]
    wrong.append(world.keys("role/UserRole").session_token)
    for text in wrong:
        sent = refused(*INVALID, sts.decode_authorization_message, EncodedMessage=text)
    record = trail.record_of(world.server, request_id(sent))
    assert (record["errorCode"], record["errorMessage"]) == INVALID
    refused(
        "ValidationError",
        re.compile("1 validation error detected: Value 'A+' at 'encodedMessage' failed to satisfy constraint: Member must "
                   "have length less than or equal to 10240"),
        sts.decode_authorization_message,
        EncodedMessage="A" * 10_241,
    )
    assert decode(sts, message)["allowed"] is False


def test_a_message_outlives_restarts_and_the_decision_itself(fresh, servers):
    key = fresh.make_key(allow(user("Alice"), "kms:*"))
    answer = denied(fresh.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    before = decode(fresh.sts(), message_of(answer))
    fresh.server.restart()
    assert decode(fresh.sts(), message_of(answer)) == before
    fresh.server.kill()
    fresh.server.start()
    assert decode(fresh.sts(), message_of(answer)) == before
    # A message of another installation, though account and caller have the same names there.
    from world import World

    elsewhere = World(servers.make("elsewhere"))
    refused(*INVALID, elsewhere.sts().decode_authorization_message, EncodedMessage=message_of(answer))


def test_a_large_decision_still_fits_and_says_that_parts_are_left_out(world, reader):
    statements = [
        {**allow(user("Alice"), "kms:Sign", Condition={"StringEquals": {"aws:PrincipalTag/t": f"{index}-{'v' * 40}"}}),
         "Sid": f"Filler{index}{random.Random(index).getrandbits(160):040x}"}
        for index in range(110)
    ]  # fmt: skip
    key = world.make_key(*statements, {**deny(user("Bob"), "kms:Encrypt"), "Sid": "TheOne"})
    answer = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    message = message_of(answer)
    assert len(message) <= CHARS_MAX
    decoded = decode(reader.client("sts"), message)
    assert decoded["decision"]["shortened"] is True
    assert [item["statementId"] for item in decoded["matchedStatements"]["items"]] == ["TheOne"]


def test_an_operator_gets_the_message_of_a_call_too(world, reader):
    key = world.make_key()
    answer = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    done = world.server.command("explain", "--request-id", request_id(answer), "--encoded")
    assert done.returncode == 0, done.stderr
    encoded = done.stdout.strip()
    assert encoded != message_of(answer), "sealed anew"
    assert decode(reader.client("sts"), encoded) == decode(reader.client("sts"), message_of(answer))
    of_service = denied(for_itself(world, "s3", HOME).encrypt, KeyId=key.arn, Plaintext=b"x")
    for arguments in (
        ["--request-id", request_id(of_service), "--encoded"],
        ["--request-id", "00000000-0000-0000-0000-000000000000", "--encoded"],
        ["--principal", user("Bob"), "--action", "kms:Encrypt", "--encoded"],
    ):
        done = world.server.command("explain", *arguments)
        assert done.returncode != 0 and done.stderr and not done.stdout, arguments


def test_decoding_is_recorded_with_the_call_that_it_is_about(world, reader):
    key = world.make_key()
    answer = denied(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    message = message_of(answer)
    decoded = reader.client("sts").decode_authorization_message(EncodedMessage=message)
    record = trail.record_of(world.server, request_id(decoded))
    assert (record["eventName"], record["eventSource"]) == ("DecodeAuthorizationMessage", "sts.amazonaws.com")
    assert record["readOnly"] is True and record.get("errorCode") is None
    assert record["additionalEventData"]["decodedRequestId"] == request_id(answer)
    assert message not in json.dumps(record)
    assert HEADER not in json.dumps(trail.record_of(world.server, request_id(answer)))


def test_the_aws_cli_decodes(world, aws_cli, tmp_path):
    """`--debug` shows the header of the refused call, and the stock command decodes it."""
    key = world.make_key()

    def run(profile: str, *arguments: str) -> subprocess.CompletedProcess:
        environment = kanuki.clean_environment(
            HOME=str(tmp_path),
            AWS_CONFIG_FILE="/dev/null",
            AWS_SHARED_CREDENTIALS_FILE=str(world.server.data_dir / "credentials"),
            AWS_PROFILE=profile,
            AWS_ENDPOINT_URL=world.server.endpoint,
            AWS_DEFAULT_REGION=HOME_REGION,
            AWS_PAGER="",
        )
        return subprocess.run(
            [str(aws_cli), *arguments], capture_output=True, text=True, timeout=60, env=environment, check=False
        )

    call = run("Bob", "kms", "describe-key", "--key-id", key.id, "--debug")
    assert call.returncode != 0
    message = call.stderr.partition(f"'{HEADER}': '")[2].partition("'")[0]
    assert message, call.stderr[-2000:]
    done = run("default", "sts", "decode-authorization-message", "--encoded-message", message,
               "--query", "DecodedMessage", "--output", "text")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["context"]["action"] == "kms:DescribeKey"
    wrong = run("default", "sts", "decode-authorization-message", "--encoded-message", message[:-2])
    assert wrong.returncode != 0 and "InvalidAuthorizationMessageException" in wrong.stderr
