"""Makes and looks at multi-Region keys: the home Region holds the primary unless a test moves it.

Not here: what the server should answer; that is each test's.
"""

from policies import HOME
from world import FAR_REGION, HOME_REGION, Key, World


def arn_in(region: str, key: Key) -> str:
    """The ARN of the copy of a key in a Region."""
    return f"arn:aws:kms:{region}:{HOME}:key/{key.id}"


def primary(world: World, **parameters) -> Key:
    """A new primary key."""
    return world.make_key(MultiRegion=True, **parameters)


def replicate(world: World, key: Key, region: str = FAR_REGION, source: str = HOME_REGION, **parameters) -> dict:
    """Replicates a primary key; answers what the call answered."""
    return world.kms(region=source).replicate_key(KeyId=key.id, ReplicaRegion=region, **parameters)


def metadata(world: World, key: Key, region: str = HOME_REGION) -> dict:
    return world.kms(region=region).describe_key(KeyId=key.id)["KeyMetadata"]


def state(world: World, key: Key, region: str = HOME_REGION) -> str:
    return metadata(world, key, region)["KeyState"]


def expected_set(key: Key, role: str, first: str, *replicas: str) -> dict:
    """The configuration of a set, with the primary in the first Region, as the copy with that role tells it."""
    copy = lambda region: {"Arn": arn_in(region, key), "Region": region}
    return {
        "MultiRegionKeyType": role,
        "PrimaryKey": copy(first),
        "ReplicaKeys": [copy(region) for region in sorted(replicas)],
    }


def assert_set(world: World, key: Key, first: str, *replicas: str) -> None:
    """Every copy tells of the same set, each with its own role."""
    for region in (first, *replicas):
        role = "PRIMARY" if region == first else "REPLICA"
        told = metadata(world, key, region)
        assert told["MultiRegion"] is True
        assert told["MultiRegionConfiguration"] == expected_set(key, role, first, *replicas), region
