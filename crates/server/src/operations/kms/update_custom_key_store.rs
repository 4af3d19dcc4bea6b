//! UpdateCustomKeyStore: another name, or other facts about what stands behind a store.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateCustomKeyStore.html>

use kanuki_store::Transaction;
use kanuki_types::{CustomKeyStoreId, XksProxyConnectivity};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    create_custom_key_store::check_vpc_service,
    custom_key_store_members::{self as members, ProxyMembers, TokenMembers, check_unique, event_data},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, outside_call_of},
    custom_key_stores::{Act, Behind, ProxyRecord, StoreEntry, StoreRecord, TokenRecord, VpcService, check_connection},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateCustomKeyStore;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    id: String,
    name: Option<String>,
    token: TokenMembers,
    proxy: ProxyMembers,
}

/// What the client gets: nothing, in an object.
#[derive(Debug, Serialize)]
pub struct Output {}

impl Operation for UpdateCustomKeyStore {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "UpdateCustomKeyStore", &[]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let id = members::id(fields)?;
        let name = members::name(fields, "NewCustomKeyStoreName")?;
        Ok(Input { id, name, token: TokenMembers::read(fields)?, proxy: ProxyMembers::read(fields)? })
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let Input { id, name, token, proxy } = input;
        let all = json!({
            "customKeyStoreId": id,
            "newCustomKeyStoreName": name,
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
        Ok(Plan::new((), Demand::on_any("kms:UpdateCustomKeyStore")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let (stores, store) = members::find(doors, caller, &input.id).await?;
        check_kind(&store, input)?;
        for act in acts(input) {
            check_connection(store.record(), act)?;
        }
        let mut record = store.record().clone();
        if let Some(name) = &input.name {
            record.name.clone_from(name);
        }
        record.behind = match record.behind {
            Behind::Proxy(proxy) if input.proxy.any() => {
                Behind::Proxy(changed(doors, &store, &proxy, &input.proxy).await?)
            }
            Behind::Token(token) => Behind::Token(changed_token(doors, &store, token, &input.token).await?),
            same @ Behind::Proxy(_) => same,
        };
        check_unique(&stores, &record)?;
        let entry = StoreEntry::new(store.account(), store.region(), record.clone());
        if is_tried_out(&record, &store, input) {
            let call = outside_call_of::<Self>(caller, authorized.circumstances());
            doors.custom_key_stores.try_out(&entry, &call).await?;
        }
        let mut change = Transaction::default();
        stores.write_one(&mut change, record);
        Ok(Outcome::change(change, Output {}).with_event_data(event_data(&entry)))
    }
}

/// Checks that the members are of the store's type.
fn check_kind(store: &StoreEntry, input: &Input) -> Result<(), ApiError> {
    let foreign = match &store.record().behind {
        Behind::Proxy(_) => input.token.any(),
        Behind::Token(_) => input.proxy.any(),
    };
    if !foreign {
        return Ok(());
    }
    let message = format!("The request has members that the type of the custom key store {} does not take.", input.id);
    Err(ApiError::validation(message))
}

/// What the request does to the store.
fn acts(input: &Input) -> impl Iterator<Item = Act> {
    let update = input.token.any() || input.proxy.any_but_retouches();
    let retouch = input.name.is_some() || input.proxy.any();
    [(update, Act::Update), (retouch, Act::Retouch)].into_iter().filter_map(|(does, act)| does.then_some(act))
}

/// A proxy behind an endpoint service is asked when it is connected, any other one at once.
fn is_tried_out(record: &StoreRecord, store: &StoreEntry, input: &Input) -> bool {
    let Behind::Proxy(proxy) = &record.behind else { return false };
    input.proxy.any() && (proxy.connectivity == XksProxyConnectivity::PublicEndpoint || store.is_connected())
}

/// The proxy with what the request says.
async fn changed(
    doors: &Doors,
    store: &StoreEntry,
    old: &ProxyRecord,
    members: &ProxyMembers,
) -> Result<ProxyRecord, ApiError> {
    let connectivity = members.connectivity.unwrap_or(old.connectivity);
    if connectivity != old.connectivity && members.endpoint.is_none() {
        return Err(ApiError::validation("A change of XksProxyConnectivity needs a new XksProxyUriEndpoint."));
    }
    let id: &CustomKeyStoreId = &store.record().id;
    let credential = match &members.credential {
        Some(given) => {
            doors.custom_key_stores.seal_credential(id, given.access_key_id.clone(), &given.secret).await?
        }
        None => old.credential.clone(),
    };
    Ok(ProxyRecord {
        connectivity,
        endpoint: members.endpoint.clone().unwrap_or_else(|| old.endpoint.clone()),
        path: members.path.clone().unwrap_or_else(|| old.path.clone()),
        vpc_service: vpc_service(doors, store, old, members, connectivity)?,
        credential,
    })
}

/// The token with what the request says.
async fn changed_token(
    doors: &Doors,
    store: &StoreEntry,
    mut token: TokenRecord,
    members: &TokenMembers,
) -> Result<TokenRecord, ApiError> {
    if let Some(cluster_id) = &members.cluster_id {
        doors.custom_key_stores.check_cluster(&token, cluster_id)?;
    }
    if let Some(password) = &members.password {
        token.sealed_password = doors.custom_key_stores.seal_password(&store.record().id, password).await?;
    }
    Ok(token)
}

/// The endpoint service of the changed proxy.
fn vpc_service(
    doors: &Doors,
    store: &StoreEntry,
    old: &ProxyRecord,
    members: &ProxyMembers,
    connectivity: XksProxyConnectivity,
) -> Result<Option<VpcService>, ApiError> {
    let named = members.vpc_service.as_ref().filter(|name| !name.is_empty());
    if connectivity == XksProxyConnectivity::PublicEndpoint {
        return match (named, members.vpc_owner) {
            (None, None) => Ok(None),
            _ => Err(ApiError::validation("A VPC endpoint service is not valid for PUBLIC_ENDPOINT.")),
        };
    }
    let kept = old.vpc_service.as_ref().filter(|_| members.vpc_service.is_none());
    let name = named.or(kept.map(|service| &service.name)).ok_or_else(|| {
        ApiError::validation("XksProxyVpcEndpointServiceName is required for VPC_ENDPOINT_SERVICE.")
    })?;
    check_vpc_service(doors, name)?;
    let old_owner = old.vpc_service.as_ref().map(|service| service.owner);
    let owner = members.vpc_owner.or(old_owner).unwrap_or(store.account());
    Ok(Some(VpcService { name: name.clone(), owner }))
}
