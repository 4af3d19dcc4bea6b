//! One-time codes: seeds made and sealed here, and verdicts about codes.
//!
//! Not here: whose a device is, how often it may fail, and keeping the step that was taken; the server stores it.
//! Rule: RFC 6238 with HMAC-SHA-1, steps of 30 seconds from the epoch and six digits, which is what the devices know.
//! Invariants: a seed leaves once, when it is made; a code is right for one step only, and only for a step after the
//! last taken one; every step within reach is looked at, and codes are compared in constant time.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{
    MFA_DEVICE_BYTES_MAX, MFA_REACH_STEPS_MAX, MfaSteps, OwnedBytes, Reason, Response, Secret,
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{error::OpError, keyring::Keyring, material::Material};

/// Makes a seed; answers it in base32.
pub(super) fn create(keyring: &mut Keyring, device: &str) -> Result<Response, OpError> {
    check_device(device)?;
    let seed = Material::random(SEED_BYTES)?;
    let sealed = keyring.mfa_seeds.seal(device.as_bytes(), seed.expose())?;
    let text = to_base32(seed.expose());
    Ok(Response::BytesAndSecret { bytes: OwnedBytes(sealed), secret: Secret(text.into_secret()) })
}

/// Checks a code, or two consecutive ones.
pub(super) fn check(
    keyring: &mut Keyring,
    device: &str,
    sealed: &[u8],
    (code, next_code): (&[u8], Option<&[u8]>),
    steps: MfaSteps,
) -> Result<Response, OpError> {
    check_device(device)?;
    if steps.reach > MFA_REACH_STEPS_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let seed = keyring.mfa_seeds.open(device.as_bytes(), sealed)?;
    Ok(Response::MfaStep(matching_step(&seed, code, next_code, steps)))
}

/// The earliest step within reach whose code it is, with the next code being the next step's; the step of the later
/// code is answered.
fn matching_step(seed: &Material, code: &[u8], next_code: Option<&[u8]>, steps: MfaSteps) -> Option<u64> {
    // Boxed: a prepared key is large, and a move would leave a copy behind.
    let key = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed.expose()));
    let first = steps.present.saturating_sub(steps.reach.into());
    let last = steps.present.saturating_add(steps.reach.into());
    let mut found = None;
    for step in first..=last {
        let mut right = is_code(&key, step, code);
        let mut taken = step;
        if let Some(next_code) = next_code {
            taken = step.saturating_add(1);
            right &= is_code(&key, taken, next_code);
        }
        let is_new = steps.last_taken.is_none_or(|last| step > last);
        if right && is_new && found.is_none() {
            found = Some(taken);
        }
    }
    found
}

fn is_code(key: &hmac::Key, step: u64, code: &[u8]) -> bool {
    totp(key, step).as_slice().ct_eq(code).into()
}

/// The six digits of a step (RFC 4226 section 5.3).
fn totp(key: &hmac::Key, step: u64) -> Zeroizing<[u8; DIGITS]> {
    let mut tag = Zeroizing::new([0; TAG_BYTES]);
    for (to, from) in tag.iter_mut().zip(hmac::sign(key, &step.to_be_bytes()).as_ref()) {
        *to = *from;
    }
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
    let word = tag.iter().skip(offset).take(4).fold(0, |word: u32, byte| (word << 8) | u32::from(*byte));
    let mut number = word & 0x7fff_ffff;
    let mut digits = Zeroizing::new([0; DIGITS]);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
    digits
}

/// Base32 without a table: an index that depends on a secret would show in the cache.
fn to_base32(bytes: &[u8]) -> Material {
    let (groups, _) = bytes.as_chunks::<5>();
    let mut text = Zeroizing::new(Vec::with_capacity(groups.len() * 8));
    for [a, b, c, d, e] in groups {
        let bits = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]);
        text.extend([35, 30, 25, 20, 15, 10, 5, 0].map(|shift| character((bits >> shift) & 0x1f)));
    }
    Material::new(text)
}

/// The character of five bits, by arithmetic without a branch: `A` to `Z`, then `2` to `7`.
fn character(five: u64) -> u8 {
    // All ones where `five` is at least 26.
    let is_digit = (25_u64.wrapping_sub(five) >> 63).wrapping_neg();
    let code = five.wrapping_add(u64::from(b'A'));
    code.wrapping_sub(is_digit & (u64::from(b'A') + 26 - u64::from(b'2'))).to_le_bytes()[0]
}

fn check_device(device: &str) -> Result<(), OpError> {
    match device.len() {
        0 => Err(OpError::Refused(Reason::BadRequest)),
        1..=MFA_DEVICE_BYTES_MAX => Ok(()),
        _ => Err(OpError::Refused(Reason::TooLarge)),
    }
}

/// 320 bits; 64 characters when written, which is what clients know.
const SEED_BYTES: usize = 40;
const DIGITS: usize = 6;
const TAG_BYTES: usize = 20;

#[cfg(test)]
mod tests;
