//! Who calls: canonical request, signature in header or query form, session tokens.
//!
//! Not here: what the caller may do. Invariant: [`Authenticated`] is made by [`Authenticator::verify`] alone, after the
//! signature over the whole request was found right.
//!
//! Rule: "Signature Version 4 signing process" of the IAM user guide.

mod scope;
mod presented;
mod canonical;
mod signing_keys;
mod verify;

pub use presented::Presented;
pub use scope::CredentialScope;
pub use verify::{Authenticated, Authenticator, SessionFacts};
