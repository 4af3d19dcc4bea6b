//! What may be done with a custom key store in which connection state.
//!
//! Rule: `CustomKeyStoreInvalidStateException` of the AWS KMS API reference, and the members' pages of
//! UpdateCustomKeyStore.

use kanuki_types::ConnectionState::{self, Connected, Connecting, Disconnected, Disconnecting, Failed};

use super::record::StoreRecord;
use crate::error::{ApiError, ErrorCode};

/// Something that is done with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// ConnectCustomKeyStore.
    Connect,
    /// CreateKey in it.
    CreateKey,
    /// DeleteCustomKeyStore.
    Delete,
    /// DisconnectCustomKeyStore.
    Disconnect,
    /// GenerateRandom in it.
    GenerateRandom,
    /// UpdateCustomKeyStore of its name, or of a proxy's credential or path.
    Retouch,
    /// UpdateCustomKeyStore of anything else.
    Update,
}

impl Act {
    const fn accepted(self) -> &'static [ConnectionState] {
        match self {
            Self::Connect => &[Connected, Connecting, Disconnected],
            Self::CreateKey | Self::GenerateRandom => &[Connected],
            Self::Delete | Self::Update => &[Disconnected],
            Self::Disconnect => &[Connected, Connecting, Failed],
            Self::Retouch => &[Connected, Disconnected],
        }
    }
}

/// Checks that something may be done with a store now.
///
/// # Errors
/// `CustomKeyStoreInvalidStateException`.
pub fn check_connection(store: &StoreRecord, act: Act) -> Result<(), ApiError> {
    if act.accepted().contains(&store.state) {
        return Ok(());
    }
    let names: Vec<&str> = act.accepted().iter().map(|state| state.as_str()).collect();
    let message = format!(
        "The connection state of the custom key store {} is {}, but the operation needs {}.",
        store.id,
        store.state,
        names.join(" or ")
    );
    Err(ApiError::new(ErrorCode::CustomKeyStoreInvalidState, message))
}

/// Whether a state is one that a store leaves by itself.
#[must_use]
pub fn is_unsettled(state: ConnectionState) -> bool {
    matches!(state, Connecting | Disconnecting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_reference() {
        let order = [Connected, Connecting, Disconnected, Disconnecting, Failed];
        let row = |act: Act| order.map(|state| act.accepted().contains(&state));
        let (yes, no) = (true, false);
        assert_eq!(row(Act::Connect), [yes, yes, yes, no, no]);
        assert_eq!(row(Act::Disconnect), [yes, yes, no, no, yes]);
        assert_eq!(row(Act::CreateKey), [yes, no, no, no, no]);
        assert_eq!(row(Act::Update), [no, no, yes, no, no]);
        assert_eq!(row(Act::Retouch), [yes, no, yes, no, no]);
        assert_eq!(row(Act::Delete), [no, no, yes, no, no]);
        assert_eq!(row(Act::GenerateRandom), [yes, no, no, no, no]);
    }
}
