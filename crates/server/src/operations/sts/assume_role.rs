//! AssumeRole: temporary credentials of a role.
//!
//! Not here: the check of a one-time code; the pipeline does that before anything is decided.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use kanuki_types::{CallerKind, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::{
    assuming::{Wanted, WantedRole},
    members::{self, AssumedRoleUser, Credentials, GivenPolicies, GivenTags, ROLE_DURATION_SECONDS},
};
use crate::{
    authn::{Authenticated, SecondFactor},
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{SessionClaims, SessionKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct AssumeRole;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    wanted: Wanted,
    tags: GivenTags,
    external_id: Option<String>,
    source_identity: Option<String>,
    second_factor: Option<SecondFactor>,
    token_chars_min: Option<i64>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    packed_policy_size: Option<usize>,
    source_identity: Option<String>,
    session_token_utilization: usize,
    session_token_size: usize,
}

impl Operation for AssumeRole {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Sts, "AssumeRole", RECORDED);
    type Input = Input;
    type Target = WantedRole;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::refuse_unknown(fields)?;
        let session_name = members::session_text(fields, "RoleSessionName", 2..=64)?;
        let external_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        Ok(Input {
            wanted: Wanted {
                role_arn: fields.required_text("RoleArn", 20..=2048)?,
                session_name: fields.require("RoleSessionName", session_name),
                duration_seconds: fields.integer("DurationSeconds", ROLE_DURATION_SECONDS)?,
                policies: GivenPolicies::read(fields)?,
            },
            tags: GivenTags::read(fields, true)?,
            external_id: fields.pattern_text("ExternalId", 2..=1224, "[\\w+=,.@:\\/-]*", external_char)?,
            source_identity: members::session_text(fields, "SourceIdentity", 2..=64)?,
            second_factor: members::second_factor(fields)?,
            token_chars_min: members::token_chars_min(fields)?,
        })
    }

    fn second_factor(input: &Input) -> Option<&SecondFactor> {
        input.second_factor.as_ref()
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<WantedRole>, ApiError> {
        if caller.caller().kind == CallerKind::Root {
            return Err(ApiError::new(ErrorCode::AccessDenied, "Roles may not be assumed by root accounts."));
        }
        let role = WantedRole::find(doors, &input.wanted.role_arn).await?;
        let source_identity = source_identity(caller, input)?;
        let demand = |action| {
            let mut demand = role.demand(action, &input.wanted, &input.tags);
            if let Some(external_id) = &input.external_id {
                demand = demand.with_fact("sts:ExternalId", external_id.as_str());
            }
            if let Some(source_identity) = source_identity {
                demand = demand.with_fact("sts:SourceIdentity", source_identity);
            }
            demand
        };
        let tag = (!input.tags.tags.is_empty()).then(|| demand("sts:TagSession"));
        let set_identity = source_identity.map(|_| demand("sts:SetSourceIdentity"));
        let first = demand("sts:AssumeRole");
        Ok(Plan::with_more(role, first, tag.into_iter().chain(set_identity)))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let role = authorized.target().get()?;
        let seconds = input.wanted.seconds(role, caller.session().is_some())?;
        let (tags, transitive) = input.tags.join(caller.session())?;
        let issued = authorized.circumstances().now;
        let source_identity = source_identity(caller, input)?.map(ToOwned::to_owned);
        let claims = SessionClaims {
            account: role.account(),
            principal: Some(role.id().clone()),
            kind: SessionKind::Role { session_name: input.wanted.session_name.clone() },
            issued,
            expires: issued.plus_seconds(seconds),
            mfa: inherited_mfa(doors, caller),
            source_access_key: members::source(caller),
            policies: input.wanted.policies.resolve(doors, role.account()).await?,
            tags,
            transitive,
            source_identity: source_identity.clone(),
            web: None,
        };
        let packed_policy_size = claims.packed_percent()?;
        let credentials = Credentials::issue(doors, &claims, input.token_chars_min).await?;
        let token = credentials.token_size();
        let session = role.as_session(&claims);
        let user = AssumedRoleUser { assumed_role_id: session.user_id().unwrap_or_default(), arn: session.arn() };
        let mut elements = json!({
            "credentials": credentials.recorded(&claims),
            "assumedRoleUser": { "assumedRoleId": user.assumed_role_id, "arn": user.arn },
        });
        if let (Some(elements), Some(identity)) = (elements.as_object_mut(), &source_identity) {
            elements.insert("sourceIdentity".into(), identity.as_str().into());
        }
        let output = Output { credentials, assumed_role_user: user, packed_policy_size, source_identity, session_token_utilization: token.percent, session_token_size: token.bytes };
        Ok(Outcome::answer(output).with_response_elements(elements))
    }
}

/// Who is behind the new session: as the calling session says, and else as the caller says.
///
/// # Errors
/// `AccessDenied` if the two differ, because it stays the same along a chain.
fn source_identity<'a>(caller: &'a Authenticated, input: &'a Input) -> Result<Option<&'a str>, ApiError> {
    let carried = caller.session().and_then(|session| session.source_identity.as_deref());
    match (carried, input.source_identity.as_deref()) {
        (Some(carried), Some(given)) if carried != given => Err(ApiError::new(
            ErrorCode::AccessDenied,
            format!(
                "User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {} because the source \
                 identity of the calling session cannot be changed",
                caller.caller().arn(),
                input.wanted.role_arn
            ),
        )),
        (carried, given) => Ok(carried.or(given)),
    }
}

/// A code given with the call itself counts for the call alone; one on which the calling session was made counts on,
/// unless the operator chose otherwise.
fn inherited_mfa(doors: &Doors, caller: &Authenticated) -> Option<Timestamp> {
    caller.session().and_then(|session| session.mfa).filter(|_| doors.settings.roles_inherit_mfa)
}

const RECORDED: &[&str] = &[
    "RoleArn",
    "RoleSessionName",
    "DurationSeconds",
    "ExternalId",
    "MinimumSessionTokenSize",
    "Policy",
    "PolicyArns",
    "SerialNumber",
    "SourceIdentity",
    "Tags",
    "TransitiveTagKeys",
];
