//! The options of `explain`: a request id for a call that was made; for one that nobody made, who calls, what, and under
//! which circumstances.
//!
//! Not here: what they mean; the server says. Invariant: every option but the request's id describes a call that nobody
//! made.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;
use kanuki_types::{AccountId, Region};

use super::DoorArgs;

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// Id of a request that was made, as its answer and its record in the trail state it
    #[arg(long, value_name = "ID", required_unless_present = "principal")]
    pub(crate) request_id: Option<String>,
    /// Print the encoded authorization message of the refused call, for `aws sts decode-authorization-message`
    #[arg(long, requires = "request_id", conflicts_with = "principal")]
    pub(crate) encoded: bool,
    /// ARN of a user, role, session, root or identity provider, or the name of a service
    #[arg(long, value_name = "ARN", requires = "action", conflicts_with = "request_id")]
    pub(crate) principal: Option<String>,
    /// Action, such as kms:Decrypt
    #[arg(long, value_name = "SERVICE:NAME", requires = "principal")]
    pub(crate) action: Option<String>,
    /// Key by id, alias or ARN, or another ARN; none for an action without resource
    #[arg(long, value_name = "KEY", requires = "principal")]
    pub(crate) resource: Option<String>,
    /// Account of the resource, where its name does not tell it [default: the principal's]
    #[arg(long, value_name = "ID", requires = "resource")]
    pub(crate) resource_account: Option<AccountId>,
    /// File with a policy of the resource, in place of the one that is stored
    #[arg(long, value_name = "FILE", requires = "resource")]
    pub(crate) resource_policy: Option<PathBuf>,
    /// Region [default: the server's first]
    #[arg(long, value_name = "NAME", requires = "principal")]
    pub(crate) region: Option<Region>,
    /// Pair of the encryption context; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "principal", value_parser = pair)]
    pub(crate) context: Vec<(String, String)>,
    /// Condition key that the call is supposed to have; several times for several values
    #[arg(long, value_name = "KEY=VALUE", requires = "principal", value_parser = pair)]
    pub(crate) fact: Vec<(String, String)>,
    /// When the call is made, such as 2026-05-21T05:47:45Z [default: now]
    #[arg(long, value_name = "TIME", requires = "principal")]
    pub(crate) at: Option<String>,
    /// Address from which the call comes; without it the call has none
    #[arg(long, value_name = "ADDRESS", requires = "principal")]
    pub(crate) source_ip: Option<IpAddr>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    /// What is attested of the recipient: PCR0=…, or a file with an attestation document, which is verified
    #[arg(long, value_name = "KEY=VALUE|FILE", requires = "principal", value_parser = attestation)]
    pub(crate) attestation: Vec<Attestation>,
    /// Grant token that the call presents; a grant is in force without it too
    #[arg(long, value_name = "TOKEN", requires = "principal")]
    pub(crate) grant_token: Vec<String>,
    /// Id of the grant that kms:RetireGrant is to retire
    #[arg(long, value_name = "ID", requires = "resource")]
    pub(crate) grant: Option<String>,
}

/// The session of the caller.
#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// The principal calls with a session: a user or root with one by GetSessionToken
    #[arg(long, requires = "principal")]
    pub(crate) temporary: bool,
    /// The principal is a role, and this the name of its session
    #[arg(long, value_name = "NAME", requires = "principal")]
    pub(crate) as_role_session: Option<String>,
    /// The principal is a user, and this the name of a session that it makes by GetFederationToken
    #[arg(long, value_name = "NAME", requires = "principal", conflicts_with = "as_role_session")]
    pub(crate) as_federated_user: Option<String>,
    /// File with the session policy
    #[arg(long, value_name = "FILE", requires = "principal")]
    pub(crate) session_policy: Option<PathBuf>,
    /// Managed policy as a session policy; may be given several times
    #[arg(long, value_name = "ARN", requires = "principal")]
    pub(crate) session_policy_arn: Vec<String>,
    /// Tag of the session; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "principal", value_parser = pair)]
    pub(crate) session_tag: Vec<(String, String)>,
    /// The session was made on a one-time code, so many seconds ago
    #[arg(long, value_name = "SECONDS", requires = "principal")]
    pub(crate) mfa_age: Option<u32>,
    /// The session was made so many seconds ago [default: with the code, else now]
    #[arg(long, value_name = "SECONDS", requires = "principal")]
    pub(crate) session_age: Option<u32>,
    /// Who is behind the session
    #[arg(long, value_name = "NAME", requires = "principal")]
    pub(crate) source_identity: Option<String>,
    /// ARN of the identity provider with whose token the role's session was made
    #[arg(long, value_name = "ARN", requires = "principal")]
    pub(crate) web_provider: Option<String>,
    /// For whom the provider's token was made
    #[arg(long, value_name = "TEXT", requires = "principal")]
    pub(crate) web_audience: Option<String>,
    /// Whom the provider's token is about
    #[arg(long, value_name = "TEXT", requires = "principal")]
    pub(crate) web_subject: Option<String>,
    /// How the provider authenticated that one; may be given several times
    #[arg(long, value_name = "TEXT", requires = "principal")]
    pub(crate) web_method: Vec<String>,
}

/// The services between caller and resource.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// Service through which the call comes, such as s3.amazonaws.com; several in the order in which they call
    #[arg(long, value_name = "SERVICE", requires = "principal")]
    pub(crate) via: Vec<String>,
    /// The principal is a service, and this the resource for which it calls
    #[arg(long, value_name = "ARN", requires = "principal")]
    pub(crate) source_arn: Option<String>,
    /// The principal is a service, and this the account for which it calls [default: of the resource]
    #[arg(long, value_name = "ID", requires = "principal")]
    pub(crate) source_account: Option<AccountId>,
}

/// What is attested of a recipient.
#[derive(Debug, Clone)]
pub(crate) enum Attestation {
    /// A file with a document.
    Document(PathBuf),
    /// A measurement by its name.
    Value(String, String),
}

/// A key and its value, divided by the first equals sign.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a pair is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A measurement, or else a file.
fn attestation(text: &str) -> Result<Attestation, String> {
    Ok(match text.split_once('=') {
        Some((key, value)) => Attestation::Value(key.to_owned(), value.to_owned()),
        None => Attestation::Document(text.into()),
    })
}

/// What stands below the options.
pub(super) const HELP: &str = "Decisions on denied calls are kept for a while; on allowed ones too with `[decisions] keep \
                               = \"all\"` in the configuration.";
