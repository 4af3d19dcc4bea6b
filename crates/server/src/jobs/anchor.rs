//! The anchor of the trail: a sealed statement of how far it reaches, kept beside it.
//!
//! A hash chain shows every change inside it, but not that its end was cut off, nor that the whole was written anew.
//! The anchor does: the keeper seals it, so that nobody without the keeper can make another one.
//!
//! Invariant: the anchor never names a record that is not durable. It is at most a tick old, and exact after a stop.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use kanuki_keeper_protocol::{Client, KeeperError};
use kanuki_trail::{Anchor, Trail};
use serde::{Deserialize, Serialize};

use crate::durable_file;

/// The anchor as it is stored: readable by everyone who may read the trail, and sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorFile {
    /// The statement.
    pub anchor: Anchor,
    /// The same, sealed by the keeper; in base64.
    #[serde(with = "crate::base64_text")]
    pub sealed: Vec<u8>,
}

/// Reads and writes the anchor.
#[derive(Debug)]
pub struct AnchorStore {
    path: PathBuf,
    keeper: Client,
    last: Mutex<Option<Anchor>>,
}

impl AnchorStore {
    /// The anchor of the trail in a directory.
    #[must_use]
    pub fn new(directory: &Path, keeper: Client) -> Self {
        Self { path: directory.join(FILE_NAME), keeper, last: Mutex::new(None) }
    }

    /// Reads the file without checking its seal; none if there is no file.
    ///
    /// # Errors
    /// If it cannot be read or is not an anchor.
    pub fn read(directory: &Path) -> Result<Option<AnchorFile>, AnchorError> {
        let bytes = match fs::read(directory.join(FILE_NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AnchorError::Io(error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| AnchorError::Malformed)
    }

    /// Reads the anchor and checks its seal; none if there is no file.
    ///
    /// # Errors
    /// If it cannot be read, or was not sealed by this installation's keeper.
    pub async fn load(&self) -> Result<Option<Anchor>, AnchorError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let Some(file) = Self::read(directory)? else { return Ok(None) };
        let opened = self.keeper.open_records(vec![(PLACE.to_vec(), file.sealed)]).await?;
        let statement = opened.into_iter().next().flatten().ok_or(AnchorError::Seal)?;
        let sealed: Anchor = serde_json::from_slice(&statement).map_err(|_| AnchorError::Malformed)?;
        if sealed == file.anchor { Ok(Some(sealed)) } else { Err(AnchorError::Seal) }
    }

    /// Moves the anchor to the trail's last durable record.
    ///
    /// # Errors
    /// If the keeper fails or the file cannot be written.
    pub async fn advance(&self, trail: &Trail) -> Result<(), AnchorError> {
        let Some(anchor) = trail.head() else { return Ok(()) };
        let last = *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last == Some(anchor) {
            return Ok(());
        }
        let statement = serde_json::to_vec(&anchor).map_err(|_| AnchorError::Malformed)?;
        let sealed = self.keeper.seal_records(vec![(PLACE.to_vec(), statement)]).await?;
        let sealed = sealed.into_iter().next().ok_or(AnchorError::Seal)?;
        let bytes = serde_json::to_vec_pretty(&AnchorFile { anchor, sealed }).map_err(|_| AnchorError::Malformed)?;
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || durable_file::replace(&path, &bytes)).await;
        written.map_err(|error| AnchorError::Io(io::Error::other(error)))?.map_err(AnchorError::Io)?;
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(anchor);
        Ok(())
    }
}

/// Why the anchor cannot be used.
#[derive(Debug)]
pub enum AnchorError {
    /// The file cannot be read or written.
    Io(io::Error),
    /// The keeper fails.
    Keeper(KeeperError),
    /// The file is not an anchor.
    Malformed,
    /// The seal is not this installation's.
    Seal,
}

impl std::fmt::Display for AnchorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the anchor file: {error}"),
            Self::Keeper(error) => error.fmt(f),
            Self::Malformed => f.write_str("the anchor file is malformed"),
            Self::Seal => f.write_str("the anchor's seal does not verify: it was edited, or is another installation's"),
        }
    }
}

impl std::error::Error for AnchorError {}

impl From<KeeperError> for AnchorError {
    fn from(error: KeeperError) -> Self {
        Self::Keeper(error)
    }
}

const FILE_NAME: &str = "anchor.json";
const PLACE: &[u8] = b"kanuki trail anchor 1";
