//! What one flush costs on the disk that the server writes to: the floor under every durable answer.
//!
//! Not a benchmark of disks. Invariant: the file is as the trail's are, written with zeros before it is timed.

use std::{fs::File, io::Write as _, os::unix::fs::FileExt as _, path::Path, time::Instant};

use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, statfs,
};

use crate::{failure::Failure, statistics::percentile};

/// The median time of a write of 1 KiB with its flush, in microseconds.
pub(crate) fn flush_micros(directory: &Path) -> Result<f64, Failure> {
    let mut file = tempfile_in(directory)?;
    file.write_all(&vec![0; RECORD_BYTES * FLUSHES])?;
    file.sync_all()?;
    let mut nanos = Vec::with_capacity(FLUSHES);
    for place in 0..FLUSHES {
        let begin = Instant::now();
        file.write_all_at(&[1; RECORD_BYTES], (place * RECORD_BYTES) as u64)?;
        file.sync_data()?;
        nanos.push(u32::try_from(begin.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    nanos.sort_unstable();
    Ok(f64::from(percentile(&nanos, 50)) / 1000.0)
}

fn tempfile_in(directory: &Path) -> Result<File, Failure> {
    tempfile::tempfile_in(directory).map_err(|error| Failure::from(error).during(directory.display()))
}

/// The name of the file system, and whether what is flushed there survives.
pub(crate) fn file_system(directory: &Path) -> Result<(&'static str, bool), Failure> {
    let kind = statfs(directory)?.filesystem_type();
    let known: [(FsType, &str); 5] = [
        (EXT4_SUPER_MAGIC, "ext4"),
        (XFS_SUPER_MAGIC, "xfs"),
        (BTRFS_SUPER_MAGIC, "btrfs"),
        (OVERLAYFS_SUPER_MAGIC, "overlayfs"),
        (TMPFS_MAGIC, "tmpfs"),
    ];
    let name =
        known.iter().find(|(magic, _)| *magic == kind).map_or("a file system without a known name", |(_, name)| name);
    Ok((name, kind != TMPFS_MAGIC))
}

const RECORD_BYTES: usize = 1024;
const FLUSHES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_takes_time() {
        let directory = tempfile::tempdir().unwrap();
        assert!(flush_micros(directory.path()).unwrap() > 0.0);
        assert!(!file_system(directory.path()).unwrap().0.is_empty());
    }
}
