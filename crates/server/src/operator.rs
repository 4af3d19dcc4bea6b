//! The operator's door: what only whoever runs the server may ask, over a socket in the data directory.
//!
//! Not here: the API of any service; a client that can reach a port cannot reach this. Invariants: only the server's own
//! user and root get an answer; every act has a record in the trail, durable before its answer; a change and its record
//! are committed together; no answer holds a secret.

mod access;
mod accounts;
mod explain;
mod lint;
mod listener;
mod protocol;

use std::{fmt, io, sync::Arc};

use kanuki_keeper_protocol::Client;
use kanuki_store::{Store, StoreError, Transaction};
use kanuki_trail::{AuditRecord, EventCategory, EventId, EventType, UserIdentity};
use kanuki_types::AccountId;
use serde_json::Value;
use tokio::sync::Mutex;

pub use listener::{Socket, SocketError, ask};
pub use protocol::{ACT_BYTES_MAX, ANSWER_BYTES_MAX, Act, Answer};

pub use crate::authz::hypothesis::{SupposedCall, SupposedDocument, SupposedSession, SupposedToken};

use crate::{
    error::{ApiError, ErrorCode},
    identity::bootstrap::NewAccessKey,
    pipeline::Pipeline,
    record::CommitError,
};

/// Hands new credentials over under a profile name, durably.
pub type Deliver = Box<dyn Fn(&str, &NewAccessKey) -> io::Result<()> + Send + Sync>;

/// What acts need.
pub struct Operator {
    pipeline: Arc<Pipeline>,
    store: Store,
    keeper: Client,
    deliver: Deliver,
    /// Held by the act under way: the credentials file is written by one act at a time.
    one: Mutex<()>,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

/// Who is at the other end of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The user's number.
    pub uid: u32,
    /// The process's number, if the system tells it.
    pub pid: Option<i32>,
}

/// What an act did.
struct Done {
    answer: Value,
    change: Option<Transaction>,
    /// The account that it concerns, if it is one.
    account: Option<AccountId>,
}

impl Done {
    fn answer(answer: Value) -> Self {
        Self { answer, change: None, account: None }
    }
}

impl Operator {
    /// Puts the parts together.
    #[must_use]
    pub fn new(pipeline: Arc<Pipeline>, store: Store, keeper: Client, deliver: Deliver) -> Self {
        Self { pipeline, store, keeper, deliver, one: Mutex::new(()) }
    }

    /// Does what is asked, and answers when its record is durable.
    pub async fn perform(&self, act: &Act, peer: Peer) -> Answer {
        let _one = self.one.lock().await;
        let result = match self.pipeline.recorder().check_healthy() {
            Ok(()) => self.attempt(act, peer).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => Answer::Done(answer),
            Err(error) => {
                if let Some(cause) = error.cause() {
                    tracing::error!(act = act.name(), %cause, "an operator's act failed");
                }
                Answer::Refused(error.message().unwrap_or("refused").to_owned())
            }
        }
    }

    async fn attempt(&self, act: &Act, peer: Peer) -> Result<Value, ApiError> {
        let recorder = self.pipeline.recorder();
        for _ in 0..ATTEMPTS_MAX {
            let event_id = EventId::from_random(self.pipeline.doors().random.bytes());
            let done = match self.run(act).await {
                Ok(done) => done,
                Err(error) => {
                    let record = self.record(act, peer, event_id, Err(&error))?;
                    recorder.trail().append(event_id, record).await.map_err(ApiError::internal)?;
                    return Err(error);
                }
            };
            let record = self.record(act, peer, event_id, Ok(&done))?;
            let Some(change) = done.change else {
                recorder.trail().append(event_id, record).await.map_err(ApiError::internal)?;
                return Ok(done.answer);
            };
            match recorder.commit_service_event(change, event_id, record).await {
                Ok(()) => return Ok(done.answer),
                Err(CommitError::Store(StoreError::Conflict)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Record(error)) => return Err(error),
            }
        }
        Err(ApiError::new(ErrorCode::Conflict, "the same records were changed by others too often"))
    }

    async fn run(&self, act: &Act) -> Result<Done, ApiError> {
        match act {
            Act::CreateAccount { account } => accounts::create(self, *account).await,
            Act::ExplainCall(call) => explain::call(self, call).await,
            Act::ExplainRequest { request_id, encoded: false } => explain::request(self, request_id).await,
            Act::ExplainRequest { request_id, encoded: true } => explain::encoded_request(self, request_id).await,
            Act::LintKeyPolicy { key } => lint::key_policy(self, key).await,
            Act::ListAccess { key, after } => access::list(self, key, after.as_deref()).await,
            Act::ListAccounts { after } => accounts::list(self, *after).await,
            Act::CreateRootCredentials { account, replace } => {
                accounts::root_credentials(self, *account, *replace).await
            }
        }
    }

    /// The record of an act, in a form of its own.
    fn record(
        &self,
        act: &Act,
        peer: Peer,
        event_id: EventId,
        result: Result<&Done, &ApiError>,
    ) -> Result<Vec<u8>, ApiError> {
        let doors = self.pipeline.doors();
        let error = result.err();
        let record = AuditRecord {
            user_identity: UserIdentity::operator(peer.uid),
            event_time: doors.clock.now(),
            event_source: EVENT_SOURCE.into(),
            event_name: act.name().into(),
            aws_region: doors.settings.default_region().clone(),
            source_ip_address: SOURCE.into(),
            user_agent: peer.pid.map(|pid| format!("process {pid}").into()),
            error_code: error.map(|error| error.code().query_name().into()),
            error_message: error.and_then(|error| error.message()).map(|message| message.to_owned().into()),
            request_parameters: act.parameters(),
            response_elements: None,
            additional_event_data: None,
            request_id: None,
            event_id,
            read_only: act.is_read_only(),
            resources: None,
            event_type: EventType::KanukiOperatorAct,
            management_event: true,
            recipient_account_id: result.ok().and_then(|done| done.account),
            shared_event_id: None,
            service_event_details: None,
            event_category: EventCategory::Management,
            tls_details: None,
        };
        record.to_bytes().map_err(ApiError::internal)
    }
}

/// `eventSource` of the records of operators.
const EVENT_SOURCE: &str = "operator.kanuki";
/// `sourceIPAddress` of the records of operators: they come through no network.
const SOURCE: &str = "operator socket";
/// How often an act is done anew when others change the same records.
const ATTEMPTS_MAX: usize = 8;
