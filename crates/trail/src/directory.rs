//! The trail's directory: which segments there are, modes, the writer's lock.
//!
//! Not here: what stands in the files.
//! Invariants: the directory is 0700 and every file 0600; one writer holds the lock at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::{OpenError, ReadError, segment::segment_number};

/// The numbers of the segments there are, in order.
pub(crate) fn segment_numbers(directory: &Path) -> Result<Vec<u64>, ReadError> {
    let failed = |source| ReadError::Io { path: directory.into(), source };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        numbers.extend(name.to_str().and_then(segment_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the directory, with the directories above it, or tightens its mode.
pub(crate) fn prepare_directory(directory: &Path) -> io::Result<()> {
    let made: Vec<_> = directory.ancestors().take_while(|path| !path.exists() && path.parent().is_some()).collect();
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    for parent in made.into_iter().filter_map(Path::parent) {
        // A relative path's last parent is the empty one: the working directory.
        sync_directory(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    }
    if fs::metadata(directory)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE))?;
    }
    Ok(())
}

/// Takes the writer's lock; it is held as long as the file is open.
pub(crate) fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK_NAME);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(&path);
    let file = opened.map_err(|source| OpenError::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// Makes a new file for reading and writing; it must not exist, unless it may be replaced.
pub(crate) fn create_file(path: &Path, replace: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    if replace {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)
}

/// Makes names in the directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const LOCK_NAME: &str = "lock";
