//! A window over a segment file: reads at any place, through one reused buffer.
//!
//! Not here: what the bytes mean.
//! Invariants: the buffer holds at most the window's size or the one piece asked for; what it holds may be older than
//! the file until `forget` is called.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use crate::ReadError;

/// The window.
#[derive(Debug)]
pub(crate) struct Window {
    path: PathBuf,
    file: File,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Opens a file for reading.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
        Ok(Self { path: path.into(), file, start: 0, bytes: Vec::new() })
    }

    /// The file's length, in bytes.
    pub(crate) fn file_len(&self) -> Result<u64, ReadError> {
        Ok(self.file.metadata().map_err(|source| ReadError::Io { path: self.path.clone(), source })?.len())
    }

    /// Drops what was read, so that the next call sees the file as it is now.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// That many bytes at a place; none if the file ends before.
    pub(crate) fn bytes(&mut self, offset: u64, length: usize) -> Result<Option<&[u8]>, ReadError> {
        if self.range(offset, length).is_none() {
            self.fill(offset, length.max(WINDOW_BYTES))?;
        }
        let range = self.range(offset, length);
        Ok(range.and_then(|range| self.bytes.get(range)))
    }

    /// An array at a place; none if the file ends before.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>, ReadError> {
        Ok(self.bytes(offset, N)?.and_then(|bytes| bytes.first_chunk().copied()))
    }

    /// The first bytes of the file, and nothing more is read; none if the file is shorter.
    pub(crate) fn beginning<const N: usize>(&mut self) -> Result<Option<[u8; N]>, ReadError> {
        self.fill(0, N)?;
        self.array(0)
    }

    /// The place of the first byte at or behind `offset` that is not zero.
    pub(crate) fn first_nonzero(&mut self, mut offset: u64) -> Result<Option<u64>, ReadError> {
        loop {
            self.fill(offset, WINDOW_BYTES)?;
            if self.bytes.is_empty() {
                return Ok(None);
            }
            if let Some(place) = self.bytes.iter().position(|byte| *byte != 0) {
                return Ok(Some(offset + place as u64));
            }
            offset += self.bytes.len() as u64;
        }
    }

    /// The place behind the last byte at or behind `offset` that is not zero.
    pub(crate) fn end_of_nonzero(&mut self, mut offset: u64) -> Result<Option<u64>, ReadError> {
        let mut end = None;
        loop {
            self.fill(offset, WINDOW_BYTES)?;
            if self.bytes.is_empty() {
                return Ok(end);
            }
            if let Some(place) = self.bytes.iter().rposition(|byte| *byte != 0) {
                end = Some(offset + place as u64 + 1);
            }
            offset += self.bytes.len() as u64;
        }
    }

    fn range(&self, offset: u64, length: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let end = start.checked_add(length)?;
        (end <= self.bytes.len()).then_some(start..end)
    }

    fn fill(&mut self, offset: u64, length: usize) -> Result<(), ReadError> {
        self.start = offset;
        self.bytes.resize(length, 0);
        let mut filled = 0;
        while let Some(rest) = self.bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { path: self.path.clone(), source }),
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

/// How much is read at once.
const WINDOW_BYTES: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_place_and_finds_the_ends_of_zeros() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut content = vec![0; 3 * WINDOW_BYTES];
        content[WINDOW_BYTES + 5] = 7;
        content[2 * WINDOW_BYTES + 1] = 8;
        std::fs::write(&path, &content).unwrap();
        let mut window = Window::open(&path).unwrap();
        assert_eq!(window.array(WINDOW_BYTES as u64 + 4).unwrap(), Some([0, 7, 0]));
        assert_eq!(window.bytes(0, content.len()).unwrap().unwrap(), content);
        assert_eq!(window.bytes(1, content.len()).unwrap(), None);
        assert_eq!(window.first_nonzero(0).unwrap(), Some(WINDOW_BYTES as u64 + 5));
        assert_eq!(window.end_of_nonzero(0).unwrap(), Some(2 * WINDOW_BYTES as u64 + 2));
        assert_eq!(window.first_nonzero(2 * WINDOW_BYTES as u64 + 2).unwrap(), None);
        assert_eq!(window.end_of_nonzero(3 * WINDOW_BYTES as u64).unwrap(), None);
    }

    #[test]
    fn sees_new_bytes_after_forgetting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, [0; 8]).unwrap();
        let mut window = Window::open(&path).unwrap();
        assert_eq!(window.array::<8>(0).unwrap(), Some([0; 8]));
        std::fs::write(&path, [1; 8]).unwrap();
        assert_eq!(window.array::<8>(0).unwrap(), Some([0; 8]));
        window.forget();
        assert_eq!(window.array::<8>(0).unwrap(), Some([1; 8]));
    }
}
