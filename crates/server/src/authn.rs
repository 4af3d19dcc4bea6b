//! Who calls: canonical request, signature in header or query form, session tokens.
//!
//! Not here: what the caller may do. Invariant: of a request from outside, [`Authenticated`] is made by
//! [`Authenticator::verify`] after the signature over the whole request was found right, or by
//! [`Authenticator::verify_bearer`] after that over a token was; that a service makes a call for somebody is said by a
//! [`Forwarded`], which only this crate can make.
//!
//! A forwarded call can be looked at, and not be made up:
//! ```
//! use kanuki_server::authn::{Authenticated, Forwarded};
//! fn look(forwarded: &Forwarded) -> &Authenticated {
//!     forwarded.caller()
//! }
//! ```
//! ```compile_fail,E0624
//! use kanuki_server::authn::{Authenticated, Forwarded, ServicePrincipal};
//! fn forge(caller: &Authenticated, circumstances: kanuki_server::authz::Circumstances) {
//!     let s3: ServicePrincipal = "s3.amazonaws.com".parse().unwrap();
//!     let _ = Forwarded::for_caller(caller, circumstances, s3);
//! }
//! ```
//! ```compile_fail,E0624
//! use kanuki_server::authn::{Forwarded, ServicePrincipal, Source};
//! fn forge(s3: ServicePrincipal, source: Source, region: kanuki_types::Region) {
//!     let _ = Forwarded::by_itself(s3, source, region);
//! }
//! ```
//! ```compile_fail,E0451
//! use kanuki_server::authn::Forwarded;
//! fn forge(real: Forwarded) -> Forwarded {
//!     Forwarded { ..real }
//! }
//! ```
//!
//! Rule: "Signature Version 4 signing process" of the IAM user guide.

mod scope;
mod presented;
mod canonical;
mod signing_keys;
mod standpoint;
mod verify;
mod second_factor;
mod web_token;
mod provider_keys;
mod web_identity;
mod reach;

pub(crate) use canonical::hex;
pub use presented::Presented;
pub use provider_keys::{Fetcher, ProviderKeys, read_key_set};
pub(crate) use reach::check_reach;
pub use scope::CredentialScope;
pub use second_factor::SecondFactor;
pub use standpoint::Standpoint;
pub(crate) use standpoint::StandpointSession;
pub use verify::{Authenticated, Authenticator, Forwarded, SERVICES_IN_CHAIN_MAX, ServicePrincipal, Source};
pub use web_identity::BearerToken;
pub use web_token::{WebToken, read_unverified_token};
