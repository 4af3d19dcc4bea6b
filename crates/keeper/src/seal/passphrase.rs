//! The seal by a passphrase: Argon2id of RFC 9106, its parameters stored with the sealed root key.
//!
//! Not a check of how good a passphrase is, beyond a least length.
//! Invariants: parameters from a keyring are bounded before anything is allocated for them; the passphrase and all of
//! Argon2's memory are wiped.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use kanuki_keeper_protocol::OwnedBytes;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::{SealKind, SealProvider, SealSourceError, SealSourceErrorKind, SealedRoot, read_secret_file};
use crate::{
    aead::AeadKey,
    error::Failed,
    kdf::{self, Label},
    material::{KEY_BYTES, Material},
};

/// Least length of a passphrase, in bytes (SP 800-63B section 3.1.1).
pub(super) const PASSPHRASE_BYTES_MIN: usize = 8;
/// Greatest length of a passphrase, in bytes.
pub(super) const PASSPHRASE_BYTES_MAX: usize = 1024;

/// The provider.
#[derive(Debug)]
pub(super) struct Passphrase {
    passphrase: Material,
    /// For a new seal; an old one carries its own.
    cost: Cost,
}

impl Passphrase {
    /// Reads the passphrase: the first line of a file, or what is typed at the terminal.
    pub(super) fn read(path: &Path, new: bool) -> Result<Self, SealSourceError> {
        let passphrase = if path == Path::new("-") || path == Path::new(TERMINAL) {
            ask(new).map_err(|kind| SealSourceError::new(TERMINAL, kind))?
        } else {
            first_line(read_secret_file(path, PASSPHRASE_BYTES_MAX + 2)?)
        };
        if !(PASSPHRASE_BYTES_MIN..=PASSPHRASE_BYTES_MAX).contains(&passphrase.len()) {
            return Err(SealSourceError::new(path, SealSourceErrorKind::PassphraseLength));
        }
        Ok(Self { passphrase: Material::new(passphrase), cost: DEFAULT_COST })
    }

    fn wrapping_key(&self, parameters: &Parameters) -> Result<AeadKey, Failed> {
        let Cost { memory_kib, passes, lanes } = parameters.cost;
        let params = Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(|_| Failed)?;
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                self.passphrase.expose(),
                &parameters.salt,
                key.as_mut_slice(),
                memory.as_mut_slice(),
            )
            .map_err(|_| Failed)?;
        AeadKey::new(&*kdf::derive_key(key.as_slice(), Label::PassphraseSeal, &[])?)
    }
}

impl SealProvider for Passphrase {
    fn seal(&self, root: &Material) -> Result<SealedRoot, Failed> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt)?;
        let parameters = Parameters { cost: self.cost, salt };
        let encoded = postcard::to_stdvec(&parameters).map_err(|_| Failed)?;
        let blob = self.wrapping_key(&parameters)?.wrap(&encoded, root)?;
        Ok(SealedRoot { kind: SealKind::Passphrase, parameters: OwnedBytes(encoded), blob: OwnedBytes(blob) })
    }

    fn unseal(&self, sealed: &SealedRoot) -> Result<Material, Failed> {
        let Ok((parameters, [])) = postcard::take_from_bytes::<Parameters>(&sealed.parameters.0) else {
            return Err(Failed);
        };
        if sealed.kind != SealKind::Passphrase || !parameters.cost.is_bounded() {
            return Err(Failed);
        }
        self.wrapping_key(&parameters)?.unwrap(&sealed.parameters.0, &sealed.blob.0)
    }
}

/// What is stored with the sealed root key.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Parameters {
    cost: Cost,
    salt: [u8; SALT_BYTES],
}

/// How dear one guess is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    fn is_bounded(self) -> bool {
        self.memory_kib <= MEMORY_KIB_MAX && self.passes <= PASSES_MAX && self.lanes <= LANES_MAX
    }
}

fn first_line(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let end = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).map_or(end, <[u8]>::len);
    if let Some(rest) = bytes.get_mut(end..) {
        rest.zeroize();
    }
    bytes.truncate(end);
    bytes
}

/// Asks at the terminal, twice for a new passphrase, without an echo.
fn ask(new: bool) -> Result<Zeroizing<Vec<u8>>, SealSourceErrorKind> {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).map_err(SealSourceErrorKind::Io)?;
    let _silent = Silent::new(&terminal).map_err(SealSourceErrorKind::Io)?;
    let first = ask_once(&terminal, "Seal passphrase: ").map_err(SealSourceErrorKind::Io)?;
    if new {
        let second = ask_once(&terminal, "Seal passphrase again: ").map_err(SealSourceErrorKind::Io)?;
        if !bool::from(first.ct_eq(&second)) {
            return Err(SealSourceErrorKind::PassphraseMismatch);
        }
    }
    Ok(first)
}

fn ask_once(mut terminal: &File, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    terminal.write_all(prompt.as_bytes())?;
    let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
    let mut byte = Zeroizing::new([0; 1]);
    while line.len() <= PASSPHRASE_BYTES_MAX && terminal.read(byte.as_mut_slice())? == 1 && *byte != [b'\n'] {
        line.extend_from_slice(byte.as_slice());
    }
    terminal.write_all(b"\n")?;
    Ok(line)
}

/// Keeps the terminal from echoing until it is dropped.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nothing can be done for a terminal that has gone away.
        let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

const TERMINAL: &str = "/dev/tty";
const SALT_BYTES: usize = 16;
/// The second choice of RFC 9106 section 4: 64 MiB, three passes, four lanes; about 0.3 seconds.
const DEFAULT_COST: Cost = Cost { memory_kib: 64 << 10, passes: 3, lanes: 4 };
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(passphrase: &[u8]) -> Passphrase {
        Passphrase { passphrase: Material::copy_of(passphrase), cost: Cost { memory_kib: 64, passes: 1, lanes: 1 } }
    }

    #[test]
    fn unseals_with_the_stored_parameters() {
        let root = Material::random(32).unwrap();
        let sealed = cheap(b"correct horse").seal(&root).unwrap();
        let later = Passphrase { passphrase: Material::copy_of(b"correct horse"), cost: DEFAULT_COST };
        assert_eq!(later.unseal(&sealed).unwrap().expose(), root.expose());
        assert!(cheap(b"correct horsf").unseal(&sealed).is_err());
        assert!(cheap(b"correct horse").unseal(&SealedRoot { kind: SealKind::KeyFile, ..sealed }).is_err());
    }

    #[test]
    fn changed_parameters_are_refused() {
        let provider = cheap(b"correct horse");
        let sealed = provider.seal(&Material::random(32).unwrap()).unwrap();
        for at in 0..sealed.parameters.0.len() {
            let mut changed = sealed.clone();
            changed.parameters.0[at] ^= 1;
            assert!(provider.unseal(&changed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_cost_over_the_limits_is_refused_before_it_is_paid() {
        let (memory_kib, passes, lanes) = (MEMORY_KIB_MAX, PASSES_MAX, LANES_MAX);
        assert!(Cost { memory_kib, passes, lanes }.is_bounded() && DEFAULT_COST.is_bounded());
        assert!(!Cost { memory_kib: memory_kib + 1, passes, lanes }.is_bounded());
        // Sealed in earnest, so that nothing but the limit can refuse them.
        for (passes, lanes, fits) in [(PASSES_MAX, 1, true), (PASSES_MAX + 1, 1, false), (1, LANES_MAX + 1, false)] {
            let cost = Cost { memory_kib: 256, passes, lanes };
            let provider = Passphrase { passphrase: Material::copy_of(b"correct horse"), cost };
            let sealed = provider.seal(&Material::random(32).unwrap()).unwrap();
            assert_eq!(provider.unseal(&sealed).is_ok(), fits, "{cost:?}");
        }
    }

    #[test]
    fn reads_the_first_line_of_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        key_file_like(&path, b"correct horse\r\nsecond line\n");
        assert_eq!(Passphrase::read(&path, true).unwrap().passphrase.expose(), b"correct horse");
        let refused = |bytes: &[u8]| {
            key_file_like(&path, bytes);
            Passphrase::read(&path, false).unwrap_err().to_string().contains("8 to 1024 bytes")
        };
        assert!(refused(b"short\n"));
        assert!(refused(&[b'x'; PASSPHRASE_BYTES_MAX + 1]));
        assert!(refused(&[b'x'; 2 * PASSPHRASE_BYTES_MAX]));
        key_file_like(&path, &[b'x'; PASSPHRASE_BYTES_MAX]);
        Passphrase::read(&path, false).unwrap();
    }

    fn key_file_like(path: &Path, bytes: &[u8]) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }
}
