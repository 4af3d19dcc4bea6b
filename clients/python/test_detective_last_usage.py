"""GetKeyLastUsage: which successful operation used a key last, as the trail has it; also after `kill -9`.

Rule: the GetKeyLastUsage API page.
"""

import datetime
import random
import sqlite3
import threading
import time

import pytest

import trail
from aws import NO_ANSWER, error_of, refused, request_id
from policies import allow, no_resource_policy, user
from world import FAR_REGION, KNOWN_ARN, KNOWN_KEY_ID, World, caller


def last(kms, key) -> dict:
    """What is told of a key's last use."""
    return kms.get_key_last_usage(KeyId=key.id)["KeyLastUsage"]


def assert_last_is(world, kms, key, operation: str, answer: dict) -> None:
    """The last use of a key is that call, as its record in the trail tells of it."""
    record = trail.record_of(world.server, request_id(answer))
    told = last(kms, key)
    assert told["Operation"] == operation == record["eventName"]
    assert told["KmsRequestId"] == request_id(answer) and told["CloudTrailEventId"] == record["eventID"]
    assert told["Timestamp"].astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") == record["eventTime"]


def test_detective_a_key_that_was_never_used_says_so(world, key):
    """An empty element, and the tracking begins with the key: so it was not used since it was created."""
    answer = world.kms().get_key_last_usage(KeyId=key.arn)
    created = world.kms().describe_key(KeyId=key.id)["KeyMetadata"]["CreationDate"]
    assert answer["KeyId"] == key.id and answer["KeyLastUsage"] == {}
    assert answer["TrackingStartDate"] == answer["KeyCreationDate"] == created


def test_detective_each_cryptographic_operation_is_a_use(world):
    """Every operation of the model's enumeration, on keys of every kind; ReEncrypt for both keys."""
    kms = world.kms()
    make = world.make_key
    symmetric, second = make(), make()
    rsa = make(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    mac = make(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    agreement = make(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    kem = make(KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")

    def used(key, operation, call, **parameters):
        answer = call(**parameters)
        assert_last_is(world, kms, key, operation, answer)
        return answer

    blob = used(symmetric, "Encrypt", kms.encrypt, KeyId=symmetric.id, Plaintext=b"m")["CiphertextBlob"]
    used(symmetric, "Decrypt", kms.decrypt, CiphertextBlob=blob)
    used(symmetric, "GenerateDataKey", kms.generate_data_key, KeyId=symmetric.id, KeySpec="AES_256")
    without = kms.generate_data_key_without_plaintext
    used(symmetric, "GenerateDataKeyWithoutPlaintext", without, KeyId=symmetric.id, KeySpec="AES_256")
    pair = {"KeyId": symmetric.id, "KeyPairSpec": "ECC_NIST_P256"}
    used(symmetric, "GenerateDataKeyPair", kms.generate_data_key_pair, **pair)
    without = kms.generate_data_key_pair_without_plaintext
    used(symmetric, "GenerateDataKeyPairWithoutPlaintext", without, **pair)
    answer = used(symmetric, "ReEncrypt", kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=second.id)
    assert_last_is(world, kms, second, "ReEncrypt", answer)
    message = {"KeyId": rsa.id, "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = used(rsa, "Sign", kms.sign, **message)["Signature"]
    used(rsa, "Verify", kms.verify, Signature=signature, **message)
    message = {"KeyId": mac.id, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
    code = used(mac, "GenerateMac", kms.generate_mac, **message)["Mac"]
    used(mac, "VerifyMac", kms.verify_mac, Mac=code, **message)
    public = kms.get_public_key(KeyId=agreement.id)["PublicKey"]
    derive = {"KeyId": agreement.id, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public}
    used(agreement, "DeriveSharedSecret", kms.derive_shared_secret, **derive)
    how = {"KeyId": kem.id, "EncapsulationAlgorithm": "ML_KEM"}
    made = used(kem, "Encapsulate", kms.encapsulate, **how)
    used(kem, "Decapsulate", kms.decapsulate, SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"], **how)


def test_detective_what_fails_or_only_looks_is_no_use(world, key):
    """Refused calls, dry runs and calls about the key change nothing of it."""
    kms = world.kms()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    before = last(kms, key)
    assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m", DryRun=True) == "DryRunOperationException"
    wrong = {"CiphertextBlob": blob, "EncryptionContext": {"wrong": "context"}}
    assert error_of(kms.decrypt, **wrong) == "InvalidCiphertextException"
    assert error_of(world.kms("Bob").encrypt, KeyId=key.arn, Plaintext=b"m") == "AccessDeniedException"
    kms.describe_key(KeyId=key.id)
    kms.get_key_policy(KeyId=key.id)
    kms.rotate_key_on_demand(KeyId=key.id)
    kms.disable_key(KeyId=key.id)
    assert error_of(kms.encrypt, KeyId=key.id, Plaintext=b"m") == "DisabledException"
    assert last(kms, key) == before and before["Operation"] == "Encrypt"


def test_detective_who_may_ask(world, key):
    """The permission is its own; aliases name no key here; what does not exist is not found."""
    bob = world.kms("Bob")
    denied = no_resource_policy(caller("Bob"), "kms:GetKeyLastUsage", key.arn)
    world.put_policy(key, allow(user("Bob"), "kms:DescribeKey"))
    refused("AccessDeniedException", denied, bob.get_key_last_usage, KeyId=key.arn)
    world.put_policy(key, allow(user("Bob"), "kms:GetKeyLastUsage"))
    assert bob.get_key_last_usage(KeyId=key.arn)["KeyLastUsage"] == {}
    kms = world.kms()
    message = "Key Aliases are not supported for this operation."
    refused("InvalidArnException", message, kms.get_key_last_usage, KeyId="alias/some")
    missing = "00000000-0000-0000-0000-000000000000"
    message = f"Key 'arn:aws:kms:us-west-2:111122223333:key/{missing}' does not exist"
    refused("NotFoundException", message, kms.get_key_last_usage, KeyId=missing)


def test_detective_keys_of_two_regions_are_told_apart(world):
    """A use in one Region is no use in another."""
    here, there = world.make_key(), world.make_key(region=FAR_REGION)
    world.kms(region=FAR_REGION).encrypt(KeyId=there.id, Plaintext=b"m")
    assert last(world.kms(), here) == {}
    assert last(world.kms(region=FAR_REGION), there)["Operation"] == "Encrypt"


def test_detective_the_last_use_survives_stops_and_crashes(fresh):
    """Across an orderly stop, a crash at once, and a crash long after: nothing comes back, nothing is lost."""
    kms, key, idle = fresh.kms(), fresh.make_key(), fresh.make_key()
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    told = fresh.kms().get_key_last_usage(KeyId=key.id)
    fresh.server.restart()
    assert fresh.kms().get_key_last_usage(KeyId=key.id)["KeyLastUsage"] == told["KeyLastUsage"]
    answer = fresh.kms().generate_data_key(KeyId=key.id, KeySpec="AES_256")
    fresh.server.kill()
    fresh.server.start()
    kms = fresh.kms()
    assert_last_is(fresh, kms, key, "GenerateDataKey", answer)
    fresh.server.kill()
    fresh.server.start()
    after = fresh.kms().get_key_last_usage(KeyId=key.id)
    assert after["KeyLastUsage"]["KmsRequestId"] == request_id(answer)
    assert after["TrackingStartDate"] == told["TrackingStartDate"]
    assert last(fresh.kms(), idle) == {}


@pytest.mark.parametrize("round_", range(3))
def test_detective_no_acknowledged_use_is_lost_under_load(fresh, round_):
    """`kill -9` while four clients encrypt: each key's last use is at least the last one that was acknowledged."""
    keys = [fresh.make_key() for _ in range(4)]
    acknowledged: dict[str, str] = {}

    def work(key):
        kms = fresh.kms()
        try:
            while True:
                acknowledged[key.id] = request_id(kms.encrypt(KeyId=key.id, Plaintext=b"m"))
        except NO_ANSWER:
            return  # the server is gone

    fresh.kms()
    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    time.sleep(random.Random(round_).uniform(0.2, 1.4))  # the load, not a wait for anything
    fresh.server.kill()
    for thread in threads:
        thread.join(60)
    fresh.server.start()
    uses = [record for record in trail.records(fresh.server) if record["eventName"] == "Encrypt"]
    newest = {record["resources"][0]["ARN"]: record["eventID"] for record in uses}
    order = [record["requestID"] for record in trail.records(fresh.server) if record.get("requestID")]
    for key in keys:
        told = last(fresh.kms(), key)
        assert order.index(told["KmsRequestId"]) >= order.index(acknowledged[key.id])
        assert told["CloudTrailEventId"] == newest[key.arn]


def test_detective_what_was_known_of_a_deleted_key_goes_with_it(fresh):
    """The record leaves the store with the key."""
    kms, key = fresh.kms(), fresh.make_key()
    kms.encrypt(KeyId=key.id, Plaintext=b"m")
    fresh.server.restart()
    fresh.kms().schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    fresh.server.advance(8 * 86_400)
    assert error_of(fresh.kms().get_key_last_usage, KeyId=key.id) == "NotFoundException"
    fresh.kms().encrypt(KeyId=KNOWN_KEY_ID, Plaintext=b"m")
    fresh.server.restart()
    assert fresh.kms().get_key_last_usage(KeyId=KNOWN_ARN)["KeyLastUsage"]["Operation"] == "Encrypt"
    assert _stored_last_uses(fresh) == 1


def _stored_last_uses(world: World) -> int:
    """How many keys the store knows a last use of."""
    with sqlite3.connect(f"file:{world.server.data_dir / 'store.sqlite'}?mode=ro", uri=True) as store:
        return store.execute("select count(*) from records where keyspace = 31").fetchone()[0]
