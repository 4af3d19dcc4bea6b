//! The directory of the store, owned by one process.
//!
//! Not a record of who owns it: the lock is the operating system's, so it ends with the process, however that ends.
//! Invariants: while a value of this type lives, no other process and no other value has the same directory; what is
//! created here is readable by its owner only.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::OpenError;

/// The locked directory.
#[derive(Debug)]
pub(super) struct Directory {
    database: PathBuf,
    lock: File,
}

impl Directory {
    /// Takes the directory, or creates it.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source: io::Error| OpenError::Directory { path: path.to_owned(), source };
        create(path).map_err(unusable)?;
        let lock = private_file(&path.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let database = path.join(DATABASE_FILE);
        // SQLite gives the files beside it the same permissions.
        private_file(&database).map_err(unusable)?;
        // The names of new files must survive a power loss too.
        File::open(path).and_then(|directory| directory.sync_all()).map_err(unusable)?;
        Ok(Self { database, lock })
    }

    /// The file of the database.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing is not enough: a process that is being started elsewhere in the program holds copies of all
        // descriptors for a moment. If this fails, the close ends the lock a little later.
        drop(self.lock.unlock());
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) const DATABASE_FILE: &str = "store.sqlite";
const LOCK_FILE: &str = "store.lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_descriptor_does_not_keep_the_lock() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::lock(parent.path()).unwrap();
        assert!(matches!(Directory::lock(parent.path()), Err(OpenError::Locked { .. })));
        let _copy = directory.lock.try_clone().unwrap();
        drop(directory);
        Directory::lock(parent.path()).unwrap();
    }
}
