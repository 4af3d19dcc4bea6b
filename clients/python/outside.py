"""A server whose external key stores have a proxy, and what makes, connects and asks such stores.

Not here: what the stores should answer; that is each test's.
"""

import xks_proxy
from kanuki import wait_until
from world import Key, World

SETTLE_SECONDS_MAX = 15
TIMEOUT_MS = 1500
# Leads to the proxy, whose certificate does not name it.
OTHER_HOST = "d.example.test"
VPC_SERVICE = "com.amazonaws.vpce.us-west-2.vpce-svc-0example"


class Outside:
    """A server and a proxy that it can reach."""

    def __init__(self, servers, folder):
        self.proxy = xks_proxy.Proxy(folder)
        config = folder / "kanuki.toml"
        hosts = [*xks_proxy.HOSTS, OTHER_HOST]
        addresses = "".join(f'"{host}" = "127.0.0.1:{self.proxy.port}"\n' for host in hosts)
        config.write_text(
            f'[custom_key_stores]\nxks_ca_file = "{self.proxy.ca_file}"\nxks_timeout_ms = {TIMEOUT_MS}\n'
            f'[custom_key_stores.xks_addresses]\n"refused.example.test" = "127.0.0.1:1"\n{addresses}'
            f'[custom_key_stores.xks_vpc_endpoint_services]\n"{VPC_SERVICE}" = "127.0.0.1:{self.proxy.port}"\n'
            f"{xks_proxy.QUOTAS}"
        )
        self.world = World(servers.make("outside", config=config))
        self._names = 0

    @property
    def kms(self):
        return self.world.kms()

    def parameters(self, **changed) -> dict:
        self._names += 1
        asked = {
            "CustomKeyStoreName": f"store {self._names}",
            "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": f"https://{xks_proxy.HOST}",
            "XksProxyUriPath": self.proxy.path,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": xks_proxy.ACCESS_KEY_ID,
                "RawSecretAccessKey": xks_proxy.SECRET,
            },
            **changed,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def create(self, **changed) -> str:
        return self.kms.create_custom_key_store(**self.parameters(**changed))["CustomKeyStoreId"]

    def described(self, store: str) -> dict:
        (found,) = self.kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"]
        assert ("ConnectionErrorCode" in found) == (found["ConnectionState"] == "FAILED")
        return found

    def settled(self, store: str) -> dict:
        """The store when it is neither being connected nor disconnected."""
        done = lambda: self.described(store)["ConnectionState"] not in ("CONNECTING", "DISCONNECTING")  # noqa: E731
        wait_until(done, SETTLE_SECONDS_MAX, "the store settles")
        return self.described(store)

    def connect(self, store: str) -> dict:
        assert set(self.kms.connect_custom_key_store(CustomKeyStoreId=store)) == {"ResponseMetadata"}
        return self.settled(store)

    def disconnect(self, store: str) -> dict:
        self.kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        return self.settled(store)

    def connected(self, **changed) -> str:
        store = self.create(**changed)
        assert self.connect(store)["ConnectionState"] == "CONNECTED"
        return store

    def key(self, store: str, external: str = "external-1", **parameters) -> Key:
        if external not in self.proxy.keys:
            self.proxy.add_key(external)
        made = self.kms.create_key(
            Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId=external, **parameters
        )
        return Key(made["KeyMetadata"]["Arn"])

    def state(self, key: Key) -> str:
        return self.kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"]
