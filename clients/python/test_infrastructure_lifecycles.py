"""Whole lives of keys, once straight and once with `kill -9` and a restart between any two steps.

All lives run side by side in one server, a step of each at a time, so that one kill falls between two steps of each.
"""

import pytest

import trail
from conftest import Servers
from kanuki import Server
from lifecycles import LIVES, Life, shape_of
from world import World

DAY = 86_400
# Longer than the last waiting period of any life.
AFTER_ALL_DAYS = 8


class Run:
    """One run of all lives: what was seen after each step, and what a kill changed."""

    def __init__(self, world: World, kills: bool):
        self.seen: dict[str, list[tuple[str, str]]] = {life.__name__: [] for life in LIVES}
        self.changed: dict[str, list[str]] = {life.__name__: [] for life in LIVES}
        self.kills = 0
        lives = {life.__name__: Life(world) for life in LIVES}
        steps = {name: life(lives[name]) for name, life in zip(self.seen, LIVES, strict=True)}
        while steps:
            done = {name: next(step, None) for name, step in steps.items()}
            steps = {name: step for name, step in steps.items() if done[name] is not None}
            self._look(world, lives, {name: step for name, step in done.items() if step is not None}, kills)
        world.server.advance(AFTER_ALL_DAYS * DAY)
        self._look(world, lives, dict.fromkeys(lives, "after all"), kills, AFTER_ALL_DAYS)

    def _look(self, world: World, lives: dict, steps: dict, kills: bool, days: int = 0) -> None:
        before = {name: lives[name].observe() for name in steps}
        if kills:
            self._kill(world.server, days)
            for name, seen in before.items():
                self.changed[name] += _differences(steps[name], seen, lives[name].observe())
        for name, seen in before.items():
            self.seen[name].append((steps[name], shape_of(seen)))

    def _kill(self, server: Server, days: int) -> None:
        server.kill()
        server.start()
        self.kills += 1
        if days:
            server.advance(days * DAY)  # the steered clock is not kept


def _differences(step: str, before: dict, after: dict) -> list[str]:
    names = [name for name in before if before[name] != after.get(name)]
    return [f"{step}: {name}: {before[name]} became {after.get(name)}" for name in names]


@pytest.fixture(scope="module")
def straight():
    servers = Servers()
    yield Run(World(servers.make("straight")), kills=False)
    servers.close()


@pytest.fixture(scope="module")
def killed():
    servers = Servers()
    world = World(servers.make("killed"))
    run = Run(world, kills=True)
    trail.assert_each_call_recorded_once(world.server)
    verified = trail.verify(world.server)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    yield run
    servers.close()


def life_name(life) -> str:
    return life.__name__


@pytest.mark.parametrize("life", LIVES, ids=life_name)
def test_a_kill_between_two_steps_changes_nothing(killed, life):
    """R2, R59, R94, R95, R99, R100: metadata, policies, tags, grants, aliases, rotations and old ciphertexts."""
    assert killed.changed[life.__name__] == []
    assert killed.kills > len(killed.seen[life.__name__]) - 1


@pytest.mark.parametrize("life", LIVES, ids=life_name)
def test_a_life_with_kills_is_the_life_without(straight, killed, life):
    """R2: step for step the same can be seen, but for the names that the server chose."""
    assert killed.seen[life.__name__] == straight.seen[life.__name__]


def test_lives_end_as_they_should(straight):
    """R95: what was to be deleted is gone, with its alias; what was pardoned is there."""
    ends = {name: seen[-1][1] for name, seen in straight.seen.items()}
    for name in ("symmetric", "imported"):
        assert "does not exist" in ends[name] and "KeyState" not in ends[name], ends[name]
    assert "KeyState': 'Disabled'" in ends["authenticating"]
    assert "is not found" in ends["named"] and "KeyState': 'Enabled'" in ends["named"]
    assert all("plaintext 1" in seen for step, seen in straight.seen["symmetric"] if step in ("enabled", "used again"))
