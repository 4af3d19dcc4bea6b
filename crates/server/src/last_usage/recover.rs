//! Reads from the trail, at the start, what a crash kept from being written.
//!
//! Invariant: only records that the chain vouches for are read; one that cannot be read stops the start.

use std::borrow::Cow;

use kanuki_store::{StoreError, Transaction};
use kanuki_trail::{ReadError, Trail};
use kanuki_types::{Arn, KeyArn, Timestamp};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    LastUsage, TRACKED,
    record::{Tracking, Trackings, Use},
};

impl LastUsage {
    /// Reads the records behind what is written; called once, before the first call is taken. A new installation, or one
    /// that did not track yet, begins here.
    ///
    /// # Errors
    /// If store or trail fail, or a record is not what this server writes.
    pub async fn recover(&self, trail: &Trail, now: Timestamp) -> Result<usize, RecoverError> {
        let found = match self.store.get::<Trackings>(&()).await? {
            Some(found) => found,
            None => {
                let sequence = trail.head().map_or(0, |head| head.sequence);
                let mut change = Transaction::default();
                change.create::<Trackings>(&(), &Tracking { since: now, sequence });
                self.store.commit(change).await?;
                self.store.get::<Trackings>(&()).await?.ok_or(RecoverError::Lost)?
            }
        };
        let _ = self.since.set(found.value.since);
        self.written.lock().await.set(found.value, found.version);
        let last = trail.head().map_or(0, |head| head.sequence);
        if found.value.sequence >= last {
            return Ok(0);
        }
        let mut uses = 0;
        for entry in trail.read_from(found.value.sequence.saturating_add(1))? {
            let (position, _, record) = entry?;
            uses += self.add(position.sequence, &record)?;
        }
        Ok(uses)
    }

    fn add(&self, sequence: u64, record: &[u8]) -> Result<usize, RecoverError> {
        let seen: Seen<'_> = serde_json::from_slice(record).map_err(|_| RecoverError::Record(sequence))?;
        let Some(found) = seen.used(sequence) else { return Ok(0) };
        let keys = seen.resources.unwrap_or_default().into_iter().filter_map(|resource| resource.key());
        Ok(keys.map(|arn| self.notes.add(arn, found.clone())).count())
    }
}

/// What matters of a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    event_name: Cow<'a, str>,
    event_time: Cow<'a, str>,
    #[serde(rename = "eventID")]
    event_id: Cow<'a, str>,
    #[serde(rename = "requestID")]
    request_id: Option<Cow<'a, str>>,
    error_code: Option<IgnoredAny>,
    resources: Option<Vec<SeenResource<'a>>>,
}

#[derive(Deserialize)]
struct SeenResource<'a> {
    #[serde(rename = "ARN", borrow)]
    arn: Cow<'a, str>,
}

impl Seen<'_> {
    /// The use that it tells of, if it does.
    fn used(&self, sequence: u64) -> Option<Use> {
        let is_use = self.event_source == "kms.amazonaws.com"
            && self.error_code.is_none()
            && TRACKED.binary_search(&self.event_name.as_ref()).is_ok();
        let basic: String = self.event_time.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        is_use.then_some(Use {
            operation: self.event_name.clone().into_owned(),
            time: Timestamp::from_iso8601_basic(&basic)?,
            event_id: self.event_id.clone().into_owned(),
            request_id: self.request_id.clone()?.into_owned(),
            sequence,
        })
    }
}

impl SeenResource<'_> {
    fn key(self) -> Option<KeyArn> {
        KeyArn::from_arn(&self.arn.parse::<Arn>().ok()?)
    }
}

/// Why the last uses of keys are not known.
#[derive(Debug)]
pub enum RecoverError {
    /// What was just written is not there.
    Lost,
    /// The trail cannot be read.
    Read(ReadError),
    /// The record of that number is not one of this server's.
    Record(u64),
    /// The store fails.
    Store(StoreError),
}

impl std::fmt::Display for RecoverError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the last uses of keys cannot be read: ")?;
        match self {
            Self::Lost => f.write_str("a record is lost"),
            Self::Read(error) => error.fmt(f),
            Self::Record(sequence) => write!(f, "record {sequence} of the trail is not in the expected form"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecoverError {}

impl From<ReadError> for RecoverError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<StoreError> for RecoverError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(change: impl FnOnce(&mut serde_json::Value)) -> Option<Use> {
        let mut record = serde_json::json!({
            "eventSource": "kms.amazonaws.com", "eventName": "Encrypt", "eventTime": "2025-05-21T05:47:45Z",
            "eventID": "e", "requestID": "r", "resources": [{"ARN": "a", "accountId": "1", "type": "t"}],
        });
        change(&mut record);
        let text = record.to_string();
        serde_json::from_str::<Seen<'_>>(&text).unwrap().used(7)
    }

    #[test]
    fn a_success_of_a_tracked_operation_is_a_use() {
        let found = used(|_| {}).unwrap();
        assert_eq!((found.operation.as_str(), found.request_id.as_str(), found.sequence), ("Encrypt", "r", 7));
        assert_eq!(found.time.iso8601(), "2025-05-21T05:47:45Z");
        assert_eq!(used(|record| record["errorCode"] = "AccessDenied".into()), None);
        assert_eq!(used(|record| record["eventName"] = "DescribeKey".into()), None);
        assert_eq!(used(|record| record["eventSource"] = "sts.amazonaws.com".into()), None);
    }
}
