//! Random bytes for callers.
//!
//! Not a generator of its own: the module's (CTR_DRBG of SP 800-90A, seeded by the system).
//! Invariant: the length is 1 to [`GENERATED_BYTES_MAX`].

use kanuki_keeper_protocol::{GENERATED_BYTES_MAX, Reason, Response, Secret};

use crate::{error::OpError, material::Material};

/// `GenerateRandom`.
pub(super) fn generate(length: u32) -> Result<Response, OpError> {
    Ok(Response::Secret(Secret(material(length)?.into_secret())))
}

/// Random bytes of a length that a caller asked for.
pub(super) fn material(length: u32) -> Result<Material, OpError> {
    match usize::try_from(length) {
        Ok(0) => Err(OpError::Refused(Reason::BadRequest)),
        Ok(length) if length <= GENERATED_BYTES_MAX => Ok(Material::random(length)?),
        _ => Err(OpError::Refused(Reason::TooLarge)),
    }
}
