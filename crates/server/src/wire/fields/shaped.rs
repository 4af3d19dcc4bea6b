//! Members of richer shapes: structures, lists of names, texts that follow a pattern as a whole.
//!
//! Not here: what is between members. Rule: the texts of `ValidationException` as the service writes them.

use std::ops::RangeInclusive;

use kanuki_types::SecretBytes;
use serde_json::Value;

use super::{Fields, LIST_ITEMS_MAX, into_text, lower_camel, null_at, shorten, wrong_type};
use crate::error::ApiError;

/// The model's pattern, for the message, and the characters that it allows.
pub(crate) type CharacterPattern<'a> = (&'a str, fn(char) -> bool);

impl Fields {
    /// A structure, read by `read`; violations inside are named by their whole path. Members that `read` leaves are
    /// refused: here an unknown member is a limitation that would be lost.
    ///
    /// # Errors
    /// `SerializationException` for another type; `ValidationException` for unknown members; as `read`.
    pub fn structure<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        self.read_structure(value, &lower_camel(name), read).map(Some)
    }

    /// A list of structures, each read by `read` as by [`Fields::structure`].
    ///
    /// # Errors
    /// As [`Fields::structure`]; `SerializationException` for more than [`LIST_ITEMS_MAX`] items.
    pub(crate) fn structures<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let Some(items) = self.list(name, &count)? else { return Ok(None) };
        let path = lower_camel(name);
        let items = items.into_iter().enumerate();
        items
            .map(|(i, item)| self.read_structure(item, &format!("{path}.{}.member", i + 1), &mut read))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn read_structure<T>(
        &mut self,
        value: Value,
        path: &str,
        read: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let Value::Object(members) = value else { return Err(wrong_type(&value, "a structure")) };
        let mut inner = Self::new(self.dialect, members);
        let read = read(&mut inner)?;
        for violation in inner.violations {
            // Behind the path a violation says only what the model says, never what the client sent.
            let violation = match violation.rsplit_once("at '") {
                Some((before, after)) => format!("{before}at '{path}.{after}"),
                None => violation,
            };
            self.violate(violation);
        }
        match inner.members.keys().next() {
            Some(unknown) => Err(ApiError::validation(format!("Unknown member '{}' at '{path}'", shorten(unknown)))),
            None => Ok(read),
        }
    }

    /// Text that follows a pattern as a whole; `pattern` is the model's, for the message.
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub fn formed_text(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: &str,
        is_formed: fn(&str) -> bool,
    ) -> Result<Option<String>, ApiError> {
        let text = self.text(name, length)?;
        if let Some(text) = text.as_deref().filter(|text| !is_formed(text)) {
            let (shown, path) = (shorten(text), lower_camel(name));
            self.violate(format!(
                "Value '{shown}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: {pattern}"
            ));
        }
        Ok(text)
    }

    /// Notes that a text at a path does not follow a pattern, the model's.
    pub(crate) fn refuse_form(&mut self, text: &str, path: &str, pattern: &str) {
        let shown = shorten(text);
        self.violate(format!(
            "Value '{shown}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             {pattern}"
        ));
    }

    /// Secret text whose length is in the range and in which every character is allowed; a message never repeats it.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub(crate) fn secret_text(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: Option<CharacterPattern<'_>>,
    ) -> Result<Option<SecretBytes>, ApiError> {
        Ok(self.unrepeated_text(name, length, pattern)?.map(|text| SecretBytes::new(text.into_bytes())))
    }

    /// Text as [`Fields::secret_text`] reads it, for what is a secret for a moment only, such as a one-time code.
    ///
    /// # Errors
    /// `SerializationException` for another type.
    pub(crate) fn unrepeated_text(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: Option<CharacterPattern<'_>>,
    ) -> Result<Option<String>, ApiError> {
        let Some(text) = self.take(name).map(|value| into_text(value, name)).transpose()? else { return Ok(None) };
        let path = lower_camel(name);
        self.check_length(&path, None, text.chars().count(), &length);
        if let Some((pattern, allowed)) = pattern
            && !text.chars().all(allowed)
        {
            self.violate(format!(
                "Value at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
            ));
        }
        Ok(Some(text))
    }

    /// A list of structures with one text each.
    ///
    /// # Errors
    /// `SerializationException` for another type or more than [`LIST_ITEMS_MAX`] items.
    pub fn text_members(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        (member, length): (&str, RangeInclusive<usize>),
    ) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.list(name, &count)? else { return Ok(None) };
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let Value::Object(mut members) = item else { return Err(wrong_type(&item, "a structure")) };
            let path = format!("{}.{}.member.{}", lower_camel(name), i + 1, lower_camel(member));
            match members.remove(member).map(|value| into_text(value, member)).transpose()? {
                Some(text) => {
                    self.check_length(&path, Some(&text), text.chars().count(), &length);
                    texts.push(text);
                }
                None => self.violate(null_at(&path)),
            }
        }
        Ok(Some(texts))
    }

    /// A list of names.
    ///
    /// # Errors
    /// `SerializationException` for another type or more than [`LIST_ITEMS_MAX`] items.
    pub fn choices<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        wire_name: fn(T) -> &'static str,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let Some(items) = self.list(name, &(0..=LIST_ITEMS_MAX))? else { return Ok(None) };
        let mut chosen = Vec::with_capacity(items.len());
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let text = into_text(item, name)?;
            chosen.extend(all.iter().copied().find(|value| wire_name(*value) == text));
            texts.push(text);
        }
        if chosen.len() != texts.len() {
            let names: Vec<&str> = all.iter().map(|value| wire_name(*value)).collect();
            let (shown, path, names) = (shorten(&texts.join(", ")), lower_camel(name), names.join(", "));
            self.violate(format!(
                "Value '[{shown}]' at '{path}' failed to satisfy constraint: Member must satisfy constraint: [Member must \
                 satisfy enum value set: [{names}]]"
            ));
        }
        Ok(Some(chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Dialect, *};

    fn fields(json: &str) -> Fields {
        let Value::Object(members) = serde_json::from_str(json).unwrap() else { panic!() };
        Fields::new(Dialect::Json, members)
    }

    #[test]
    fn violations_in_structures_have_their_whole_path() {
        let mut outer = fields(r#"{"Outer": {"Inner": "at 'x'"}}"#);
        let inner = outer.structure("Outer", |inner| inner.text("Inner", 9..=9)).unwrap();
        assert_eq!(inner.flatten().unwrap(), "at 'x'");
        let error = outer.finish().unwrap_err();
        assert_eq!(
            error.message().unwrap(),
            "1 validation error detected: Value 'at 'x'' at 'outer.inner' failed to satisfy constraint: Member must have \
             length greater than or equal to 9"
        );
        let unknown = fields(r#"{"Outer": {"New": 1}}"#).structure("Outer", |_| Ok(())).unwrap_err();
        assert_eq!(unknown.message().unwrap(), "Unknown member 'New' at 'outer'");
        assert!(fields(r#"{"Outer": 1}"#).structure("Outer", |_| Ok(())).is_err());
        assert!(fields("{}").structure("Outer", |_| Ok(())).unwrap().is_none());
    }

    #[test]
    fn each_structure_of_a_list_is_read_and_named_by_its_number() {
        let mut good = fields(r#"{"L": [{"Inner": "a"}, {}]}"#);
        let read = good.structures("L", 0..=2, |inner| inner.text("Inner", 1..=9)).unwrap().unwrap();
        assert_eq!(read, [Some("a".to_owned()), None]);
        let mut bad = fields(r#"{"L": [{"Inner": "a"}, {"Inner": ""}]}"#);
        bad.structures("L", 0..=2, |inner| inner.text("Inner", 1..=9)).unwrap();
        let error = bad.finish().unwrap_err();
        assert!(error.message().unwrap().contains("at 'l.2.member.inner' failed"), "{error}");
        for wrong in [r#"{"L": [{"Other": "a"}]}"#, r#"{"L": ["a"]}"#, r#"{"L": {}}"#] {
            assert!(fields(wrong).structures("L", 0..=2, |_| Ok(())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_repeated() {
        let mut bad = fields(r#"{"Outer": {"Secret": "hunter2!"}}"#);
        let letters: fn(char) -> bool = |c| c.is_ascii_alphabetic();
        bad.structure("Outer", |inner| inner.secret_text("Secret", 20..=30, Some(("^[a-z]+$", letters)))).unwrap();
        let error = bad.finish().unwrap_err();
        let message = error.message().unwrap();
        assert!(message.starts_with("2 validation errors detected: Value at 'outer.secret' failed"), "{message}");
        assert!(!message.contains("hunter"), "{message}");
    }

    #[test]
    fn every_name_of_a_list_is_looked_up() {
        let wire = |value: u8| if value == 1 { "One" } else { "Two" };
        let mut good = fields(r#"{"L": ["Two", "One"]}"#);
        assert_eq!(good.choices("L", &[1, 2], wire).unwrap().unwrap(), [2, 1]);
        good.finish().unwrap();
        let mut bad = fields(r#"{"L": ["Two", "Three"]}"#);
        bad.choices("L", &[1, 2], wire).unwrap();
        assert!(bad.finish().unwrap_err().message().unwrap().contains("Value '[Two, Three]' at 'l' failed"));
    }
}
