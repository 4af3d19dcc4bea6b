//! The members of one request, read one by one against the rules of the API model.
//!
//! A member of a wrong type fails at once, as the service's parser does; members that break a constraint are collected,
//! so that one answer names them all. Not here: rules between members; operations state those.
//! Invariant: an input is handed out only after [`Fields::finish`] found no violation.
//!
//! Rule: the texts of `ValidationException` as the service writes them.

mod shaped;

use std::{collections::BTreeMap, ops::RangeInclusive};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kanuki_types::{EncryptionContext, SecretBytes, Timestamp};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use crate::error::{ApiError, ErrorCode};

/// Most items of a list or pairs of a map in one request.
pub const LIST_ITEMS_MAX: usize = 1000;

/// Which protocol the members came in: in a form every value is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// AWS JSON 1.0 and 1.1.
    Json,
    /// AWS Query.
    Query,
}

/// Members not yet read, and what was wrong with those that were.
#[derive(Debug)]
pub struct Fields {
    dialect: Dialect,
    members: Map<String, Value>,
    violations: Vec<String>,
    dry_run: bool,
}

impl Fields {
    /// Wraps the members of a request.
    #[must_use]
    pub fn new(dialect: Dialect, members: Map<String, Value>) -> Self {
        Self { dialect, members, violations: Vec::new(), dry_run: false }
    }

    /// The members as they came, for the audit record.
    #[must_use]
    pub fn raw(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Reads `DryRun`, which the pipeline does for every operation that has it, and remembers it for rules that depend
    /// on it.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub(crate) fn read_dry_run(&mut self) -> Result<bool, ApiError> {
        self.dry_run = self.boolean("DryRun")?.unwrap_or(false);
        Ok(self.dry_run)
    }

    /// Whether the call is a dry run.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether a member that was read breaks a constraint.
    #[must_use]
    pub fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `ValidationException` naming every member that breaks a constraint.
    pub fn finish(self) -> Result<(), ApiError> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        Err(ApiError::validation(format!("{count} validation error{plural} detected: {}", self.violations.join("; "))))
    }

    /// Text whose length in characters is in the range.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Result<Option<String>, ApiError> {
        let Some(text) = self.take(name).map(|value| into_text(value, name)).transpose()? else { return Ok(None) };
        self.check_length(&lower_camel(name), Some(&text), text.chars().count(), &length);
        Ok(Some(text))
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub fn required_text(&mut self, name: &str, length: RangeInclusive<usize>) -> Result<String, ApiError> {
        let text = self.text(name, length)?;
        Ok(self.require(name, text))
    }

    /// Text in which every character is allowed; `pattern` is the model's, for the message.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub fn pattern_text(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: &str,
        allowed: fn(char) -> bool,
    ) -> Result<Option<String>, ApiError> {
        let text = self.text(name, length)?;
        if let Some(text) = text.as_deref().filter(|text| !text.chars().all(allowed)) {
            let shown = shorten(text);
            let path = lower_camel(name);
            self.violate(format!(
                "Value '{shown}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: {pattern}"
            ));
        }
        Ok(text)
    }

    /// A whole number in the range.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => {
                number.as_i64().or_else(|| saturate(number.as_f64().filter(|number| number.fract() == 0.0)?))
            }
            Value::String(text) if self.dialect == Dialect::Query => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| wrong_type(&value, "an Integer"))?;
        let constraint = if number < *range.start() {
            format!("Member must have value greater than or equal to {}", range.start())
        } else if number > *range.end() {
            format!("Member must have value less than or equal to {}", range.end())
        } else {
            return Ok(Some(number));
        };
        self.violate(format!("Value '{number}' at '{}' failed to satisfy constraint: {constraint}", lower_camel(name)));
        Ok(Some(number))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match &value {
            Value::Bool(value) => Ok(Some(*value)),
            Value::String(text) if self.dialect == Dialect::Query && text == "true" => Ok(Some(true)),
            Value::String(text) if self.dialect == Dialect::Query && text == "false" => Ok(Some(false)),
            _ => Err(wrong_type(&value, "Boolean")),
        }
    }

    /// An instant: seconds since the epoch in JSON.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub fn timestamp(&mut self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let seconds = value.as_f64().ok_or_else(|| wrong_type(&value, "a timestamp"))?;
        let millis = saturate(seconds * 1000.0).ok_or_else(|| wrong_type(&value, "a timestamp"))?;
        Ok(Some(Timestamp::from_millis(millis)))
    }

    /// One of the names.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub fn choice<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        wire_name: fn(T) -> &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.take(name).map(|value| into_text(value, name)).transpose()? else { return Ok(None) };
        let found = all.iter().copied().find(|value| wire_name(*value) == text);
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|value| wire_name(*value)).collect();
            let (shown, path, names) = (shorten(&text), lower_camel(name), names.join(", "));
            self.violate(format!(
                "Value '{shown}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{names}]"
            ));
        }
        Ok(found)
    }

    /// Bytes in base64 whose number is in the range.
    ///
    /// # Errors
    /// `SerializationException` for another type or text that is not base64.
    pub fn blob(&mut self, name: &str, length: RangeInclusive<usize>) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let mut text = into_text(value, name)?;
        let decoded = BASE64.decode(text.as_bytes());
        text.zeroize();
        let bytes = decoded.map_err(|_| ApiError::bare(ErrorCode::Serialization))?;
        self.check_length(&lower_camel(name), None, bytes.len(), &length);
        Ok(Some(bytes))
    }

    /// Bytes that must be there.
    ///
    /// # Errors
    /// As [`Fields::blob`].
    pub fn required_blob(&mut self, name: &str, length: RangeInclusive<usize>) -> Result<Vec<u8>, ApiError> {
        let bytes = self.blob(name, length)?;
        Ok(self.require(name, bytes))
    }

    /// Bytes that must be there and stay secret.
    ///
    /// # Errors
    /// As [`Fields::blob`].
    pub fn required_secret(&mut self, name: &str, length: RangeInclusive<usize>) -> Result<SecretBytes, ApiError> {
        self.required_blob(name, length).map(SecretBytes::new)
    }

    /// A list of texts.
    ///
    /// # Errors
    /// `SerializationException` for another type or more than [`LIST_ITEMS_MAX`] items.
    pub fn texts(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        length: RangeInclusive<usize>,
    ) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.list(name, &count)? else { return Ok(None) };
        let path = lower_camel(name);
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let text = into_text(item, name)?;
            self.check_length(&format!("{path}.{}.member", i + 1), Some(&text), text.chars().count(), &length);
            texts.push(text);
        }
        Ok(Some(texts))
    }

    /// A list of structures with two texts each, such as tags.
    ///
    /// # Errors
    /// `SerializationException` for another type or more than [`LIST_ITEMS_MAX`] items.
    pub fn text_pairs(
        &mut self,
        name: &str,
        first: (&str, RangeInclusive<usize>),
        second: (&str, RangeInclusive<usize>),
    ) -> Result<Option<Vec<(String, String)>>, ApiError> {
        let Some(items) = self.list(name, &(0..=LIST_ITEMS_MAX))? else { return Ok(None) };
        let path = lower_camel(name);
        let mut pairs = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let Value::Object(members) = item else { return Err(wrong_type(&item, "a structure")) };
            let mut members = Self::new(self.dialect, members);
            let mut part = |(name, length): &(&str, RangeInclusive<usize>)| -> Result<String, ApiError> {
                let text = members.take(name).map(|value| into_text(value, name)).transpose()?;
                let path = format!("{path}.{}.member.{}", i + 1, lower_camel(name));
                match text {
                    Some(text) => {
                        self.check_length(&path, Some(&text), text.chars().count(), length);
                        Ok(text)
                    }
                    None => {
                        self.violate(null_at(&path));
                        Ok(String::new())
                    }
                }
            };
            pairs.push((part(&first)?, part(&second)?));
        }
        Ok(Some(pairs))
    }

    /// An encryption context; absent and empty are the same.
    ///
    /// # Errors
    /// `SerializationException` for another type, `ValidationException` for one that is too large.
    pub fn encryption_context(&mut self, name: &str) -> Result<EncryptionContext, ApiError> {
        let Some(value) = self.take(name) else { return Ok(EncryptionContext::default()) };
        let Value::Object(members) = value else { return Err(wrong_type(&value, "a map")) };
        let mut pairs = BTreeMap::new();
        for (key, value) in members {
            pairs.insert(key, into_text(value, name)?);
        }
        EncryptionContext::new(pairs).map_err(|error| {
            ApiError::validation(format!("{} failed to satisfy constraint: {error}", lower_camel(name)))
        })
    }

    /// Demands a member, noting its absence.
    pub fn require<T: Default>(&mut self, name: &str, value: Option<T>) -> T {
        self.require_or(name, value, T::default())
    }

    /// Demands a member, noting its absence; the stand-in never leaves the reading, because absence is a violation.
    pub fn require_or<T>(&mut self, name: &str, value: Option<T>, stand_in: T) -> T {
        if value.is_none() && !self.has_violation_at(name) {
            self.violate(null_at(&lower_camel(name)));
        }
        value.unwrap_or(stand_in)
    }

    /// Whether a member was there but broke a constraint, so that it is not absent as well.
    fn has_violation_at(&self, name: &str) -> bool {
        let at = format!(" at '{}' ", lower_camel(name));
        self.violations.iter().any(|violation| violation.contains(&at))
    }

    fn list(&mut self, name: &str, count: &RangeInclusive<usize>) -> Result<Option<Vec<Value>>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let items = match value {
            Value::Array(items) => items,
            // A form writes an empty list as an empty text.
            Value::String(text) if self.dialect == Dialect::Query && text.is_empty() => Vec::new(),
            other => return Err(wrong_type(&other, "a list")),
        };
        if items.len() > LIST_ITEMS_MAX {
            return Err(ApiError::bare(ErrorCode::Serialization));
        }
        self.check_length(&lower_camel(name), None, items.len(), count);
        Ok(Some(items))
    }

    /// Takes a member out; null is absence.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    fn check_length(&mut self, path: &str, value: Option<&str>, length: usize, range: &RangeInclusive<usize>) {
        let constraint = if length < *range.start() {
            format!("Member must have length greater than or equal to {}", range.start())
        } else if length > *range.end() {
            format!("Member must have length less than or equal to {}", range.end())
        } else {
            return;
        };
        let shown = value.map(|value| format!("'{}' ", shorten(value))).unwrap_or_default();
        self.violate(format!("Value {shown}at '{path}' failed to satisfy constraint: {constraint}"));
    }

    fn violate(&mut self, violation: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        }
    }
}

/// `KeyId` as paths and audit records write it: `keyId`.
#[must_use]
pub(crate) fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

fn null_at(path: &str) -> String {
    format!("Value null at '{path}' failed to satisfy constraint: Member must not be null")
}

fn into_text(value: Value, _name: &str) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(&other, "a String")),
    }
}

fn wrong_type(value: &Value, wanted: &str) -> ApiError {
    let found = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    ApiError::new(ErrorCode::Serialization, format!("{found} can not be converted to {wanted}"))
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
fn saturate(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Most characters of a wrong value that a message repeats.
const SHOWN_CHARS_MAX: usize = 512;
/// Most violations that one answer names.
const VIOLATIONS_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        let Value::Object(members) = serde_json::from_str(json).unwrap() else { panic!() };
        Fields::new(Dialect::Json, members)
    }

    fn violation(fields: Fields) -> String {
        fields.finish().unwrap_err().message().unwrap().to_owned()
    }

    #[test]
    fn names_every_violation() {
        let mut fields = fields(r#"{"KeyId": "", "NumberOfBytes": 1025}"#);
        fields.required_text("KeyId", 1..=2048).unwrap();
        fields.integer("NumberOfBytes", 1..=1024).unwrap();
        fields.required_blob("Plaintext", 1..=4096).unwrap();
        assert_eq!(
            violation(fields),
            "3 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length \
             greater than or equal to 1; Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have \
             value less than or equal to 1024; Value null at 'plaintext' failed to satisfy constraint: Member must not \
             be null"
        );
    }

    #[test]
    fn blobs_print_no_value() {
        let mut fields = fields(&format!(r#"{{"Plaintext": "{}"}}"#, BASE64.encode([0; 4097])));
        fields.required_secret("Plaintext", 1..=4096).unwrap();
        assert_eq!(
            violation(fields),
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length \
             less than or equal to 4096"
        );
    }

    #[test]
    fn wrong_types_fail_at_once() {
        let error = fields(r#"{"KeyId": 5}"#).text("KeyId", 1..=9).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Serialization);
        assert_eq!(error.message(), Some("NUMBER_VALUE can not be converted to a String"));
        assert!(fields(r#"{"B": "***"}"#).blob("B", 1..=9).is_err());
        assert!(fields(r#"{"N": 1.5}"#).integer("N", 1..=9).is_err());
        assert!(fields(r#"{"N": "5"}"#).integer("N", 1..=9).is_err());
        assert!(fields(r#"{"C": {"a": 1}}"#).encryption_context("C").is_err());
    }

    #[test]
    fn null_is_absence() {
        let mut fields = fields(r#"{"KeyId": null}"#);
        assert_eq!(fields.text("KeyId", 1..=9).unwrap(), None);
        fields.finish().unwrap();
    }

    #[test]
    fn paths_of_list_items_count_from_one() {
        let mut fields = fields(r#"{"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "", "TagValue": "v"}]}"#);
        fields.text_pairs("Tags", ("TagKey", 1..=128), ("TagValue", 0..=256)).unwrap();
        assert!(violation(fields).contains("at 'tags.2.member.tagKey'"));
    }
}
