//! What can go wrong between this server and a proxy.
//!
//! Not here: what the caller is told. Invariant: nothing of the proxy's own text is kept; it is not this server's to repeat.

use kanuki_keeper_protocol::KeeperError;

/// Why a request to a proxy had no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XksFailure {
    /// The proxy refuses by its own policy.
    AccessDenied,
    /// The proxy does not take the signature.
    AuthenticationFailed,
    /// As many requests as allowed wait for this proxy already.
    Busy,
    /// Something behind the proxy took too long.
    DependencyTimeout,
    /// Something broke in the proxy.
    Internal,
    /// The ciphertext, its metadata or its additional data are not what was encrypted.
    InvalidCiphertext,
    /// The external key is not for this.
    InvalidKeyUsage,
    /// The external key or its manager is switched off.
    InvalidState,
    /// The proxy does not serve this path.
    InvalidUriPath,
    /// The proxy knows no such external key.
    KeyNotFound,
    /// The answer breaks the specification.
    Malformed,
    /// No external key manager is available.
    ManagersUnavailable,
    /// Too many requests, says the proxy.
    Throttling,
    /// The proxy took too long.
    TimedOut,
    /// The certificate or the version of TLS will not do.
    Tls,
    /// No connection, or one that broke.
    Unreachable,
    /// The proxy does not know the operation.
    UnsupportedOperation,
    /// The proxy says that the request is wrong.
    Validation,
    /// The operator has not said where the VPC endpoint service is.
    VpcServiceUnknown,
}

impl XksFailure {
    /// The failure that a proxy means with a status and a name; none if the specification knows no such.
    ///
    /// Rule: "Error codes" of the specification.
    #[must_use]
    pub fn said(status: u16, name: &str) -> Option<Self> {
        let (known, expected) = match name {
            "ValidationException" => (Self::Validation, 400),
            "InvalidStateException" => (Self::InvalidState, 400),
            "InvalidCiphertextException" => (Self::InvalidCiphertext, 400),
            "InvalidKeyUsageException" => (Self::InvalidKeyUsage, 400),
            "AuthenticationFailedException" => (Self::AuthenticationFailed, 401),
            "AccessDeniedException" => (Self::AccessDenied, 403),
            "KeyNotFoundException" => (Self::KeyNotFound, 404),
            "InvalidUriPathException" => (Self::InvalidUriPath, 404),
            "ThrottlingException" => (Self::Throttling, 429),
            "InternalException" => (Self::Internal, 500),
            "UnsupportedOperationException" => (Self::UnsupportedOperation, 501),
            "DependencyTimeoutException" => (Self::DependencyTimeout, 503),
            _ => return None,
        };
        (status == expected).then_some(known)
    }

    /// Whether the way failed and not the proxy, so that another connection may help.
    #[must_use]
    pub(super) fn is_of_the_way(self) -> bool {
        matches!(self, Self::TimedOut | Self::Unreachable)
    }
}

/// Why a request to a proxy failed.
#[derive(Debug)]
pub enum XksError {
    /// The proxy, or the way to it.
    Failure(XksFailure),
    /// The keeper could not sign.
    Keeper(KeeperError),
}

impl From<XksFailure> for XksError {
    fn from(failure: XksFailure) -> Self {
        Self::Failure(failure)
    }
}

impl From<KeeperError> for XksError {
    fn from(error: KeeperError) -> Self {
        Self::Keeper(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_only_with_its_status() {
        assert_eq!(XksFailure::said(404, "KeyNotFoundException"), Some(XksFailure::KeyNotFound));
        assert_eq!(XksFailure::said(400, "KeyNotFoundException"), None);
        assert_eq!(XksFailure::said(500, "Oops"), None);
    }
}
