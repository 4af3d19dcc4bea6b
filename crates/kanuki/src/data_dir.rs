//! The data directory: which file is where, and the credentials in it.
//!
//! Invariant: the directory and everything in it belong to its owner alone.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use kanuki_server::{durable_file, identity::bootstrap::NewAccessKey};

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Opens a directory, and makes it if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self(path.canonicalize()?))
    }

    /// Names a directory that should exist.
    pub(crate) fn existing(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The sealed root key and the keys under it.
    pub(crate) fn keyring(&self) -> PathBuf {
        self.0.join("keyring")
    }

    /// The trail's segments and anchor.
    pub(crate) fn trail(&self) -> PathBuf {
        self.0.join("trail")
    }

    /// Where the server can be reached.
    pub(crate) fn endpoint(&self) -> PathBuf {
        self.0.join("endpoint")
    }

    /// The certificate of the installation's own authority, which clients have to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// The credentials that were made here, in the form of the AWS CLI.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.0.join("credentials")
    }

    /// Present in directories whose time was ever steered.
    pub(crate) fn test_mode_mark(&self) -> PathBuf {
        self.0.join("insecure-test-mode")
    }

    /// Reads a small file; none if there is no such file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a profile to the credentials file; a profile of that name is replaced.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub(crate) fn add_profile(&self, profile: &str, region: &str, key: &NewAccessKey) -> io::Result<()> {
        let path = self.credentials();
        let old = Self::read(&path)?.unwrap_or_default();
        let old = String::from_utf8(old).map_err(io::Error::other)?;
        let secret = std::str::from_utf8(key.secret.expose()).map_err(io::Error::other)?;
        let mut text = without_profile(&old, profile);
        text.push_str(&format!(
            "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {secret}\nregion = {region}\n\n",
            key.id
        ));
        durable_file::replace(&path, text.as_bytes())
    }

    /// A value of a profile of the credentials file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn profile_value(&self, profile: &str, name: &str) -> io::Result<Option<String>> {
        let text = fs::read_to_string(self.credentials())?;
        let mut lines = text.lines().skip_while(|line| line.trim() != format!("[{profile}]")).skip(1);
        let mut own = std::iter::from_fn(|| lines.next().filter(|line| !line.starts_with('[')));
        Ok(own.find_map(|line| {
            let (found, value) = line.split_once('=')?;
            (found.trim() == name).then(|| value.trim().to_owned())
        }))
    }
}

fn without_profile(text: &str, profile: &str) -> String {
    let header = format!("[{profile}]");
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim() == header;
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use kanuki_types::SecretBytes;

    use super::*;

    #[test]
    fn profiles_are_added_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::create(&directory.path().join("d")).unwrap();
        let key = |id: &str| NewAccessKey { id: id.into(), secret: SecretBytes::new(b"s/+".to_vec()) };
        data.add_profile("default", "r", &key("AKIA1")).unwrap();
        data.add_profile("Alice", "r", &key("AKIA2")).unwrap();
        data.add_profile("default", "r", &key("AKIA3")).unwrap();
        let value = |profile: &str, name: &str| data.profile_value(profile, name).unwrap();
        assert_eq!(value("default", "aws_access_key_id").unwrap(), "AKIA3");
        assert_eq!(value("Alice", "aws_access_key_id").unwrap(), "AKIA2");
        assert_eq!(value("Alice", "aws_secret_access_key").unwrap(), "s/+");
        assert_eq!(value("Bob", "aws_access_key_id"), None);
        let text = fs::read_to_string(data.credentials()).unwrap();
        assert!(!text.contains("AKIA1"), "{text}");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(data.credentials()).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
