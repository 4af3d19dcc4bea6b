"""Keys as things: their metadata, tags, aliases and lists."""

import datetime
import itertools
import os
import re

import pytest

from aws import error_of, refused
from imports import bring_in
from policies import HOME, no_identity_policy, user
from world import FAR_REGION, HOME_REGION

_numbers = itertools.count(1)


@pytest.fixture
def alias():
    """A name that no other test uses."""
    return f"alias/prod-db-team{next(_numbers)}"


def alias_arn(name: str, region: str = HOME_REGION) -> str:
    return f"arn:aws:kms:{region}:{HOME}:{name}"


def test_a_new_key_is_what_was_asked_for(world):
    """R42: metadata of CreateKey and DescribeKey agree; description and tags are kept."""
    kms = world.kms()
    begun = datetime.datetime.now(datetime.timezone.utc)
    tags = [{"TagKey": "CostCentre", "TagValue": "A"}, {"TagKey": "Class", "TagValue": "Confidential"}]
    made = kms.create_key(Description="of R42", Tags=tags)["KeyMetadata"]
    assert made == kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]
    assert made["Arn"] == f"arn:aws:kms:{HOME_REGION}:{HOME}:key/{made['KeyId']}" and made["AWSAccountId"] == HOME
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["KeyId"])
    assert made["Description"] == "of R42" and made["Enabled"] is True and made["KeyState"] == "Enabled"
    assert made["KeyManager"] == "CUSTOMER" and made["Origin"] == "AWS_KMS" and made["MultiRegion"] is False
    assert made["KeySpec"] == made["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"
    assert made["KeyUsage"] == "ENCRYPT_DECRYPT" and made["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    assert re.fullmatch("[0-9a-f]{64}", made["CurrentKeyMaterialId"])
    assert abs(made["CreationDate"] - begun) < datetime.timedelta(seconds=30)
    listed = kms.list_resource_tags(KeyId=made["KeyId"])["Tags"]
    assert sorted(listed, key=lambda tag: tag["TagKey"]) == sorted(tags, key=lambda tag: tag["TagKey"])


def test_a_description_can_be_changed(world, key):
    """R42: up to 8,192 characters."""
    kms = world.kms(validate=False)
    text = "é" * 8192
    kms.update_key_description(KeyId=key.id, Description=text)
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == text
    refused("ValidationException", re.compile(".*'description'.*8192"), kms.update_key_description,
            KeyId=key.id, Description=text + "x")  # fmt: skip
    kms.update_key_description(KeyId=key.id, Description="")
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == ""


def test_tags_are_added_replaced_and_removed(world, key):
    """R42: an unknown tag to be removed is ignored."""
    kms = world.kms()
    kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": ""}])
    kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "a", "TagValue": "2"}])
    kms.untag_resource(KeyId=key.id, TagKeys=["b", "never there"])
    assert kms.list_resource_tags(KeyId=key.id)["Tags"] == [{"TagKey": "a", "TagValue": "2"}]


def test_tags_have_limits(world, key):
    """R42: 50 per key, no name twice, none that begins with `aws:`; a refused call changes nothing."""
    kms = world.kms()
    fifty = [{"TagKey": f"t{number}", "TagValue": "x"} for number in range(50)]
    kms.tag_resource(KeyId=key.id, Tags=fifty)
    one_more = [{"TagKey": "one more", "TagValue": "x"}]
    refused("TagException", "Too many tags", kms.tag_resource, KeyId=key.id, Tags=one_more)
    refused("TagException", "Duplicate tag keys", kms.tag_resource, KeyId=key.id, Tags=[fifty[0], fifty[0]])
    for name in ("aws:x", "AWS:x"):
        reserved = [{"TagKey": name, "TagValue": "x"}]
        message = "Tags beginning with aws: are reserved"
        refused("TagException", message, kms.tag_resource, KeyId=key.id, Tags=reserved)
    paged = list(kms.get_paginator("list_resource_tags").paginate(KeyId=key.id, PaginationConfig={"PageSize": 7}))
    listed = [tag for page in paged for tag in page["Tags"]]
    assert len(paged) >= 8 and sorted(tag["TagKey"] for tag in listed) == sorted(tag["TagKey"] for tag in fifty)


def test_the_same_alias_works_in_each_region(world, alias):
    """R61: one name, a key of its own in each Region; the application does not change."""
    made = {}
    for region in (HOME_REGION, FAR_REGION):
        key = world.make_key(region=region)
        world.kms(region=region).create_alias(AliasName=alias, TargetKeyId=key.id)
        made[region] = key.arn
    for region, arn in made.items():
        kms = world.kms(region=region)
        for name in (alias, alias_arn(alias, region)):
            blob = kms.encrypt(KeyId=name, Plaintext=b"m")
            assert blob["KeyId"] == arn
            assert kms.decrypt(CiphertextBlob=blob["CiphertextBlob"])["Plaintext"] == b"m"


@pytest.mark.parametrize("origin", ["AWS_KMS", "EXTERNAL"])
def test_moving_an_alias_rotates_by_hand(world, alias, origin):
    """R60, R62: new ciphertexts use the new key; old ones open as long as the key is not named by the alias."""
    kms, key, new = world.kms(), world.make_key(Origin=origin), world.make_key(Origin=origin)
    if origin == "EXTERNAL":
        for empty in (key, new):
            bring_in(kms, empty.id, os.urandom(32))
    kms.create_alias(AliasName=alias, TargetKeyId=key.id)
    old = kms.encrypt(KeyId=alias, Plaintext=b"before")["CiphertextBlob"]
    kms.update_alias(AliasName=alias, TargetKeyId=new.id)
    assert kms.encrypt(KeyId=alias, Plaintext=b"after")["KeyId"] == new.arn
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"before"
    message = "The key ID in the request does not identify a CMK that can perform this operation."
    refused("IncorrectKeyException", message, kms.decrypt, CiphertextBlob=old, KeyId=alias)
    (listed,) = kms.list_aliases(KeyId=new.id)["Aliases"]
    assert listed["AliasName"] == alias and listed["AliasArn"] == alias_arn(alias)
    assert listed["TargetKeyId"] == new.id and listed["LastUpdatedDate"] >= listed["CreationDate"]
    assert kms.list_aliases(KeyId=key.id)["Aliases"] == []
    kms.delete_alias(AliasName=alias)
    missing = f"Alias {alias_arn(alias)} is not found."
    refused("NotFoundException", missing, kms.encrypt, KeyId=alias, Plaintext=b"m")
    refused("NotFoundException", missing, kms.delete_alias, AliasName=alias)


@pytest.mark.parametrize(
    "other, what",
    [
        (
            {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
            "usage {} to a CMK with key usage {}. The key usage",
        ),
        ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, "type {} to a CMK with key type {}. The key type"),
    ],
)
@pytest.mark.parametrize("back", [False, True])
def test_an_alias_moves_between_keys_alike(world, key, alias, other, what, back):
    """R62: neither another usage nor another kind of key for the same usage; a refused move changes nothing."""
    kms, another = world.kms(), world.make_key(**other)
    kinds = ["ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC"] if "usage" in what else ["SYMMETRIC", "ASYMMETRIC"]
    keys = [key, another]
    if back:
        kinds.reverse()
        keys.reverse()
    kms.create_alias(AliasName=alias, TargetKeyId=keys[0].id)
    place = f"Alias {alias_arn(alias)} cannot be changed from a CMK with key "
    message = f"{place}{what.format(*kinds)} of the current CMK and the new CMK must be the same."
    refused("ValidationException", message, kms.update_alias, AliasName=alias, TargetKeyId=keys[1].id)
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] == keys[0].arn


def test_tags_at_creation_need_their_own_right(world):
    """R42: CreateKey alone is not enough for a key with tags."""
    kms = world.kms("KeyMaker")
    assert kms.create_key()["KeyMetadata"]["KeyState"] == "Enabled"
    denied = no_identity_policy(user("KeyMaker"), "kms:TagResource", "*")
    tags = [{"TagKey": "CostCentre", "TagValue": "A"}]
    refused("AccessDeniedException", denied, kms.create_key, Tags=tags)


def test_an_alias_is_unique(world, key, alias):
    """R63: in its account and Region."""
    kms = world.kms()
    kms.create_alias(AliasName=alias, TargetKeyId=key.id)
    message = f"An alias with the name {alias_arn(alias)} already exists"
    refused("AlreadyExistsException", message, kms.create_alias, AliasName=alias, TargetKeyId=key.id)


PREFIX = (
    'Alias must start with the prefix "alias/". Please see '
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("prod-db", "ValidationException", PREFIX),
        ("Alias/prod-db", "ValidationException", PREFIX),
        ("alias/Service:Test", "ValidationException", "alias/Service:Test contains invalid characters for an alias"),
        ("alias/with blank", "ValidationException", re.compile(".*'aliasName' failed to satisfy constraint.*")),
        ("alias/", "ValidationException", re.compile(".*")),
        ("alias/" + "x" * 251, "ValidationException", re.compile(".*'aliasName'.*less than or equal to 256")),
        ("alias/aws/s3", "NotAuthorizedException", re.compile(".*")),
        ("alias/aws/mine", "NotAuthorizedException", re.compile(".*")),
    ],
)
def test_what_is_no_alias_is_refused(world, key, name, code, message):
    """R63: the characters, the length, the prefix, and the names reserved for services."""
    refused(code, message, world.kms(validate=False).create_alias, AliasName=name, TargetKeyId=key.id)


def test_the_longest_alias_is_accepted(world, key):
    """R63: 256 characters, of every kind that is allowed."""
    name = "alias/" + "aZ09/_-" * 35 + "x" * 5
    assert len(name) == 256
    world.kms().create_alias(AliasName=name, TargetKeyId=key.id)
    assert world.kms().describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key.arn


def test_where_a_key_must_be_named_an_alias_is_refused(world, key, alias):
    """R64: an alias cannot be the target of an alias, nor name a key that is to be changed."""
    kms = world.kms()
    kms.create_alias(AliasName=alias, TargetKeyId=key.id)
    refused("ValidationException", "Aliases must refer to keys. Not aliases", kms.create_alias,
            AliasName=alias + "-2", TargetKeyId=alias)  # fmt: skip
    message = "Key Aliases are not supported for this operation."
    for call in (kms.disable_key, kms.get_key_policy, kms.schedule_key_deletion, kms.list_resource_tags):
        for name in (alias, alias_arn(alias)):
            refused("InvalidArnException", message, call, KeyId=name)


def test_lists_come_in_pages_that_hold_everything_once(fresh):
    """R57: with the smallest page; the markers of one operation are not another's."""
    kms = fresh.kms()
    made = {fresh.make_key().arn for _ in range(5)}
    for number, arn in enumerate(sorted(made)):
        kms.create_alias(AliasName=f"alias/page-{number}", TargetKeyId=arn)
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    arns = [entry["KeyArn"] for page in pages for entry in page["Keys"]]
    assert made <= set(arns) and len(arns) == len(set(arns)) == 6 and len(pages) >= 3
    assert all(page["Truncated"] == ("NextMarker" in page) for page in pages)
    names = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2}).search("Aliases[].AliasName")
    names = [name for name in names if name.startswith("alias/page-")]
    assert sorted(names) == [f"alias/page-{number}" for number in range(5)]
    refused("InvalidMarkerException", re.compile(".*"), kms.list_keys, Marker="bogus")
    refused("InvalidMarkerException", re.compile(".*"), kms.list_aliases, Marker=pages[0]["NextMarker"])


def test_listing_needs_its_own_right(world):
    """R8: ListKeys is about no key; only an identity policy on `*` allows it."""
    assert world.kms("Auditor").list_keys()["Keys"]
    denied = no_identity_policy(user("Bob"), "kms:ListKeys", "*")
    refused("AccessDeniedException", denied, world.kms("Bob").list_keys)
    denied = no_identity_policy(user("Auditor"), "kms:CreateKey", "*")
    refused("AccessDeniedException", denied, world.kms("Auditor").create_key)


def test_an_auditor_reads_everything_and_changes_nothing(world, key):
    """R103: List*, Describe* and Get* are enough to see, and give no use."""
    auditor = world.kms("Auditor")
    assert auditor.describe_key(KeyId=key.id)["KeyMetadata"]["Arn"] == key.arn
    assert auditor.get_key_policy(KeyId=key.id)["PolicyName"] == "default"
    denied = no_identity_policy(user("Auditor"), "kms:DisableKey", key.arn)
    refused("AccessDeniedException", denied, auditor.disable_key, KeyId=key.id)
    denied = no_identity_policy(user("Auditor"), "kms:Encrypt", key.arn)
    refused("AccessDeniedException", denied, auditor.encrypt, KeyId=key.id, Plaintext=b"m")
    kms = world.kms()
    kms.create_alias(AliasName="alias/audited", TargetKeyId=key.id)
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    grant = kms.create_grant(KeyId=key.id, GranteePrincipal=user("Bob"), Operations=["Decrypt"])["GrantId"]
    here = {"KeyId": key.id}
    for call, parameters in (
        (auditor.list_keys, {}),
        (auditor.list_aliases, here),
        (auditor.list_grants, here),
        (auditor.list_key_policies, here),
        (auditor.list_key_rotations, here),
        (auditor.list_resource_tags, here),
        (auditor.get_key_rotation_status, here),
    ):
        call(**parameters)
    for call, parameters in (
        (auditor.decrypt, {"CiphertextBlob": blob}),
        (auditor.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key.id}),
        (auditor.generate_data_key, {**here, "KeySpec": "AES_256"}),
        (auditor.generate_data_key_without_plaintext, {**here, "KeySpec": "AES_256"}),
        (auditor.generate_random, {"NumberOfBytes": 8}),
        (auditor.create_key, {}),
        (auditor.put_key_policy, {**here, "Policy": kms.get_key_policy(**here)["Policy"]}),
        (auditor.create_grant, {**here, "GranteePrincipal": user("Auditor"), "Operations": ["Decrypt"]}),
        (auditor.revoke_grant, {**here, "GrantId": grant}),
        (auditor.create_alias, {"AliasName": "alias/own", "TargetKeyId": key.id}),
        (auditor.update_alias, {"AliasName": "alias/audited", "TargetKeyId": key.id}),
        (auditor.delete_alias, {"AliasName": "alias/audited"}),
        (auditor.tag_resource, {**here, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        (auditor.untag_resource, {**here, "TagKeys": ["a"]}),
        (auditor.update_key_description, {**here, "Description": "x"}),
        (auditor.enable_key, here),
        (auditor.enable_key_rotation, here),
        (auditor.disable_key_rotation, here),
        (auditor.rotate_key_on_demand, here),
        (auditor.schedule_key_deletion, here),
        (auditor.cancel_key_deletion, here),
    ):
        assert error_of(call, **parameters) == "AccessDeniedException", call.__name__
    kms.delete_alias(AliasName="alias/audited")
