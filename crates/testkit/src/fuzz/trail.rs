//! The harness for the offline verifier of the trail: it finds every change, and any file is safe to give to it.
//!
//! Invariant: the honest trail is written once per thread, because a fuzzer has no time to write one for each input.

use std::{fs, io};

use kanuki_trail::{Anchor, BREAKS_MAX, EventId, Options, ReadFrom, SEGMENT_BYTES_MIN, Trail, read, verify};
use tempfile::TempDir;

thread_local! {
    static HONEST: io::Result<Honest> = Honest::new();
}

/// Changes an honest trail by the bytes, which must be found; and takes the bytes themselves for a segment, which is
/// not the trail that the anchor names. Bytes that change nothing are accepted.
pub fn fuzz_trail_verify(data: &[u8]) -> bool {
    HONEST.with(|honest| {
        assert!(honest.is_ok(), "no trail can be written: {:?}", honest.as_ref().err());
        let outcome = honest.as_ref().ok().map(|honest| honest.judge(data));
        assert!(matches!(outcome, Some(Ok(_))), "the temporary folder does not work: {outcome:?}");
        outcome.is_some_and(|changed_nothing| changed_nothing.is_ok_and(|it| it))
    })
}

/// The files of a closed trail, and where it ended.
struct Honest {
    files: Vec<(String, Vec<u8>)>,
    anchor: Anchor,
    /// Where changed files are written; one folder for all inputs, because making one takes longer than a judgement.
    folder: TempDir,
}

impl Honest {
    fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = Options { segment_bytes: SEGMENT_BYTES_MIN };
        let (trail, _) = Trail::open(folder.path(), options, None).map_err(io::Error::other)?;
        for number in 0..RECORDS {
            let record = format!("{{\"number\":{number},\"filling\":\"{}\"}}", "x".repeat(FILLING));
            // The writer has it; closing waits for the disk.
            drop(
                trail
                    .append_nowait(EventId::from_random([number; 16]), record.into_bytes())
                    .map_err(io::Error::other)?,
            );
        }
        let anchor = trail.close().map_err(io::Error::other)?.ok_or_else(|| io::Error::other("the trail is empty"))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder.path())? {
            let entry = entry?;
            files.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
        }
        // The lock has no bytes.
        files.retain(|(_, bytes)| !bytes.is_empty());
        files.sort();
        Ok(Self { files, anchor, folder: tempfile::tempdir()? })
    }

    /// Whether the bytes change nothing.
    fn judge(&self, data: &[u8]) -> io::Result<bool> {
        let changed = self.changed(data);
        let is_honest = changed == self.files;
        let whole = self.is_whole(&changed, Some(&self.anchor))?;
        assert_eq!(whole, is_honest, "a trail is whole exactly when it is what was written");
        let mut other = self.files.clone();
        if let Some((_, bytes)) = other.first_mut() {
            *bytes = data.to_vec();
        }
        let is_other = other != self.files;
        assert_eq!(self.is_whole(&other, Some(&self.anchor))?, !is_other, "another segment is found");
        // Without an anchor nothing can be promised but an answer.
        other.truncate(1);
        self.is_whole(&other, None)?;
        Ok(is_honest)
    }

    /// The files changed by exclusive or: the first four bytes say where, little-endian, the rest how.
    fn changed(&self, data: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut files = self.files.clone();
        let (at, changes) =
            data.split_first_chunk::<4>().map_or((0, [].as_slice()), |(at, rest)| (u32::from_le_bytes(*at), rest));
        let length: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let at = usize::try_from(at).unwrap_or_default() % length.max(1);
        let bytes = files.iter_mut().flat_map(|(_, bytes)| bytes).skip(at);
        bytes.zip(changes).for_each(|(byte, change)| *byte ^= change);
        files
    }

    /// Whether the verifier finds nothing in these files. Reading them must come to an end too.
    fn is_whole(&self, files: &[(String, Vec<u8>)], anchor: Option<&Anchor>) -> io::Result<bool> {
        let folder = self.folder.path();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes)?;
        }
        let whole = verify(folder, anchor).is_ok_and(|report| {
            assert!(report.breaks.len() <= BREAKS_MAX, "more breaks than the limit");
            report.is_whole()
        });
        if let Ok(entries) = read(folder, ReadFrom::Sequence(1)) {
            let read = entries.take_while(Result::is_ok).count();
            assert!(!whole || anchor.is_none_or(|anchor| anchor.sequence == read as u64), "a whole trail can be read");
        }
        for (name, _) in files {
            fs::remove_file(folder.join(name))?;
        }
        Ok(whole)
    }
}

/// Enough for two segments, and no more than a fuzzer has time for.
const RECORDS: u8 = 6;
const FILLING: usize = 600;
