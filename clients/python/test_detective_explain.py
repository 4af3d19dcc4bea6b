"""Why a call was refused: the whole decision, for the operator alone, also after a restart."""

import json
import pathlib
import tempfile

import pytest
from botocore.exceptions import ClientError

from policies import ADMIN, ENABLE_IAM, HOME, OTHER, allow, deny, document, identity, role, role_session, root, user
from world import HOME_REGION, write_seed


def refused(call, **parameters) -> str:
    """The request id of a call that is denied."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException", error.value
    return error.value.response["ResponseMetadata"]["RequestId"]


def explain(server, *arguments: str) -> dict:
    done = server.command("explain", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_name(demand: dict, name: str) -> dict:
    return next(document for document in demand["documents"] if document["name"] == name)


def test_a_denied_call_is_explained_whole(world):
    """Principal, key, documents, statements, both sides of each condition, and what was missing."""
    condition = {"StringEquals": {"kms:EncryptionContext:app": ["payroll"]}}
    key = world.make_key(
        ENABLE_IAM,
        {**allow(user("Bob"), "kms:Encrypt", Condition=condition), "Sid": "OnlyPayroll"},
        allow(user("Alice"), "kms:Decrypt"),
    )
    request = refused(
        world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x", EncryptionContext={"app": "mail", "team": "blue"}
    )
    found = explain(world.server, "--request-id", request)

    assert (found["operation"], found["principal"], found["allowed"]) == ("kms:Encrypt", user("Bob"), False)
    assert found["accessKeyId"] == world.keys("Bob").access_key_id and found["region"] == HOME_REGION
    assert "is not authorized to perform: kms:Encrypt" in found["message"]
    (demand,) = found["demands"]
    assert (demand["action"], demand["resource"]) == ("kms:Encrypt", key.arn)
    assert (demand["decision"], demand["by"]) == ("ImplicitDeny", "default")
    assert demand["reason"] == "nothing in the identity policies allows it"
    admin, enable, payroll, alice = by_name(demand, "key policy")["statements"]
    assert (enable["applies"], enable["principal"]) == (True, ["account"])
    assert (admin["principal"], admin["applies"]) == ([], False)
    assert (alice["principal"], alice["action"]) == ([], False)
    assert (payroll["sid"], payroll["principal"], payroll["applies"]) == ("OnlyPayroll", ["direct"], False)
    assert payroll["conditions"] == [
        {
            "operator": "StringEquals",
            "key": "kms:EncryptionContext:app",
            "values": ["payroll"],
            "request": ["mail"],
            "holds": False,
        }
    ]
    assert demand["facts"]["kms:encryptioncontext:app"] == ["mail"]

    text = world.server.command("explain", "--request-id", request).stdout
    for part in (
        "nothing in the identity policies allows it",
        "statement 3 (OnlyPayroll), Allow: does not apply: a condition that does not hold",
        "StringEquals kms:EncryptionContext:app [payroll] against [mail]: does not hold",
        "statement 2",
        "does not apply: another principal, another action",
    ):
        assert part in text, text


def test_an_explicit_deny_names_its_statement(world):
    key = world.make_key(ENABLE_IAM, {**deny(user("Alice"), "kms:Encrypt"), "Sid": "NotAlice"})
    request = refused(world.kms("Alice").encrypt, KeyId=key.id, Plaintext=b"x")
    (demand,) = explain(world.server, "--request-id", request)["demands"]
    assert (demand["decision"], demand["by"]) == ("ExplicitDeny", "resource")
    assert demand["reason"] == "statement 3 (NotAlice) of key policy denies it"


def test_grants_that_do_not_help_say_why(world):
    key = world.make_key(allow(user("Alice"), "kms:Encrypt"))
    grants = {
        "operation": world.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Encrypt"]),
        "context": world.kms().create_grant(
            KeyId=key.id,
            GranteePrincipal=user("Bob"),
            Operations=["Decrypt"],
            Constraints={"EncryptionContextSubset": {"app": "payroll"}},
        ),
    }
    blob = world.kms("Alice").encrypt(KeyId=key.id, Plaintext=b"x", EncryptionContext={"app": "mail"})
    request = refused(
        world.kms("Bob").decrypt, CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"app": "mail"}
    )
    (demand,) = explain(world.server, "--request-id", request)["demands"]
    reasons = {grant["id"]: (grant["gives"], grant["reason"]) for grant in demand["grants"]}
    assert reasons == {
        grants["operation"]["GrantId"]: (False, "it does not hold the operation"),
        grants["context"]["GrantId"]: (False, "the encryption context does not meet its constraint"),
    }


def test_a_key_that_does_not_exist_is_named_so_to_the_operator_alone(world):
    missing = f"arn:aws:kms:{HOME_REGION}:{HOME}:key/00000000-0000-4000-8000-000000000000"
    request = refused(world.kms(f"{OTHER}/Carla").encrypt, KeyId=missing, Plaintext=b"x")
    (demand,) = explain(world.server, "--request-id", request)["demands"]
    assert (demand["resource"], demand["reason"]) == (missing, "there is no such key")


def test_a_refused_retirement_is_explained(world):
    key = world.make_key(ENABLE_IAM)
    grant = world.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Encrypt"])
    request = refused(world.kms("Bob").retire_grant, KeyId=key.arn, GrantId=grant["GrantId"])
    (demand,) = explain(world.server, "--request-id", request)["demands"]
    assert demand["decision"] == "ImplicitDeny" and demand["reason"].startswith("a grant may be retired by")
    assert grant["GrantId"] in demand["resource"]


def test_a_decision_outlives_a_restart_and_a_crash(fresh):
    key = fresh.make_key(allow(user("Alice"), "kms:*"))
    request = refused(fresh.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    before = explain(fresh.server, "--request-id", request)
    fresh.server.restart()
    assert explain(fresh.server, "--request-id", request) == before
    fresh.server.kill()
    fresh.server.start()
    assert explain(fresh.server, "--request-id", request) == before


def test_the_explanation_is_of_what_was_decided_on_not_of_what_is_now(world):
    key = world.make_key(allow(user("Alice"), "kms:*"))
    request = refused(world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    world.put_policy(key, allow(user("Bob"), "kms:*"))
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"x")
    (demand,) = explain(world.server, "--request-id", request)["demands"]
    assert len(by_name(demand, "key policy")["statements"]) == 2 and demand["decision"] == "ImplicitDeny"


def test_what_is_not_kept_is_said(world):
    key = world.make_key()
    allowed = world.kms().encrypt(KeyId=key.id, Plaintext=b"x")["ResponseMetadata"]["RequestId"]
    for request in (allowed, "00000000-0000-0000-0000-000000000000", ""):
        done = world.server.command("explain", "--request-id", request)
        assert done.returncode != 0 and "no decision is kept" in done.stderr


def test_allowed_calls_are_kept_if_wanted(servers):
    place = pathlib.Path(tempfile.mkdtemp(dir=servers.folder))
    config = place / "kanuki.toml"
    config.write_text('[decisions]\nkeep = "all"\n')
    server = servers.over(place / "data", seed=write_seed(place), config=config)
    import world as worlds

    own = worlds.World(server)
    key = own.make_key()
    answer = own.kms().encrypt(KeyId=key.id, Plaintext=b"a plaintext nobody keeps")
    found = explain(server, "--request-id", answer["ResponseMetadata"]["RequestId"])
    assert found["allowed"] is True and "message" not in found
    (demand,) = found["demands"]
    assert demand["decision"] == "Allow" and demand["reason"].endswith("allows it")
    assert "a plaintext" not in json.dumps(found)


@pytest.mark.parametrize(
    ("principal", "action", "decision"),
    [
        (user("Alice"), "kms:Encrypt", "Allow"),
        (user("Bob"), "kms:Encrypt", "ImplicitDeny"),
        (user("Bob"), "kms:Decrypt", "Allow"),
        (root(), "kms:Encrypt", "Allow"),
        (role("UserRole"), "kms:Sign", "Allow"),
        (role_session("UserRole", "s1"), "kms:Sign", "Allow"),
        (role_session("UserRole", "s1"), "kms:Encrypt", "ImplicitDeny"),
        (user("Carla", OTHER), "kms:Encrypt", "ImplicitDeny"),
        ("logs.us-west-2.amazonaws.com", "kms:GenerateDataKey", "Allow"),
        ("s3.amazonaws.com", "kms:GenerateDataKey", "ImplicitDeny"),
    ],
)
def test_a_call_that_nobody_made(world, principal, action, decision):
    key = world.make_key(
        ENABLE_IAM,
        allow(role("UserRole"), "kms:Sign"),
        {**allow("*", "kms:GenerateDataKey*"), "Principal": {"Service": "logs.us-west-2.amazonaws.com"}},
        Description="hypotheses",
    )
    world.kms().create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"])
    found = explain(world.server, "--principal", principal, "--action", action, "--resource", key.arn)
    (demand,) = found["demands"]
    assert demand["decision"] == decision, json.dumps(found, indent=1)


def test_a_hypothesis_has_a_context_and_facts(world):
    conditions = {
        "StringEquals": {"kms:EncryptionContext:app": "payroll"},
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
    }
    key = world.make_key(allow(user("Bob"), "kms:Encrypt", Condition=conditions))
    arguments = ["--principal", user("Bob"), "--action", "kms:Encrypt", "--resource", key.arn]
    context = ["--context", "app=payroll"]
    (demand,) = explain(world.server, *arguments, *context)["demands"]
    assert demand["decision"] == "ImplicitDeny" and demand["facts"]["aws:sourceip"] is None
    (demand,) = explain(world.server, *arguments, *context, "--fact", "aws:SourceIp=203.0.113.7")["demands"]
    assert demand["decision"] == "Allow"
    (demand,) = explain(world.server, *arguments, "--fact", "aws:SourceIp=203.0.113.7")["demands"]
    assert demand["decision"] == "ImplicitDeny"


def test_a_hypothesis_and_the_call_agree(world):
    """The same answer as the call itself, for every user on a key of each kind of policy."""
    keys = [world.make_key(), world.make_key(allow(user("Bob"), "kms:Encrypt")), world.make_key(ENABLE_IAM)]
    for name in ("Admin", "Alice", "Bob", "IamAllows", "IamDenies", "Auditor", f"{OTHER}/Carla"):
        account, _, short = name.rpartition("/")
        for key in keys:
            try:
                world.kms(name).encrypt(KeyId=key.arn, Plaintext=b"x")
                really = "Allow"
            except ClientError:
                really = "Deny"
            arn = user(short, account or HOME)
            found = explain(world.server, "--principal", arn, "--action", "kms:Encrypt", "--resource", key.arn)
            assert found["demands"][0]["decision"].endswith(really), (name, found)


def test_a_hypothesis_about_nobody_is_refused(world):
    for arguments in (
        ["--principal", user("Nobody"), "--action", "kms:Encrypt"],
        ["--principal", user("Bob"), "--action", "Encrypt"],
        ["--principal", user("Bob"), "--action", "kms:Encrypt", "--resource", "alias/none-such"],
        ["--principal", user("Bob")],
        [],
    ):
        done = world.server.command("explain", *arguments)
        assert done.returncode != 0 and done.stderr, arguments


# The whitepaper's policy for buckets, as printed, in a bucket of its own name.
P4 = """{"Version":"2012-10-17","Id":"PutObjPolicy","Statement":[{"Sid":"DenyUnEncryptedObjectUploads","Effect":"Deny",
"Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::YourBucket/*","Condition":{"StringNotEquals":{
"s3:x-amz-server-side-encryption":"aws:kms"}}}]}"""


def decided(server, folder, policy: str, *arguments: str) -> dict:
    """What is decided on a call that nobody made, with this policy on the resource."""
    path = folder / "resource-policy.json"
    path.write_text(policy)
    (demand,) = explain(server, *arguments, "--resource-policy", str(path))["demands"]
    return demand


@pytest.mark.parametrize(
    ("bucket", "header", "decision"),
    [
        ("YourBucket", None, "ExplicitDeny"),
        ("YourBucket", "AES256", "ExplicitDeny"),
        ("YourBucket", "aws:kms:dsse", "ExplicitDeny"),
        ("YourBucket", "aws:kms", "Allow"),
        ("OtherBucket", None, "Allow"),
    ],
)
def test_the_policy_against_unencrypted_uploads_decides_on_the_header(world, tmp_path, bucket, header, decision):
    """R85, policy P4, as far as its decision: each row of its table, for whom IAM lets put objects."""
    call = ["--principal", user("Admin"), "--action", "s3:PutObject", "--resource", f"arn:aws:s3:::{bucket}/x"]
    facts = ["--fact", f"s3:x-amz-server-side-encryption={header}"] if header else []
    demand = decided(world.server, tmp_path, P4, *call, *facts)
    assert demand["decision"] == decision, demand
    (statement,) = by_name(demand, "given resource policy")["statements"]
    assert statement["applies"] == (decision == "ExplicitDeny")
    assert statement["resource"] == (bucket == "YourBucket")
    (condition,) = statement["conditions"]
    assert condition["request"] == ([header] if header else None)
    # Who has no right in IAM gets none from a policy that only denies.
    call[1] = user("Bob")
    demand = decided(world.server, tmp_path, P4, *call, *facts)
    assert demand["decision"] == ("ExplicitDeny" if decision == "ExplicitDeny" else "ImplicitDeny")


def test_a_bucket_of_another_account_needs_both_sides(world, tmp_path):
    """The account of a resource whose ARN does not tell it can be said."""
    policy = document({**allow(user("Admin"), "s3:GetObject"), "Resource": "arn:aws:s3:::theirs/*"})
    call = ["--principal", user("Admin"), "--action", "s3:GetObject", "--resource", "arn:aws:s3:::theirs/x"]
    theirs = ["--resource-account", OTHER]
    assert decided(world.server, tmp_path, policy, *call, *theirs)["decision"] == "Allow"
    nothing = document({**allow(user("Alice"), "s3:GetObject"), "Resource": "arn:aws:s3:::theirs/*"})
    assert decided(world.server, tmp_path, nothing, *call)["decision"] == "Allow"
    assert decided(world.server, tmp_path, nothing, *call, *theirs)["decision"] == "ImplicitDeny"


def test_a_key_policy_can_be_tried_before_it_is_put(world, tmp_path):
    """It stands in for the stored one, which decides afterwards as before."""
    key = world.make_key(allow(user("Bob"), "kms:Encrypt"))
    call = ["--principal", user("Bob"), "--action", "kms:Encrypt", "--resource", key.arn]
    assert decided(world.server, tmp_path, document(ENABLE_IAM), *call)["decision"] == "ImplicitDeny"
    denied = document(ENABLE_IAM, deny(user("Bob"), "kms:Encrypt"))
    assert decided(world.server, tmp_path, denied, *call)["decision"] == "ExplicitDeny"
    world.kms("Bob").encrypt(KeyId=key.arn, Plaintext=b"x")
    # Putting it has the same effect.
    world.kms().put_key_policy(KeyId=key.id, PolicyName="default", Policy=document(ENABLE_IAM, ADMIN))
    refused(world.kms("Bob").encrypt, KeyId=key.arn, Plaintext=b"x")


def test_a_trust_policy_can_be_tried_before_it_is_put(world, tmp_path):
    trust = {"Effect": "Allow", "Principal": {"AWS": user("Bob")}, "Action": "sts:AssumeRole"}
    call = ["--principal", user("Bob"), "--action", "sts:AssumeRole", "--resource", role("UserRole")]
    assert explain(world.server, *call)["demands"][0]["decision"] == "ImplicitDeny"
    assert decided(world.server, tmp_path, document(trust), *call)["decision"] == "Allow"


def test_a_policy_that_cannot_stand_there_is_refused(world, tmp_path):
    """It does not parse for its place, names nobody, is too long; or the resource has no policy."""
    path = tmp_path / "policy.json"
    key = world.make_key()
    bucket = ["--resource", "arn:aws:s3:::b/x"]
    nobody = document({**allow(user("Nobody"), "s3:GetObject"), "Resource": "arn:aws:s3:::b/*"})
    for text, resource in (
        ("no policy", bucket),
        (document(identity("Allow", "s3:GetObject")), bucket),
        (nobody, bucket),
        (document(allow(user("Nobody"), "kms:*")), ["--resource", key.arn]),
        (P4 + " " * 600_000, bucket),
        (P4, ["--resource", user("Alice")]),
        (P4, []),
    ):
        path.write_text(text)
        call = ["--principal", user("Bob"), "--action", "s3:GetObject", *resource]
        done = world.server.command("explain", *call, "--resource-policy", str(path))
        assert done.returncode != 0 and done.stderr.strip(), (text[:80], resource)
    gone = ["--principal", user("Bob"), "--action", "s3:GetObject", *bucket, "--resource-policy", str(tmp_path / "none")]
    assert world.server.command("explain", *gone).returncode != 0
