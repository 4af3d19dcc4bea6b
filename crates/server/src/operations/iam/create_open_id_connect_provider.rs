//! CreateOpenIDConnectProvider: an identity provider whose tokens the account takes.
//!
//! Not here: the provider's keys; the operator names them. Nothing is fetched, so that who may call this cannot make the
//! server ask anywhere.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use serde::Serialize;
use serde_json::json;

use super::{
    members, oidc,
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{OidcProviderRecord, oidc_provider_arn},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateOpenIdConnectProvider;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    host_and_path: String,
    client_ids: Vec<String>,
    thumbprints: Vec<String>,
    tags: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Tags")]
    tags: Option<Vec<Tag>>,
}

impl Operation for CreateOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        "CreateOpenIDConnectProvider",
        &["Url", "ClientIDList", "ThumbprintList", "Tags"],
    );
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let client_ids = fields.texts("ClientIDList", 0..=oidc::CLIENT_IDS_MAX, oidc::CLIENT_ID_CHARS)?;
        Ok(Input {
            client_ids: client_ids.unwrap_or_default(),
            thumbprints: oidc::thumbprints(fields)?.unwrap_or_default(),
            tags: tags::read_new(fields)?,
            host_and_path: oidc::url(fields)?,
        })
    }

    async fn plan(_: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<()>, ApiError> {
        let account = caller.caller().account;
        let demand = |action| {
            let arn = oidc_provider_arn(account, &input.host_and_path);
            Demand::on_entity(action, oidc::access(account, arn, BTreeMap::new()))
        };
        let demands = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"].map(demand);
        Ok(tags::plan_of_new((), demands, &input.tags))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let account = authorized.caller().caller().account;
        let arn = oidc_provider_arn(account, &input.host_and_path);
        if doors.identity.oidc_provider(account, &input.host_and_path).await?.is_some() {
            let message = format!("Provider with url https://{} already exists.", input.host_and_path);
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        if doors.identity.oidc_providers(account, oidc::PROVIDERS_MAX).await?.len() >= oidc::PROVIDERS_MAX {
            return Err(members::over_quota("OpenIDConnectProvidersPerAccount", oidc::PROVIDERS_MAX));
        }
        let mut record = OidcProviderRecord {
            created: authorized.circumstances().now,
            client_ids: Vec::new(),
            thumbprints: input.thumbprints.clone(),
            tags: BTreeMap::new(),
        };
        for client in &input.client_ids {
            if !record.client_ids.contains(client) {
                record.client_ids.push(client.clone());
            }
        }
        tags::add(&mut record.tags, &input.tags, "TagsPerOpenIDConnectProvider")?;
        let mut change = Transaction::default();
        doors.identity.create_oidc_provider(&mut change, (account, &input.host_and_path), &record);
        let elements = json!({ "openIDConnectProviderArn": arn });
        let tags = (!record.tags.is_empty()).then(|| tags::listed(&record.tags));
        Ok(Outcome::change(change, Output { arn, tags }).with_response_elements(elements))
    }
}
