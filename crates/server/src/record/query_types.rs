//! Numbers and truth values among the members of a Query request, for its record.
//!
//! Not here: reading members for an operation. Invariant: what is not written as its type demands stays the text that
//! the client sent.

use serde_json::Value;

/// The value of a member as a record shows it: a form holds texts alone, a record numbers and truth values as such.
pub(super) fn typed(name: &str, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    if NUMBERS.contains(&name) {
        return text.parse::<i64>().map_or_else(|_| value.clone(), Value::from);
    }
    match text.as_str() {
        "true" if FLAGS.contains(&name) => Value::Bool(true),
        "false" if FLAGS.contains(&name) => Value::Bool(false),
        _ => value.clone(),
    }
}

/// The integer members of the IAM and STS models.
const NUMBERS: [&str; 7] = [
    "DurationSeconds",
    "MaxItems",
    "MaxPasswordAge",
    "MaxSessionDuration",
    "MinimumPasswordLength",
    "MinimumSessionTokenSize",
    "PasswordReusePrevention",
];

/// The boolean members of the IAM and STS models.
const FLAGS: [&str; 9] = [
    "AllowUsersToChangePassword",
    "HardExpiry",
    "OnlyAttached",
    "PasswordResetRequired",
    "RequireLowercaseCharacters",
    "RequireNumbers",
    "RequireSymbols",
    "RequireUppercaseCharacters",
    "SetAsDefault",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        for (name, sent, recorded) in [
            ("MaxItems", json!("12"), json!(12)),
            ("MaxItems", json!("12x"), json!("12x")),
            ("UserName", json!("12"), json!("12")),
            ("OnlyAttached", json!("true"), json!(true)),
            ("OnlyAttached", json!("TRUE"), json!("TRUE")),
            ("UserName", json!("true"), json!("true")),
            ("Tags", json!([{"Key": "1"}]), json!([{"Key": "1"}])),
        ] {
            assert_eq!(typed(name, &sent), recorded, "{name}");
        }
    }
}
