//! CreateCustomKeyStore: a store of keys whose use needs a proxy or a token outside.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateCustomKeyStore.html>

use kanuki_store::Transaction;
use kanuki_types::{AccountId, ConnectionState, CustomKeyStoreId, CustomKeyStoreType, XksProxyConnectivity};
use serde::Serialize;
use serde_json::{Value, json};

use super::custom_key_store_members::{self as members, ProxyMembers, TokenMembers, check_unique, event_data};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, outside_call_of},
    custom_key_stores::{Behind, ProxyRecord, StoreEntry, StoreRecord, TokenRecord, VpcService},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateCustomKeyStore;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    kind: CustomKeyStoreType,
    trust_anchor: Option<String>,
    token: TokenMembers,
    proxy: ProxyMembers,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    custom_key_store_id: CustomKeyStoreId,
}

impl Operation for CreateCustomKeyStore {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "CreateCustomKeyStore", &[]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = members::name(fields, "CustomKeyStoreName")?;
        let name = fields.require("CustomKeyStoreName", name);
        let kind = fields.choice("CustomKeyStoreType", CustomKeyStoreType::ALL, CustomKeyStoreType::as_str)?;
        let trust_anchor = fields.text("TrustAnchorCertificate", 1..=5000)?;
        let (token, proxy) = (TokenMembers::read(fields)?, ProxyMembers::read(fields)?);
        let kind = kind.unwrap_or(CustomKeyStoreType::AwsCloudHsm);
        let input = Input { name, kind, trust_anchor, token, proxy };
        if !fields.has_violations() {
            check_members(&input)?;
        }
        Ok(input)
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let Input { name, kind, token, proxy, .. } = input;
        let all = json!({
            "customKeyStoreName": name,
            "customKeyStoreType": kind,
            "clusterId": token.cluster_id,
            "xksProxyConnectivity": proxy.connectivity,
            "xksProxyUriEndpoint": proxy.endpoint,
            "xksProxyUriPath": proxy.path,
            "xksProxyVpcEndpointServiceName": proxy.vpc_service,
            "xksProxyVpcEndpointServiceOwner": proxy.vpc_owner,
        });
        let given = all.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        Some(given.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:CreateCustomKeyStore")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let (account, region) = (caller.caller().account, caller.region());
        let stores = doors.custom_key_stores.of(account, region).await?;
        let stores_max = doors.settings.limits.custom_key_stores_max;
        if stores.iter().count() >= stores_max {
            let message = format!("An account has at most {stores_max} custom key stores in a Region.");
            return Err(ApiError::new(ErrorCode::LimitExceeded, message));
        }
        let id = CustomKeyStoreId::from_random(doors.random.bytes());
        let record = StoreRecord {
            behind: behind(doors, input, &id, account).await?,
            id,
            name: input.name.clone(),
            created: doors.clock.now(),
            state: ConnectionState::Disconnected,
            error: None,
        };
        check_unique(&stores, &record)?;
        let entry = StoreEntry::new(account, region, record.clone());
        if input.proxy.connectivity == Some(XksProxyConnectivity::PublicEndpoint) {
            let call = outside_call_of::<Self>(caller, authorized.circumstances());
            doors.custom_key_stores.try_out(&entry, &call).await?;
        }
        let mut change = Transaction::default();
        let id = record.id.clone();
        stores.write(&mut change, |stores| stores.push(record));
        let elements = json!({ "customKeyStoreId": id });
        let outcome = Outcome::change(change, Output { custom_key_store_id: id });
        Ok(outcome.with_response_elements(elements).with_event_data(event_data(&entry)))
    }
}

/// What stands behind the store, its secret sealed.
async fn behind(
    doors: &Doors,
    input: &Input,
    id: &CustomKeyStoreId,
    account: AccountId,
) -> Result<Behind, ApiError> {
    let ProxyMembers { connectivity, endpoint, path, vpc_service, vpc_owner, credential } = &input.proxy;
    let (Some(connectivity), Some(endpoint), Some(path), Some(credential)) =
        (*connectivity, endpoint, path, credential)
    else {
        return token_behind(doors, input, id).await.map(Behind::Token);
    };
    let vpc_service = match vpc_service {
        Some(name) if connectivity == XksProxyConnectivity::VpcEndpointService => {
            check_vpc_service(doors, name)?;
            Some(VpcService { name: name.clone(), owner: vpc_owner.unwrap_or(account) })
        }
        _ => None,
    };
    let stores = &doors.custom_key_stores;
    let credential = stores.seal_credential(id, credential.access_key_id.clone(), &credential.secret).await?;
    let (endpoint, path) = (endpoint.clone(), path.clone());
    Ok(Behind::Proxy(ProxyRecord { connectivity, endpoint, path, vpc_service, credential }))
}

/// The token behind the store, its password sealed. The members are there: `parse` has seen to it.
async fn token_behind(doors: &Doors, input: &Input, id: &CustomKeyStoreId) -> Result<TokenRecord, ApiError> {
    let TokenMembers { cluster_id, password } = &input.token;
    let (Some(cluster_id), Some(password), Some(trust_anchor)) = (cluster_id, password, &input.trust_anchor) else {
        return Err(ApiError::internal("members of a custom key store are missing"));
    };
    doors.custom_key_stores.token_behind(id, cluster_id, trust_anchor, password).await
}

/// Checks that the operator has said where a VPC endpoint service is.
pub(super) fn check_vpc_service(doors: &Doors, name: &str) -> Result<(), ApiError> {
    if doors.custom_key_stores.proxies().knows_vpc_service(name) {
        return Ok(());
    }
    let message = format!("The VPC endpoint service {name} is not known to this installation.");
    Err(ApiError::new(ErrorCode::XksProxyVpcEndpointServiceNotFound, message))
}

/// Rules between members, which depend on the type.
fn check_members(input: &Input) -> Result<(), ApiError> {
    let refused = |message: String| Err(ApiError::validation(message));
    let Input { kind, trust_anchor, token, proxy, .. } = input;
    let required: &[(&str, bool)] = match kind {
        CustomKeyStoreType::AwsCloudHsm => &[
            ("CloudHsmClusterId", token.cluster_id.is_some()),
            ("TrustAnchorCertificate", trust_anchor.is_some()),
            ("KeyStorePassword", token.password.is_some()),
        ],
        CustomKeyStoreType::ExternalKeyStore => &[
            ("XksProxyConnectivity", proxy.connectivity.is_some()),
            ("XksProxyUriEndpoint", proxy.endpoint.is_some()),
            ("XksProxyUriPath", proxy.path.is_some()),
            ("XksProxyAuthenticationCredential", proxy.credential.is_some()),
        ],
    };
    if let Some((missing, _)) = required.iter().find(|(_, given)| !given) {
        return refused(format!("{missing} is required for custom key stores of the type {kind}."));
    }
    let foreign = match kind {
        CustomKeyStoreType::AwsCloudHsm => proxy.any(),
        CustomKeyStoreType::ExternalKeyStore => token.any() || trust_anchor.is_some(),
    };
    if foreign {
        return refused(format!("The request has members that custom key stores of the type {kind} do not take."));
    }
    let by_vpc = proxy.connectivity == Some(XksProxyConnectivity::VpcEndpointService);
    let named = proxy.vpc_service.as_deref().is_some_and(|name| !name.is_empty());
    match (by_vpc, named) {
        (true, false) => refused("XksProxyVpcEndpointServiceName is required for VPC_ENDPOINT_SERVICE.".into()),
        (false, true) => refused("XksProxyVpcEndpointServiceName is not valid for PUBLIC_ENDPOINT.".into()),
        (false, false) if proxy.vpc_owner.is_some() => {
            refused("XksProxyVpcEndpointServiceOwner is not valid for PUBLIC_ENDPOINT.".into())
        }
        _ => Ok(()),
    }
}
