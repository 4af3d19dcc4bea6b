//! Rules about Resource and NotResource.
//!
//! Not here: whether a resource exists; and key policies, which store every text (what is no ARN matches nothing).

use super::{Checked, ensure};
use crate::{
    document::Target,
    syntax::RawStatement,
    variable::{ARN_PARTS, split_arn},
};

/// Whether the values have the shape that the older parser wants: an ARN that leaves out parts has no empty ones.
pub(super) fn shaped(target: Target, statement: &RawStatement) -> bool {
    values(target, statement).all(|value| !value.contains("::") || split_arn(value).len() == ARN_PARTS)
}

/// The first value that is neither `*` nor an ARN of a known partition and a literal service.
pub(super) fn formats(target: Target, statement: &RawStatement) -> Checked {
    values(target, statement).filter(|value| *value != "*").try_for_each(|value| format(target, value))
}

fn values(target: Target, statement: &RawStatement) -> impl Iterator<Item = &str> {
    // Trust policies have no resources at all, which has its own message.
    let checked = !matches!(target, Target::KeyPolicy | Target::Trust);
    statement.resource.iter().filter(move |_| checked).flat_map(|found| &found.list).map(String::as_str)
}

fn format(target: Target, value: &str) -> Checked {
    let parts = split_arn(value);
    let part = |at: usize| parts.get(at).copied().unwrap_or("*");
    let not_an_arn = || format!("Resource {value} must be in ARN format or \"*\".");
    ensure(parts.first() == Some(&"arn") && parts.len() > 1, not_an_arn)?;
    ensure(PARTITIONS.contains(&part(1)), || {
        let completed = format!("{value}{}", ":*".repeat(ARN_PARTS.saturating_sub(parts.len())));
        format!("Partition \"{}\" is not valid for resource \"{completed}\".", part(1))
    })?;
    let service = part(2);
    ensure(!service.is_empty() && !service.contains(['*', '?']), || VENDOR.into())?;
    let has_region = parts.get(3).is_some_and(|region| !region.is_empty());
    let (path, is_complete) = (part(5), parts.len() == ARN_PARTS);
    match service {
        "iam" => {
            ensure(!has_region, || format!("IAM resource {value} cannot contain region information."))?;
            let known = path == "*" || IAM_PATHS.iter().any(|start| path.starts_with(start));
            ensure(known, || {
                format!("IAM resource path must either be \"*\" or start with {}.", IAM_PATHS.join(", "))
            })?;
        }
        // Access points are the resources of S3 that live in a Region.
        "s3" => ensure(!has_region || !is_complete || path.starts_with("accesspoint/"), || {
            format!("Resource {value} can not contain region information.")
        })?,
        _ => {}
    }
    let completes = matches!(target, Target::Identity | Target::ResourceControl | Target::ServiceControl);
    ensure(is_complete || completes, not_an_arn)
}

/// The partitions, and the `*` that shipped policies use.
const PARTITIONS: [&str; 9] =
    ["*", "aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov"];

const VENDOR: &str = "Resource vendor must be fully qualified and cannot contain regexes.";

/// What the last part of an ARN of IAM may begin with, in the order of the service's message.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];
