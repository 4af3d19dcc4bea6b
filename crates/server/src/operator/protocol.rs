//! What is said through the operator's socket: one JSON line asks, one JSON line answers.
//!
//! Invariants: an act that is not known whole is refused; both lines are bounded.

use kanuki_types::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authz::hypothesis::SupposedCall;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", deny_unknown_fields)]
pub enum Act {
    /// Makes an account.
    CreateAccount {
        /// Its id; none leaves the choice to the server.
        #[serde(default)]
        account: Option<AccountId>,
    },
    /// Makes an access key for an account's root.
    CreateRootCredentials {
        /// The account.
        account: AccountId,
        /// Whether the ones that it has end.
        #[serde(default)]
        replace: bool,
    },
    /// Explains what would be decided on a call that nobody made.
    ExplainCall(Box<SupposedCall>),
    /// Explains the decision on a call that was made.
    ExplainRequest {
        /// Its request id.
        request_id: String,
        /// Whether the encoded authorization message is wanted instead.
        #[serde(default)]
        encoded: bool,
    },
    /// Looks through the policy of a key.
    LintKeyPolicy {
        /// The key by id, alias or ARN; without an ARN it is one of the home account in the first Region.
        key: String,
    },
    /// Lists who may do what with a key, page by page.
    ListAccess {
        /// The key by id, alias or ARN; without an ARN it is one of the home account in the first Region.
        key: String,
        /// Where the page before ended.
        #[serde(default)]
        after: Option<String>,
    },
    /// Lists the accounts, page by page.
    ListAccounts {
        /// Where the page before ended.
        #[serde(default)]
        after: Option<AccountId>,
    },
}

impl Act {
    /// Its name in records.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateAccount { .. } => "CreateAccount",
            Self::CreateRootCredentials { .. } => "CreateRootCredentials",
            Self::ExplainCall(_) => "ExplainCall",
            Self::ExplainRequest { .. } => "ExplainRequest",
            Self::LintKeyPolicy { .. } => "LintKeyPolicy",
            Self::ListAccess { .. } => "ListAccess",
            Self::ListAccounts { .. } => "ListAccounts",
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::CreateAccount { .. } | Self::CreateRootCredentials { .. } => false,
            Self::ExplainCall(_)
            | Self::ExplainRequest { .. }
            | Self::LintKeyPolicy { .. }
            | Self::ListAccess { .. }
            | Self::ListAccounts { .. } => true,
        }
    }

    /// What its record repeats.
    #[must_use]
    pub fn parameters(&self) -> Option<Value> {
        let mut parameters = serde_json::to_value(self).ok()?;
        let members = parameters.as_object_mut()?;
        members.remove("act");
        // A document says nothing to a reader of records, and is long.
        if let Some(document) = members.get_mut("attestation_document") {
            *document = format!("{} characters", document.as_str().unwrap_or_default().len()).into();
        }
        members.retain(|_, value| !value.is_null());
        (!members.is_empty()).then_some(parameters)
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It was not; one sentence says why.
    Refused(String),
}

/// Longest line that asks, in bytes: a policy document with room around it.
pub const ACT_BYTES_MAX: usize = 512 * 1024;

/// Longest line that answers, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_known_whole_or_refused() {
        let act: Act = serde_json::from_str(r#"{"act":"CreateAccount","account":"222233334444"}"#).unwrap();
        assert_eq!(act, Act::CreateAccount { account: Some("222233334444".parse().unwrap()) });
        for wrong in [
            r#"{"act":"CreateAccount","name":"x"}"#,
            r#"{"act":"CreateAccount","account":"22223333444"}"#,
            r#"{"act":"DropAccount"}"#,
            r#"{"act":"ExplainCall","principal":"x","action":"kms:Encrypt","user":"x"}"#,
            r#"{"act":"ExplainCall","principal":"x","action":"kms:Encrypt","session":{"mfa":true}}"#,
            r#"{"account":"222233334444"}"#,
        ] {
            assert!(serde_json::from_str::<Act>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn records_repeat_what_was_asked() {
        let act = Act::CreateRootCredentials { account: "222233334444".parse().unwrap(), replace: false };
        assert_eq!(act.parameters(), Some(serde_json::json!({ "account": "222233334444", "replace": false })));
        assert_eq!(Act::ListAccounts { after: None }.parameters(), None);
        let text = r#"{"act":"ExplainCall","principal":"p","action":"kms:Encrypt","attestation_document":"QUJD"}"#;
        let act: Act = serde_json::from_str(text).unwrap();
        let repeated =
            serde_json::json!({ "principal": "p", "action": "kms:Encrypt", "attestation_document": "4 characters" });
        assert_eq!(act.parameters(), Some(repeated));
    }
}
