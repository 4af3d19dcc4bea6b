//! PolicyExclusionList: policies of the entity that a simulation leaves out.
//!
//! Not here: policies that the request itself gives; they are never left out. Invariant: what matches nothing is ignored.
//!
//! Rule: the data type PolicyIdentifier of the IAM API reference.

use super::invalid;
use crate::{
    error::ApiError,
    identity::{PolicyArn, PolicySource, PolicySources},
    operations::iam::members,
    wire::Fields,
};

/// Which policies are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operations::iam) enum Exclusion {
    /// The managed policies whose ARN matches; wildcards only in its last part.
    Arn(String),
    /// The inline policy of a name, of the entities whose name matches.
    Inline { policy: String, holder: &'static str, name: String },
    /// All of a type.
    Type(&'static str),
}

/// Reads the list.
///
/// # Errors
/// `InvalidInput` for an identifier that names in no way or in several, and for an ARN of anything else.
pub(in crate::operations::iam) fn read_exclusions(fields: &mut Fields) -> Result<Vec<Exclusion>, ApiError> {
    let list = fields.structures("PolicyExclusionList", 0..=EXCLUSIONS_MAX, identifier)?;
    Ok(list.unwrap_or_default().into_iter().flatten().collect())
}

/// One identifier; none if it breaks the model, which the answer then names.
fn identifier(fields: &mut Fields) -> Result<Option<Exclusion>, ApiError> {
    let kind = fields.choice("PolicyType", TYPES, |name| name)?;
    let arn = fields.text("PolicyArn", members::ARN_CHARS)?;
    let inline = fields.structure("InlinePolicyIdentifier", inline)?;
    if fields.has_violations() {
        return Ok(None);
    }
    match (kind, arn, inline) {
        (Some(kind), None, None) => Ok(Some(Exclusion::Type(kind))),
        (None, Some(arn), None) if is_policy_pattern(&arn) => Ok(Some(Exclusion::Arn(arn))),
        (None, Some(arn), None) => Err(invalid(format!("ARN {arn} is not valid."))),
        (None, None, Some(inline)) => Ok(Some(inline)),
        _ => Err(invalid("A policy identifier has exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier.")),
    }
}

fn inline(fields: &mut Fields) -> Result<Exclusion, ApiError> {
    let policy = members::required_name(fields, "PolicyName", members::NAME_CHARS_MAX)?;
    let holder = fields.choice("AttachmentType", HOLDERS, |name| name)?;
    let holder = fields.require("AttachmentType", holder);
    // The model's pattern knows no wildcards, which its text allows here.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-*?".contains(c);
    let name = fields.pattern_text("AttachmentName", 1..=members::NAME_CHARS_MAX, "[\\w+=,.@-]+", allowed)?;
    Ok(Exclusion::Inline { policy, holder, name: fields.require("AttachmentName", name) })
}

/// Whether a text is the ARN of a managed policy, in whose name there may be one `*` and any number of `?`.
fn is_policy_pattern(text: &str) -> bool {
    let Some(arn) = PolicyArn::parse(text) else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-*?".contains(c);
    !arn.path.contains(['*', '?']) && arn.name.chars().all(is_name) && arn.name.matches('*').count() <= 1
}

impl Exclusion {
    /// Takes what the exclusions name out of the policies of an entity.
    pub(in crate::operations::iam) fn apply(list: &[Self], sources: &mut PolicySources) {
        sources.identity.retain(|source| !list.iter().any(|exclusion| exclusion.names(source)));
        if list.contains(&Self::Type(BOUNDARY)) {
            sources.boundary = None;
        }
    }

    fn names(&self, source: &PolicySource) -> bool {
        match self {
            Self::Arn(pattern) => source.arn().is_some() && matches(pattern, &source.document().name),
            Self::Inline { policy, holder, name } => source.holder().is_some_and(|found| {
                found.word == *holder && *policy == *source.document().name && matches(name, found.name)
            }),
            Self::Type(INLINE) => source.holder().is_some(),
            Self::Type(AWS_MANAGED) => source.is_aws(),
            Self::Type(USER_MANAGED) => source.holder().is_none() && !source.is_aws(),
            Self::Type(_) => false,
        }
    }
}

/// Whether a text matches a pattern with `*` and `?`. Work is at most the product of their lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the pattern so far matches.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for c in pattern.chars() {
        let mut before = false;
        for (place, here) in reached.iter_mut().enumerate() {
            let was = *here;
            *here = match c {
                '*' => was || (place > 0 && before),
                '?' => place > 0 && before,
                _ => place > 0 && before && text.get(place - 1) == Some(&c),
            };
            // A run goes on from what it has reached, everything else from what was there before.
            before = if c == '*' { *here } else { was };
        }
    }
    reached.last() == Some(&true)
}

const AWS_MANAGED: &str = "aws-managed";
const BOUNDARY: &str = "permission-boundary";
const INLINE: &str = "inline";
const USER_MANAGED: &str = "user-managed";
const TYPES: &[&str] = &[INLINE, AWS_MANAGED, USER_MANAGED, BOUNDARY, "scp", "rcp"];
const HOLDERS: &[&str] = &["user", "group", "role"];
const EXCLUSIONS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("?b?", "abc", true),
            ("?b?", "ab", false),
            ("a?*", "a", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*c", "abcabc", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn arns_of_policies_have_wildcards_in_their_name_alone() {
        for good in ["arn:aws:iam::aws:policy/A*", "arn:aws:iam::111122223333:policy/team/p??x"] {
            assert!(is_policy_pattern(good), "{good}");
        }
        for bad in [
            "arn:aws:iam::aws:policy/A*B*",
            "arn:aws:iam::*:policy/A",
            "arn:aws:iam::111122223333:policy/t*m/p",
            "arn:aws:iam::111122223333:user/p",
            "policy/p",
        ] {
            assert!(!is_policy_pattern(bad), "{bad}");
        }
    }
}
