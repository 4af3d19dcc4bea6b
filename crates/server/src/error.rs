//! What the API answers when it refuses: a closed code, a message for the client, and a cause for the operator.
//!
//! Not here: how an error looks on a wire; `wire` renders it. The cause never leaves the process.
//! Invariant: a message holds nothing secret and no line break.

use std::{error::Error, fmt};

use kanuki_keeper_protocol::{KeeperError, Reason};

use crate::{decisions::AuthorizationMessage, operation::Service};

/// Declares the codes with their names and statuses: in JSON protocols, then in Query protocols.
macro_rules! error_codes {
    ($($(#[$meta:meta])* $variant:ident $json:literal $json_status:literal $query:literal $query_status:literal,)+) => {
        /// The code of an error, whichever protocol renders it.
        ///
        /// Rule: the error lists of the AWS KMS, IAM and STS API references.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$meta])* $variant,)+
        }

        impl ErrorCode {
            /// The name in JSON protocols.
            #[must_use]
            pub const fn json_name(self) -> &'static str {
                match self { $(Self::$variant => $json,)+ }
            }

            /// The HTTP status in JSON protocols.
            #[must_use]
            pub const fn json_status(self) -> u16 {
                match self { $(Self::$variant => $json_status,)+ }
            }

            /// The name in Query protocols.
            #[must_use]
            pub const fn query_name(self) -> &'static str {
                match self { $(Self::$variant => $query,)+ }
            }

            /// The HTTP status in Query protocols.
            #[must_use]
            pub const fn query_status(self) -> u16 {
                match self { $(Self::$variant => $query_status,)+ }
            }
        }
    };
}

error_codes! {
    /// The caller may not.
    AccessDenied "AccessDeniedException" 400 "AccessDenied" 403,
    /// The name is taken.
    AlreadyExists "AlreadyExistsException" 400 "EntityAlreadyExists" 409,
    /// The cluster has a custom key store already.
    CloudHsmClusterInUse "CloudHsmClusterInUseException" 400 "CloudHsmClusterInUse" 400,
    /// The cluster does not do what a custom key store needs.
    CloudHsmClusterInvalidConfiguration "CloudHsmClusterInvalidConfigurationException" 400 "CloudHsmClusterInvalidConfiguration" 400,
    /// The cluster is not ready.
    CloudHsmClusterNotActive "CloudHsmClusterNotActiveException" 400 "CloudHsmClusterNotActive" 400,
    /// There is no such cluster.
    CloudHsmClusterNotFound "CloudHsmClusterNotFoundException" 400 "CloudHsmClusterNotFound" 400,
    /// The cluster is not a copy of the one before.
    CloudHsmClusterNotRelated "CloudHsmClusterNotRelatedException" 400 "CloudHsmClusterNotRelated" 400,
    /// KMS keys are in the custom key store.
    CustomKeyStoreHasCmks "CustomKeyStoreHasCMKsException" 400 "CustomKeyStoreHasCMKs" 400,
    /// The connection state of the custom key store forbids it.
    CustomKeyStoreInvalidState "CustomKeyStoreInvalidStateException" 400 "CustomKeyStoreInvalidState" 400,
    /// Another custom key store has the name.
    CustomKeyStoreNameInUse "CustomKeyStoreNameInUseException" 400 "CustomKeyStoreNameInUse" 400,
    /// There is no such custom key store.
    CustomKeyStoreNotFound "CustomKeyStoreNotFoundException" 400 "CustomKeyStoreNotFound" 400,
    /// Something outside took too long.
    DependencyTimeout "DependencyTimeoutException" 500 "DependencyTimeout" 500,
    /// The key is switched off.
    Disabled "DisabledException" 400 "Disabled" 400,
    /// Something else is under way.
    Conflict "ConflictException" 400 "ConcurrentModification" 409,
    /// Something still hangs on it.
    DeleteConflict "DeleteConflictException" 400 "DeleteConflict" 409,
    /// The call would have succeeded, but was a dry run.
    DryRun "DryRunOperationException" 400 "DryRunOperation" 412,
    /// The import token is too old.
    ExpiredImportToken "ExpiredImportTokenException" 400 "ExpiredImportToken" 400,
    /// The session has ended.
    ExpiredToken "ExpiredTokenException" 400 "ExpiredToken" 403,
    /// The token of an identity provider is too old.
    ExpiredIdentityToken "ExpiredTokenException" 400 "ExpiredTokenException" 400,
    /// The keys of an identity provider cannot be had.
    IdpCommunication "IDPCommunicationErrorException" 400 "IDPCommunicationError" 400,
    /// A claim of an identity provider's token cannot be used.
    IdpRejectedClaim "IDPRejectedClaimException" 400 "IDPRejectedClaim" 403,
    /// The signature lacks a part.
    IncompleteSignature "IncompleteSignatureException" 400 "IncompleteSignature" 400,
    /// The ciphertext was made by another key than the named one.
    IncorrectKey "IncorrectKeyException" 400 "IncorrectKey" 400,
    /// The certificate is not the cluster's.
    IncorrectTrustAnchor "IncorrectTrustAnchorException" 400 "IncorrectTrustAnchor" 400,
    /// The key material is not the one that it must be.
    IncorrectKeyMaterial "IncorrectKeyMaterialException" 400 "IncorrectKeyMaterial" 400,
    /// Something broke here; the client may try again.
    Internal "KMSInternalException" 500 "InternalFailure" 500,
    /// The encoded authorization message is none, or another account's.
    InvalidAuthorizationMessage "InvalidAuthorizationMessageException" 400 "InvalidAuthorizationMessageException" 400,
    /// An ARN that cannot be used.
    InvalidArn "InvalidArnException" 400 "InvalidArn" 400,
    /// The ciphertext does not open.
    InvalidCiphertext "InvalidCiphertextException" 400 "InvalidCiphertext" 400,
    /// The access key or token is unknown.
    InvalidClientToken "UnrecognizedClientException" 400 "InvalidClientTokenId" 403,
    /// The text is no grant id.
    InvalidGrantId "InvalidGrantIdException" 400 "InvalidGrantId" 400,
    /// The text is no grant token.
    InvalidGrantToken "InvalidGrantTokenException" 400 "InvalidGrantToken" 400,
    /// The code of a device is wrong.
    InvalidAuthenticationCode "InvalidAuthenticationCodeException" 400 "InvalidAuthenticationCode" 403,
    /// A parameter has a form that the operation cannot take.
    InvalidInput "InvalidInputException" 400 "InvalidInput" 400,
    /// The import token is none, or of another key.
    InvalidImportToken "InvalidImportTokenException" 400 "InvalidImportToken" 400,
    /// The token of an identity provider is not taken.
    InvalidIdentityToken "InvalidIdentityTokenException" 400 "InvalidIdentityToken" 400,
    /// The key is not for this.
    InvalidKeyUsage "InvalidKeyUsageException" 400 "InvalidKeyUsage" 400,
    /// The page marker was not made by this operation.
    InvalidMarker "InvalidMarkerException" 400 "InvalidMarker" 400,
    /// The message authentication code is not one of the message's.
    InvalidMac "KMSInvalidMacException" 400 "KMSInvalidMac" 400,
    /// The signature does not match.
    InvalidSignature "InvalidSignatureException" 400 "SignatureDoesNotMatch" 403,
    /// The signature is not one of the message's.
    InvalidSignatureOfMessage "KMSInvalidSignatureException" 400 "KMSInvalidSignature" 400,
    /// The state of the key forbids it.
    InvalidState "KMSInvalidStateException" 400 "KMSInvalidState" 400,
    /// The key cannot be used just now.
    KeyUnavailable "KeyUnavailableException" 500 "KeyUnavailable" 500,
    /// A quota is used up.
    LimitExceeded "LimitExceededException" 400 "LimitExceeded" 409,
    /// The policy document is wrong.
    MalformedPolicyDocument "MalformedPolicyDocumentException" 400 "MalformedPolicyDocument" 400,
    /// The query string cannot be read.
    MalformedQueryString "MalformedQueryStringException" 400 "MalformedQueryString" 400,
    /// No credentials at all.
    MissingAuthenticationToken "MissingAuthenticationTokenException" 400 "MissingAuthenticationToken" 403,
    /// A reserved name.
    NotAuthorized "NotAuthorizedException" 400 "NotAuthorized" 403,
    /// The service has no credentials of its own for users.
    NotSupportedService "NotSupportedServiceException" 400 "NotSupportedService" 404,
    /// No such thing.
    NotFound "NotFoundException" 400 "NoSuchEntity" 404,
    /// Session policies and tags do not fit in a session token.
    PackedPolicyTooLarge "PackedPolicyTooLargeException" 400 "PackedPolicyTooLarge" 400,
    /// The report was made too long ago.
    ReportExpired "ReportExpiredException" 400 "ReportExpired" 410,
    /// There is no report.
    ReportNotPresent "ReportNotPresentException" 400 "ReportNotPresent" 410,
    /// The body is longer than allowed.
    RequestEntityTooLarge "RequestEntityTooLargeException" 413 "RequestEntityTooLarge" 413,
    /// The body cannot be read.
    Serialization "SerializationException" 400 "MalformedInput" 400,
    /// The server is sealed, draining or overloaded.
    ServiceUnavailable "ServiceUnavailableException" 503 "ServiceUnavailable" 503,
    /// A tag breaks the rules of tags.
    Tag "TagException" 400 "InvalidInput" 400,
    /// Too many requests.
    Throttling "ThrottlingException" 400 "Throttling" 400,
    /// It belongs to the service, and is not for clients to change.
    UnmodifiableEntity "UnmodifiableEntityException" 400 "UnmodifiableEntity" 400,
    /// No such operation.
    UnknownOperation "UnknownOperationException" 400 "InvalidAction" 400,
    /// The parameter or the kind of key is not supported.
    UnsupportedOperation "UnsupportedOperationException" 400 "UnsupportedOperation" 400,
    /// A parameter breaks the model.
    Validation "ValidationException" 400 "ValidationError" 400,
    /// Another KMS key stands on the external key.
    XksKeyAlreadyInUse "XksKeyAlreadyInUseException" 400 "XksKeyAlreadyInUse" 400,
    /// The external key will not do.
    XksKeyInvalidConfiguration "XksKeyInvalidConfigurationException" 400 "XksKeyInvalidConfiguration" 400,
    /// There is no such external key.
    XksKeyNotFound "XksKeyNotFoundException" 400 "XksKeyNotFound" 400,
    /// The proxy does not take the credential.
    XksProxyIncorrectAuthenticationCredential "XksProxyIncorrectAuthenticationCredentialException" 400 "XksProxyIncorrectAuthenticationCredential" 400,
    /// The proxy is not set up as it must be.
    XksProxyInvalidConfiguration "XksProxyInvalidConfigurationException" 400 "XksProxyInvalidConfiguration" 400,
    /// The proxy's answer cannot be read.
    XksProxyInvalidResponse "XksProxyInvalidResponseException" 400 "XksProxyInvalidResponse" 400,
    /// Another custom key store has the host.
    XksProxyUriEndpointInUse "XksProxyUriEndpointInUseException" 400 "XksProxyUriEndpointInUse" 400,
    /// Another custom key store has the URI.
    XksProxyUriInUse "XksProxyUriInUseException" 400 "XksProxyUriInUse" 400,
    /// The proxy cannot be reached.
    XksProxyUriUnreachable "XksProxyUriUnreachableException" 400 "XksProxyUriUnreachable" 400,
    /// Another custom key store has the VPC endpoint service.
    XksProxyVpcEndpointServiceInUse "XksProxyVpcEndpointServiceInUseException" 400 "XksProxyVpcEndpointServiceInUse" 400,
    /// There is no such VPC endpoint service.
    XksProxyVpcEndpointServiceNotFound "XksProxyVpcEndpointServiceNotFoundException" 400 "XksProxyVpcEndpointServiceNotFound" 400,
}

impl ErrorCode {
    /// The name in the Query protocol of a service: IAM has its own for what broke here.
    #[must_use]
    pub fn name_in(self, service: Service) -> &'static str {
        match (self, service) {
            (Self::Internal, Service::Iam) => "ServiceFailure",
            _ => self.query_name(),
        }
    }
}

/// A refusal.
pub struct ApiError {
    code: ErrorCode,
    message: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    authorization: Option<AuthorizationMessage>,
}

impl ApiError {
    /// A refusal with a message for the client.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into().replace(['\r', '\n'], " ");
        Self { code, message: Some(message), cause: None, authorization: None }
    }

    /// A refusal without a message, as some codes are answered.
    #[must_use]
    pub fn bare(code: ErrorCode) -> Self {
        Self { code, message: None, cause: None, authorization: None }
    }

    /// A failure of this server: the client learns only that it failed, the operator's log the cause.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let message = Some("The request failed because of an internal error. The request can be retried.".into());
        Self { code: ErrorCode::Internal, message, cause: Some(cause.into()), authorization: None }
    }

    /// A parameter that breaks the model or a rule between parameters.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    /// Adds the encoded message about the decision that it rests on, if there is one.
    #[must_use]
    pub fn with_authorization(self, authorization: Option<AuthorizationMessage>) -> Self {
        Self { authorization, ..self }
    }

    /// The encoded message about the decision that it rests on; every answer has it in a header.
    #[must_use]
    pub fn authorization(&self) -> Option<&AuthorizationMessage> {
        self.authorization.as_ref()
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message for the client.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// What lies behind it, for the operator's log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        self.cause.iter().try_for_each(|cause| write!(f, " ({cause})"))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.json_name(), self.message.as_deref().unwrap_or_default())
    }
}

impl Error for ApiError {}

impl From<kanuki_store::StoreError> for ApiError {
    fn from(error: kanuki_store::StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<KeeperError> for ApiError {
    fn from(error: KeeperError) -> Self {
        match error {
            // More slow work is asked for than the keeper can queue; the client's own retries spread it.
            KeeperError::Refused(Reason::Busy) => Self::new(ErrorCode::Throttling, THROTTLED),
            other => Self::internal(other),
        }
    }
}

/// What a client hears that calls too often.
pub(crate) const THROTTLED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
