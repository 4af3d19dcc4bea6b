"""Quotas of requests and of resources: what is too much is refused with the API's own error, recorded, and costs nobody
else anything."""

import threading
import time

import pytest

import policies
import trail
from aws import connect, error_of, refused
from policies import OTHER, allow, root
from sigv4 import Keys
from world import FAR_REGION, World

THROTTLED = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
# Three calls at once, and one more each second.
BURST = 3
CONFIG = f"""
[request_quotas]
burst_seconds = {BURST}
[request_quotas.per_second]
symmetric = 1
rsa = 1
data_key_pair_ecc = 1
ListKeys = 1
[request_quotas.accounts.{OTHER}]
symmetric = 1000
[limits]
keys_per_account_max = 5
aliases_per_key_max = 2
tags_per_key_max = 3
key_policy_bytes_max = 1000
on_demand_rotations_max = 1
custom_key_stores_max = 0
"""


def make(servers, tmp_path) -> World:
    config = tmp_path / "kanuki.toml"
    config.write_text(CONFIG)
    return World(servers.make("quotas", config=config))


@pytest.fixture
def tight(servers, tmp_path):
    """A server with quotas that a test can use up."""
    return make(servers, tmp_path)


def use_up(call, **parameters) -> int:
    """Calls until it is too much, and checks that it comes neither early nor late. Answers how many were allowed."""
    started, allowed = time.monotonic(), 0
    while (error := error_of(call, **parameters)) is None:
        allowed += 1
        assert allowed <= BURST + (time.monotonic() - started) + 1, "more calls than the quota allows"
    assert error == "ThrottlingException"
    assert allowed >= BURST, "fewer calls than the quota allows at once"
    return allowed


def test_infrastructure_calls_above_the_quota_are_throttled_and_recorded(tight):
    """R71: the API's error and text; each refused call has its record; time alone brings the quota back."""
    kms = tight.kms()
    kms.list_aliases()
    use_up(kms.list_keys)
    answer = refused("ThrottlingException", THROTTLED, kms.list_keys)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    record = trail.record_of(tight.server, answer["ResponseMetadata"]["RequestId"])
    assert (record["errorCode"], record["errorMessage"]) == ("ThrottlingException", THROTTLED)
    assert record["eventName"] == "ListKeys" and record["userIdentity"]["userName"] == "Admin"
    kms.list_aliases()
    tight.server.advance(60)
    use_up(kms.list_keys)
    trail.assert_each_call_recorded_once(tight.server)


def test_infrastructure_key_material_shares_a_quota_by_its_kind(tight):
    """Encrypt, GenerateRandom and MACs draw on one quota, RSA keys on another, data key pairs on a third."""
    kms = tight.kms()
    symmetric = tight.make_key()
    rsa = tight.make_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    mac = tight.make_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    use_up(kms.encrypt, KeyId=symmetric.id, Plaintext=b"m")
    refused("ThrottlingException", THROTTLED, kms.generate_random, NumberOfBytes=1)
    refused("ThrottlingException", THROTTLED, kms.generate_mac, KeyId=mac.id, Message=b"m", MacAlgorithm="HMAC_SHA_256")
    use_up(kms.encrypt, KeyId=rsa.id, Plaintext=b"m", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    use_up(kms.generate_data_key_pair, KeyId=symmetric.id, KeyPairSpec="ECC_NIST_P256")


def test_infrastructure_refused_calls_cost_as_much_and_a_dry_run_too(tight):
    """Nothing is free: neither a key that does not exist, nor a call that is denied, nor one that does nothing."""
    kms, key = tight.kms(), tight.make_key()
    calls = [
        ("NotFoundException", kms, {"KeyId": "00000000-0000-0000-0000-000000000000"}),
        ("AccessDeniedException", tight.kms("Bob"), {"KeyId": key.id}),
        ("DryRunOperationException", kms, {"KeyId": key.id, "DryRun": True}),
    ]
    for code, client, parameters in calls:
        tight.server.advance(60)
        started, seen = time.monotonic(), []
        while "ThrottlingException" not in seen:
            seen.append(error_of(client.encrypt, Plaintext=b"m", **parameters))
            assert len(seen) <= BURST + (time.monotonic() - started) + 2, seen
        assert set(seen[:-1]) == {code} and len(seen) > BURST


def test_infrastructure_a_quota_belongs_to_the_callers_account_and_region(tight):
    """Use of another account's key draws on the caller's quota; a stranger's call draws on nobody's."""
    key = tight.make_key(allow(root(OTHER), "kms:Encrypt"))
    encrypt = {"KeyId": key.arn, "Plaintext": b"m"}
    carla = tight.kms(f"{OTHER}/Carla")
    for _ in range(50):
        carla.encrypt(**encrypt)
    for _ in range(50):
        forged = forged_call(tight)
        assert forged == "InvalidSignatureException", forged
    use_up(tight.kms().encrypt, **encrypt)
    carla.encrypt(**encrypt)
    far = tight.make_key(region=FAR_REGION)
    tight.kms(region=FAR_REGION).encrypt(KeyId=far.id, Plaintext=b"m")


def forged_call(world) -> str:
    """Calls GenerateRandom in the name of `Admin` without knowing the secret; answers the error."""
    keys = Keys(world.keys("Admin").access_key_id, "x" * 40)
    return error_of(connect(world.server, keys).generate_random, NumberOfBytes=1)


def test_infrastructure_an_account_has_no_more_keys_than_its_limit(tight):
    """Exactly the limit, also when many are made at once; a deleted key makes room; other Regions are not full."""
    kms, results, lock = tight.kms(), [], threading.Lock()

    def create():
        error = error_of(kms.create_key)
        with lock:
            results.append(error)

    threads = [threading.Thread(target=create) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The seed's key is one of the five.
    assert sorted(map(str, results)) == ["LimitExceededException"] * 8 + ["None"] * 4
    message = f"You have reached the limit of 5 keys of account {policies.HOME} in us-west-2."
    refused("LimitExceededException", message, kms.create_key)
    tight.make_key(region=FAR_REGION)
    key = kms.list_keys()["Keys"][0]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused("LimitExceededException", message, kms.create_key)
    tight.server.advance(7 * 86_400 + 60)
    kms.create_key()
    refused("LimitExceededException", message, kms.create_key)


def test_infrastructure_a_key_has_no_more_of_anything_than_its_limits(tight):
    """Aliases, tags, policy bytes and rotations: each limit is the operator's, each error the API's."""
    kms, key = tight.kms(), tight.make_key()
    for number in (1, 2):
        kms.create_alias(AliasName=f"alias/a{number}", TargetKeyId=key.id)
    message = f"{key.arn} has reached the limit of 2 aliases."
    refused("LimitExceededException", message, kms.create_alias, AliasName="alias/a3", TargetKeyId=key.id)
    kms.delete_alias(AliasName="alias/a1")
    kms.create_alias(AliasName="alias/a3", TargetKeyId=key.id)
    tags = [{"TagKey": str(number), "TagValue": ""} for number in range(4)]
    refused("TagException", "Too many tags", kms.tag_resource, KeyId=key.id, Tags=tags)
    refused("TagException", "Too many tags", kms.create_key, Tags=tags)
    kms.tag_resource(KeyId=key.id, Tags=tags[:3])
    policy = policies.document(policies.ADMIN, Id="i" * 1000)
    message = "The policy exceeds the maximum of 1000 bytes."
    refused("LimitExceededException", message, kms.put_key_policy, KeyId=key.id, Policy=policy)
    refused("LimitExceededException", message, kms.create_key, Policy=policy)
    kms.rotate_key_on_demand(KeyId=key.id)
    assert error_of(kms.rotate_key_on_demand, KeyId=key.id) == "LimitExceededException"
    proxy = {
        "CustomKeyStoreName": "one-too-many",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyUriEndpoint": "https://xks.example.org",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "A" * 20, "RawSecretAccessKey": "s" * 43},
    }
    message = "An account has at most 0 custom key stores in a Region."
    refused("LimitExceededException", message, kms.create_custom_key_store, **proxy)


def test_infrastructure_counts_survive_a_crash(servers, tmp_path):
    """The number of keys is durable with the keys themselves."""
    world = make(servers, tmp_path)
    for _ in range(4):
        world.make_key()
    world.server.kill()
    world.server.start()
    assert error_of(world.kms().create_key) == "LimitExceededException"
