//! `kanuki trail`: verifies and prints the trail from its files alone.

use std::{io::Write, time::Duration};

use kanuki_server::jobs::AnchorStore;
use kanuki_trail::{ReadFrom, read, verify};

use crate::{data_dir::DataDirectory, error::CommandError};

/// Checks the trail against itself and against its anchor; answers whether it is whole.
///
/// The anchor is taken as it stands: its seal is the keeper's, and is checked whenever the server starts.
///
/// # Errors
/// If files cannot be read.
pub(crate) fn verify_trail(data: &DataDirectory, out: &mut impl Write) -> Result<bool, CommandError> {
    let directory = data.trail();
    let anchor = AnchorStore::read(&directory).map_err(CommandError::from_error)?;
    let report = verify(&directory, anchor.as_ref().map(|file| &file.anchor)).map_err(CommandError::from_error)?;
    writeln!(out, "{report}").map_err(CommandError::from_error)?;
    match &anchor {
        Some(file) => writeln!(out, "anchor: record {} at least", file.anchor.sequence),
        None => writeln!(out, "anchor: none; a cut end would not show"),
    }
    .map_err(CommandError::from_error)?;
    Ok(report.breaks.is_empty())
}

/// Prints records, the oldest first.
///
/// # Errors
/// If the trail cannot be read, or if the output is closed.
pub(crate) fn tail(
    data: &DataDirectory,
    lines: Option<u64>,
    follow: bool,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let from = lines.map_or(ReadFrom::Start, ReadFrom::Last);
    let mut reader = read(&data.trail(), from).map_err(CommandError::from_error)?;
    loop {
        while let Some((_, _, record)) = reader.poll_next().map_err(CommandError::from_error)? {
            out.write_all(&record).and_then(|()| out.write_all(b"\n")).map_err(CommandError::from_error)?;
        }
        out.flush().map_err(CommandError::from_error)?;
        if !follow {
            return Ok(());
        }
        std::thread::sleep(FOLLOW_PAUSE);
    }
}

const FOLLOW_PAUSE: Duration = Duration::from_millis(200);
