//! CreateGrant: gives one principal operations on one key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>

use std::sync::Arc;

use kanuki_types::{KeySpec, KeyState};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    grant_members::{self, Party},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, GrantUse},
    doors::Doors,
    error::ApiError,
    keys::{GrantId, GrantOperation, GrantRecord, GrantTerms, KeyEntry, Names, check_state, grant_token},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::{Fields, lower_camel},
};

/// The operation.
#[derive(Debug)]
pub struct CreateGrant;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    grantee: Party,
    retiring: Option<Party>,
    terms: GrantTerms,
    name: Option<String>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    grant_token: String,
    grant_id: String,
}

impl Operation for CreateGrant {
    const DESCRIPTOR: Descriptor =
        Descriptor { dry_run: true, ..Descriptor::changes(Service::Kms, "CreateGrant", &[]) };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let operations = grant_members::operations(fields)?;
        let name_char = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
        let name = fields.pattern_text("Name", 1..=256, "^[a-zA-Z0-9:/_-]+$", name_char)?;
        let grantee = grant_members::required_party(fields, "GranteePrincipal", "GranteeServicePrincipal")?;
        let retiring = grant_members::party(fields, "RetiringPrincipal", "RetiringServicePrincipal")?;
        let constraints = grant_members::constraints(fields)?;
        members::grant_tokens(fields)?;
        if matches!(grantee, Party::Service(_)) && !fields.has_violations() {
            check_service_grant(constraints.source_arn.is_some(), retiring.is_some())?;
        }
        Ok(Input { key_id, grantee, retiring, terms: GrantTerms { operations, constraints }, name })
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let mut parameters = Map::new();
        parameters.insert("keyId".into(), input.key_id.clone().into());
        for (prefix, party) in [("grantee", Some(&input.grantee)), ("retiring", input.retiring.as_ref())] {
            let (kind, text) = match party {
                Some(Party::Principal(arn)) => ("Principal", arn),
                Some(Party::Service(name)) => ("ServicePrincipal", name),
                None => continue,
            };
            parameters.insert(format!("{prefix}{kind}"), text.clone().into());
        }
        parameters.insert("operations".into(), json!(input.terms.operations));
        if let Some(Value::Object(constraints)) = input.terms.constraints.wire_form() {
            let members = constraints.into_iter().map(|(name, value)| (lower_camel(&name), value));
            parameters.insert("constraints".into(), members.collect::<Map<_, _>>().into());
        }
        if let Some(name) = &input.name {
            parameters.insert("name".into(), name.clone().into());
        }
        Some(parameters.into())
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let context = grant_members::as_context(&input.terms.constraints)?;
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            let mut demand = Demand::on_name("kms:CreateGrant", name)
                .with_context(&context)
                .with_grant(GrantUse::Make(input.terms.clone()));
            let operations = input.terms.operations.iter().map(|operation| operation.as_str().to_owned());
            demand.facts.insert("kms:GrantOperations", operations.collect::<Vec<_>>());
            if let Some(kind) = input.terms.constraints.kind() {
                demand.facts.insert("kms:GrantConstraintType", kind);
            }
            if let Some(arn) = &input.terms.constraints.source_arn {
                demand.facts.insert("kms:GrantConstraintSourceArn", arn.clone());
            }
            for (role, party) in [("Grantee", Some(&input.grantee)), ("Retiring", input.retiring.as_ref())] {
                match party {
                    Some(Party::Principal(arn)) => demand.facts.insert(&format!("kms:{role}Principal"), arn.clone()),
                    Some(Party::Service(name)) => {
                        demand.facts.insert(&format!("kms:{role}ServicePrincipal"), name.clone());
                    }
                    None => {}
                }
            }
            demand
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_key(key, &input.terms)?;
        let record = record_of(doors, authorized, input).await?;
        if let Some(id) = doors.keys.grant_like(key.arn(), &record).await? {
            return Ok(answered(Outcome::answer(output(doors, key, id)), key, id));
        }
        let id = GrantId::new(doors.random.bytes());
        let limit = doors.settings.limits.grants_per_key_max;
        let change = doors.keys.add_grant(authorized.proof(), key, (id, &record), limit).await?;
        Ok(answered(Outcome::change(change, output(doors, key, id)), key, id))
    }
}

async fn record_of(
    doors: &Doors,
    authorized: &Authorized<CreateGrant>,
    input: &Input,
) -> Result<GrantRecord, ApiError> {
    let retiring = match &input.retiring {
        Some(party) => Some(grant_members::find(doors, party).await?),
        None => None,
    };
    Ok(GrantRecord {
        created: doors.clock.now(),
        name: input.name.clone(),
        grantee: grant_members::find(doors, &input.grantee).await?,
        retiring,
        issuing_account: authorized.caller().caller().account,
        terms: input.terms.clone(),
    })
}

fn output(doors: &Doors, key: &KeyEntry, id: GrantId) -> Output {
    Output { grant_token: grant_token(key.arn(), id, doors.random.bytes()), grant_id: id.to_string() }
}

fn answered(outcome: Outcome<Output>, key: &KeyEntry, id: GrantId) -> Outcome<Output> {
    outcome.with_response_elements(json!({ "grantId": id, "keyId": key.arn_text() }))
}

/// A service gets a grant for one resource only, and someone must be able to retire it.
fn check_service_grant(has_source_arn: bool, has_retiring: bool) -> Result<(), ApiError> {
    if !has_source_arn {
        let message = "You must specify a SourceArn constraint when you specify GranteeServicePrincipal.";
        return Err(ApiError::validation(message));
    }
    if !has_retiring {
        return Err(ApiError::validation(
            "You must specify either RetiringPrincipal or RetiringServicePrincipal when you specify \
             GranteeServicePrincipal.",
        ));
    }
    Ok(())
}

/// Checks that the key can do what is granted, and that it is in a state in which grants are made.
fn check_key(key: &KeyEntry, terms: &GrantTerms) -> Result<(), ApiError> {
    let (spec, usage) = (key.record().spec, key.record().usage);
    let wrong: Vec<&str> =
        terms.operations.iter().filter(|operation| !operation.is_for(spec, usage)).map(|o| o.as_str()).collect();
    if !wrong.is_empty() {
        let kind = match spec {
            KeySpec::SymmetricDefault => "a symmetric",
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => "an HMAC",
            _ => "an asymmetric",
        };
        let valid: Vec<&str> = GrantOperation::all_for(spec, usage).map(GrantOperation::as_str).collect();
        return Err(ApiError::validation(format!(
            "Operations [{}] are not supported when creating a grant for {kind} KMS key with key usage {usage}. Valid \
             operations are [{}]",
            wrong.join(", "),
            valid.join(", ")
        )));
    }
    if terms.constraints.kind().is_some() && spec != KeySpec::SymmetricDefault {
        return Err(ApiError::validation(
            "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.",
        ));
    }
    check_state(key, GRANTABLE)
}

/// The states in which a grant can be made.
const GRANTABLE: &[KeyState] = &[KeyState::Enabled, KeyState::Unavailable, KeyState::Updating];
