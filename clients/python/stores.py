"""A server with two external key stores, and the proxy behind both, for the tables of states and of errors.

Not here: what the stores should answer; that is each test's.
"""

import xks_proxy
from test_infrastructure_custom_key_stores import Outside
from world import write_config


class GenerousServers:
    """Makes servers whose request quotas let a whole table be walked at once, whatever else is configured."""

    def __init__(self, servers):
        self._servers = servers

    def make(self, name: str, *, config, **options):
        config.write_text(write_config(config.parent / "quotas").read_text() + config.read_text())
        return self._servers.make(name, config=config, **options)


class Stores(Outside):
    """A server with two external key stores."""

    def __init__(self, servers, folder):
        (folder / "quotas").mkdir()
        super().__init__(GenerousServers(servers), folder)

    def two_stores(self) -> tuple[str, str]:
        return self.connected(), self.connected(XksProxyUriEndpoint=f"https://{xks_proxy.HOSTS[1]}")

    def open(self, store: str) -> None:
        if self.described(store)["ConnectionState"] != "CONNECTED":
            assert self.connect(store)["ConnectionState"] == "CONNECTED"

    def close(self, store: str) -> None:
        assert self.disconnect(store)["ConnectionState"] == "DISCONNECTED"

    def make_key(self, store: str, **parameters):
        del parameters["Origin"]
        self._names += 1
        return self.key(store, f"external-{self._names}", **parameters)
