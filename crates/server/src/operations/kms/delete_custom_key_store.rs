//! DeleteCustomKeyStore: removes a store in which no KMS keys are; what stands behind it is left alone.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteCustomKeyStore.html>

use kanuki_store::Transaction;
use serde::Serialize;

use super::custom_key_store_members::{self as members, event_data};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    custom_key_stores::{Act, check_connection},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteCustomKeyStore;

/// What the client gets: nothing, in an object.
#[derive(Debug, Serialize)]
pub struct Output {}

impl Operation for DeleteCustomKeyStore {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "DeleteCustomKeyStore", &["CustomKeyStoreId"]);
    /// The id.
    type Input = String;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::id(fields)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:DeleteCustomKeyStore")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (stores, store) = members::find(doors, authorized.caller(), authorized.input()).await?;
        if doors.custom_key_stores.has_keys(&store).await? {
            let message = format!("KMS keys are in the custom key store {}.", store.record().id);
            return Err(ApiError::new(ErrorCode::CustomKeyStoreHasCmks, message));
        }
        check_connection(store.record(), Act::Delete)?;
        let mut change = Transaction::default();
        stores.write(&mut change, |stores| stores.retain(|other| other.id != store.record().id));
        Ok(Outcome::change(change, Output {}).with_event_data(event_data(&store)))
    }
}
