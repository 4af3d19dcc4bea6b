//! GenerateCredentialReport: a table of the account's users and the state of their credentials.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html>; the columns are those
//! of "Getting credential reports" of the IAM user guide.

use std::fmt::Write as _;

use kanuki_types::{AccountId, PARTITION, Timestamp};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::{CredentialReport, PrincipalKind, StoredPrincipal},
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GenerateCredentialReport;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    state: &'static str,
}

impl Operation for GenerateCredentialReport {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GenerateCredentialReport", &[]);
    type Input = ();
    type Target = ();
    type Output = Output;

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GenerateCredentialReport")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let account = authorized.caller().caller().account;
        let mut csv = COLUMNS.join(",");
        root_row(doors, account, &mut csv).await?;
        let mut page = PageRequest::first("GenerateCredentialReport", ROWS_AT_ONCE);
        let mut rows = 0;
        loop {
            let place = (account, PrincipalKind::User);
            let (users, next) = doors.identity.principals_from(place, "/", &page).await?;
            rows += users.len();
            if rows > ROWS_MAX {
                return Err(members::over_quota("UsersPerCredentialReport", ROWS_MAX));
            }
            for user in &users {
                user_row(doors, user, &mut csv).await?;
            }
            let Some(next) = next else { break };
            page = page.behind(Some(next));
        }
        let report = CredentialReport { generated: authorized.circumstances().now, csv: csv.into() };
        doors.identity.keep_report(account, report);
        Ok(Outcome::answer(Output { state: "COMPLETE" }))
    }
}

async fn root_row(doors: &Doors, account: AccountId, csv: &mut String) -> Result<(), ApiError> {
    let record = doors.identity.account(account).await?;
    let record = record.ok_or_else(|| ApiError::internal("the account of a caller does not exist"))?.value;
    let arn = format!("arn:{PARTITION}:iam::{account}:root");
    let fields = ["<root_account>".into(), arn, time(record.created)];
    let password = ["not_supported", "no_information", "not_supported", "not_supported", "false"];
    let fields = fields.into_iter().chain(password.map(String::from));
    row(csv, fields.chain(keys(doors, record.root_access_keys.iter()).await?));
    Ok(())
}

async fn user_row(doors: &Doors, user: &StoredPrincipal, csv: &mut String) -> Result<(), ApiError> {
    let record = user.record();
    let fields = [record.name.clone(), user.arn(), time(record.created)];
    let password = ["false", NONE, NONE, NONE].map(String::from);
    let mfa = (!record.mfa_devices.is_empty()).to_string();
    let fields = fields.into_iter().chain(password).chain([mfa]);
    row(csv, fields.chain(keys(doors, record.access_keys.iter()).await?));
    Ok(())
}

/// The columns of both access keys and both certificates.
async fn keys(doors: &Doors, ids: impl Iterator<Item = &String> + Send) -> Result<Vec<String>, ApiError> {
    let mut fields = Vec::new();
    for id in ids.take(2) {
        let Some(key) = doors.identity.access_key(id).await? else { continue };
        fields.extend([key.is_active().to_string(), time(key.record().created)]);
        match doors.identity.last_use(id).await? {
            Some(last) => fields.extend([time(last.at), last.region, last.service]),
            None => fields.extend([NONE, NONE, NONE].map(String::from)),
        }
    }
    while fields.len() < 2 * COLUMNS_OF_KEY {
        fields.extend(["false", NONE, NONE, NONE, NONE].map(String::from));
    }
    fields.extend(["false", NONE, "false", NONE].map(String::from));
    Ok(fields)
}

/// Appends a row; names may hold commas.
fn row(csv: &mut String, fields: impl Iterator<Item = String>) {
    csv.push('\n');
    for (i, field) in fields.enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = match field.contains([',', '"']) {
            true => write!(csv, "{comma}\"{}\"", field.replace('"', "\"\"")),
            false => write!(csv, "{comma}{field}"),
        };
    }
}

fn time(at: Timestamp) -> String {
    at.iso8601().replace('Z', "+00:00")
}

const COLUMNS: &[&str] = &[
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
];
const COLUMNS_OF_KEY: usize = 5;
const NONE: &str = "N/A";
/// How many users are read at once.
const ROWS_AT_ONCE: usize = 500;
/// Most users of a report.
const ROWS_MAX: usize = 10_000;
