//! Credential reports that were made and may still be fetched.
//!
//! Not durable: a report is a picture of a moment, and whoever misses it after a restart makes another.
//! Invariant: one report for each account, and no more than [`REPORTS_MAX`] in all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kanuki_types::{AccountId, Timestamp};

use super::Identity;

/// A credential report.
#[derive(Debug, Clone)]
pub struct CredentialReport {
    /// When it was made.
    pub generated: Timestamp,
    /// The table.
    pub csv: Arc<str>,
}

/// The latest report of each account.
#[derive(Debug, Default)]
pub(super) struct Reports(Mutex<BTreeMap<AccountId, CredentialReport>>);

impl Identity {
    /// Keeps a report in place of the account's last one; the oldest of another account makes room if need be.
    pub fn keep_report(&self, account: AccountId, report: CredentialReport) {
        let mut reports = self.reports.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.insert(account, report);
        if reports.len() > REPORTS_MAX {
            let oldest = reports.iter().min_by_key(|(_, report)| report.generated).map(|(account, _)| *account);
            oldest.map(|account| reports.remove(&account));
        }
    }

    /// The account's latest report.
    #[must_use]
    pub fn report(&self, account: AccountId) -> Option<CredentialReport> {
        self.reports.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }
}

/// Most reports that are kept.
const REPORTS_MAX: usize = 64;
