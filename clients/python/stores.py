"""A server with two external key stores, and the proxy behind both, for the tables of states and of errors.

Not here: what the stores should answer; that is each test's.
"""

import xks_proxy
from outside import Outside


class Stores(Outside):
    """A server with two external key stores."""

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
