//! Quotas of resources: how many of each there may be.
//!
//! Not here: request quotas (`quotas`), and limits of single members, which the API's model fixes. Invariant: what an
//! operator chooses is never above the ceiling that the records were made for.
//!
//! Rule: "Resource quotas" of the AWS KMS developer guide. What AWS manages does not count.

use kanuki_store::TRANSACTION_WRITES_MAX;
use serde::Deserialize;

use crate::{
    custom_key_stores::STORES_MAX,
    keys::{GRANTS_PER_KEY_MAX, ON_DEMAND_ROTATIONS_MAX, POLICY_BYTES_MAX, TAGS_MAX},
};

/// Declares the limits: name, type, default, ceiling.
macro_rules! limits {
    ($($(#[$meta:meta])* $name:ident: $kind:ty = $default:expr, at most $ceiling:expr;)+) => {
        /// The limits in force.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[$meta])* pub $name: $kind,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Checks every limit against its ceiling.
            ///
            /// # Errors
            /// What is wrong, for the operator.
            pub fn check(&self) -> Result<(), String> {
                $(if self.$name > $ceiling {
                    return Err(format!(
                        concat!("limits.", stringify!($name), " is {}, but at most {} is possible"),
                        self.$name, $ceiling
                    ));
                })+
                Ok(())
            }
        }
    };
}

limits! {
    /// Customer managed keys of an account and Region, in every state.
    keys_per_account_max: u64 = 100_000, at most KEYS_PER_ACCOUNT_CEILING;
    /// Aliases of a key.
    aliases_per_key_max: usize = 50, at most ALIASES_PER_KEY_CEILING;
    /// Grants of a key.
    grants_per_key_max: u64 = GRANTS_PER_KEY_MAX, at most GRANTS_PER_KEY_MAX;
    /// Custom key stores of an account and Region.
    custom_key_stores_max: usize = STORES_MAX, at most STORES_MAX;
    /// Bytes of a key policy.
    key_policy_bytes_max: usize = POLICY_BYTES_MAX, at most POLICY_BYTES_MAX;
    /// Tags of a key.
    tags_per_key_max: usize = TAGS_MAX, at most TAGS_MAX;
    /// Uses of RotateKeyOnDemand on a key.
    on_demand_rotations_max: u32 = ON_DEMAND_ROTATIONS_MAX, at most ON_DEMAND_ROTATIONS_MAX;
}

/// As many as the store is made for.
const KEYS_PER_ACCOUNT_CEILING: u64 = 10_000_000;
/// A key leaves with its aliases in one transaction, which holds so many beside the rest.
const ALIASES_PER_KEY_CEILING: usize = 100;
/// Records that leave with a key beside its aliases, at most.
const OTHERS_OF_A_KEY_MAX: usize = 20;
const _: () = assert!(ALIASES_PER_KEY_CEILING + OTHERS_OF_A_KEY_MAX <= TRANSACTION_WRITES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_hold_and_defaults_are_below_them() {
        assert_eq!(Limits::default().check(), Ok(()));
        let one_more = Limits { aliases_per_key_max: ALIASES_PER_KEY_CEILING + 1, ..Limits::default() };
        assert!(one_more.check().unwrap_err().contains("aliases_per_key_max is 101, but at most 100"));
        assert!(serde_json::from_str::<Limits>(r#"{"keys_max": 1}"#).is_err());
    }
}
