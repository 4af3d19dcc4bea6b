//! Shows other texts for the principals of a document, and leaves every other byte as it was submitted.
//!
//! Not here: which text is to be shown. Invariant: only whole strings inside a `Principal` or `NotPrincipal` element
//! change; a document in which nothing is replaced comes back byte for byte.
//!
//! Source: "IAM JSON policy elements: Principal" of the IAM user guide: of a principal that was deleted the unique id
//! is shown.

/// The document with each principal replaced for which `shown` has another text. The text must be JSON, as every stored
/// document is; what is no JSON is returned as it is from the place on where it stops being so.
pub fn rewrite_principals(text: &str, mut shown: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut scan = Scan::default();
    let mut rest = text;
    while let Some(start) = rest.find(['"', '{', '}', '[', ']', ':', ',']) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        if !from.starts_with('"') {
            let mut chars = from.chars();
            if let Some(sign) = chars.next() {
                scan.meet(sign);
                out.push(sign);
            }
            rest = chars.as_str();
            continue;
        }
        let Some((string, behind)) = split_string(from) else {
            out.push_str(from);
            return out;
        };
        rest = behind;
        let value: Option<String> = serde_json::from_str(string).ok();
        if scan.is_key() {
            scan.key = value;
            out.push_str(string);
            continue;
        }
        match value.filter(|_| scan.is_principal()).and_then(|value| shown(&value)) {
            Some(other) => out.push_str(&serde_json::Value::String(other).to_string()),
            None => out.push_str(string),
        }
    }
    out.push_str(rest);
    out
}

/// Where in the document a scan is.
#[derive(Default)]
struct Scan {
    /// The containers around this place, outermost first: whether each is an object, and under which key it stands.
    containers: Vec<(bool, Option<String>)>,
    /// The key whose value comes next.
    key: Option<String>,
    /// Whether a colon was met since the last key.
    in_value: bool,
}

impl Scan {
    fn meet(&mut self, sign: char) {
        match sign {
            '{' | '[' => {
                self.containers.push((sign == '{', self.key.take()));
                self.in_value = false;
            }
            '}' | ']' => {
                self.containers.pop();
                self.key = None;
                self.in_value = false;
            }
            ':' => self.in_value = true,
            _ => {
                self.key = None;
                self.in_value = false;
            }
        }
    }

    /// Whether a string here is the key of a member.
    fn is_key(&self) -> bool {
        self.containers.last().is_some_and(|(is_object, _)| *is_object) && !self.in_value
    }

    /// Whether a string here is a principal, or one of a list of them. A statement stands in the list of statements, or
    /// is the only one.
    fn is_principal(&self) -> bool {
        let names = |key: &Option<String>| matches!(key.as_deref(), Some("Principal" | "NotPrincipal"));
        names(&self.key) || self.containers.iter().any(|(_, key)| names(key))
    }
}

/// Splits a text that begins with a JSON string behind it.
fn split_string(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return text.split_at_checked(place + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        rewrite_principals(text, |principal| (principal == "old").then(|| "n\"ew".to_owned()))
    }

    #[test]
    fn principals_change_and_nothing_else_does() {
        let text = r#"{ "Id": "old", "Statement": [ {"Sid":"old", "Principal" : {"AWS": ["old", "o\u006cd", "x"]},
            "Condition": {"StringEquals": {"old": "old", "aws:PrincipalArn": ["old"]}}, "Action": "old" },
            {"NotPrincipal": {"AWS": "old"}}, {"Principal":"old"} ] }"#;
        let expected = r#"{ "Id": "old", "Statement": [ {"Sid":"old", "Principal" : {"AWS": ["n\"ew", "n\"ew", "x"]},
            "Condition": {"StringEquals": {"old": "old", "aws:PrincipalArn": ["old"]}}, "Action": "old" },
            {"NotPrincipal": {"AWS": "n\"ew"}}, {"Principal":"n\"ew"} ] }"#;
        assert_eq!(rewritten(text), expected);
    }

    #[test]
    fn whatever_is_not_replaced_stays_byte_for_byte() {
        for text in
            ["", "{}", "{\"a\\\"\":[1, true ,\"\\u00e9é\"]}\n", "\"", "{\"Principal\":\"ol", "]]]:::,,,{\"old\""]
        {
            assert_eq!(rewritten(text), text);
        }
    }
}
