//! What the operator chose: calls per second, for everybody and for single accounts.
//!
//! Not here: the defaults (`groups`). Invariant: a name that is no group is refused, and so is a number out of range.

use std::collections::BTreeMap;

use kanuki_types::AccountId;
use serde::Deserialize;

use super::{GROUPS, Rates, bucket::Rate};

/// Request quotas as they stand in the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestQuotas {
    /// How many seconds' worth may be used at once; from 1 to [`BURST_SECONDS_MAX`].
    #[serde(default)]
    burst_seconds: Option<u32>,
    /// Calls per second by group, for every account; from 1 to [`PER_SECOND_MAX`].
    #[serde(default)]
    per_second: BTreeMap<String, u32>,
    /// The same for single accounts, where it differs.
    #[serde(default)]
    accounts: BTreeMap<AccountId, BTreeMap<String, u32>>,
}

impl RequestQuotas {
    /// Checks names and ranges.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self) -> Result<(), String> {
        if let Some(seconds) = self.burst_seconds.filter(|seconds| !(1..=BURST_SECONDS_MAX).contains(seconds)) {
            return Err(format!(
                "request_quotas.burst_seconds is {seconds}, but must be from 1 to {BURST_SECONDS_MAX}"
            ));
        }
        let chosen = self.accounts.values().chain([&self.per_second]).flatten();
        for (name, per_second) in chosen {
            if !GROUPS.iter().any(|(group, _)| group == name) {
                return Err(format!("request_quotas: `{name}` is no group and no operation with a quota of its own"));
            }
            if !(1..=PER_SECOND_MAX).contains(per_second) {
                return Err(format!(
                    "request_quotas: {name} is {per_second}, but must be from 1 to {PER_SECOND_MAX} per second"
                ));
            }
        }
        Ok(())
    }

    /// Whether everything chosen is what holds anyway.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.accounts.is_empty() && self.rates(None) == Self::default().rates(None)
    }

    /// The accounts with rates of their own.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.keys().copied()
    }

    /// The rate of every group, for an account or for those without rates of their own.
    pub(super) fn rates(&self, account: Option<AccountId>) -> Rates {
        let own = account.and_then(|account| self.accounts.get(&account));
        let burst_seconds = self.burst_seconds.unwrap_or(BURST_SECONDS_DEFAULT);
        std::array::from_fn(|place| {
            let (name, default) = GROUPS.get(place).copied().unwrap_or(("", 1));
            let chosen = own.and_then(|own| own.get(name)).or_else(|| self.per_second.get(name));
            Rate::new(chosen.copied().unwrap_or(default), burst_seconds)
        })
    }
}

/// Most calls per second that can be chosen: more than one server answers.
pub const PER_SECOND_MAX: u32 = 10_000_000;
/// Longest span whose worth can be used at once, in seconds.
const BURST_SECONDS_MAX: u32 = 3600;
/// Calls come in clumps: a script that makes twenty keys is no flood.
const BURST_SECONDS_DEFAULT: u32 = 20;
