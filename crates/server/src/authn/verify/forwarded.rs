//! Calls that a service of this process makes of KMS: for its caller (a forward access session), or for itself.
//!
//! Not here: what such a call may do; it walks the pipeline like any other. Invariants: only this crate makes a
//! [`Forwarded`], so nothing that a client sends can turn a direct call into a forwarded one; a call for a caller stays
//! that caller's, with its policies and its account; a chain of services has an end.
//!
//! Rule: "Forward access sessions" and "AWS service principals" of the IAM user guide.

use std::{fmt, net::Ipv4Addr, str::FromStr, sync::Arc};

use kanuki_types::{AccountId, Region, Timestamp};

use super::Authenticated;
use crate::{authn::standpoint::Standpoint, authz::Circumstances, error::ApiError};

/// Most services through which one call goes.
pub const SERVICES_IN_CHAIN_MAX: usize = 8;

/// The name by which policies, grants and records know a service: `s3.amazonaws.com`, or `logs.us-east-1.amazonaws.com`
/// for one that calls under the name of a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrincipal {
    name: Arc<str>,
    service_len: usize,
}

impl ServicePrincipal {
    /// The whole name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service's own name, such as `s3`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.name.get(..self.service_len).unwrap_or_default()
    }

    /// The name of its endpoint in a Region: the value of `kms:ViaService`.
    #[must_use]
    pub fn endpoint(&self, region: &Region) -> String {
        format!("{}.{region}{SUFFIX}", self.service())
    }

    /// Every name that the service has in a Region: the values of `aws:PrincipalServiceNamesList`.
    #[must_use]
    pub fn names(&self, region: &Region) -> [String; 2] {
        [format!("{}{SUFFIX}", self.service()), self.endpoint(region)]
    }
}

impl FromStr for ServicePrincipal {
    type Err = ParseServicePrincipalError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let labels = name.strip_suffix(SUFFIX).ok_or(ParseServicePrincipalError)?;
        let (service, region) = labels.split_once('.').map_or((labels, None), |(s, region)| (s, Some(region)));
        let service_is_one = !service.is_empty()
            && service.len() <= SERVICE_LEN_MAX
            && service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let region_is_one = region.is_none_or(|region| region.parse::<Region>().is_ok());
        if service_is_one && region_is_one {
            Ok(Self { name: name.into(), service_len: service.len() })
        } else {
            Err(ParseServicePrincipalError)
        }
    }
}

/// The text names no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseServicePrincipalError;

impl fmt::Display for ParseServicePrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a service is named like s3.amazonaws.com or logs.us-east-1.amazonaws.com")
    }
}

impl std::error::Error for ParseServicePrincipalError {}

/// For what a service calls by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The account of the resource: the value of `aws:SourceAccount`.
    pub account: AccountId,
    /// The resource: the value of `aws:SourceArn`.
    pub arn: Option<String>,
}

/// How a call came to KMS.
#[derive(Debug, Clone)]
pub(in crate::authn) enum Standing {
    /// By a request of the caller.
    Direct,
    /// For the caller, through services in the order in which they called.
    For(Arc<[ServicePrincipal]>),
    /// By a service of its own accord.
    Own(Arc<(ServicePrincipal, Source)>),
}

/// A call that a service of this process makes.
#[derive(Debug, Clone)]
pub struct Forwarded {
    caller: Authenticated,
    circumstances: Circumstances,
}

impl Forwarded {
    /// A call for the caller that the service itself serves, under the circumstances of that caller's request.
    ///
    /// # Errors
    /// If the call has come through too many services, or is a service's own.
    pub(crate) fn for_caller(
        caller: &Authenticated,
        circumstances: Circumstances,
        service: ServicePrincipal,
    ) -> Result<Self, ApiError> {
        let user_agent = Some(service.name().to_owned());
        let caller = Authenticated { standpoint: caller.through(service)?, ..caller.clone() };
        Ok(Self { caller, circumstances: Circumstances { user_agent, ..circumstances } })
    }

    /// A call that a service makes for a resource, with nobody behind it.
    pub(crate) fn by_itself(service: ServicePrincipal, source: Source, region: Region) -> Self {
        let circumstances = Circumstances {
            now: Timestamp::from_millis(0),
            source_ip: Ipv4Addr::LOCALHOST.into(),
            user_agent: Some(service.name().to_owned()),
            // Each call gets its own.
            request_id: String::new(),
            // It never leaves the process.
            secure_transport: true,
            second_factor: None,
        };
        let standpoint = Standpoint::of_service(service, source, region);
        let caller = Authenticated { standpoint, access_key_id: String::new(), key: None, token: None };
        Self { caller, circumstances }
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Authenticated {
        &self.caller
    }

    /// Caller and circumstances, as of an instant.
    pub(crate) fn into_parts(self, now: Timestamp) -> (Authenticated, Circumstances) {
        (self.caller, Circumstances { now, ..self.circumstances })
    }
}

const SUFFIX: &str = ".amazonaws.com";
/// Longest name of a service, in bytes.
const SERVICE_LEN_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services() {
        let region: Region = "us-west-2".parse().unwrap();
        let s3: ServicePrincipal = "s3.amazonaws.com".parse().unwrap();
        assert_eq!((s3.service(), s3.endpoint(&region).as_str()), ("s3", "s3.us-west-2.amazonaws.com"));
        let logs: ServicePrincipal = "logs.us-east-1.amazonaws.com".parse().unwrap();
        assert_eq!((logs.service(), logs.name()), ("logs", "logs.us-east-1.amazonaws.com"));
        assert_eq!(logs.names(&region), ["logs.amazonaws.com", "logs.us-west-2.amazonaws.com"]);
        let too_long = format!("{}.amazonaws.com", "a".repeat(64));
        for wrong in
            ["", "s3", ".amazonaws.com", "S3.amazonaws.com", "a.b.c.amazonaws.com", "s3.example.com", &too_long]
        {
            assert_eq!(wrong.parse::<ServicePrincipal>(), Err(ParseServicePrincipalError), "{wrong}");
        }
    }

    #[test]
    fn a_chain_of_services_has_an_end() {
        let (region, account) = ("us-west-2".parse::<Region>().unwrap(), "111122223333".parse().unwrap());
        let s3: ServicePrincipal = "s3.amazonaws.com".parse().unwrap();
        let own = Forwarded::by_itself(s3.clone(), Source { account, arn: None }, region);
        let (service, circumstances) = own.into_parts(Timestamp::from_millis(1));
        assert!(Forwarded::for_caller(&service, circumstances.clone(), s3.clone()).is_err());
        let mut caller = service;
        caller.standpoint.standing = Standing::Direct;
        for length in 1..=SERVICES_IN_CHAIN_MAX {
            caller = Forwarded::for_caller(&caller, circumstances.clone(), s3.clone()).unwrap().caller;
            assert_eq!(caller.via().len(), length);
        }
        assert!(Forwarded::for_caller(&caller, circumstances, s3).is_err());
    }
}
