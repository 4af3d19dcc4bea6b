//! A door of the insecure test mode: a test acts as a neighbour service towards KMS.
//!
//! `POST /_insecure/neighbour/<services>/for-caller` makes the signed KMS request in the body for the caller who signed
//! it, through the services (principal names separated by commas, in the order in which they call).
//! `POST /_insecure/neighbour/<service>/for-itself` makes it as the service's own call; whoever signed it is forgotten.
//! The account and the ARN of the resource for which it calls come in the headers `x-insecure-source-account` and
//! `x-insecure-source-arn`, which mean nothing anywhere else.
//!
//! Not here in any other mode: without the steerable clock the door does not exist. Invariant: a request through this
//! door is signed, authorized and recorded like any other.

use kanuki_types::AccountId;

use super::Incoming;
use crate::{
    authn::{Authenticated, Forwarded, ServicePrincipal, Source},
    authz::Circumstances,
    error::ApiError,
};

/// As whom a request through the door shall call.
#[derive(Debug)]
pub(crate) enum InsecureNeighbour {
    /// As services that call for the caller, one through the other.
    ForCaller(Vec<ServicePrincipal>),
    /// As a service that calls by itself.
    ForItself(ServicePrincipal, Source),
    /// As nobody: the path or the headers are not understood.
    Unknown,
}

impl InsecureNeighbour {
    /// Reads path and headers; none if the request is for another door.
    pub(super) fn read(incoming: &Incoming) -> Option<Self> {
        let rest = incoming.path.strip_prefix(PATH_PREFIX)?;
        Some(Self::parse(rest.trim_end_matches('/'), incoming).unwrap_or(Self::Unknown))
    }

    fn parse(rest: &str, incoming: &Incoming) -> Option<Self> {
        let (services, way) = rest.split_once('/')?;
        let services: Vec<ServicePrincipal> =
            services.split(',').map(|name| name.parse().ok()).collect::<Option<_>>()?;
        match (way, services.as_slice()) {
            ("for-caller", [_, ..]) => Some(Self::ForCaller(services)),
            ("for-itself", [service]) => {
                let account: AccountId = incoming.header("x-insecure-source-account")?.parse().ok()?;
                let arn = incoming.header("x-insecure-source-arn").map(std::borrow::Cow::into_owned);
                Some(Self::ForItself(service.clone(), Source { account, arn }))
            }
            _ => None,
        }
    }

    /// The call that the neighbour makes when it serves a caller.
    ///
    /// # Errors
    /// If the path or the headers were not understood, or the chain of services is too long.
    pub(crate) fn forwarded(self, caller: &Authenticated, circumstances: Circumstances) -> Result<Forwarded, ApiError> {
        match self {
            Self::ForItself(service, source) => Ok(Forwarded::by_itself(service, source, caller.region().clone())),
            Self::ForCaller(services) => {
                let mut made: Option<Forwarded> = None;
                for service in services {
                    let so_far = made.as_ref().map_or(caller, Forwarded::caller);
                    made = Some(Forwarded::for_caller(so_far, circumstances.clone(), service)?);
                }
                made.ok_or_else(|| ApiError::validation(USAGE))
            }
            Self::Unknown => Err(ApiError::validation(USAGE)),
        }
    }
}

const PATH_PREFIX: &str = "/_insecure/neighbour/";
const USAGE: &str = "The path is /_insecure/neighbour/<service>[,<service>]/for-caller or \
                     /_insecure/neighbour/<service>/for-itself with the header x-insecure-source-account.";
