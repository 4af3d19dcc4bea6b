//! Request quotas: how often an account may call, by Region and group of operations.
//!
//! Not here: who may do what; quotas of resources (`limits`). A call is charged to the account of its caller, also when
//! it uses another account's key, and only once its signature is verified: a stranger can use up nobody's quota. It is
//! charged before the authorization, so that calls which are refused cost as much as others; a call whose group depends
//! on the key is charged as soon as the key is known. A call that is refused here is recorded like any other.
//!
//! Invariants: no lock and no I/O on the way of a call; memory is bounded by [`PLACES`], whatever comes.
//!
//! Rule: "Request quotas" of the AWS KMS developer guide.

mod bucket;
mod groups;
mod rates;

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::OnceLock,
};

use kanuki_types::{AccountId, Region, Timestamp};

pub use rates::{PER_SECOND_MAX, RequestQuotas};

use bucket::{Bucket, Rate};
use groups::{GROUPS, Group, SYMMETRIC, draw_of, of_key, of_pair_spec};

use crate::{
    authn::Authenticated,
    authz::{Access, Demands},
    error::{ApiError, ErrorCode, THROTTLED},
    operation::{Descriptor, Service},
    wire::Fields,
};

/// The quotas of every account that calls.
pub struct Quotas {
    rates: Rates,
    of_accounts: BTreeMap<AccountId, Rates>,
    /// An open-addressed table that only ever fills: a place that is taken is read without a lock.
    places: Box<[OnceLock<Place>]>,
    /// What those share who come when the table is full: too little rather than too much.
    overflow: Buckets,
    hasher: RandomState,
}

/// The rate of every group.
type Rates = [Rate; GROUPS.len()];
/// The bucket of every group.
type Buckets = [Bucket; GROUPS.len()];

struct Place {
    account: AccountId,
    region: Region,
    buckets: Box<Buckets>,
}

impl std::fmt::Debug for Quotas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotas").finish_non_exhaustive()
    }
}

impl Quotas {
    /// Full quotas for everybody.
    #[must_use]
    pub fn new(chosen: &RequestQuotas) -> Self {
        Self {
            rates: chosen.rates(None),
            of_accounts: chosen.accounts().map(|account| (account, chosen.rates(Some(account)))).collect(),
            places: (0..PLACES).map(|_| OnceLock::new()).collect(),
            overflow: empty(),
            hasher: RandomState::new(),
        }
    }

    /// Takes a call of a group from the quota of an account.
    ///
    /// # Errors
    /// `ThrottlingException` if it is used up.
    fn charge(&self, account: AccountId, region: &Region, group: Group, now: Timestamp) -> Result<(), ApiError> {
        let rates = self.of_accounts.get(&account).unwrap_or(&self.rates);
        let bucket = self.buckets(account, region).get(group.0);
        let (Some(bucket), Some(rate)) = (bucket, rates.get(group.0)) else {
            return Err(ApiError::internal("a group of operations has no quota"));
        };
        if bucket.take(now, *rate) { Ok(()) } else { Err(ApiError::new(ErrorCode::Throttling, THROTTLED)) }
    }

    fn buckets(&self, account: AccountId, region: &Region) -> &Buckets {
        let hash = self.hasher.hash_one((account, region));
        let first = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        for step in 0..PROBES_MAX {
            let Some(place) = self.places.get((first + step) % PLACES) else { break };
            let place = place.get_or_init(|| Place { account, region: region.clone(), buckets: Box::new(empty()) });
            if place.account == account && place.region == *region {
                return &place.buckets;
            }
        }
        &self.overflow
    }
}

fn empty() -> Buckets {
    std::array::from_fn(|_| Bucket::default())
}

/// How a call's group is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Draw {
    /// By the operation alone.
    One(Group),
    /// By the keys that are used.
    ByKey,
    /// By the kind of key pair that is asked for.
    ByPairSpec,
}

/// The charges of one call: each of the three is called where what it needs is known, and one of them charges.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    quotas: &'a Quotas,
    account: AccountId,
    region: Region,
    now: Timestamp,
    draw: Option<Draw>,
}

impl<'a> Meter<'a> {
    /// The meter of a call whose signature is verified. Services without quotas have none.
    pub(crate) fn new(quotas: &'a Quotas, caller: &Authenticated, descriptor: &Descriptor, now: Timestamp) -> Self {
        let draw = (descriptor.service == Service::Kms).then(|| draw_of(descriptor.name));
        Self { quotas, account: caller.caller().account, region: caller.region().clone(), now, draw }
    }

    /// Charges a call whose group the operation says.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(crate) fn charge_operation(&self) -> Result<(), ApiError> {
        match self.draw {
            Some(Draw::One(group)) => self.charge(group),
            _ => Ok(()),
        }
    }

    /// Charges a call whose group a member says, before the member is checked.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(crate) fn charge_input(&self, fields: &Fields) -> Result<(), ApiError> {
        match self.draw {
            Some(Draw::ByPairSpec) => {
                let spec = fields.raw().get("KeyPairSpec").and_then(serde_json::Value::as_str);
                self.charge(of_pair_spec(spec.unwrap_or_default()))
            }
            _ => Ok(()),
        }
    }

    /// Charges a call whose group its keys say; a call that names no key that there is costs a symmetric one, so that no
    /// call is free.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(crate) fn charge_keys(&self, demands: Option<&Demands>) -> Result<(), ApiError> {
        if self.draw != Some(Draw::ByKey) {
            return Ok(());
        }
        let mut charged = None;
        for demand in demands.into_iter().flat_map(Demands::iter) {
            if let Access::Key { entry, .. } = &demand.access {
                let group = of_key(entry.record().spec);
                if charged != Some(group) {
                    self.charge(group)?;
                }
                charged = Some(group);
            }
        }
        if charged.is_none() { self.charge(SYMMETRIC) } else { Ok(()) }
    }

    fn charge(&self, group: Group) -> Result<(), ApiError> {
        self.quotas.charge(self.account, &self.region, group, self.now)
    }
}

/// How many pairs of account and Region have quotas of their own.
const PLACES: usize = 16_384;
/// How many places are looked at for one pair.
const PROBES_MAX: usize = 64;

#[cfg(test)]
mod tests;
