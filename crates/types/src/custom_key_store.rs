//! Custom key stores: their ids, kinds and connection states.
//!
//! Rule: `CustomKeyStoresListEntry` of the AWS KMS API reference, in the form of botocore 1.44.5.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::key::wire_enum;

wire_enum! {
    /// What stands behind a custom key store.
    CustomKeyStoreType {
        /// A PKCS#11 token, under the name of a CloudHSM cluster.
        AwsCloudHsm = "AWS_CLOUDHSM",
        /// An external key store proxy.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// How an external key store proxy is reached.
    XksProxyConnectivity {
        /// By the name in its URI.
        PublicEndpoint = "PUBLIC_ENDPOINT",
        /// By a VPC endpoint service.
        VpcEndpointService = "VPC_ENDPOINT_SERVICE",
    }
}

wire_enum! {
    /// Whether a custom key store can be used.
    ConnectionState {
        /// It can.
        Connected = "CONNECTED",
        /// It is being connected.
        Connecting = "CONNECTING",
        /// The last attempt to connect it failed.
        Failed = "FAILED",
        /// It was never connected, or somebody disconnected it.
        Disconnected = "DISCONNECTED",
        /// It is being disconnected.
        Disconnecting = "DISCONNECTING",
    }
}

wire_enum! {
    /// Why a custom key store could not be connected; of the model's values those that can happen here.
    ConnectionErrorCode {
        /// The password or the credential is wrong.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// There is no such cluster.
        ClusterNotFound = "CLUSTER_NOT_FOUND",
        /// The token cannot be reached.
        NetworkErrors = "NETWORK_ERRORS",
        /// Something broke here.
        InternalError = "INTERNAL_ERROR",
        /// The token has locked the user.
        UserLockedOut = "USER_LOCKED_OUT",
        /// The token knows no user.
        UserNotFound = "USER_NOT_FOUND",
        /// The user is logged in already.
        UserLoggedIn = "USER_LOGGED_IN",
        /// The proxy refuses this server.
        XksProxyAccessDenied = "XKS_PROXY_ACCESS_DENIED",
        /// The proxy cannot be reached, or none of its key managers can.
        XksProxyNotReachable = "XKS_PROXY_NOT_REACHABLE",
        /// There is no such VPC endpoint service.
        XksVpcEndpointServiceNotFound = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        /// The proxy answers what it must not.
        XksProxyInvalidResponse = "XKS_PROXY_INVALID_RESPONSE",
        /// The proxy does not serve this path.
        XksProxyInvalidConfiguration = "XKS_PROXY_INVALID_CONFIGURATION",
        /// The proxy took too long.
        XksProxyTimedOut = "XKS_PROXY_TIMED_OUT",
        /// The proxy's certificate or TLS version will not do.
        XksProxyInvalidTlsConfiguration = "XKS_PROXY_INVALID_TLS_CONFIGURATION",
    }
}

/// The id of a custom key store: `cks-` and 17 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomKeyStoreId(String);

impl CustomKeyStoreId {
    /// An id of random bytes, of which 68 bits count.
    #[must_use]
    pub fn from_random(bytes: [u8; 9]) -> Self {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(PREFIX.chars().chain(digits.chars().take(DIGITS)).collect())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomKeyStoreId {
    type Err = ParseCustomKeyStoreIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(PREFIX).ok_or(ParseCustomKeyStoreIdError)?;
        let formed = digits.len() == DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if formed { Ok(Self(text.to_owned())) } else { Err(ParseCustomKeyStoreIdError) }
    }
}

impl TryFrom<String> for CustomKeyStoreId {
    type Error = ParseCustomKeyStoreIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CustomKeyStoreId> for String {
    fn from(id: CustomKeyStoreId) -> Self {
        id.0
    }
}

impl fmt::Display for CustomKeyStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no id of a custom key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseCustomKeyStoreIdError;

impl fmt::Display for ParseCustomKeyStoreIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a custom key store")
    }
}

impl std::error::Error for ParseCustomKeyStoreIdError {}

const PREFIX: &str = "cks-";
const DIGITS: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_round_and_other_texts_are_refused() {
        let id = CustomKeyStoreId::from_random([0xab; 9]);
        assert_eq!(id.as_str(), "cks-ababababababababa");
        assert_eq!(id.as_str().parse(), Ok(id));
        for wrong in [
            "",
            "cks-",
            "cks-ABABABABABABABABA",
            "cks-abababababababab",
            "cks-abababababababababa",
            "key-ababababababababa",
        ] {
            assert_eq!(wrong.parse::<CustomKeyStoreId>(), Err(ParseCustomKeyStoreIdError), "{wrong}");
        }
    }
}
