//! Every operation of every service: one table per service, one file per operation.
//!
//! Router, audit record, metrics and compatibility page are loops over the tables.

pub mod iam;
pub mod kms;
pub mod sts;

use crate::{
    error::ApiError,
    http::Incoming,
    operation::{Descriptor, Service},
    pipeline::Endpoint,
    wire::{self, Call},
};

/// The operations of a service, sorted by name.
pub(crate) type Table = &'static [&'static dyn Endpoint];

/// Declares a service's operations: their modules, their types, and the table of them.
macro_rules! operations {
    ($($(#[$meta:meta])* $module:ident $operation:ident,)+) => {
        $(mod $module;)+
        $(pub use $module::$operation;)+

        /// Every operation of the service, sorted by name.
        pub(crate) static TABLE: $crate::operations::Table =
            &[$(&$crate::pipeline::Entry::<$operation>(std::marker::PhantomData)),+];
    };
}
pub(crate) use operations;

fn table(service: Service) -> Table {
    match service {
        Service::Iam => iam::TABLE,
        Service::Kms => kms::TABLE,
        Service::Sts => sts::TABLE,
    }
}

/// The operation that a call means.
pub(crate) fn find(call: &Call) -> Option<&'static dyn Endpoint> {
    if !call.service_is_known {
        return None;
    }
    let table = table(call.service);
    let place = table.binary_search_by(|entry| entry.descriptor().name.cmp(&call.operation)).ok()?;
    table.get(place).copied()
}

/// Reads the members of a call as each operation of a service does, and does nothing with them: one result for each
/// operation. For fuzzing.
pub fn read_as_each<'a>(
    service: Service,
    call: &'a Call,
    incoming: &'a Incoming,
) -> impl Iterator<Item = Result<(), ApiError>> + 'a {
    table(service).iter().map(|entry| entry.read(wire::members(call, incoming)?))
}

/// Reads the members of a call as the operation does that it means, and does nothing with them; none if it means no
/// operation. For fuzzing.
#[must_use]
pub fn read_as_meant(call: &Call, incoming: &Incoming) -> Option<Result<(), ApiError>> {
    let operation = find(call)?;
    Some(wire::members(call, incoming).and_then(|fields| operation.read(fields)))
}

/// The fixed facts of every operation.
pub fn descriptors() -> impl Iterator<Item = &'static Descriptor> {
    Service::ALL.iter().flat_map(|service| table(*service)).map(|entry| entry.descriptor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_declare_their_service() {
        for service in Service::ALL {
            let names: Vec<&str> = table(*service).iter().map(|entry| entry.descriptor().name).collect();
            assert!(names.is_sorted(), "{names:?}");
            assert!(table(*service).iter().all(|entry| entry.descriptor().service == *service));
        }
    }

    #[test]
    fn no_record_repeats_a_secret() {
        let secret = ["Plaintext", "CiphertextBlob", "Message", "Signature", "Mac", "GrantTokens", "ImportToken"];
        for descriptor in descriptors() {
            assert!(!descriptor.recorded.iter().any(|name| secret.contains(name)), "{}", descriptor.name);
        }
    }
}
