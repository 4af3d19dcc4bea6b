//! GetCredentialReport: the table that GenerateCredentialReport made last.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html>

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Serialize;

use super::shapes::instant;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetCredentialReport;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    content: String,
    report_format: &'static str,
    generated_time: String,
}

impl Operation for GetCredentialReport {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetCredentialReport", &[]);
    type Input = ();
    type Target = ();
    type Output = Output;

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GetCredentialReport")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Some(report) = doors.identity.report(authorized.caller().caller().account) else {
            return Err(ApiError::new(ErrorCode::ReportNotPresent, "No report present. Please generate a new report."));
        };
        if report.generated.plus_seconds(REPORT_SECONDS_MAX) <= authorized.circumstances().now {
            return Err(ApiError::new(ErrorCode::ReportExpired, "Report expired. Please generate a new report."));
        }
        Ok(Outcome::answer(Output {
            content: BASE64.encode(report.csv.as_bytes()),
            report_format: "text/csv",
            generated_time: instant(report.generated),
        }))
    }
}

/// How long a report may be fetched, in seconds ("Getting credential reports": four hours).
const REPORT_SECONDS_MAX: i64 = 14_400;
