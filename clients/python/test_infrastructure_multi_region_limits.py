"""Multi-Region keys in as many Regions as there can be: the limit, and what does not fit into one change."""

import pytest

from aws import error_of, refused
from multi_region import metadata, primary, replicate, state
from policies import ADMIN, document
from world import HOME_REGION, World

COPIES_MAX = 32
DAY = 86_400
REGIONS = (HOME_REGION, "us-east-1", *(f"r-{number}" for number in range(COPIES_MAX)))


@pytest.fixture
def wide(servers):
    """A server of more Regions than a key can be in."""
    return World(servers.make("wide", regions=REGIONS))


def current(world, key, region) -> str:
    return metadata(world, key, region)["CurrentKeyMaterialId"]


def test_a_set_has_so_many_keys_and_all_of_them_follow(wide):
    """Rotation, change of the primary and deletion still work on the largest set."""
    key, kms = primary(wide), wide.kms()
    first, *others = REGIONS
    for region in others[: COPIES_MAX - 1]:
        replicate(wide, key, region)
    message = f"{key.arn} has as many replica keys as a primary key can have."
    refused("LimitExceededException", message, kms.replicate_key, KeyId=key.id, ReplicaRegion=REGIONS[-1])
    kms.enable_key_rotation(KeyId=key.id, RotationPeriodInDays=90)
    before = current(wide, key, first)
    wide.server.advance(91 * DAY)
    copies = REGIONS[:COPIES_MAX]
    assert {current(wide, key, region) for region in copies} == {current(wide, key, first)} != {before}
    kms.update_primary_region(KeyId=key.id, PrimaryRegion=others[3])
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    wide.server.advance(8 * DAY)
    for region in copies[1:]:
        told = metadata(wide, key, region)["MultiRegionConfiguration"]
        assert told["PrimaryKey"]["Region"] == others[3]
        assert {copy["Region"] for copy in told["ReplicaKeys"]} == set(copies) - {first, others[3]}


def test_a_set_too_large_to_change_holds_up_nobody_else(wide):
    """With the longest policies everywhere its copies do not fit into one change: it stays, and others have their turn."""
    spaces = "\n" * (32_768 - len(document(ADMIN)))
    longest = document(ADMIN) + spaces
    key = primary(wide, Policy=longest)
    made = 1
    while made < COPIES_MAX and error_of(
        wide.kms().replicate_key, KeyId=key.id, ReplicaRegion=REGIONS[made], Policy=longest
    ) is None:
        made += 1
    assert 8 < made < COPIES_MAX
    copies = REGIONS[:made]
    # What fits now does not fit any more when each copy has grown.
    tags = [{"TagKey": f"{number:0128}", "TagValue": "x" * 256} for number in range(50)]
    for region in copies:
        wide.kms(region=region).update_key_description(KeyId=key.id, Description="\n" * 8_192)
        wide.kms(region=region).tag_resource(KeyId=key.id, Tags=tags)
    kms = wide.kms()
    ordinary = wide.make_key()
    kms.enable_key_rotation(KeyId=ordinary.id, RotationPeriodInDays=200)
    doomed = wide.make_key()
    kms.schedule_key_deletion(KeyId=doomed.id, PendingWindowInDays=30)
    wide.kms(region=copies[-1]).schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    before = current(wide, ordinary, HOME_REGION)
    assert error_of(kms.enable_key_rotation, KeyId=key.id) == "KMSInternalException"
    wide.server.advance(201 * DAY)
    assert current(wide, ordinary, HOME_REGION) != before
    assert error_of(kms.describe_key, KeyId=doomed.id) == "NotFoundException"
    # With shorter policies it is done after all.
    for region in copies[: made // 2]:
        wide.kms(region=region).put_key_policy(KeyId=key.id, Policy=document(ADMIN))
    assert state(wide, key, copies[-1]) == "PendingDeletion"
    wide.server.advance(1)
    assert error_of(wide.kms(region=copies[-1]).describe_key, KeyId=key.id) == "NotFoundException"
    kms.rotate_key_on_demand(KeyId=key.id)
    assert len({current(wide, key, region) for region in copies[:-1]}) == 1
