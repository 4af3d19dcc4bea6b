//! The seal by a key in a file: the mode 0600 file of an unattended server, or a credential of the service manager.
//!
//! Not a defence against who can read both the file and the store; keep them on different media.
//! Invariants: a key file is made once and never overwritten; it and its directory entry are durable before it is used.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use kanuki_keeper_protocol::OwnedBytes;
use zeroize::Zeroizing;

use super::{SealKind, SealProvider, SealSourceError, SealSourceErrorKind, SealedRoot, read_secret_file};
use crate::{
    aead::AeadKey,
    error::Failed,
    kdf::{self, Label},
    material::{KEY_BYTES, Material},
};

/// The provider.
#[derive(Debug)]
pub(super) struct KeyFile {
    key: Material,
}

impl KeyFile {
    /// Reads the key.
    pub(super) fn read(path: &Path) -> Result<Self, SealSourceError> {
        let text = read_secret_file(path, FILE_BYTES_MAX)?;
        let key = parse(&text).ok_or_else(|| SealSourceError::new(path, SealSourceErrorKind::NotAKey))?;
        Ok(Self { key })
    }

    fn wrapping_key(&self) -> Result<AeadKey, Failed> {
        AeadKey::new(&*kdf::derive_key(self.key.expose(), Label::KeyFileSeal, &[])?)
    }
}

impl SealProvider for KeyFile {
    fn seal(&self, root: &Material) -> Result<SealedRoot, Failed> {
        let blob = self.wrapping_key()?.wrap(AAD, root)?;
        Ok(SealedRoot { kind: SealKind::KeyFile, parameters: OwnedBytes(Vec::new()), blob: OwnedBytes(blob) })
    }

    fn unseal(&self, sealed: &SealedRoot) -> Result<Material, Failed> {
        if sealed.kind != SealKind::KeyFile || !sealed.parameters.0.is_empty() {
            return Err(Failed);
        }
        self.wrapping_key()?.unwrap(AAD, &sealed.blob.0)
    }
}

/// Makes a key file of mode 0600; fails if there is one.
pub(super) fn generate(path: &Path) -> Result<(), SealSourceError> {
    let fail = |error| SealSourceError::new(path, SealSourceErrorKind::Io(error));
    let key =
        Material::random(KEY_BYTES).map_err(|Failed| SealSourceError::new(path, SealSourceErrorKind::Randomness))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path).map_err(fail)?;
    let written = file.write_all(&render(&key)).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    written.map_err(|error| {
        // A half-written file would stand in the way of the next attempt; nothing was sealed under it yet.
        let _ = std::fs::remove_file(path);
        fail(error)
    })
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

/// One line: the name of the format, a colon, the key in hexadecimal digits.
fn render(key: &Material) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX));
    text.extend_from_slice(PREFIX);
    for byte in key.expose() {
        text.extend([byte >> 4, byte & 0x0f].map(|n| if n < 10 { b'0' + n } else { b'a' + n - 10 }));
    }
    text.push(b'\n');
    text
}

fn parse(text: &[u8]) -> Option<Material> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let (pairs, []) = line.strip_prefix(PREFIX)?.as_chunks::<2>() else { return None };
    if pairs.len() != KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for [high, low] in pairs {
        key.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(Material::new(key))
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const PREFIX: &[u8] = b"kanuki-seal-key-1:";
const FILE_BYTES_MAX: usize = PREFIX.len() + 2 * KEY_BYTES + 1;
const FILE_MODE: u32 = 0o600;
const AAD: &[u8] = b"kanuki root key";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn makes_a_private_file_once_and_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        generate(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(generate(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);

        let root = Material::random(32).unwrap();
        let sealed = KeyFile::read(&path).unwrap().seal(&root).unwrap();
        assert_eq!(KeyFile::read(&path).unwrap().unseal(&sealed).unwrap().expose(), root.expose());
        let other = folder.path().join("other.key");
        generate(&other).unwrap();
        assert!(KeyFile::read(&other).unwrap().unseal(&sealed).is_err());
        assert!(KeyFile::read(&path).unwrap().unseal(&SealedRoot { kind: SealKind::Passphrase, ..sealed }).is_err());
    }

    #[test]
    fn refuses_exposed_missing_and_malformed_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let refused = |path: &Path| KeyFile::read(path).unwrap_err().to_string();
        assert!(refused(&path).contains("no such file"));
        generate(&path).unwrap();
        for mode in [0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(refused(&path).contains("0600"), "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let good = std::fs::read(&path).unwrap();
        for bad in [&good[..good.len() - 2], &[good.as_slice(), b"x"].concat(), b"", b"kanuki-seal-key-1:"] {
            std::fs::write(&path, bad).unwrap();
            assert!(refused(&path).contains("no seal key"));
        }
        std::fs::write(&path, good.strip_suffix(b"\n").unwrap()).unwrap();
        KeyFile::read(&path).unwrap();
    }
}
