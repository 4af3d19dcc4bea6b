//! A call that nobody made, from the options of `explain`.
//!
//! Not here: whether somebody could call so; the server says. Invariant: no more of a file is read than it can hold.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use kanuki_server::operator::{SupposedCall, SupposedDocument, SupposedSession, SupposedToken};

use super::policy_file;
use crate::{
    cli::{Attestation, ExplainArgs},
    error::CommandError,
};

/// The call.
///
/// # Errors
/// If principal or action is missing, or a file cannot be read.
pub(super) fn read(args: &ExplainArgs) -> Result<SupposedCall, CommandError> {
    let (Some(principal), Some(action)) = (&args.principal, &args.action) else {
        return Err(CommandError::new("a request id, or a principal and an action"));
    };
    let mut facts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in &args.fact {
        facts.entry(key.clone()).or_default().push(value.clone());
    }
    let mut call = SupposedCall {
        principal: principal.clone(),
        action: action.clone(),
        resource: args.resource.clone(),
        resource_account: args.resource_account,
        resource_policy: args.resource_policy.as_deref().map(policy_file::read).transpose()?,
        region: args.region.clone(),
        context: args.context.iter().cloned().collect(),
        facts,
        session: session(args)?,
        token: token(args),
        via: args.service.via.clone(),
        source_account: args.service.source_account,
        source_arn: args.service.source_arn.clone(),
        source_ip: args.source_ip,
        at: args.at.clone(),
        grant_tokens: args.grant_token.clone(),
        grant: args.grant.clone(),
        ..SupposedCall::default()
    };
    for attested in &args.attestation {
        match attested {
            Attestation::Value(name, value) => {
                call.attestation.insert(name.clone(), value.clone());
            }
            Attestation::Document(path) => call.attestation_document = Some(SupposedDocument(document(path)?)),
        }
    }
    Ok(call)
}

/// The session; none if nothing is said of one.
fn session(args: &ExplainArgs) -> Result<Option<SupposedSession>, CommandError> {
    let given = &args.session;
    let session = SupposedSession {
        name: given.as_role_session.clone(),
        federated_user: given.as_federated_user.clone(),
        policy: given.session_policy.as_deref().map(policy_file::read).transpose()?,
        policy_arns: given.session_policy_arn.clone(),
        tags: given.session_tag.iter().cloned().collect(),
        mfa_age_seconds: given.mfa_age,
        age_seconds: given.session_age,
        source_identity: given.source_identity.clone(),
    };
    Ok((given.temporary || session != SupposedSession::default()).then_some(session))
}

/// What a token says; none if nothing is said of one.
fn token(args: &ExplainArgs) -> Option<SupposedToken> {
    let given = &args.session;
    let token = SupposedToken {
        provider: given.web_provider.clone(),
        audience: given.web_audience.clone().unwrap_or_default(),
        subject: given.web_subject.clone().unwrap_or_default(),
        methods: given.web_method.clone(),
    };
    (token != SupposedToken::default()).then_some(token)
}

fn document(path: &Path) -> Result<Vec<u8>, CommandError> {
    let wrong = |error: std::io::Error| CommandError::from_error(error).during(path.display());
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(wrong)?.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        let sentence = format!("{}: an attestation document has at most {DOCUMENT_BYTES_MAX} bytes", path.display());
        return Err(CommandError::new(sentence));
    }
    Ok(bytes)
}

/// Rule: `AttestationDocument` of `RecipientInfo`.
const DOCUMENT_BYTES_MAX: u64 = 262_144;
