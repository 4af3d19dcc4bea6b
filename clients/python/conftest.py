"""Fixtures: one server for most tests, a factory for servers that a test may break."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

import kanuki
import report
import trail
from world import World, write_config, write_seed

# What a caller has set for AWS must not reach the clients of the tests.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null")


def pytest_configure(config):
    config.pluginmanager.register(report.Report(), "capability-report")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Without a server binary a run would pass without having tested anything: refuse it."""
    if any(item.get_closest_marker("selftest") is None for item in items) and not kanuki.binary().is_file():
        raise pytest.UsageError(f"no server binary at {kanuki.binary()}: build it, or set KANUKI_BIN")


class Servers:
    """Makes servers under one folder and ends them all."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kanuki-clients-"))
        self._made: list[kanuki.Server] = []

    def make(self, name: str, *, seeded: bool = True, start: bool = True, **options) -> kanuki.Server:
        """A server over a new data directory; seeded with the world of the tests."""
        place = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        seed = write_seed(place) if seeded else None
        if seeded:
            options.setdefault("config", write_config(place))
        return self.over(place / "data", seed=seed, start=start, **options)

    def over(self, data_dir, *, start: bool = True, **options) -> kanuki.Server:
        """A server over a data directory that is there already."""
        server = kanuki.Server(data_dir, **options)
        self._made.append(server)
        return server.start() if start else server

    def close(self) -> None:
        """Ends every process and removes every file."""
        for server in self._made:
            server.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _shared():
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def world(_shared):
    """The seeded server that most tests share. When all are done, its trail must hold each of their calls."""
    server = _shared.make("shared")
    yield World(server)
    assert server.alive(), f"the server did not survive the tests:\n{server.log()}"
    trail.assert_each_call_recorded_once(server)
    verified = trail.verify(server)
    assert verified.returncode == 0, f"the trail does not verify: {verified.stdout}{verified.stderr}"
    server.stop()


@pytest.fixture
def servers():
    """Makes servers for one test."""
    made = Servers()
    yield made
    made.close()


@pytest.fixture
def fresh(servers):
    """A seeded server for one test alone."""
    return World(servers.make("fresh"))


@pytest.fixture
def key(world):
    """A key with the default policy, for one test."""
    return world.make_key()


@pytest.fixture(scope="session")
def aws_cli():
    """The stock AWS CLI of the same virtual environment."""
    path = pathlib.Path(sys.executable).parent / "aws"
    assert path.is_file(), f"no AWS CLI at {path}: install requirements.txt there"
    return path


@pytest.fixture(scope="module")
def steered():
    """A seeded server for the tests of one module, which may move its clock ahead."""
    made = Servers()
    yield World(made.make("steered"))
    made.close()
