//! What a failure behind a custom key store means to a caller of the API.
//!
//! Rule: "Error codes" of the XKS proxy specification with its columns for each operation; `ConnectionErrorCode` of the
//! API reference. The texts are this server's own; the proxy's text never reaches a caller.

use kanuki_types::ConnectionErrorCode;

use crate::{
    error::{ApiError, ErrorCode},
    xks::{XksError, XksFailure},
};

/// The answer of CreateCustomKeyStore and UpdateCustomKeyStore.
#[must_use]
pub(super) fn of_setup(error: XksError) -> ApiError {
    with_failure(error, |failure| {
        use XksFailure as F;
        match failure {
            F::AuthenticationFailed => ErrorCode::XksProxyIncorrectAuthenticationCredential,
            F::DependencyTimeout | F::ManagersUnavailable | F::Throttling | F::TimedOut | F::Tls | F::Unreachable => {
                ErrorCode::XksProxyUriUnreachable
            }
            F::AccessDenied | F::InvalidState | F::InvalidUriPath | F::KeyNotFound => {
                ErrorCode::XksProxyInvalidConfiguration
            }
            F::Internal
            | F::InvalidCiphertext
            | F::InvalidKeyUsage
            | F::Malformed
            | F::UnsupportedOperation
            | F::Validation => ErrorCode::XksProxyInvalidResponse,
            F::VpcServiceUnknown => ErrorCode::XksProxyVpcEndpointServiceNotFound,
            F::Busy => ErrorCode::Throttling,
        }
    })
}

/// The answer of CreateKey.
#[must_use]
pub(super) fn of_new_key(error: XksError) -> ApiError {
    with_failure(error, |failure| match failure {
        XksFailure::InvalidState | XksFailure::InvalidKeyUsage => ErrorCode::XksKeyInvalidConfiguration,
        XksFailure::KeyNotFound => ErrorCode::XksKeyNotFound,
        XksFailure::Busy => ErrorCode::Throttling,
        // The specification says KMSInvalidStateException for AccessDenied, which CreateKey does not declare.
        _ => ErrorCode::CustomKeyStoreInvalidState,
    })
}

/// The answer of operations that use a key.
#[must_use]
pub(super) fn of_use(error: XksError) -> ApiError {
    with_failure(error, |failure| match failure {
        XksFailure::Busy => ErrorCode::Throttling,
        _ => ErrorCode::InvalidState,
    })
}

/// Why a store is not connected.
#[must_use]
pub(super) fn of_connection(error: &XksError) -> ConnectionErrorCode {
    use ConnectionErrorCode as C;
    use XksFailure as F;
    let XksError::Failure(failure) = error else { return C::InternalError };
    match failure {
        F::AccessDenied => C::XksProxyAccessDenied,
        F::AuthenticationFailed => C::InvalidCredentials,
        F::DependencyTimeout | F::TimedOut => C::XksProxyTimedOut,
        F::Busy | F::ManagersUnavailable | F::Throttling | F::Unreachable => C::XksProxyNotReachable,
        F::InvalidState | F::InvalidUriPath | F::KeyNotFound => C::XksProxyInvalidConfiguration,
        F::Internal
        | F::InvalidCiphertext
        | F::InvalidKeyUsage
        | F::Malformed
        | F::UnsupportedOperation
        | F::Validation => C::XksProxyInvalidResponse,
        F::Tls => C::XksProxyInvalidTlsConfiguration,
        F::VpcServiceUnknown => C::XksVpcEndpointServiceNotFound,
    }
}

fn with_failure(error: XksError, code: impl FnOnce(XksFailure) -> ErrorCode) -> ApiError {
    match error {
        XksError::Failure(failure) => ApiError::new(code(failure), text(failure)),
        XksError::Keeper(error) => error.into(),
    }
}

fn text(failure: XksFailure) -> &'static str {
    use XksFailure as F;
    match failure {
        F::AccessDenied => "The external key store proxy does not allow this request.",
        F::AuthenticationFailed => "The external key store proxy does not accept the credential of the key store.",
        F::Busy => "Too many requests wait for the external key store proxy. Reduce the frequency of your calls.",
        F::DependencyTimeout => "Something behind the external key store proxy took too long.",
        F::Internal => "The external key store proxy failed to carry out the request.",
        F::InvalidCiphertext => {
            "The external key store proxy cannot open the ciphertext: it, or its encryption context, is not what was \
             encrypted."
        }
        F::InvalidKeyUsage => "The external key does not encrypt and decrypt.",
        F::InvalidState => "The external key or its key manager is disabled, deactivated or blocked.",
        F::InvalidUriPath => "The external key store proxy does not serve the URI path of the key store.",
        F::KeyNotFound => "The external key store proxy does not find the external key.",
        F::Malformed => "The answer of the external key store proxy cannot be understood.",
        F::ManagersUnavailable => "No external key manager behind the external key store proxy is available.",
        F::Throttling => "The external key store proxy refuses so many requests. Reduce the frequency of your calls.",
        F::TimedOut => "The external key store proxy did not answer in time.",
        F::Tls => "No TLS connection to the external key store proxy: look at its certificate and TLS versions.",
        F::Unreachable => "The external key store proxy cannot be reached.",
        F::UnsupportedOperation => "The external key store proxy does not support the request.",
        F::Validation => "The external key store proxy does not understand the request.",
        F::VpcServiceUnknown => "The VPC endpoint service is not known to this installation.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_specification() {
        use ErrorCode as E;
        use XksFailure as F;
        for (failure, setup, new_key) in [
            (F::Validation, E::XksProxyInvalidResponse, E::CustomKeyStoreInvalidState),
            (F::InvalidState, E::XksProxyInvalidConfiguration, E::XksKeyInvalidConfiguration),
            (F::InvalidKeyUsage, E::XksProxyInvalidResponse, E::XksKeyInvalidConfiguration),
            (F::AuthenticationFailed, E::XksProxyIncorrectAuthenticationCredential, E::CustomKeyStoreInvalidState),
            (F::KeyNotFound, E::XksProxyInvalidConfiguration, E::XksKeyNotFound),
            (F::InvalidUriPath, E::XksProxyInvalidConfiguration, E::CustomKeyStoreInvalidState),
            (F::Throttling, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState),
            (F::DependencyTimeout, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState),
            (F::TimedOut, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState),
            (F::Internal, E::XksProxyInvalidResponse, E::CustomKeyStoreInvalidState),
        ] {
            assert_eq!(of_setup(failure.into()).code(), setup, "{failure:?}");
            assert_eq!(of_new_key(failure.into()).code(), new_key, "{failure:?}");
            assert_eq!(of_use(failure.into()).code(), E::InvalidState, "{failure:?}");
        }
    }
}
