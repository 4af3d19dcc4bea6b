//! AWS Query: a form holds action, version and flat members; answers are XML.
//!
//! Rule: "AWS query protocol" of the Smithy specification.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Value};

use super::{Call, Dialect, Fields, LIST_ITEMS_MAX, Rendered, printable};
use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
    operation::Service,
};

/// Reads action and version from the form, wherever it is.
pub(super) fn recognise(incoming: &Incoming) -> Call {
    let mut action = None;
    let mut version = None;
    for (name, value) in pairs(incoming).flatten() {
        match name.as_ref() {
            "Action" if action.is_none() => action = Some(printable(&value)),
            "Version" if version.is_none() => version = Some(printable(&value)),
            _ => {}
        }
    }
    let known = version.as_deref().and_then(Service::by_query_version);
    Call {
        dialect: Dialect::Query,
        service: known.unwrap_or(Service::Sts),
        operation: action.unwrap_or_default(),
        service_is_known: known.is_some(),
        version,
    }
}

/// Builds nested members from names such as `Tags.member.1.Key`.
pub(super) fn members(incoming: &Incoming) -> Result<Fields, ApiError> {
    let mut root = Node::default();
    for pair in pairs(incoming) {
        let (name, value) = pair?;
        if name.starts_with("X-Amz-") || matches!(name.as_ref(), "Action" | "Version") {
            continue;
        }
        root.insert(&name, value.into_owned(), DEPTH_MAX)?;
    }
    match root.into_value() {
        Value::Object(members) => Ok(Fields::new(Dialect::Query, members)),
        _ => Ok(Fields::new(Dialect::Query, Map::new())),
    }
}

/// A member under construction.
#[derive(Default)]
struct Node {
    value: Option<String>,
    members: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, name: &str, value: String, depth: usize) -> Result<(), ApiError> {
        let malformed = || ApiError::bare(ErrorCode::Serialization);
        if depth == 0 || self.members.len() >= LIST_ITEMS_MAX {
            return Err(malformed());
        }
        let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
        let child = self.members.entry(head.to_owned()).or_default();
        match rest {
            Some(rest) => child.insert(rest, value, depth - 1),
            None if child.value.is_none() => {
                child.value = Some(value);
                Ok(())
            }
            None => Err(malformed()),
        }
    }

    /// A node whose only member is `member` is a list, in the order of its numbers.
    fn into_value(mut self) -> Value {
        if let Some(value) = self.value {
            return Value::String(value);
        }
        if self.members.len() == 1
            && let Some(list) = self.members.remove("member")
        {
            let mut items: Vec<(u64, Self)> =
                list.members.into_iter().map(|(name, node)| (name.parse().unwrap_or(u64::MAX), node)).collect();
            items.sort_by_key(|(number, _)| *number);
            return items.into_iter().map(|(_, node)| node.into_value()).collect();
        }
        Value::Object(self.members.into_iter().map(|(name, node)| (name, node.into_value())).collect())
    }
}

/// The pairs of the body, or of the query string if there is no body.
fn pairs(incoming: &Incoming) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), ApiError>> {
    let form = if incoming.body.is_empty() { incoming.query.as_bytes() } else { incoming.body.as_ref() };
    form.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut parts = pair.splitn(2, |b| *b == b'=');
        let name = decode(parts.next().unwrap_or_default())?;
        let value = decode(parts.next().unwrap_or_default())?;
        Ok((name, value))
    })
}

/// Decodes form text: a plus sign is a blank.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ApiError> {
    let spaced: Cow<'_, [u8]> = if bytes.contains(&b'+') {
        bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect::<Vec<u8>>().into()
    } else {
        bytes.into()
    };
    let decoded = percent_encoding::percent_decode(&spaced).decode_utf8();
    decoded.map(|text| Cow::Owned(text.into_owned())).map_err(|_| ApiError::bare(ErrorCode::Serialization))
}

pub(super) fn render_output(call: &Call, output: Option<&Value>, request_id: &str) -> Rendered {
    let Call { operation, service, .. } = call;
    let mut xml = format!("<{operation}Response xmlns=\"{}\">\n", service.xml_namespace());
    if let Some(output) = output {
        element(&mut xml, &format!("{operation}Result"), output);
        xml.push('\n');
    }
    let _ =
        write!(xml, "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\n</{operation}Response>");
    Rendered { status: 200, content_type: CONTENT_TYPE, body: xml.into_bytes().into() }
}

pub(super) fn render_error(call: &Call, error: &ApiError, request_id: &str) -> Rendered {
    let code = error.code();
    let fault = if code.query_status() < 500 { "Sender" } else { "Receiver" };
    let mut xml = format!("<ErrorResponse xmlns=\"{}\">\n<Error>", call.service.xml_namespace());
    let parts =
        [("Type", fault), ("Code", code.name_in(call.service)), ("Message", error.message().unwrap_or_default())];
    for (name, text) in parts {
        element(&mut xml, name, &Value::String(text.into()));
    }
    let _ = write!(xml, "</Error>\n<RequestId>{request_id}</RequestId>\n</ErrorResponse>");
    Rendered { status: code.query_status(), content_type: CONTENT_TYPE, body: xml.into_bytes().into() }
}

/// Writes one element; list items are called `member` and pairs of a map ([`super::xml_map`]) `entry`, absent values are
/// left out.
fn element(xml: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let _ = write!(xml, "<{name}>");
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| element(xml, name, value)),
        Value::Array(items) if name == ENTRY => {
            // The name stands before each pair, not around them.
            xml.truncate(xml.len() - name.len() - 2);
            items.iter().for_each(|item| element(xml, ENTRY, item));
            return;
        }
        Value::Array(items) => items.iter().for_each(|item| element(xml, "member", item)),
        Value::String(text) => escape(xml, text),
        other => {
            let _ = write!(xml, "{other}");
        }
    }
    let _ = write!(xml, "</{name}>");
}

fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            // XML 1.0 knows no other control characters.
            '\t' | '\n' => xml.push(c),
            c if c.is_control() => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
}

/// What the pairs of a map are called.
pub(super) const ENTRY: &str = "entry";
/// Deepest nesting of member names.
const DEPTH_MAX: usize = 8;
const CONTENT_TYPE: &str = "text/xml";

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Incoming {
        Incoming { body: body.to_owned().into(), ..Incoming::default() }
    }

    #[test]
    fn reads_lists_and_structures() {
        let form = form("Action=X&Tags.member.2.Key=b&Tags.member.1.Key=a+c&Tags.member.1.Value=%26&N=1");
        let fields = members(&form).unwrap();
        assert_eq!(fields.raw()["Tags"][0]["Key"], "a c");
        assert_eq!(fields.raw()["Tags"][0]["Value"], "&");
        assert_eq!(fields.raw()["Tags"][1]["Key"], "b");
        assert_eq!(fields.raw()["N"], "1");
    }

    #[test]
    fn writes_lists_and_maps() {
        let call = recognise(&form("Action=X&Version=2010-05-08"));
        let output =
            serde_json::json!({ "A": [], "B": [{ "C": true }], "M": super::super::xml_map([("k", 1), ("l", 2)]) });
        let rendered = render_output(&call, Some(&output), "id");
        let text = String::from_utf8(rendered.body.0.to_vec()).unwrap();
        let result = "<XResult><A></A><B><member><C>true</C></member></B><M><entry><key>k</key><value>1</value></entry>\
                      <entry><key>l</key><value>2</value></entry></M></XResult>";
        assert!(text.contains(result), "{text}");
    }

    #[test]
    fn refuses_repetition_and_depth() {
        for body in ["A=1&A=2", &format!("{}=1", "a.".repeat(50)), "A=%FF"] {
            assert_eq!(members(&form(body)).unwrap_err().code(), ErrorCode::Serialization, "{body}");
        }
    }

    #[test]
    fn escapes_what_clients_send() {
        let call = recognise(&form("Action=<b>&Version=2011-06-15"));
        let rendered = render_error(&call, &ApiError::new(ErrorCode::Validation, "a<b&c\u{1}"), "id");
        let text = String::from_utf8(rendered.body.0.to_vec()).unwrap();
        assert!(text.contains("<Message>a&lt;b&amp;c\u{fffd}</Message>"), "{text}");
    }
}
