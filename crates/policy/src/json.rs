//! Strict reading of JSON (RFC 8259) into a small tree.
//!
//! Not here: what a policy may hold; that is `syntax`.
//! Invariants: a repeated member name is an error; numbers keep their text; nothing nests deeper than [`DEPTH_MAX`].

use std::{collections::BTreeSet, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Bool(bool),
    List(Vec<Json>),
    Null,
    Number(String),
    Object(Object),
    Text(String),
}

/// A JSON object: its members in the order of the text, and the bytes of the text that it takes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) members: Vec<(String, Json)>,
    pub(crate) span: Range<usize>,
}

/// The text is not JSON, repeats a member name, or nests too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError;

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Json, JsonError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| JsonError)?;
    Reader { start: text.as_ptr().addr() }.value(raw, 0)
}

/// Walks the tree from the outside to the inside; each level reads its own text once more, so the work is at most
/// [`DEPTH_MAX`] times the length.
struct Reader {
    start: usize,
}

impl Reader {
    fn value(&self, raw: &RawValue, depth: usize) -> Result<Json, JsonError> {
        if depth > DEPTH_MAX {
            return Err(JsonError);
        }
        let text = raw.get();
        match text.bytes().next() {
            Some(b'{') => self.object(text, depth),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| JsonError)?;
                items.into_iter().map(|item| self.value(item, depth + 1)).collect::<Result<_, _>>().map(Json::List)
            }
            Some(b'"') => serde_json::from_str(text).map(Json::Text).map_err(|_| JsonError),
            Some(b't') => Ok(Json::Bool(true)),
            Some(b'f') => Ok(Json::Bool(false)),
            Some(b'n') => Ok(Json::Null),
            Some(_) => Ok(Json::Number(text.into())),
            None => Err(JsonError),
        }
    }

    fn object(&self, text: &str, depth: usize) -> Result<Json, JsonError> {
        let Members(raw) = serde_json::from_str(text).map_err(|_| JsonError)?;
        let distinct: BTreeSet<&str> = raw.iter().map(|(name, _)| name.as_str()).collect();
        if distinct.len() != raw.len() {
            return Err(JsonError);
        }
        let from = text.as_ptr().addr().saturating_sub(self.start);
        let members = raw.into_iter().map(|(name, value)| Ok((name, self.value(value, depth + 1)?)));
        Ok(Json::Object(Object { members: members.collect::<Result<_, _>>()?, span: from..from + text.len() }))
    }
}

/// The members of an object, repeated names included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

/// Deepest nesting that is read. A policy needs five: document, statement list, statement, condition, values.
pub(crate) const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text() {
        let numbers = ["1.50", "9007199254740993", "123456789012345678901234567890", "-0", "1e5"];
        for number in numbers {
            assert_eq!(read(number), Ok(Json::Number(number.into())));
        }
    }

    #[test]
    fn refuses_repeated_names_also_when_spelled_with_escapes() {
        assert_eq!(read(r#"{"a":1,"a":2}"#), Err(JsonError));
        assert_eq!(read(r#"{"a":1,"\u0061":2}"#), Err(JsonError));
        assert!(read(r#"{"a":1,"A":2}"#).is_ok());
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&nested(DEPTH_MAX + 1)).is_ok());
        assert_eq!(read(&nested(DEPTH_MAX + 2)), Err(JsonError));
        assert_eq!(read(&nested(60_000)), Err(JsonError));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "hello", "{", "{}x", "[1,]", "'a'", "01", "\"\\ud800\"", "{\"a\" 1}", "nul", "{} {}"] {
            assert_eq!(read(text), Err(JsonError), "{text}");
        }
    }

    #[test]
    fn objects_know_their_place() {
        let text = r#" {"a": [ {"b":1} ]}"#;
        let Ok(Json::Object(outer)) = read(text) else { panic!("an object") };
        assert_eq!(text.get(outer.span.clone()), Some(r#"{"a": [ {"b":1} ]}"#));
        let Some((_, Json::List(list))) = outer.members.first() else { panic!("a list") };
        let Some(Json::Object(inner)) = list.first() else { panic!("an object") };
        assert_eq!(text.get(inner.span.clone()), Some(r#"{"b":1}"#));
    }
}
