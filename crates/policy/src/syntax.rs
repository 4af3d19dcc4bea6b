//! The structure of a policy document: which elements stand where, and of which JSON type.
//!
//! Not here: rules that depend on the place a document is written for (`validate`), and meaning (`statement`).
//! Invariants: element and operator names count their case; no element is known that the grammar does not name.
//! Source: "Grammar of the IAM JSON policy language" of the IAM user guide.

use std::ops::Range;

use crate::{
    condition::operator::Operator,
    json::{Json, Object},
};

/// A document as written.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) version: Option<Version>,
    pub(crate) statements: Vec<RawStatement>,
}

/// The version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2008-10-17, also meant when the element is missing: without variables.
    V2008,
    /// 2012-10-17: with variables.
    V2012,
}

/// A statement as written.
#[derive(Debug)]
pub(crate) struct RawStatement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: RawEffect,
    pub(crate) principal: Option<Listed<RawPrincipal>>,
    pub(crate) action: Option<Listed<Vec<String>>>,
    pub(crate) resource: Option<Listed<Vec<String>>>,
    pub(crate) conditions: Vec<RawCondition>,
    pub(crate) span: Range<usize>,
}

/// An element, or its `Not…` form.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) not: bool,
    pub(crate) list: T,
}

/// The value of Effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawEffect {
    Allow,
    Deny,
    /// `Allow` or `Deny` in another case, which has its own message.
    WrongCase,
}

/// The value of Principal or NotPrincipal.
#[derive(Debug)]
pub(crate) enum RawPrincipal {
    /// A string, of which only `*` means something.
    Text(String),
    /// Values by type, such as `AWS`.
    Typed(Vec<(String, Vec<String>)>),
}

/// One operator with one key.
#[derive(Debug)]
pub(crate) struct RawCondition {
    pub(crate) operator: Operator,
    /// The operator as written.
    pub(crate) operator_text: String,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// The document breaks the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError;

type Parsed<T> = Result<T, SyntaxError>;

/// Reads the structure of a document.
pub(crate) fn read(json: &Json) -> Parsed<Syntax> {
    let Json::Object(object) = json else { return Err(SyntaxError) };
    let mut version = None;
    let mut statements = None;
    for (name, value) in &object.members {
        match name.as_str() {
            "Version" => version = Some(read_version(value)?),
            "Id" => drop(text(value)?),
            "Statement" => statements = Some(read_statements(value)?),
            _ => return Err(SyntaxError),
        }
    }
    Ok(Syntax { version, statements: statements.ok_or(SyntaxError)? })
}

fn read_version(value: &Json) -> Parsed<Version> {
    match text(value)?.as_str() {
        "2008-10-17" => Ok(Version::V2008),
        "2012-10-17" => Ok(Version::V2012),
        _ => Err(SyntaxError),
    }
}

fn read_statements(value: &Json) -> Parsed<Vec<RawStatement>> {
    match value {
        Json::Object(object) => Ok(vec![statement(object)?]),
        Json::List(items) if !items.is_empty() => items
            .iter()
            .map(|item| match item {
                Json::Object(object) => statement(object),
                _ => Err(SyntaxError),
            })
            .collect(),
        _ => Err(SyntaxError),
    }
}

fn statement(object: &Object) -> Parsed<RawStatement> {
    let (mut sid, mut effect, mut conditions) = (None, None, Vec::new());
    let (mut principal, mut action, mut resource) = (None, None, None);
    for (name, value) in &object.members {
        let not = name.starts_with("Not");
        match name.as_str() {
            "Sid" => sid = Some(text(value)?),
            "Effect" => effect = Some(read_effect(value)?),
            "Principal" | "NotPrincipal" => once(&mut principal, not, read_principal(value)?)?,
            "Action" | "NotAction" => once(&mut action, not, texts(value)?)?,
            "Resource" | "NotResource" => once(&mut resource, not, texts(value)?)?,
            "Condition" => conditions = read_conditions(value)?,
            _ => return Err(SyntaxError),
        }
    }
    let effect = effect.ok_or(SyntaxError)?;
    Ok(RawStatement { sid, effect, principal, action, resource, conditions, span: object.span.clone() })
}

/// An element and its `Not…` form exclude each other.
fn once<T>(place: &mut Option<Listed<T>>, not: bool, list: T) -> Parsed<()> {
    match place.replace(Listed { not, list }) {
        None => Ok(()),
        Some(_) => Err(SyntaxError),
    }
}

fn read_effect(value: &Json) -> Parsed<RawEffect> {
    match text(value)?.as_str() {
        "Allow" => Ok(RawEffect::Allow),
        "Deny" => Ok(RawEffect::Deny),
        other if ["allow", "deny"].iter().any(|known| other.eq_ignore_ascii_case(known)) => Ok(RawEffect::WrongCase),
        _ => Err(SyntaxError),
    }
}

fn read_principal(value: &Json) -> Parsed<RawPrincipal> {
    match value {
        Json::Text(_) => text(value).map(RawPrincipal::Text),
        Json::Object(object) => object
            .members
            .iter()
            .map(|(kind, values)| match kind.as_str() {
                "AWS" | "CanonicalUser" | "Federated" | "Service" => Ok((kind.clone(), texts(values)?)),
                _ => Err(SyntaxError),
            })
            .collect::<Parsed<_>>()
            .map(RawPrincipal::Typed),
        _ => Err(SyntaxError),
    }
}

fn read_conditions(value: &Json) -> Parsed<Vec<RawCondition>> {
    let Json::Object(block) = value else { return Err(SyntaxError) };
    let mut conditions = Vec::new();
    for (operator_text, keys) in &block.members {
        let Json::Object(keys) = keys else { return Err(SyntaxError) };
        // An unknown operator is refused with its first key only: an empty map says nothing.
        for (key, values) in &keys.members {
            conditions.push(RawCondition {
                operator: Operator::parse(operator_text).ok_or(SyntaxError)?,
                operator_text: operator_text.clone(),
                key: permitted(key)?.into(),
                values: scalars(values)?,
            });
        }
    }
    Ok(conditions)
}

fn text(value: &Json) -> Parsed<String> {
    match value {
        Json::Text(text) => permitted(text).map(Into::into),
        _ => Err(SyntaxError),
    }
}

fn texts(value: &Json) -> Parsed<Vec<String>> {
    match value {
        Json::List(items) => items.iter().map(text).collect(),
        _ => Ok(vec![text(value)?]),
    }
}

/// Condition values: strings, numbers and booleans, each as its text.
fn scalars(value: &Json) -> Parsed<Vec<String>> {
    let scalar = |value: &Json| match value {
        Json::Bool(truth) => Ok(truth.to_string()),
        Json::Number(number) => Ok(number.clone()),
        _ => text(value),
    };
    match value {
        Json::List(items) => items.iter().map(scalar).collect(),
        _ => Ok(vec![scalar(value)?]),
    }
}

/// The characters a policy may hold: tab, line feed, carriage return, and U+0020 to U+00FF; escapes do not widen it.
fn permitted(text: &str) -> Parsed<&str> {
    let known = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if text.chars().all(known) { Ok(text) } else { Err(SyntaxError) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn conditions(block: &str) -> Parsed<Vec<RawCondition>> {
        let text = format!(r#"{{"Statement":{{"Effect":"Deny","Condition":{block}}}}}"#);
        let mut syntax = read(&json::read(&text).unwrap())?;
        Ok(syntax.statements.remove(0).conditions)
    }

    #[test]
    fn numbers_and_booleans_become_their_text() {
        let found = conditions(r#"{"NumericEquals":{"a:b":[1.50,true,"x"]}}"#).unwrap();
        assert_eq!(found[0].values, ["1.50", "true", "x"]);
    }

    #[test]
    fn condition_values_are_scalars() {
        for value in ["null", "{}", "[[1]]", "[null]"] {
            assert!(conditions(&format!(r#"{{"StringEquals":{{"a:b":{value}}}}}"#)).is_err(), "{value}");
        }
    }

    #[test]
    fn an_element_excludes_its_not_form() {
        for element in ["Action", "Resource"] {
            let text = format!(r#"{{"Statement":{{"Effect":"Allow","{element}":"*","Not{element}":"*"}}}}"#);
            assert_eq!(read(&json::read(&text).unwrap()).unwrap_err(), SyntaxError, "{element}");
        }
    }
}
