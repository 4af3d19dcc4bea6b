"""Tags whose keys differ in case alone: condition keys do not tell them apart, so a key never has two of them.

Not here: tags of IAM's entities, whose keys are unique without regard to case by the API's own rule.
"""

import pytest

from aws import error_of, refused
from policies import identity
from principals import make_user

TWICE = "Duplicate tag keys"


def tags(*pairs: tuple[str, str]) -> list[dict]:
    return [{"TagKey": key, "TagValue": value} for key, value in pairs]


def shown(world, key) -> dict[str, str]:
    return {tag["TagKey"]: tag["TagValue"] for tag in world.kms().list_resource_tags(KeyId=key.id)["Tags"]}


@pytest.fixture(scope="module")
def blue(world):
    """A user who may make and tag keys of the team `blue` alone, and encrypt under keys of the team `red`."""
    of_blue = {"StringEquals": {"aws:RequestTag/team": "blue"}}
    return make_user(
        world,
        None,
        identity("Allow", "kms:CreateKey", "kms:TagResource", Condition=of_blue),
        identity("Allow", "kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),
    ).client("kms")


def test_a_request_does_not_show_one_team_and_write_another(world, blue):
    """Whichever of two spellings stands last, what is checked is what is written."""
    for pairs in ([("TEAM", "red"), ("team", "blue")], [("team", "blue"), ("TEAM", "red")]):
        assert error_of(blue.create_key, Tags=tags(*pairs)) in ("TagException", "AccessDeniedException"), pairs
    refused("TagException", TWICE, world.kms().create_key, Tags=tags(("TEAM", "red"), ("team", "blue")))
    made = blue.create_key(Tags=tags(("team", "blue")))["KeyMetadata"]["KeyId"]
    assert error_of(blue.encrypt, KeyId=made, Plaintext=b"x") == "AccessDeniedException"


def test_a_tag_is_not_hidden_behind_another_spelling_of_its_key(world):
    """Who may add any tag but `class` cannot get around a rule on that tag by writing `CLASS`."""
    key = world.make_key(Tags=tags(("class", "secret")))
    keeper = make_user(
        world,
        None,
        identity("Allow", "kms:*"),
        identity("Deny", "kms:TagResource", Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["class"]}}),
        identity("Deny", "kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/class": "secret"}}),
    ).client("kms")
    refused("TagException", TWICE, keeper.tag_resource, KeyId=key.id, Tags=tags(("CLASS", "none")))
    assert shown(world, key) == {"class": "secret"}
    assert error_of(keeper.encrypt, KeyId=key.id, Plaintext=b"x") == "AccessDeniedException"


def test_a_tag_is_written_anew_under_its_own_spelling(world):
    """The same key again changes the value; the other spelling is free once the tag is gone."""
    key = world.make_key(Tags=tags(("Team", "blue")))
    world.kms().tag_resource(KeyId=key.id, Tags=tags(("Team", "red")))
    assert shown(world, key) == {"Team": "red"}
    world.kms().untag_resource(KeyId=key.id, TagKeys=["Team"])
    world.kms().tag_resource(KeyId=key.id, Tags=tags(("team", "blue")))
    assert shown(world, key) == {"team": "blue"}
