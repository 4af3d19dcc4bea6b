//! Rules about Action and NotAction.
//!
//! Not here: whether an action exists; unknown names are stored.

use super::{Checked, ensure};
use crate::{document::Target, syntax::RawStatement};

/// `*`, or one colon behind a service that is literal or `*`.
pub(super) fn formats(statement: &RawStatement) -> Checked {
    for action in statement.action.iter().flat_map(|found| &found.list).filter(|action| *action != "*") {
        let Some((vendor, name)) = action.split_once(':') else { return Err(NO_VENDOR.into()) };
        ensure(!name.contains(':'), || COLONS.into())?;
        let literal = |vendor: &str| {
            !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        };
        ensure(vendor == "*" || literal(vendor), || format!("Vendor {vendor} is not valid"))?;
    }
    Ok(())
}

/// A trust policy is about the actions of STS.
pub(super) fn placed(target: Target, statement: &RawStatement) -> Checked {
    let mut actions = statement.action.iter().flat_map(|found| &found.list);
    let of_sts = |action: &String| action.split_once(':').is_some_and(|(vendor, _)| vendor.eq_ignore_ascii_case("sts"));
    ensure(target != Target::Trust || actions.all(of_sts), || TRUST.into())
}

const NO_VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const COLONS: &str = "Actions/Condition can contain only one colon.";
// Two blanks before "and", as the service writes it.
const TRUST: &str = "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and \
                     sts:AssumeRoleWithWebIdentity";
