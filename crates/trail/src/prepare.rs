//! Preparation of segment files: zeros on the disk before they are needed.
//!
//! The zeros are written and not merely reserved: a sync of blocks that were never written changes metadata too, and
//! that is what makes its tail long.
//! Not here: headers and records.
//! Invariant: a file that bears a segment's name has its full length, durable, name included.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{
    directory::{create_file, sync_directory},
    segment::segment_name,
};

/// A prepared file: zeros only.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) file: File,
    pub(crate) capacity: u64,
}

impl Prepared {
    /// Writes a file of zeros and gives it the segment's name.
    pub(crate) fn create(directory: &Path, number: u64, capacity: u64, cancel: &AtomicBool) -> io::Result<Self> {
        let path = directory.join(segment_name(number));
        let unfinished = path.with_extension("ktrail.new");
        let file = create_file(&unfinished, true)?;
        let mut prepared = Self { file, capacity: 0 };
        if let Err(error) = prepared.extend(capacity, cancel) {
            // A full disk is not to stay full because of zeros. The first error counts, not one of tidying up.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        fs::rename(&unfinished, &path)?;
        sync_directory(directory)?;
        Ok(prepared)
    }

    /// Appends zeros up to a length.
    pub(crate) fn extend(&mut self, capacity: u64, cancel: &AtomicBool) -> io::Result<()> {
        let zeros = vec![0; CHUNK_BYTES];
        let mut file = &self.file;
        io::Seek::seek(&mut file, io::SeekFrom::Start(self.capacity))?;
        while self.capacity < capacity {
            if cancel.load(Ordering::Relaxed) {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the trail is being closed"));
            }
            let length = usize::try_from(capacity - self.capacity).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            file.write_all(zeros.get(..length).unwrap_or(&zeros))?;
            // Chunk by chunk, so that the writer's own syncs never wait behind all of it.
            file.sync_data()?;
            self.capacity += length as u64;
        }
        file.sync_all()
    }
}

/// Prepares the next file ahead of need, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Preparer {
    directory: PathBuf,
    cancel: Arc<AtomicBool>,
    running: Option<JoinHandle<io::Result<Prepared>>>,
    ready: Option<Prepared>,
}

impl Preparer {
    /// Nothing runs yet; a file that was prepared earlier may be there.
    pub(crate) fn new(directory: PathBuf, ready: Option<Prepared>) -> Self {
        Self { directory, cancel: Arc::default(), running: None, ready }
    }

    /// Begins the preparation unless it has begun.
    pub(crate) fn start(&mut self, number: u64, capacity: u64) {
        if self.ready.is_some() || self.running.is_some() {
            return;
        }
        let (directory, cancel) = (self.directory.clone(), self.cancel.clone());
        let work = move || Prepared::create(&directory, number, capacity, &cancel);
        // Without a thread the writer does it itself when it needs the file.
        self.running = thread::Builder::new().name("trail-prepare".into()).spawn(work).ok();
    }

    /// The next file, of at least that length; prepared now if it is not ready. A preparation that failed is done
    /// anew from nothing: until a header is written, the file holds nothing that a failed sync could have lost.
    pub(crate) fn take(&mut self, number: u64, capacity: u64, needed: u64) -> io::Result<Prepared> {
        let ahead = self.running.take().and_then(|running| running.join().ok()).and_then(Result::ok);
        let mut prepared = match self.ready.take().or(ahead) {
            Some(prepared) => prepared,
            None => Prepared::create(&self.directory, number, capacity.max(needed), &self.cancel)?,
        };
        if prepared.capacity < needed {
            prepared.extend(needed, &self.cancel)?;
        }
        Ok(prepared)
    }
}

impl Drop for Preparer {
    /// Stops the thread and waits for it: when the trail is closed, nobody touches its directory any more.
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        if let Some(running) = self.running.take() {
            // Whatever became of it: an unfinished file is written anew next time.
            let _ = running.join();
        }
    }
}

/// How many zeros are written and synced at once.
const CHUNK_BYTES: usize = 1 << 20;
