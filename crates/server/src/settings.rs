//! What the operator chose, read once at start.

use std::collections::BTreeSet;

use kanuki_types::{AccountId, Region};

use crate::{limits::Limits, operation::Service, quotas::RequestQuotas, recipient::TrustRoot};

/// The operator's choices that requests depend on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account of the first administrator.
    pub home_account: AccountId,
    /// The Region that clients get when they name none.
    default_region: Region,
    /// Every Region that is served, the default one too.
    regions: BTreeSet<Region>,
    /// Whether the time of the domain can be steered by an endpoint, for tests.
    pub insecure_test_mode: bool,
    /// Whether a role session that was assumed from a session made on a one-time code counts as made on it too.
    pub roles_inherit_mfa: bool,
    /// Quotas of resources.
    pub limits: Limits,
    /// Quotas of requests.
    pub request_quotas: RequestQuotas,
    /// What attestations of recipients must lead to; without it every recipient is refused.
    pub trust_root: Option<TrustRoot>,
    /// Whether decisions of allowed calls are kept with their reasons, and not those of denied calls alone.
    pub keeps_allowed_decisions: bool,
}

impl Settings {
    /// The choices; the default Region is served whether listed or not.
    #[must_use]
    pub fn new(
        home_account: AccountId,
        default_region: Region,
        regions: impl IntoIterator<Item = Region>,
        insecure_test_mode: bool,
    ) -> Self {
        let regions = regions.into_iter().chain([default_region.clone()]).collect();
        Self {
            home_account,
            default_region,
            regions,
            insecure_test_mode,
            roles_inherit_mfa: true,
            limits: Limits::default(),
            request_quotas: RequestQuotas::default(),
            trust_root: None,
            keeps_allowed_decisions: false,
        }
    }

    /// The choices with other quotas, which were checked.
    #[must_use]
    pub fn with_quotas(self, limits: Limits, request_quotas: RequestQuotas) -> Self {
        Self { limits, request_quotas, ..self }
    }

    /// The choices with a trust root for attestations.
    #[must_use]
    pub fn with_trust_root(self, trust_root: Option<TrustRoot>) -> Self {
        Self { trust_root, ..self }
    }

    /// The choices with the decisions of allowed calls kept, or not.
    #[must_use]
    pub fn with_allowed_decisions_kept(mut self, kept: bool) -> Self {
        self.keeps_allowed_decisions = kept;
        self
    }

    /// The Region with that name, if it is served.
    #[must_use]
    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions.get(name)
    }

    /// The Region that a call belongs to: the one it was signed for, if it is served; for a service without Regions
    /// always the service's own.
    #[must_use]
    pub fn region_of_call(&self, service: Service, signed_for: &str) -> Option<Region> {
        let served = self.region(signed_for);
        match service.global_region() {
            Some(global) if served.is_some() || signed_for == global => global.parse().ok(),
            Some(_) => None,
            None => served.cloned(),
        }
    }

    /// The Region that clients get when they name none.
    #[must_use]
    pub fn default_region(&self) -> &Region {
        &self.default_region
    }
}
