//! Seal providers: what protects the root key while no keeper runs.
//!
//! Not here: the keyring around the sealed root key (`keyring.rs`).
//! Invariants: the secret of a provider is read by this process alone and before it gives up the file system; a sealed
//! root key says which provider sealed it, and another provider refuses it.

mod key_file;
mod passphrase;

use std::{fmt, io, path::PathBuf};

use kanuki_keeper_protocol::OwnedBytes;
use serde::{Deserialize, Serialize};

use crate::{KeeperOptions, SealSource, error::Failed, material::Material};

/// Seals and unseals the root key.
///
/// A provider that has to reach something outside (shares of operators, a token, a parent KMS) brings a connection that
/// was opened before the keeper gave up its rights.
pub(crate) trait SealProvider: fmt::Debug + Send {
    /// Seals a fresh root key.
    fn seal(&self, root: &Material) -> Result<SealedRoot, Failed>;

    /// Unseals what [`SealProvider::seal`] answered, in this or an earlier process.
    fn unseal(&self, sealed: &SealedRoot) -> Result<Material, Failed>;
}

/// The kinds of providers; part of the keyring's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SealKind {
    KeyFile,
    Passphrase,
}

/// A sealed root key, as the keyring keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedRoot {
    /// Who sealed it.
    pub(crate) kind: SealKind,
    /// What the provider needs beside its secret, in its own form.
    pub(crate) parameters: OwnedBytes,
    /// The sealed root key, in the provider's form.
    pub(crate) blob: OwnedBytes,
}

/// Why the secret of a provider cannot be had. Carries no part of the secret.
#[derive(Debug)]
pub struct SealSourceError {
    path: PathBuf,
    kind: SealSourceErrorKind,
}

#[derive(Debug)]
enum SealSourceErrorKind {
    Io(io::Error),
    /// The key file is not there and must not be made.
    Missing,
    /// Others than the owner and the group can read the file, or the group can write it.
    Exposed,
    /// The file is no key file.
    NotAKey,
    /// The passphrase is too short or too long.
    PassphraseLength,
    /// The passphrase was typed differently the second time.
    PassphraseMismatch,
    /// The module's generator failed.
    Randomness,
}

impl SealSourceError {
    fn new(path: impl Into<PathBuf>, kind: SealSourceErrorKind) -> Self {
        Self { path: path.into(), kind }
    }
}

impl fmt::Display for SealSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seal secret `{}`: ", self.path.display())?;
        match &self.kind {
            SealSourceErrorKind::Io(error) => error.fmt(f),
            SealSourceErrorKind::Missing => f.write_str("there is no such file, and making one was not asked for"),
            SealSourceErrorKind::Exposed => {
                f.write_str("others can read the file or the group can write it; set its mode to 0600")
            }
            SealSourceErrorKind::NotAKey => f.write_str("the file is no seal key"),
            SealSourceErrorKind::PassphraseLength => write!(
                f,
                "a passphrase has {} to {} bytes",
                passphrase::PASSPHRASE_BYTES_MIN,
                passphrase::PASSPHRASE_BYTES_MAX
            ),
            SealSourceErrorKind::PassphraseMismatch => f.write_str("the two passphrases differ"),
            SealSourceErrorKind::Randomness => f.write_str("no randomness"),
        }
    }
}

impl std::error::Error for SealSourceError {}

/// Reads the secret that the options point to; makes a missing key file if they say so.
pub(crate) fn open_source(options: &KeeperOptions) -> Result<Box<dyn SealProvider>, SealSourceError> {
    match &options.seal {
        SealSource::KeyFile(path) => {
            if options.create_seal_key && !path.exists() {
                key_file::generate(path)?;
            }
            Ok(Box::new(key_file::KeyFile::read(path)?))
        }
        SealSource::Passphrase(path) => Ok(Box::new(passphrase::Passphrase::read(path, options.create_seal_key)?)),
    }
}

/// Reads a small file of secrets whose mode keeps others out.
fn read_secret_file(path: &std::path::Path, bytes_max: usize) -> Result<zeroize::Zeroizing<Vec<u8>>, SealSourceError> {
    use std::{io::Read as _, os::unix::fs::MetadataExt as _};

    let fail = |kind| SealSourceError::new(path, kind);
    let mut file = std::fs::File::open(path).map_err(|error| {
        fail(match error.kind() {
            io::ErrorKind::NotFound => SealSourceErrorKind::Missing,
            _ => SealSourceErrorKind::Io(error),
        })
    })?;
    let metadata = file.metadata().map_err(|error| fail(SealSourceErrorKind::Io(error)))?;
    if metadata.is_file() && metadata.mode() & FORBIDDEN_MODE != 0 {
        return Err(fail(SealSourceErrorKind::Exposed));
    }
    // One byte more than allowed, so that a longer file is noticed; never reallocated, so that no copy stays behind.
    let mut bytes = zeroize::Zeroizing::new(vec![0; bytes_max + 1]);
    let mut filled = 0;
    while let Some(space) = bytes.get_mut(filled..).filter(|space| !space.is_empty()) {
        match file.read(space) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(SealSourceErrorKind::Io(error))),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Rights that a file of secrets must not give: writing for the group, anything for others. Service managers and
/// container platforms hand credentials over readable for the group.
const FORBIDDEN_MODE: u32 = 0o027;
