//! Policy variables, `${key}` and `${key, 'default'}`, and the splitting of texts that may hold them.
//!
//! Not here: matching. A replaced value is literal text, so a text is cut into its parts before any value is known.
//! Invariant: cutting takes time proportional to the text.
//! Source: "IAM policy elements: Variables and tags" of the IAM user guide.

use std::borrow::Cow;

use crate::{
    facts::{Fact, Facts},
    fold::fold_key,
};

/// A reference to a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The key as written; empty if the reference is malformed, which never has a value.
    pub(crate) name: Box<str>,
    /// The key in lower case.
    pub(crate) key: Box<str>,
    default: Option<Box<str>>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// An ordinary character, which may be a wildcard.
    Char(char),
    /// `${*}`, `${?}` or `${$}`: the character itself.
    Escaped(char),
    /// A variable, with its text.
    Variable(Variable, &'a str),
}

impl Variable {
    /// The value in a request: none if the key is absent, has several values, or has bytes, and there is no default.
    pub(crate) fn value<'a>(&'a self, facts: &'a dyn Facts) -> Option<Cow<'a, str>> {
        if self.key.is_empty() {
            return None;
        }
        match facts.fact(&self.key) {
            Some(Fact::One(value)) => Some(value),
            // "No value": a default stands in for an absent key only, not for a set.
            Some(Fact::Many(values)) if !values.is_empty() => None,
            Some(Fact::Binary(_)) => None,
            Some(Fact::Many(_)) | None => self.default.as_deref().map(Cow::Borrowed),
        }
    }

    /// Whether there is neither a value in a request nor a default.
    pub(crate) fn needs_value(&self, facts: &dyn Facts) -> bool {
        !self.key.is_empty() && self.default.is_none() && facts.fact(&self.key).is_none()
    }

    fn malformed() -> Self {
        Self { name: "".into(), key: "".into(), default: None }
    }
}

/// Cuts a text into characters and variables; without `variables`, into characters only.
pub(crate) fn parts(text: &str, variables: bool) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    // Without a closing brace ahead nothing can be a variable; known beforehand, it is not searched for again.
    let mut braces = if variables { text.matches('}').count() } else { 0 };
    while let Some(c) = rest.chars().next() {
        if braces > 0
            && let Some((part, after)) = reference(rest)
        {
            let taken = rest.len() - after.len();
            braces -= rest.get(..taken).map_or(0, |text| text.matches('}').count());
            parts.push(part);
            rest = after;
            continue;
        }
        braces -= usize::from(variables && c == '}' && braces > 0);
        parts.push(Part::Char(c));
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    parts
}

/// Reads a variable at the beginning of a text that has a closing brace ahead.
fn reference(text: &str) -> Option<(Part<'_>, &str)> {
    let body = text.strip_prefix("${")?;
    for escape in ['*', '?', '$'] {
        if let Some(after) = body.strip_prefix(escape).and_then(|rest| rest.strip_prefix('}')) {
            return Some((Part::Escaped(escape), after));
        }
    }
    let (variable, after) = variable(body).or_else(|| {
        let (_, after) = body.split_once('}')?;
        Some((Variable::malformed(), after))
    })?;
    Some((Part::Variable(variable, text.get(..text.len() - after.len())?), after))
}

/// Reads what follows `${`: a key, and perhaps a comma, blanks and a default in single quotes.
fn variable(body: &str) -> Option<(Variable, &str)> {
    let (name, rest) = body.split_at_checked(body.find(['}', ','])?)?;
    if name.is_empty() {
        return None;
    }
    let (default, after) = match rest.strip_prefix(',') {
        None => (None, rest.strip_prefix('}')?),
        Some(rest) => {
            let (default, rest) = rest.trim_start_matches(' ').strip_prefix('\'')?.split_once('\'')?;
            (Some(default.into()), rest.trim_start_matches(' ').strip_prefix('}')?)
        }
    };
    Some((Variable { name: name.into(), key: fold_key(name).into(), default }, after))
}

/// Splits an ARN or a pattern of ARNs into at most six parts, at the colons outside of `${…}`.
pub(crate) fn split_arn(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() < ARN_PARTS - 1 {
        let Some(colon) = colon_outside_braces(rest) else { break };
        let Some((part, after)) = rest.split_at_checked(colon) else { break };
        parts.push(part);
        rest = after.strip_prefix(':').unwrap_or(after);
    }
    parts.push(rest);
    parts
}

fn colon_outside_braces(text: &str) -> Option<usize> {
    let (mut inside, mut dollar) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            '{' if dollar => inside = true,
            '}' => inside = false,
            ':' if !inside => return Some(at),
            _ => {}
        }
        dollar = c == '$';
    }
    None
}

/// Number of parts of an ARN.
pub(crate) const ARN_PARTS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{FactMap, FactValue};

    fn first(text: &str) -> Variable {
        match parts(text, true).remove(0) {
            Part::Variable(variable, whole) => {
                assert!(text.starts_with(whole));
                variable
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let none = FactMap::new();
        for (text, value) in [
            ("${aws:username}", None),
            ("${aws:username, 'x}y'}", Some("x}y")),
            ("${aws:username,'x'}", Some("x")),
            ("${aws:username, ''}", Some("")),
            ("${aws:username, x}", None),
            ("${aws:username, 'x}", None),
            ("${}", None),
        ] {
            assert_eq!(first(text).value(&none).as_deref(), value, "{text}");
        }
    }

    #[test]
    fn a_set_is_no_value_and_an_empty_set_is_absent() {
        let mut facts = FactMap::new();
        facts.insert("aws:TagKeys", FactValue::Many(vec!["a".into()]));
        let variable = first("${aws:TagKeys, 'd'}");
        assert_eq!(variable.value(&facts), None);
        facts.insert("aws:TagKeys", FactValue::Many(vec![]));
        assert_eq!(variable.value(&facts).as_deref(), Some("d"));
    }

    #[test]
    fn escapes_and_unclosed_references() {
        assert_eq!(parts("${*}", true), [Part::Escaped('*')]);
        assert_eq!(parts("${*}", false).len(), 4);
        assert_eq!(parts("${a", true).len(), 3);
        assert_eq!(parts("}${a", true).len(), 4);
        assert_eq!(parts("${$}{a}", true).len(), 4);
    }

    #[test]
    fn cutting_is_linear() {
        // Quadratic work would take minutes here.
        let unclosed = "${a, '".repeat(20_000);
        assert!(parts(&unclosed, true).len() > 20_000);
        assert!(!parts(&format!("{unclosed}}}"), true).is_empty());
        assert!(!parts(&format!("}}{unclosed}"), true).is_empty());
    }

    #[test]
    fn arns_split_outside_braces() {
        assert_eq!(
            split_arn("arn:aws:iam::${aws:PrincipalAccount}:role/a:b"),
            ["arn", "aws", "iam", "", "${aws:PrincipalAccount}", "role/a:b"]
        );
        assert_eq!(split_arn("mykey"), ["mykey"]);
    }
}
