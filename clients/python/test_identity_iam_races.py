"""Calls that race: whichever comes first, no limit is passed and nothing is left hanging."""

import concurrent.futures

from aws import error_of
from policies import identity
from principals import access_key, fresh_name, make_policy, make_user

RANDOM = identity("Allow", "kms:GenerateRandom")
THREADS = 8


def together(*calls) -> list[str | None]:
    """Makes calls at once; answers their error codes."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: error_of(call[0], **call[1]), calls))


def test_nobody_gets_a_third_key(world):
    """Eight requests for a key at once give two."""
    made, iam = make_user(world), world.iam()
    iam.delete_access_key(UserName=made.name, AccessKeyId=made.keys.access_key_id)
    codes = together(*[(iam.create_access_key, {"UserName": made.name})] * THREADS)
    assert sorted(codes, key=str) == ["LimitExceeded"] * (THREADS - 2) + [None, None]
    assert len(iam.list_access_keys(UserName=made.name)["AccessKeyMetadata"]) == 2


def test_a_name_is_given_once(world):
    """Eight users of one name at once are one user."""
    iam, name = world.iam(), fresh_name("race")
    names = [name, name.upper()] * (THREADS // 2)
    codes = together(*[(iam.create_user, {"UserName": name}) for name in names])
    assert sorted(codes, key=str) == ["EntityAlreadyExists"] * (THREADS - 1) + [None]


def test_a_policy_is_deleted_or_attached_and_never_both(world):
    """An attachment to a policy that is being deleted fails, or keeps it; the user stays usable in both cases."""
    iam = world.iam()
    for _ in range(6):
        made, arn = make_user(world), make_policy(world, RANDOM)
        attach = (iam.attach_user_policy, {"UserName": made.name, "PolicyArn": arn})
        codes = together(attach, (iam.delete_policy, {"PolicyArn": arn}))
        assert codes in ([None, "DeleteConflict"], ["NoSuchEntity", None]), codes
        expected = None if codes[0] is None else "AccessDeniedException"
        assert error_of(made.client("kms").generate_random, NumberOfBytes=1) == expected
        attached = iam.list_attached_user_policies(UserName=made.name)["AttachedPolicies"]
        assert len(attached) == (1 if codes[0] is None else 0)


def test_a_group_is_deleted_or_joined_and_never_both(world):
    """A user is never a member of a group that is gone."""
    iam = world.iam()
    for _ in range(6):
        made, group = make_user(world), fresh_name("group")
        iam.create_group(GroupName=group)
        join = (iam.add_user_to_group, {"GroupName": group, "UserName": made.name})
        codes = together(join, (iam.delete_group, {"GroupName": group}))
        assert codes in ([None, "DeleteConflict"], ["NoSuchEntity", None]), codes
        assert error_of(made.client("sts").get_caller_identity) is None
        groups = iam.list_groups_for_user(UserName=made.name)["Groups"]
        assert [found["GroupName"] for found in groups] == ([group] if codes[0] is None else [])


def test_uses_are_counted_right_whoever_comes_first(world):
    """Eight users attach one policy at once and detach it at once: the count is right after each."""
    iam, arn = world.iam(), make_policy(world, RANDOM)
    users = [make_user(world).name for _ in range(THREADS)]
    for call, count in ((iam.attach_user_policy, THREADS), (iam.detach_user_policy, 0)):
        codes = together(*[(call, {"UserName": name, "PolicyArn": arn}) for name in users])
        assert codes == [None] * THREADS
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == count
    iam.delete_policy(PolicyArn=arn)
    assert access_key(world, users[0])
