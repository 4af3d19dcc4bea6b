//! DisconnectCustomKeyStore: begins to disconnect a store; its keys are unavailable from now on.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisconnectCustomKeyStore.html>

use kanuki_store::Transaction;
use kanuki_types::ConnectionState;
use serde::Serialize;

use super::custom_key_store_members::{self as members, event_data};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    custom_key_stores::{Act, StoreRecord, check_connection},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DisconnectCustomKeyStore;

/// What the client gets: nothing, in an object.
#[derive(Debug, Serialize)]
pub struct Output {}

impl Operation for DisconnectCustomKeyStore {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "DisconnectCustomKeyStore", &["CustomKeyStoreId"]);
    /// The id.
    type Input = String;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::id(fields)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:DisconnectCustomKeyStore")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (stores, store) = members::find(doors, authorized.caller(), authorized.input()).await?;
        check_connection(store.record(), Act::Disconnect)?;
        let mut change = Transaction::default();
        let state = ConnectionState::Disconnecting;
        stores.write_one(&mut change, StoreRecord { state, error: None, ..store.record().clone() });
        doors.custom_key_stores.mark_unsettled(&mut change, &store).await?;
        Ok(Outcome::change(change, Output {}).with_event_data(event_data(&store)))
    }
}
