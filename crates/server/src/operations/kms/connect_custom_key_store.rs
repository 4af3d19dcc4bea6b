//! ConnectCustomKeyStore: begins to connect a store to what stands behind it.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ConnectCustomKeyStore.html>

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
pub struct ConnectCustomKeyStore;

/// What the client gets: nothing, in an object.
#[derive(Debug, Serialize)]
pub struct Output {}

impl Operation for ConnectCustomKeyStore {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "ConnectCustomKeyStore", &["CustomKeyStoreId"]);
    /// The id.
    type Input = String;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::id(fields)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:ConnectCustomKeyStore")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (stores, store) = members::find(doors, authorized.caller(), authorized.input()).await?;
        check_connection(store.record(), Act::Connect)?;
        let outcome = match store.record().state {
            // Under way or done: there is nothing to begin.
            ConnectionState::Connected | ConnectionState::Connecting => Outcome::answer(Output {}),
            _ => {
                let mut change = Transaction::default();
                let state = ConnectionState::Connecting;
                stores.write_one(&mut change, StoreRecord { state, error: None, ..store.record().clone() });
                doors.custom_key_stores.mark_unsettled(&mut change, &store).await?;
                Outcome::change(change, Output {})
            }
        };
        Ok(outcome.with_event_data(event_data(&store)))
    }
}
