"""Multi-Region keys: making replicas, who may, what each copy tells, which one leads, and in which order they go."""

import json
import re
import subprocess

import pytest

import kanuki
import trail
from aws import refused, request_id
from multi_region import arn_in, assert_set, expected_set, metadata, primary, replicate, state
from policies import allow, document, no_identity_policy, no_resource_policy, root, user
from world import FAR_REGION, HOME_REGION, THIRD_REGION

FAR, THIRD = FAR_REGION, THIRD_REGION
DAY = 86_400
ALL_KEYS = {
    "SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT",
    "RSA_2048": "ENCRYPT_DECRYPT",
    "ECC_NIST_P256": "SIGN_VERIFY",
    "ECC_NIST_EDWARDS25519": "SIGN_VERIFY",
    "ECC_SECG_P256K1": "SIGN_VERIFY",
    "ECC_NIST_P384": "KEY_AGREEMENT",
    "ML_DSA_44": "SIGN_VERIFY",
    "ML_KEM_768": "ENCAPSULATE_DECAPSULATE",
    "HMAC_224": "GENERATE_VERIFY_MAC",
    "HMAC_512": "GENERATE_VERIFY_MAC",
}


def not_primary(arn: str) -> str:
    return f"{arn} is not a multi-region primary key."


def records_of(server, answer: dict) -> dict[str, dict]:
    """The records of a call, by Region."""
    return {record["awsRegion"]: record for record in trail.by_request_id(server)[request_id(answer)]}


def events(server, name: str, arn: str) -> list[dict]:
    """What the server did to a key by itself."""
    found = [record for record in trail.records(server) if record["eventName"] == name]
    return [record for record in found if record["resources"][0]["ARN"] == arn]


def test_a_new_multi_region_key_is_a_primary_without_replicas(world):
    answer = world.kms().create_key(MultiRegion=True)
    key_id = answer["KeyMetadata"]["KeyId"]
    assert re.fullmatch("mrk-[0-9a-f]{32}", key_id)
    made = answer["KeyMetadata"]
    assert (made["MultiRegion"], made["KeyState"]) == (True, "Enabled")
    copy = {"Arn": made["Arn"], "Region": HOME_REGION}
    assert made["MultiRegionConfiguration"] == {"MultiRegionKeyType": "PRIMARY", "PrimaryKey": copy, "ReplicaKeys": []}
    assert "MultiRegionConfiguration" not in metadata(world, world.make_key())
    record = trail.record_of(world.server, request_id(answer))
    assert record["requestParameters"]["multiRegion"] is True
    told = record["responseElements"]["keyMetadata"]["multiRegionConfiguration"]
    assert told == {"multiRegionKeyType": "PRIMARY", "primaryKey": {"arn": made["Arn"], "region": HOME_REGION}, "replicaKeys": []}


def test_a_replica_is_a_key_of_its_own_with_the_same_id(world):
    """Its answer shows it being created; it is whole at once, and differs in what is its own."""
    key = primary(world, Description="leads", Tags=[{"TagKey": "copy", "TagValue": "first"}])
    answer = replicate(world, key, Description="follows", Tags=[{"TagKey": "copy", "TagValue": "second"}])
    told = answer["ReplicaKeyMetadata"]
    assert (told["KeyId"], told["Arn"]) == (key.id, arn_in(FAR, key))
    assert (told["KeyState"], told["Enabled"], told["Description"]) == ("Creating", False, "follows")
    assert "CurrentKeyMaterialId" not in told
    assert told["MultiRegionConfiguration"] == expected_set(key, "REPLICA", HOME_REGION, FAR)
    assert answer["ReplicaTags"] == [{"TagKey": "copy", "TagValue": "second"}]
    assert json.loads(answer["ReplicaPolicy"])["Id"] == "key-default-1"
    far, home = metadata(world, key, FAR), metadata(world, key)
    assert (far["KeyState"], far["Enabled"]) == ("Enabled", True)
    assert far["CurrentKeyMaterialId"] == home["CurrentKeyMaterialId"]
    for name in ("KeyId", "KeySpec", "KeyUsage", "Origin", "EncryptionAlgorithms", "MultiRegion"):
        assert far[name] == home[name], name
    assert (far["Description"], home["Description"]) == ("follows", "leads")
    tags = world.kms(region=FAR).list_resource_tags(KeyId=key.id)["Tags"]
    assert tags == [{"TagKey": "copy", "TagValue": "second"}]
    assert_set(world, key, HOME_REGION, FAR)


def test_a_replica_begins_with_defaults_of_its_own(world):
    """Policy, description and tags are not the primary's unless they are given."""
    key = world.make_key(
        allow(user("Bob"), "kms:Encrypt"), MultiRegion=True, Description="x", Tags=[{"TagKey": "a", "TagValue": "b"}]
    )
    world.kms().create_alias(AliasName=f"alias/{key.id}", TargetKeyId=key.id)
    answer = replicate(world, key)
    kms = world.kms(region=FAR)
    assert json.loads(answer["ReplicaPolicy"])["Statement"][0]["Principal"] == {"AWS": root()}
    assert kms.get_key_policy(KeyId=key.id)["Policy"] == answer["ReplicaPolicy"]
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == ""
    assert kms.list_resource_tags(KeyId=key.id)["Tags"] == answer["ReplicaTags"] == []
    assert kms.list_aliases(KeyId=key.id)["Aliases"] == []


def test_what_one_copy_has_the_others_do_not(world):
    """State, policy, aliases, tags and grants are each copy's own."""
    key = primary(world)
    replicate(world, key)
    home, far = world.kms(), world.kms(region=FAR)
    far.disable_key(KeyId=key.id)
    far.tag_resource(KeyId=key.id, Tags=[{"TagKey": "far", "TagValue": ""}])
    far.create_alias(AliasName=f"alias/{key.id}", TargetKeyId=key.id)
    assert state(world, key) == "Enabled" and state(world, key, FAR) == "Disabled"
    assert home.list_resource_tags(KeyId=key.id)["Tags"] == []
    assert home.list_aliases(KeyId=key.id)["Aliases"] == []
    far.enable_key(KeyId=key.id)
    home.create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Encrypt"])
    assert far.list_grants(KeyId=key.id)["Grants"] == []
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"x")
    where = arn_in(FAR, key)
    message = no_identity_policy(user("Bob"), "kms:Encrypt", where)
    refused("AccessDeniedException", message, world.kms("Bob", FAR).encrypt, KeyId=key.id, Plaintext=b"x")


def test_what_one_region_encrypts_the_other_opens(world):
    """In both directions, with and without the key's name; the header names no Region."""
    key = primary(world)
    replicate(world, key)
    context = {"a": "b"}
    for here, there in ((HOME_REGION, FAR), (FAR, HOME_REGION)):
        made = world.kms(region=here).generate_data_key(KeyId=key.id, KeySpec="AES_256", EncryptionContext=context)
        for name in ({}, {"KeyId": key.id}, {"KeyId": arn_in(there, key)}):
            opened = world.kms(region=there).decrypt(
                CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context, **name
            )
            assert opened["Plaintext"] == made["Plaintext"]
            assert opened["KeyId"] == arn_in(there, key)
            assert opened["KeyMaterialId"] == made["KeyMaterialId"]
        message = f"Invalid arn {here}"
        name = arn_in(here, key)
        blob = made["CiphertextBlob"]
        refused("NotFoundException", message, world.kms(region=there).decrypt, CiphertextBlob=blob, KeyId=name)
    other = world.make_key(region=FAR)
    moved = world.kms(region=FAR).re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other.arn
    )
    assert world.kms(region=FAR).decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


@pytest.mark.parametrize("spec", ALL_KEYS)
def test_every_kind_of_key_works_alike_in_both_regions(world, spec):
    usage = ALL_KEYS[spec]
    key = primary(world, KeySpec=spec, KeyUsage=usage)
    replicate(world, key)
    home, far = world.kms(), world.kms(region=FAR)
    if usage != "GENERATE_VERIFY_MAC" and spec != "SYMMETRIC_DEFAULT":
        assert home.get_public_key(KeyId=key.id)["PublicKey"] == far.get_public_key(KeyId=key.id)["PublicKey"]
    for one, other in ((home, far), (far, home)):
        match usage:
            case "SIGN_VERIFY":
                algorithm = one.describe_key(KeyId=key.id)["KeyMetadata"]["SigningAlgorithms"][0]
                call = {"KeyId": key.id, "Message": b"m", "SigningAlgorithm": algorithm}
                assert other.verify(Signature=one.sign(**call)["Signature"], **call)["SignatureValid"]
            case "GENERATE_VERIFY_MAC":
                call = {"KeyId": key.id, "Message": b"m", "MacAlgorithm": "HMAC_SHA_" + spec.removeprefix("HMAC_")}
                assert other.verify_mac(Mac=one.generate_mac(**call)["Mac"], **call)["MacValid"]
            case "KEY_AGREEMENT":
                pair = world.kms().generate_data_key_pair(KeyId=primary(world).id, KeyPairSpec=spec)
                call = {"KeyId": key.id, "KeyAgreementAlgorithm": "ECDH", "PublicKey": pair["PublicKey"]}
                assert one.derive_shared_secret(**call)["SharedSecret"] == other.derive_shared_secret(**call)["SharedSecret"]
            case "ENCAPSULATE_DECAPSULATE":
                call = {"KeyId": key.id, "EncapsulationAlgorithm": "ML_KEM"}
                made = one.encapsulate(**call)
                blob = made["SharedSecretCiphertextBlob"]
                assert other.decapsulate(SharedSecretCiphertextBlob=blob, **call)["SharedSecret"] == made["SharedSecret"]
            case _:
                algorithm = one.describe_key(KeyId=key.id)["KeyMetadata"]["EncryptionAlgorithms"][0]
                call = {"KeyId": key.id, "EncryptionAlgorithm": algorithm}
                blob = one.encrypt(Plaintext=b"m", **call)["CiphertextBlob"]
                assert other.decrypt(CiphertextBlob=blob, **call)["Plaintext"] == b"m"


def test_only_a_primary_is_replicated_and_only_once_to_a_region(world):
    key, single = primary(world), world.make_key()
    replicate(world, key)
    home, far = world.kms(), world.kms(region=FAR)
    message = not_primary(single.arn)
    refused("UnsupportedOperationException", message, home.replicate_key, KeyId=single.id, ReplicaRegion=FAR)
    message = not_primary(arn_in(FAR, key))
    refused("UnsupportedOperationException", message, far.replicate_key, KeyId=key.id, ReplicaRegion=THIRD)
    for region in (FAR, HOME_REGION):
        message = f"Key {arn_in(region, key)} already exists."
        refused("AlreadyExistsException", message, home.replicate_key, KeyId=key.id, ReplicaRegion=region)
    message = "Region us-gov-west-1 is not available."
    refused("NotFoundException", message, home.replicate_key, KeyId=key.id, ReplicaRegion="us-gov-west-1")
    message = "Key Aliases are not supported for this operation."
    refused("InvalidArnException", message, home.replicate_key, KeyId="alias/x", ReplicaRegion=FAR)
    replicate(world, key, THIRD)
    assert_set(world, key, HOME_REGION, FAR, THIRD)


@pytest.mark.parametrize("region", ["US-EAST-1", "us_east_1", "us east 1", "a" * 33])
def test_what_is_no_region_is_refused(world, region):
    kms = world.kms(validate=False)
    message = re.compile("1 validation error detected: Value .* at '(replica|primary)Region' failed to satisfy constraint: .*")
    refused("ValidationException", message, kms.replicate_key, KeyId="mrk-" + "0" * 32, ReplicaRegion=region)
    refused("ValidationException", message, kms.update_primary_region, KeyId="mrk-" + "0" * 32, PrimaryRegion=region)


def test_a_key_out_of_use_is_not_replicated(world):
    key = primary(world)
    kms = world.kms()
    call = {"KeyId": key.id, "ReplicaRegion": FAR}
    kms.disable_key(KeyId=key.id)
    refused("DisabledException", f"{key.arn} is disabled.", kms.replicate_key, **call)
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    refused("KMSInvalidStateException", f"{key.arn} is pending deletion.", kms.replicate_key, **call)
    empty = primary(world, Origin="EXTERNAL")
    message = f"{empty.arn} is pending import."
    refused("KMSInvalidStateException", message, kms.replicate_key, KeyId=empty.id, ReplicaRegion=FAR)


def test_a_refused_replica_leaves_nothing(world):
    """Bad policies and tags are refused by name, and the set stays as it was."""
    key = primary(world)
    kms = world.kms()
    bad_tags = [{"TagKey": "aws:x", "TagValue": ""}]
    call = {"KeyId": key.id, "ReplicaRegion": FAR}
    refused("TagException", "Tags beginning with aws: are reserved", kms.replicate_key, Tags=bad_tags, **call)
    lockout = document(allow(user("Bob"), "kms:*"))
    message = "The new key policy will not allow you to update the key policy in the future."
    refused("MalformedPolicyDocumentException", message, kms.replicate_key, Policy=lockout, **call)
    nobody = document(allow(user("Admin"), "kms:*"), allow(user("Nobody"), "kms:*"))
    message = "Policy contains a statement with one or more invalid principals."
    refused("MalformedPolicyDocumentException", message, kms.replicate_key, Policy=nobody, **call)
    assert_set(world, key, HOME_REGION)
    missing = f"Key '{arn_in(FAR, key)}' does not exist"
    refused("NotFoundException", missing, world.kms(region=FAR).describe_key, KeyId=key.id)
    replicate(world, key, Policy=lockout, BypassPolicyLockoutSafetyCheck=True)
    assert world.kms("Bob", FAR).get_key_policy(KeyId=key.id)["Policy"] == lockout


def test_the_primarys_policy_says_where_a_key_may_go(world):
    """kms:ReplicaRegion; and kms:CreateKey must be allowed in the Region of the replica, not of the call."""
    where = {"StringEquals": {"kms:ReplicaRegion": [FAR, THIRD]}}
    key = world.make_key(allow(user("FarMaker"), "kms:ReplicateKey", Condition=where), MultiRegion=True)
    kms = world.kms("FarMaker")
    message = no_identity_policy(user("FarMaker"), "kms:CreateKey", "*")
    refused("AccessDeniedException", message, kms.replicate_key, KeyId=key.id, ReplicaRegion=THIRD)
    message = no_identity_policy(user("FarMaker"), "kms:TagResource", "*")
    tags = [{"TagKey": "a", "TagValue": "b"}]
    refused("AccessDeniedException", message, kms.replicate_key, KeyId=key.id, ReplicaRegion=FAR, Tags=tags)
    assert_set(world, key, HOME_REGION)
    kms.replicate_key(KeyId=key.id, ReplicaRegion=FAR)
    assert_set(world, key, HOME_REGION, FAR)

    elsewhere = {"StringEquals": {"kms:ReplicaRegion": THIRD}}
    key = world.make_key(allow(user("FarMaker"), "kms:ReplicateKey", Condition=elsewhere), MultiRegion=True)
    message = no_resource_policy(user("FarMaker"), "kms:ReplicateKey", key.arn)
    refused("AccessDeniedException", message, kms.replicate_key, KeyId=key.id, ReplicaRegion=FAR)


def test_making_keys_is_not_replicating_them(world):
    """CreateKey alone does not let a key be copied, and ReplicateKey alone does not make one."""
    key = world.make_key(allow(user("Bob"), "kms:ReplicateKey"), MultiRegion=True)
    message = no_identity_policy(user("Bob"), "kms:CreateKey", "*")
    refused("AccessDeniedException", message, world.kms("Bob").replicate_key, KeyId=key.id, ReplicaRegion=FAR)
    message = no_resource_policy(user("FarMaker"), "kms:ReplicateKey", key.arn)
    refused("AccessDeniedException", message, world.kms("FarMaker").replicate_key, KeyId=key.id, ReplicaRegion=FAR)
    kms, hidden = world.kms("444455556666/Carla"), re.compile(".*is not authorized to perform: kms:ReplicateKey on this resource.*")
    refused("AccessDeniedException", hidden, kms.replicate_key, KeyId=key.arn, ReplicaRegion=FAR)


def test_what_a_key_is_in_its_set_is_a_condition_key(world):
    """kms:MultiRegion and kms:MultiRegionKeyType, of CreateKey and of each copy."""
    only = {"StringEquals": {"kms:MultiRegionKeyType": "REPLICA"}, "Bool": {"kms:MultiRegion": "true"}}
    policy = document(allow(user("Admin"), "kms:*"), allow(user("Bob"), "kms:Encrypt", Condition=only))
    key = primary(world, Policy=policy)
    replicate(world, key, Policy=policy)
    message = no_resource_policy(user("Bob"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", message, world.kms("Bob").encrypt, KeyId=key.id, Plaintext=b"x")
    world.kms("Bob", FAR).encrypt(KeyId=key.id, Plaintext=b"x")
    world.kms().update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    world.kms("Bob").encrypt(KeyId=key.id, Plaintext=b"x")
    message = no_resource_policy(user("Bob"), "kms:Encrypt", arn_in(FAR, key))
    refused("AccessDeniedException", message, world.kms("Bob", FAR).encrypt, KeyId=key.id, Plaintext=b"x")


def test_another_copy_leads(world):
    """Roles swap in every Region at once; the new primary replicates, the old one does not; nothing stops working."""
    key = primary(world)
    replicate(world, key)
    replicate(world, key, THIRD)
    home, far = world.kms(), world.kms(region=FAR)
    blob = home.encrypt(KeyId=key.id, Plaintext=b"before")["CiphertextBlob"]
    answer = home.update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    assert set(answer) == {"ResponseMetadata"}
    assert_set(world, key, FAR, HOME_REGION, THIRD)
    for region in (HOME_REGION, FAR, THIRD):
        assert state(world, key, region) == "Enabled"
        assert world.kms(region=region).decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    call = {"KeyId": key.id, "PrimaryRegion": FAR}
    refused("UnsupportedOperationException", not_primary(key.arn), home.update_primary_region, **call)
    message = f"{arn_in(FAR, key)} is already the primary key."
    refused("UnsupportedOperationException", message, far.update_primary_region, **call)
    far.update_primary_region(KeyId=key.id, PrimaryRegion=HOME_REGION)
    assert_set(world, key, HOME_REGION, FAR, THIRD)


def test_a_region_without_a_replica_cannot_lead(world):
    key, single = primary(world), world.make_key()
    replicate(world, key)
    home, far = world.kms(), world.kms(region=FAR)
    for region in (THIRD, "us-gov-west-1"):
        missing = f"Key '{arn_in(region, key)}' does not exist"
        refused("NotFoundException", missing, home.update_primary_region, KeyId=key.id, PrimaryRegion=region)
    message = not_primary(single.arn)
    refused("UnsupportedOperationException", message, home.update_primary_region, KeyId=single.id, PrimaryRegion=FAR)
    far.disable_key(KeyId=key.id)
    message = f"{arn_in(FAR, key)} is disabled."
    refused("DisabledException", message, home.update_primary_region, KeyId=key.id, PrimaryRegion=FAR)
    far.schedule_key_deletion(KeyId=key.id)
    message = f"{arn_in(FAR, key)} is pending deletion."
    refused("KMSInvalidStateException", message, home.update_primary_region, KeyId=key.id, PrimaryRegion=FAR)
    far.cancel_key_deletion(KeyId=key.id)
    far.enable_key(KeyId=key.id)
    home.disable_key(KeyId=key.id)
    refused("DisabledException", f"{key.arn} is disabled.", home.update_primary_region, KeyId=key.id, PrimaryRegion=FAR)
    assert_set(world, key, HOME_REGION, FAR)


def test_both_copies_say_who_may_change_the_leader(world):
    """kms:UpdatePrimaryRegion on the primary and on the replica, each under kms:PrimaryRegion."""
    may = allow(user("Bob"), "kms:UpdatePrimaryRegion", Condition={"StringEquals": {"kms:PrimaryRegion": FAR}})
    key = world.make_key(may, MultiRegion=True)
    replicate(world, key)
    replicate(world, key, THIRD)
    bob, call = world.kms("Bob"), {"KeyId": key.id, "PrimaryRegion": FAR}
    message = no_identity_policy(user("Bob"), "kms:UpdatePrimaryRegion", arn_in(FAR, key))
    refused("AccessDeniedException", message, bob.update_primary_region, **call)
    message = no_resource_policy(user("Bob"), "kms:UpdatePrimaryRegion", key.arn)
    refused("AccessDeniedException", message, bob.update_primary_region, KeyId=key.id, PrimaryRegion=THIRD)
    assert_set(world, key, HOME_REGION, FAR, THIRD)
    # The Region of each demand is that of its key.
    there = {"StringEquals": {"kms:PrimaryRegion": FAR, "aws:RequestedRegion": FAR}}
    world.put_policy(key, allow(user("Bob"), "kms:UpdatePrimaryRegion", Condition=there), region=FAR)
    bob.update_primary_region(**call)
    assert_set(world, key, FAR, HOME_REGION, THIRD)
    message = no_resource_policy(user("Bob"), "kms:UpdatePrimaryRegion", arn_in(FAR, key))
    call = {"KeyId": key.id, "PrimaryRegion": HOME_REGION}
    refused("AccessDeniedException", message, world.kms("Bob", FAR).update_primary_region, **call)


def test_each_region_tells_of_what_was_done_to_its_key(world):
    """ReplicateKey where it was called and CreateKey where the key was made; UpdatePrimaryRegion in both."""
    key, server = primary(world), world.server
    answer = replicate(world, key, Description="there", Tags=[{"TagKey": "a", "TagValue": "b"}])
    records = records_of(server, answer)
    assert set(records) == {HOME_REGION, FAR}
    here, there = records[HOME_REGION], records[FAR]
    assert (here["eventName"], there["eventName"]) == ("ReplicateKey", "CreateKey")
    assert here["eventID"] != there["eventID"]
    assert here["userIdentity"] == there["userIdentity"] and here["userIdentity"]["arn"] == user("Admin")
    assert [r["ARN"] for r in here["resources"]] == [key.arn]
    assert [r["ARN"] for r in there["resources"]] == [arn_in(FAR, key)]
    assert here["requestParameters"] == {
        "keyId": key.id,
        "replicaRegion": FAR,
        "description": "there",
        "bypassPolicyLockoutSafetyCheck": False,
        "tags": [{"tagKey": "a", "tagValue": "b"}],
    }
    told = here["responseElements"]
    assert told["replicaPolicy"] == answer["ReplicaPolicy"]
    assert told["replicaKeyMetadata"]["keyState"] == "Creating"
    assert told["replicaKeyMetadata"]["multiRegionConfiguration"]["replicaKeys"] == [{"arn": arn_in(FAR, key), "region": FAR}]
    assert there["responseElements"]["keyMetadata"] == told["replicaKeyMetadata"]
    assert there["requestParameters"]["multiRegion"] is True and there["requestParameters"]["description"] == "there"
    assert there["readOnly"] is False and there["eventType"] == "AwsApiCall"
    (synchronised,) = events(server, "SynchronizeMultiRegionKey", key.arn)
    assert synchronised["awsRegion"] == HOME_REGION and synchronised["eventType"] == "AwsApiCall"
    assert synchronised["userIdentity"]["invokedBy"] == "AWS Internal"
    assert synchronised["responseElements"] == {"keyId": key.arn} and synchronised["requestID"]

    answer = world.kms().update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    records = records_of(server, answer)
    assert {region: record["eventName"] for region, record in records.items()} == {
        HOME_REGION: "UpdatePrimaryRegion",
        FAR: "UpdatePrimaryRegion",
    }
    for record in records.values():
        assert record["requestParameters"] == {"keyId": key.id, "primaryRegion": FAR}
        assert record["responseElements"] is None
    assert [r["ARN"] for r in records[FAR]["resources"]] == [arn_in(FAR, key)]


def test_what_is_refused_is_told_where_it_was_asked(world):
    key = primary(world)
    message = no_identity_policy(user("Bob"), "kms:ReplicateKey", key.arn)
    answer = refused("AccessDeniedException", message, world.kms("Bob").replicate_key, KeyId=key.id, ReplicaRegion=FAR)
    record = trail.record_of(world.server, request_id(answer))
    assert (record["awsRegion"], record["errorCode"]) == (HOME_REGION, "AccessDenied")
    assert record["requestParameters"]["replicaRegion"] == FAR


def test_a_primary_waits_for_its_replicas(steered):
    """It is deleted last, and its waiting period begins when the last replica is really gone."""
    key = primary(steered)
    replicate(steered, key)
    replicate(steered, key, THIRD)
    home, far, third = (steered.kms(region=region) for region in (HOME_REGION, FAR, THIRD))
    answer = home.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=9)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 9)
    assert "DeletionDate" not in answer
    record = trail.record_of(steered.server, request_id(answer))
    assert record["responseElements"] == {
        "keyId": key.arn, "keyState": "PendingReplicaDeletion", "pendingWindowInDays": 9,
    }  # fmt: skip
    told = metadata(steered, key)
    assert (told["KeyState"], told["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 9)
    assert "DeletionDate" not in told and told["Enabled"] is False
    pending = f"{key.arn} is pending deletion."
    refused("KMSInvalidStateException", pending, home.encrypt, KeyId=key.id, Plaintext=b"x")
    refused("KMSInvalidStateException", pending, home.schedule_key_deletion, KeyId=key.id)
    refused("KMSInvalidStateException", pending, home.replicate_key, KeyId=key.id, ReplicaRegion=FAR)
    refused("KMSInvalidStateException", pending, home.update_primary_region, KeyId=key.id, PrimaryRegion=FAR)
    far.encrypt(KeyId=key.id, Plaintext=b"x")
    steered.server.advance(40 * DAY)
    assert state(steered, key) == "PendingReplicaDeletion", "replicas are still there"

    far.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    third.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=12)
    steered.server.advance(8 * DAY)
    missing = f"Key '{arn_in(FAR, key)}' does not exist"
    refused("NotFoundException", missing, far.describe_key, KeyId=key.id)
    assert_set(steered, key, HOME_REGION, THIRD)
    assert state(steered, key) == "PendingReplicaDeletion"
    steered.server.advance(5 * DAY)
    told = metadata(steered, key)
    assert told["KeyState"] == "PendingDeletion" and "PendingDeletionWindowInDays" not in told
    assert told["MultiRegionConfiguration"] == expected_set(key, "PRIMARY", HOME_REGION)
    steered.server.advance(8 * DAY)
    assert state(steered, key) == "PendingDeletion", "its own nine days are not over"
    steered.server.kill()
    steered.server.start()
    steered.server.advance(100 * DAY)  # a restart takes the clock back to the real one
    missing = f"Key '{key.arn}' does not exist"
    refused("NotFoundException", missing, steered.kms().describe_key, KeyId=key.id)
    for region in (HOME_REGION, FAR, THIRD):
        (event,) = events(steered.server, "DeleteKey", arn_in(region, key))
        assert event["awsRegion"] == region


def test_the_deletion_of_a_primary_can_be_cancelled(steered):
    key = primary(steered)
    replicate(steered, key)
    kms = steered.kms()
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    assert kms.cancel_key_deletion(KeyId=key.id)["KeyId"] == key.arn
    told = metadata(steered, key)
    assert told["KeyState"] == "Disabled" and "PendingDeletionWindowInDays" not in told
    steered.kms(region=FAR).schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    steered.server.advance(8 * DAY)
    assert_set(steered, key, HOME_REGION)
    assert state(steered, key) == "Disabled", "the last replica's end must not delete it"
    kms.enable_key(KeyId=key.id)
    assert kms.schedule_key_deletion(KeyId=key.id)["KeyState"] == "PendingDeletion"


def test_a_replica_goes_alone_and_can_be_made_again(steered):
    """A new replica has the same material, so what the old one encrypted opens with it."""
    key = primary(steered)
    replicate(steered, key, Description="old")
    far = steered.kms(region=FAR)
    blob = far.encrypt(KeyId=key.id, Plaintext=b"of the old replica")["CiphertextBlob"]
    far.create_alias(AliasName=f"alias/{key.id}", TargetKeyId=key.id)
    answer = far.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion" and answer["DeletionDate"]
    assert state(steered, key) == "Enabled"
    assert_set(steered, key, HOME_REGION, FAR)
    call = {"KeyId": key.id, "ReplicaRegion": FAR}
    message = f"Key {arn_in(FAR, key)} already exists."
    refused("AlreadyExistsException", message, steered.kms().replicate_key, **call)
    steered.server.advance(8 * DAY)
    assert_set(steered, key, HOME_REGION)
    assert steered.kms().decrypt(CiphertextBlob=blob)["Plaintext"] == b"of the old replica"
    replicate(steered, key, Description="new")
    assert metadata(steered, key, FAR)["Description"] == "new"
    assert far.list_aliases(KeyId=key.id)["Aliases"] == []
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"of the old replica"


def test_the_new_primary_is_the_one_that_waits(steered):
    """When another copy leads, the former primary is deleted alone and at once."""
    key = primary(steered)
    replicate(steered, key)
    steered.kms().update_primary_region(KeyId=key.id, PrimaryRegion=FAR)
    assert steered.kms(region=FAR).schedule_key_deletion(KeyId=key.id)["KeyState"] == "PendingReplicaDeletion"
    steered.kms(region=FAR).cancel_key_deletion(KeyId=key.id)
    assert steered.kms().schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    steered.server.advance(8 * DAY)
    assert_set(steered, key, FAR)


def test_nothing_is_half_made_when_the_server_is_killed(fresh):
    """After each acknowledged step the whole set is as that step left it."""
    key = primary(fresh)
    blob = fresh.kms().encrypt(KeyId=key.id, Plaintext=b"x")["CiphertextBlob"]

    def crash():
        fresh.server.kill()
        fresh.server.start()

    replicate(fresh, key)
    crash()
    assert_set(fresh, key, HOME_REGION, FAR)
    replicate(fresh, key, THIRD)
    fresh.kms().update_primary_region(KeyId=key.id, PrimaryRegion=THIRD)
    crash()
    assert_set(fresh, key, THIRD, HOME_REGION, FAR)
    fresh.kms(region=THIRD).rotate_key_on_demand(KeyId=key.id)
    crash()
    current = {metadata(fresh, key, region)["CurrentKeyMaterialId"] for region in (HOME_REGION, FAR, THIRD)}
    assert len(current) == 1
    fresh.kms(region=THIRD).schedule_key_deletion(KeyId=key.id)
    crash()
    assert state(fresh, key, THIRD) == "PendingReplicaDeletion"
    for region in (HOME_REGION, FAR):
        assert fresh.kms(region=region).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    trail.assert_each_call_recorded_once(fresh.server)
    assert trail.verify(fresh.server).returncode == 0


def test_the_stock_command_line_replicates(fresh, aws_cli, tmp_path):
    keys = fresh.keys("Admin")
    environment = kanuki.clean_environment(
        HOME=str(tmp_path),
        AWS_ENDPOINT_URL=fresh.server.endpoint,
        AWS_ACCESS_KEY_ID=keys.access_key_id,
        AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_PAGER="",
    )

    def aws(region, *arguments):
        command = [str(aws_cli), "kms", *arguments, "--region", region, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    key_id = aws(HOME_REGION, "create-key", "--multi-region")["KeyMetadata"]["KeyId"]
    answer = aws(HOME_REGION, "replicate-key", "--key-id", key_id, "--replica-region", FAR)
    assert answer["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    assert aws(HOME_REGION, "update-primary-region", "--key-id", key_id, "--primary-region", FAR) is None
    told = aws(HOME_REGION, "describe-key", "--key-id", key_id)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (told["MultiRegionKeyType"], told["PrimaryKey"]["Region"]) == ("REPLICA", FAR)
