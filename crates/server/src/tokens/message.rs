//! What server and helper say to each other, and its frames.
//!
//! Both come from one binary, so there is no version. A frame is its length (32 bits, big-endian) and a message in JSON.
//! Invariants: a frame has a greatest length; the buffers of frames are wiped, because one of them holds a password.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::{Zeroize as _, Zeroizing};

/// What the server asks.
#[derive(Serialize, Deserialize)]
pub enum TokenRequest {
    /// Loads the module and finds the token.
    Open,
    /// Logs in; the first request after `Open`.
    Login {
        /// The password of the token's user.
        pin: String,
    },
    /// Makes an AES key of 256 bits that cannot leave the token.
    CreateKey {
        /// Its id, in hexadecimal digits.
        id: String,
        /// Its label.
        label: String,
    },
    /// Destroys a key.
    DestroyKey {
        /// Its id, in hexadecimal digits.
        id: String,
    },
    /// Encrypts with AES-GCM.
    Encrypt {
        /// The key's id, in hexadecimal digits.
        id: String,
        /// What is encrypted.
        #[serde(with = "crate::base64_text")]
        plaintext: Vec<u8>,
        /// Additional authenticated data.
        #[serde(with = "crate::base64_text")]
        aad: Vec<u8>,
    },
    /// Decrypts with AES-GCM.
    Decrypt {
        /// The key's id, in hexadecimal digits.
        id: String,
        /// The vector that `Encrypt` answered.
        #[serde(with = "crate::base64_text")]
        iv: Vec<u8>,
        /// Ciphertext and tag.
        #[serde(with = "crate::base64_text")]
        sealed: Vec<u8>,
        /// Additional authenticated data.
        #[serde(with = "crate::base64_text")]
        aad: Vec<u8>,
    },
    /// Random bytes of the token.
    Random {
        /// How many.
        length: usize,
    },
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        if let Self::Login { pin } = self {
            pin.zeroize();
        }
    }
}

impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Login { .. } => "Login",
            Self::CreateKey { .. } => "CreateKey",
            Self::DestroyKey { .. } => "DestroyKey",
            Self::Encrypt { .. } => "Encrypt",
            Self::Decrypt { .. } => "Decrypt",
            Self::Random { .. } => "Random",
        })
    }
}

/// What the helper answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenResponse {
    /// Done; nothing to say.
    Done,
    /// A ciphertext.
    Sealed {
        /// The vector that the helper drew from the token.
        #[serde(with = "crate::base64_text")]
        iv: Vec<u8>,
        /// Ciphertext and tag.
        #[serde(with = "crate::base64_text")]
        sealed: Vec<u8>,
    },
    /// A plaintext, random bytes.
    Bytes(#[serde(with = "crate::base64_text")] Vec<u8>),
    /// It was not done.
    Refused(TokenReason),
}

/// Why a helper refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenReason {
    /// The password is wrong.
    Credentials,
    /// The token, or the way to it, fails.
    Device,
    /// The ciphertext is not what was encrypted.
    Ciphertext,
    /// There is no such key.
    KeyMissing,
    /// The module cannot be loaded.
    Module,
    /// There is no token with that label.
    TokenMissing,
    /// The user is locked out.
    UserLocked,
    /// The user is logged in already.
    UserLoggedIn,
    /// The token has no user yet.
    UserMissing,
}

/// The bytes of a frame.
///
/// # Errors
/// If the message is longer than [`FRAME_BYTES_MAX`].
pub(super) fn to_frame(message: &impl Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    // One buffer of full length: one that grows would leave unwiped copies behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(LENGTH_BYTES + FRAME_BYTES_MAX));
    frame.extend_from_slice(&[0; LENGTH_BYTES]);
    serde_json::to_writer(&mut *frame, message)?;
    let length = u32::try_from(frame.len() - LENGTH_BYTES).ok().filter(|length| *length as usize <= FRAME_BYTES_MAX);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    if let Some(front) = frame.first_chunk_mut::<LENGTH_BYTES>() {
        *front = length.to_be_bytes();
    }
    Ok(frame)
}

/// The length that a frame has behind its front.
///
/// # Errors
/// If it is longer than [`FRAME_BYTES_MAX`].
pub(super) fn frame_length(front: [u8; LENGTH_BYTES]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(front)).map_err(|_| io::ErrorKind::InvalidData)?;
    if length <= FRAME_BYTES_MAX { Ok(length) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Reads a frame, for the helper.
///
/// # Errors
/// If the stream ends or holds no frame.
pub fn read_frame<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut front = [0; LENGTH_BYTES];
    stream.read_exact(&mut front)?;
    let mut body = Zeroizing::new(vec![0; frame_length(front)?]);
    stream.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Writes a frame, for the helper.
///
/// # Errors
/// If the stream ends or the message is too long.
pub fn write_frame(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&to_frame(message)?)
}

/// Greatest length of a message in its frame: a ciphertext of 4300 bytes and additional data in base64 fit well.
pub const FRAME_BYTES_MAX: usize = 16 << 10;
/// Length of the id of a key in a token, in bytes.
pub const BACKING_ID_BYTES: usize = 16;
pub(super) const LENGTH_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_round_and_long_ones_are_refused() {
        let mut stream = Vec::new();
        write_frame(&mut stream, &TokenRequest::Login { pin: "1234567".into() }).unwrap();
        let read: TokenRequest = read_frame(&mut stream.as_slice()).unwrap();
        assert!(matches!(&read, TokenRequest::Login { pin } if pin == "1234567"));
        assert_eq!(format!("{read:?}"), "Login");
        assert!(write_frame(&mut stream, &TokenResponse::Bytes(vec![0; FRAME_BYTES_MAX])).is_err());
        let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
        assert!(read_frame::<TokenResponse>(&mut length.as_slice()).is_err());
        assert!(read_frame::<TokenResponse>(&mut [0, 0, 0, 2, b'{', b'}'].as_slice()).is_err());
    }
}
