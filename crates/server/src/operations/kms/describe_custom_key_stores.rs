//! DescribeCustomKeyStores: the custom key stores of the caller's account in the Region.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeCustomKeyStores.html>

use kanuki_types::{
    AccountId, ConnectionErrorCode, ConnectionState, CustomKeyStoreId, CustomKeyStoreType, XksProxyConnectivity,
};
use serde::Serialize;

use super::custom_key_store_members::{self as members, not_found};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    custom_key_stores::{Behind, ProxyRecord, StoreEntry},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, Page, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DescribeCustomKeyStores;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    id: Option<String>,
    name: Option<String>,
    page: PageRequest,
}

/// A custom key store of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    custom_key_store_id: CustomKeyStoreId,
    custom_key_store_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_hsm_cluster_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_anchor_certificate: Option<String>,
    connection_state: ConnectionState,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_error_code: Option<ConnectionErrorCode>,
    creation_date: Epoch,
    custom_key_store_type: CustomKeyStoreType,
    #[serde(skip_serializing_if = "Option::is_none")]
    xks_proxy_configuration: Option<ProxyConfiguration>,
}

/// What is told of a proxy; the secret of its credential is not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProxyConfiguration {
    connectivity: XksProxyConnectivity,
    access_key_id: String,
    uri_endpoint: String,
    uri_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_service_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_service_owner: Option<AccountId>,
}

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    custom_key_stores: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for DescribeCustomKeyStores {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Kms,
        "DescribeCustomKeyStores",
        &["CustomKeyStoreId", "CustomKeyStoreName", "Limit", "Marker"],
    );
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let id = fields.text("CustomKeyStoreId", 1..=64)?;
        let name = members::name(fields, "CustomKeyStoreName")?;
        let page = PageRequest::read(fields, "DescribeCustomKeyStores", LIMIT_DEFAULT, LIMIT_DEFAULT)?;
        if id.is_some() && name.is_some() && !fields.has_violations() {
            return Err(ApiError::validation("You cannot specify both CustomKeyStoreId and CustomKeyStoreName."));
        }
        Ok(Input { id, name, page })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:DescribeCustomKeyStores")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let stores = doors.custom_key_stores.of(caller.caller().account, caller.region()).await?;
        let wanted = |store: &StoreEntry| match (&input.id, &input.name) {
            (Some(id), _) => store.record().id.as_str() == id,
            (None, Some(name)) => store.record().name == *name,
            (None, None) => true,
        };
        let mut found: Vec<&StoreEntry> = stores.iter().map(|store| &**store).filter(|store| wanted(store)).collect();
        if found.is_empty()
            && let Some(name) = input.id.as_ref().or(input.name.as_ref())
        {
            return Err(not_found(name));
        }
        let key = |store: &&StoreEntry| store.record().id.as_str().as_bytes().to_vec();
        found.sort_by_key(key);
        found.retain(|store| input.page.after.as_ref().is_none_or(|after| key(store) > *after));
        let Page { items, next } = input.page.page(found, key);
        let custom_key_stores = items.into_iter().map(entry).collect();
        Ok(Outcome::answer(Output { custom_key_stores, truncated: next.is_some(), next_marker: next }))
    }
}

fn entry(store: &StoreEntry) -> Entry {
    let record = store.record();
    let (kind, trust_anchor, proxy) = match &record.behind {
        Behind::Proxy(proxy) => (CustomKeyStoreType::ExternalKeyStore, None, Some(configuration(proxy))),
        Behind::Token(token) => (CustomKeyStoreType::AwsCloudHsm, Some(token.trust_anchor.clone()), None),
    };
    Entry {
        custom_key_store_id: record.id.clone(),
        custom_key_store_name: record.name.clone(),
        cloud_hsm_cluster_id: store.cluster_id().map(str::to_owned),
        trust_anchor_certificate: trust_anchor,
        connection_state: record.state,
        connection_error_code: record.error,
        creation_date: Epoch(record.created),
        custom_key_store_type: kind,
        xks_proxy_configuration: proxy,
    }
}

fn configuration(proxy: &ProxyRecord) -> ProxyConfiguration {
    let service = proxy.vpc_service.as_ref();
    ProxyConfiguration {
        connectivity: proxy.connectivity,
        access_key_id: proxy.credential.access_key_id.clone(),
        uri_endpoint: proxy.endpoint.clone(),
        uri_path: proxy.path.clone(),
        vpc_endpoint_service_name: service.map(|service| service.name.clone()),
        vpc_endpoint_service_owner: service.map(|service| service.owner),
    }
}

const LIMIT_DEFAULT: usize = 1000;
