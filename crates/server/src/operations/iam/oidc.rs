//! Identity providers that speak OpenID Connect, as targets of operations.
//!
//! Not here: tokens and keys. Invariant: what is looked up is of the caller's account, whatever account an ARN names.

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use kanuki_types::AccountId;

use super::{
    members,
    tagging::{Tagged, Words},
};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{OidcProviderEntry, OidcProviderRecord, URL_CHARS_MAX},
    operation::{Outcome, Plan},
    wire::Fields,
};

/// A provider that an ARN means, if there is one.
#[derive(Debug)]
pub struct NamedProvider {
    arn: String,
    account: AccountId,
    found: Option<OidcProviderEntry>,
}

impl NamedProvider {
    /// Looks an ARN up in the caller's account.
    ///
    /// # Errors
    /// `InvalidInput` for a text that is no ARN of a provider; or if the store fails.
    pub(super) async fn find(doors: &Doors, caller: &Authenticated, arn: &str) -> Result<Self, ApiError> {
        members::check_entity_arn(arn, "oidc-provider")?;
        let account = caller.caller().account;
        let found = match arn.split_once(":oidc-provider/") {
            Some((_, host_and_path)) => doors.identity.oidc_provider(account, host_and_path).await?,
            None => None,
        };
        Ok(Self { arn: arn.into(), account, found: found.filter(|provider| provider.arn() == arn) })
    }

    /// The access to it that an action needs.
    pub(super) fn demand(&self, action: &'static str) -> Demand {
        let tags = self.found.as_ref().map(|provider| provider.record.tags.clone()).unwrap_or_default();
        Demand::on_entity(action, access(self.account, self.arn.clone(), tags))
    }

    /// The provider.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&OidcProviderEntry, ApiError> {
        self.found.as_ref().ok_or_else(|| {
            let message = format!("OpenIDConnect Provider not found for arn {}", self.arn);
            ApiError::new(ErrorCode::NotFound, message)
        })
    }
}

impl Tagged for NamedProvider {
    type Target = Self;
    const WORDS: Words = Words {
        member: "OpenIDConnectProviderArn",
        tag: ("TagOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"),
        untag: ("UntagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"),
        list: ("ListOpenIDConnectProviderTags", "iam:ListOpenIDConnectProviderTags"),
        quota: "TagsPerOpenIDConnectProvider",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        arn(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Self, ApiError> {
        Self::find(doors, caller, name).await
    }

    fn demand(target: &Self, _: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        Ok(target.demand(action))
    }

    fn tags(target: &Self) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.get()?.record.tags)
    }

    async fn put_tags(
        _: &Doors,
        change: &mut Transaction,
        _: &Proof,
        target: &Self,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let provider = target.get()?;
        provider.update(change, &OidcProviderRecord { tags, ..provider.record.clone() });
        Ok(())
    }
}

/// A client of a provider, as operations name it.
#[derive(Debug)]
pub struct ClientInput {
    /// The provider's ARN.
    pub(super) arn: String,
    /// The client's id.
    pub(super) client: String,
}

/// Reads a provider and one of its clients.
pub(super) fn read_client(fields: &mut Fields) -> Result<ClientInput, ApiError> {
    Ok(ClientInput { arn: arn(fields)?, client: fields.required_text("ClientID", CLIENT_ID_CHARS)? })
}

/// The plan of an operation on one provider.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    arn: &str,
    action: &'static str,
) -> Result<Plan<NamedProvider>, ApiError> {
    let provider = NamedProvider::find(doors, caller, arn).await?;
    let demand = provider.demand(action);
    Ok(Plan::new(provider, demand))
}

/// Writes a provider anew.
pub(super) fn changed(provider: &OidcProviderEntry, record: &OidcProviderRecord) -> Outcome<()> {
    let mut change = Transaction::default();
    provider.update(&mut change, record);
    Outcome::silent_change(change)
}

/// A provider as a resource.
pub(super) fn access(account: AccountId, arn: String, tags: BTreeMap<String, String>) -> EntityAccess {
    EntityAccess { arn, account: Some(account), kind: "AWS::IAM::OIDCProvider", tags }
}

/// Reads the ARN of a provider.
pub(super) fn arn(fields: &mut Fields) -> Result<String, ApiError> {
    fields.required_text("OpenIDConnectProviderArn", members::ARN_CHARS)
}

/// Reads the URL of a provider; answers it without its scheme.
///
/// # Errors
/// `ValidationError` for anything but `https://`, a host name in small letters, and a path.
pub(super) fn url(fields: &mut Fields) -> Result<String, ApiError> {
    let url = fields.required_text("Url", 1..=URL_CHARS_MAX)?;
    if fields.has_violations() {
        return Ok(String::new());
    }
    let host_and_path = url.strip_prefix("https://").filter(|rest| is_host_and_path(rest));
    host_and_path.map(ToOwned::to_owned).ok_or_else(|| ApiError::validation("Invalid Open ID Connect Provider URL"))
}

/// A host name in small letters, without a port; behind it a path without `.` and `..`, query and fragment.
fn is_host_and_path(text: &str) -> bool {
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let is_label = |label: &str| {
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_part = |part: &str| {
        !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    host.split('.').all(is_label) && path.is_none_or(|path| path.split('/').all(is_part))
}

/// Reads a list of fingerprints of certificates.
pub(super) fn thumbprints(fields: &mut Fields) -> Result<Option<Vec<String>>, ApiError> {
    let thumbprints = fields.texts("ThumbprintList", 0..=THUMBPRINTS_MAX, 40..=40)?;
    let is_hex = |text: &String| text.bytes().all(|b| b.is_ascii_hexdigit());
    if !fields.has_violations() && !thumbprints.iter().flatten().all(is_hex) {
        return Err(ApiError::validation("A thumbprint has 40 hexadecimal digits."));
    }
    Ok(thumbprints)
}

/// Length of a client id, in characters.
pub(super) const CLIENT_ID_CHARS: std::ops::RangeInclusive<usize> = 1..=255;
/// Most clients of a provider ("IAM and AWS STS quotas" of the IAM user guide).
pub(super) const CLIENT_IDS_MAX: usize = 100;
/// Most providers of an account (the same).
pub(super) const PROVIDERS_MAX: usize = 100;
const THUMBPRINTS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_plain() {
        for good in ["a", "idp.example.com", "oidc.eks.us-west-2.amazonaws.com/id/AB12", "h/a-b_c~d.e"] {
            assert!(is_host_and_path(good), "{good}");
        }
        for bad in ["", "/x", "A.example", "a..b", "a:8443", "a/", "a//b", "a/../b", "a?x", "a#x", "u@a", "-a", "a b"] {
            assert!(!is_host_and_path(bad), "{bad}");
        }
    }
}
