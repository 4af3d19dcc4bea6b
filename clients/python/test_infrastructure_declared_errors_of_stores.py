"""The declared errors that need a custom key store, as `vectors/declared-errors.json` has them: ways `store: …`.

Not here: that the list is whole; `test_infrastructure_declared_errors.py` compares it with the API model.
"""

import json

import pytest

import xks_proxy
from conftest import Servers
from kanuki import REPOSITORY
from stores import Stores
from subjects import MISSING_STORE, method
from test_infrastructure_custom_key_stores import VPC_SERVICE
from test_infrastructure_declared_errors import code_of

TABLE = json.loads((REPOSITORY / "vectors" / "declared-errors.json").read_text())
PREFIX = "store: "
CASES = [
    (operation, error, how.removeprefix(PREFIX))
    for operation, errors in TABLE["operations"].items()
    for error, how in errors.items()
    if isinstance(how, str) and how.startswith(PREFIX)
]
ON_VPC = {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyVpcEndpointServiceName": VPC_SERVICE}
UNKNOWN_SERVICE = "com.amazonaws.vpce.us-west-2.vpce-svc-0unknown"
BESIDE_THE_STORE = {
    "CreateKey": {"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "external"},
    "GenerateRandom": {"NumberOfBytes": 8},
}
FREE = f"https://{xks_proxy.HOSTS[2]}"


class Provoker:
    """A server with a store that is connected, one that is not, and a proxy that can be told to go wrong.

    A way is a method that answers the parameters of the call; what it told the proxy is undone afterwards.
    """

    def __init__(self, stores: Stores):
        self.stores = stores
        self.kms = stores.kms
        self.connected, self.closed = stores.two_stores()
        stores.close(self.closed)
        self.key = stores.key(self.connected, "in-use")

    def create(self, operation: str, **changed) -> dict:
        """A right call of CreateCustomKeyStore or UpdateCustomKeyStore, but for what is changed."""
        if operation == "CreateCustomKeyStore":
            return self.stores.parameters(**{"XksProxyUriEndpoint": FREE, **changed})
        renamed = {"NewCustomKeyStoreName": changed.pop("CustomKeyStoreName", None)}
        given = {name: value for name, value in {**renamed, **changed}.items() if value is not None}
        return {"CustomKeyStoreId": self.closed, **given}

    def missing_store(self, operation: str) -> dict:
        return {**MISSING_STORE, **BESIDE_THE_STORE.get(operation, {})}

    def closed_store(self, operation: str) -> dict:
        return {"CustomKeyStoreId": self.closed, **BESIDE_THE_STORE.get(operation, {})}

    def connected_store(self, operation: str) -> dict:
        if operation == "UpdateCustomKeyStore":
            return {"CustomKeyStoreId": self.connected, "XksProxyUriEndpoint": FREE}
        # One without keys, which would be told first.
        self.stores.open(self.closed)
        return {"CustomKeyStoreId": self.closed}

    def failed_store(self, operation: str) -> dict:
        self.stores.proxy.refuse["health"] = "AccessDeniedException"
        assert self.stores.connect(self.closed)["ConnectionState"] == "FAILED"
        return {"CustomKeyStoreId": self.closed}

    def store_with_keys(self, operation: str) -> dict:
        self.stores.close(self.connected)
        return {"CustomKeyStoreId": self.connected}

    def damaged_marker(self, operation: str) -> dict:
        return {"Marker": "no marker"}

    def taken_name(self, operation: str) -> dict:
        return self.create(operation, CustomKeyStoreName=self.stores.described(self.connected)["CustomKeyStoreName"])

    def taken_uri(self, operation: str) -> dict:
        taken = {"XksProxyUriEndpoint": f"https://{xks_proxy.HOST}", "XksProxyUriPath": self.stores.proxy.path}
        return self.create(operation, **taken)

    def taken_endpoint(self, operation: str) -> dict:
        taken = {"XksProxyUriEndpoint": f"https://{xks_proxy.HOST}", "XksProxyUriPath": "/other/kms/xks/v1"}
        return self.create(operation, **taken, **ON_VPC)

    def taken_service(self, operation: str) -> dict:
        if not getattr(self, "_on_vpc", False):
            asked = self.stores.parameters(XksProxyUriEndpoint="https://vpc.example.test", **ON_VPC)
            self.kms.create_custom_key_store(**asked)
            self._on_vpc = True
        return self.create(operation, XksProxyUriEndpoint=FREE, **ON_VPC)

    def unknown_service(self, operation: str) -> dict:
        unknown = {**ON_VPC, "XksProxyVpcEndpointServiceName": UNKNOWN_SERVICE}
        return self.create(operation, XksProxyUriEndpoint=FREE, **unknown)

    def proxy_out_of_reach(self, operation: str) -> dict:
        return self.create(operation, XksProxyUriEndpoint="https://refused.example.test")

    def another_credential(self, operation: str) -> dict:
        wrong = {"AccessKeyId": xks_proxy.ACCESS_KEY_ID, "RawSecretAccessKey": xks_proxy.SECRET[::-1]}
        return self.create(operation, XksProxyAuthenticationCredential=wrong)

    def answer_that_is_none(self, operation: str) -> dict:
        self.stores.proxy.answer["health"] = lambda _: b"no json"
        return self.create(operation, XksProxyUriEndpoint=FREE)

    def another_path(self, operation: str) -> dict:
        return self.create(operation, XksProxyUriPath="/elsewhere/kms/xks/v1")

    def external_key_in_use(self, operation: str) -> dict:
        return self._key("in-use")

    def unknown_external_key(self, operation: str) -> dict:
        return self._key("unknown")

    def external_key_of_another_kind(self, operation: str) -> dict:
        self.stores.proxy.add_key("small")
        self.stores.proxy.specs["small"] = "AES_128"
        return self._key("small")

    def data_key_pair(self, operation: str) -> dict:
        return {"KeyId": self.key.id, "KeyPairSpec": "ECC_NIST_P256"}

    def provoke(self, operation: str, way: str) -> str | None:
        """The code with which the call is refused."""
        try:
            return code_of(method(self.kms, operation), getattr(self, way.replace(" ", "_").lower())(operation))
        finally:
            self.stores.proxy.refuse.clear()
            self.stores.proxy.answer.clear()
            self.stores.open(self.connected)
            if self.stores.described(self.closed)["ConnectionState"] != "DISCONNECTED":
                self.stores.close(self.closed)

    def _key(self, external: str) -> dict:
        return {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": self.connected, "XksKeyId": external}


@pytest.fixture(scope="module")
def provoker(tmp_path_factory):
    servers = Servers()
    stores = Stores(servers, tmp_path_factory.mktemp("stores"))
    yield Provoker(stores)
    stores.proxy.stop()
    servers.close()


@pytest.mark.parametrize(("operation", "error", "way"), CASES)
def test_errors_of_key_stores_are_provoked(provoker, operation, error, way):
    """R36: each by a client, with a real proxy on the other side."""
    assert provoker.provoke(operation, way) == error
