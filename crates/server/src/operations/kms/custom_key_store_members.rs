//! Members that operations on custom key stores share.

use std::sync::Arc;

use kanuki_types::{AccountId, CustomKeyStoreId, SecretBytes, XksProxyConnectivity};
use serde_json::{Value, json};

use crate::{
    authn::Authenticated,
    custom_key_stores::{AccountStores, Behind, ProxyRecord, StoreEntry, StoreRecord},
    doors::Doors,
    error::{ApiError, ErrorCode},
    wire::Fields,
};

/// Members that say where a proxy is and how it is spoken to.
#[derive(Debug)]
pub(super) struct ProxyMembers {
    pub(super) connectivity: Option<XksProxyConnectivity>,
    pub(super) endpoint: Option<String>,
    pub(super) path: Option<String>,
    /// Empty when the client takes it away.
    pub(super) vpc_service: Option<String>,
    pub(super) vpc_owner: Option<AccountId>,
    pub(super) credential: Option<Credential>,
}

/// A credential as the client sends it.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) access_key_id: String,
    pub(super) secret: SecretBytes,
}

/// Members of a store on a token.
#[derive(Debug)]
pub(super) struct TokenMembers {
    pub(super) cluster_id: Option<String>,
    pub(super) password: Option<SecretBytes>,
}

impl ProxyMembers {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        let connectivity =
            fields.choice("XksProxyConnectivity", XksProxyConnectivity::ALL, XksProxyConnectivity::as_str)?;
        let endpoint = fields.formed_text("XksProxyUriEndpoint", 10..=128, "^https://[a-zA-Z0-9.-]+$", is_endpoint)?;
        let path = fields.formed_text("XksProxyUriPath", 10..=128, PATH_PATTERN, is_path)?;
        let vpc_service = fields.formed_text("XksProxyVpcEndpointServiceName", 0..=64, VPC_PATTERN, is_vpc_service)?;
        let owner = fields.formed_text("XksProxyVpcEndpointServiceOwner", 12..=12, "[0-9]{12}", is_account)?;
        let credential = fields.structure("XksProxyAuthenticationCredential", credential)?;
        Ok(Self {
            connectivity,
            endpoint,
            path,
            vpc_service,
            // What is no account is a violation already.
            vpc_owner: owner.and_then(|owner| owner.parse().ok()),
            credential,
        })
    }

    /// Whether any was given.
    pub(super) fn any(&self) -> bool {
        self.any_but_retouches() || self.path.is_some() || self.credential.is_some()
    }

    /// Whether any was given that a store must be disconnected for.
    pub(super) fn any_but_retouches(&self) -> bool {
        self.connectivity.is_some() || self.endpoint.is_some() || self.vpc_service.is_some() || self.vpc_owner.is_some()
    }
}

impl TokenMembers {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        let cluster_id =
            fields.formed_text("CloudHsmClusterId", 19..=24, "cluster-[2-7a-zA-Z]{11,16}", is_cluster_id)?;
        let password = fields.secret_text("KeyStorePassword", 7..=32, None)?;
        Ok(Self { cluster_id, password })
    }

    /// Whether any was given.
    pub(super) fn any(&self) -> bool {
        self.cluster_id.is_some() || self.password.is_some()
    }
}

fn credential(fields: &mut Fields) -> Result<Credential, ApiError> {
    let id_pattern = ("^[A-Z2-7]+$", (|c| matches!(c, 'A'..='Z' | '2'..='7')) as fn(char) -> bool);
    let secret_pattern =
        ("^[a-zA-Z0-9\\/+=]+$", (|c| c.is_ascii_alphanumeric() || "/+=".contains(c)) as fn(char) -> bool);
    // The model calls both sensitive, so a message repeats neither.
    let access_key_id = fields.secret_text("AccessKeyId", 20..=30, Some(id_pattern))?;
    let secret = fields.secret_text("RawSecretAccessKey", 43..=64, Some(secret_pattern))?;
    let nothing = || SecretBytes::new(Vec::new());
    let access_key_id = fields.require_or("AccessKeyId", access_key_id, nothing());
    let secret = fields.require_or("RawSecretAccessKey", secret, nothing());
    Ok(Credential { access_key_id: String::from_utf8_lossy(access_key_id.expose()).into_owned(), secret })
}

/// Reads the name of a store.
pub(super) fn name(fields: &mut Fields, member: &str) -> Result<Option<String>, ApiError> {
    fields.text(member, 1..=256)
}

/// Reads the id of a store. What has another form names none, which is for the time after the decision.
pub(super) fn id(fields: &mut Fields) -> Result<String, ApiError> {
    fields.required_text("CustomKeyStoreId", 1..=64)
}

/// The store that an id names in the caller's account and Region.
///
/// # Errors
/// `CustomKeyStoreNotFoundException`.
pub(super) async fn find(
    doors: &Doors,
    caller: &Authenticated,
    id: &str,
) -> Result<(Arc<AccountStores>, Arc<StoreEntry>), ApiError> {
    let stores = doors.custom_key_stores.of(caller.caller().account, caller.region()).await?;
    let store = id.parse::<CustomKeyStoreId>().ok().and_then(|id| stores.find(&id).cloned());
    let store = store.ok_or_else(|| not_found(id))?;
    Ok((stores, store))
}

/// The answer to an id or a name that no store has.
pub(super) fn not_found(name: &str) -> ApiError {
    let shown: String = name.chars().take(SHOWN_CHARS_MAX).collect();
    ApiError::new(ErrorCode::CustomKeyStoreNotFound, format!("The custom key store '{shown}' does not exist."))
}

/// `additionalEventData` of operations on a store.
pub(super) fn event_data(store: &StoreEntry) -> Value {
    let mut data = json!({ "customKeyStoreName": store.record().name });
    if let (Some(members), Some(cluster_id)) = (data.as_object_mut(), store.cluster_id()) {
        members.insert("clusterId".into(), cluster_id.into());
    }
    data
}

/// Checks that a name and a proxy are not another store's.
///
/// # Errors
/// The error for what is in use.
pub(super) fn check_unique(stores: &AccountStores, wanted: &StoreRecord) -> Result<(), ApiError> {
    for other in stores.iter().map(|store| store.record()).filter(|other| other.id != wanted.id) {
        if other.name == wanted.name {
            let message = format!("A custom key store with the name '{}' exists already.", wanted.name);
            return Err(ApiError::new(ErrorCode::CustomKeyStoreNameInUse, message));
        }
        match (&other.behind, &wanted.behind) {
            (Behind::Proxy(other), Behind::Proxy(wanted)) => check_proxies_differ(other, wanted)?,
            (Behind::Token(other), Behind::Token(wanted)) if other.cluster_id == wanted.cluster_id => {
                let message = format!("The cluster {} has a custom key store already.", wanted.cluster_id);
                return Err(ApiError::new(ErrorCode::CloudHsmClusterInUse, message));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Rule: "Uniqueness requirements" of CreateCustomKeyStore. A host that a VPC endpoint service serves is its store's
/// alone; public ones may be shared by stores with different paths.
fn check_proxies_differ(other: &ProxyRecord, wanted: &ProxyRecord) -> Result<(), ApiError> {
    let in_use = |code, what: &str| Err(ApiError::new(code, format!("{what} is in use by another custom key store.")));
    let same_host = other.endpoint.eq_ignore_ascii_case(&wanted.endpoint);
    if same_host && other.path == wanted.path {
        return in_use(ErrorCode::XksProxyUriInUse, "The URI of the external key store proxy");
    }
    let either_by_vpc = other.vpc_service.is_some() || wanted.vpc_service.is_some();
    if same_host && either_by_vpc {
        return in_use(ErrorCode::XksProxyUriEndpointInUse, "The endpoint of the external key store proxy");
    }
    let service = |proxy: &ProxyRecord| proxy.vpc_service.as_ref().map(|service| service.name.clone());
    if service(other).is_some() && service(other) == service(wanted) {
        return in_use(ErrorCode::XksProxyVpcEndpointServiceInUse, "The VPC endpoint service");
    }
    Ok(())
}

fn is_endpoint(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|host| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    })
}

fn is_path(text: &str) -> bool {
    let Some((prefix, version)) = text.rsplit_once("/kms/xks/v") else { return false };
    let prefix_formed = match prefix.strip_prefix('/') {
        Some(rest) => !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || "/_-".contains(c)),
        None => prefix.is_empty(),
    };
    prefix_formed && matches!(version.len(), 1..=2) && version.bytes().all(|b| b.is_ascii_digit())
}

/// Empty stands for taking the name away.
fn is_vpc_service(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some((top, rest)) = text.split_once(".amazonaws.vpce.") else { return false };
    let Some((region, service)) = rest.split_once(".vpce-svc-") else { return false };
    let parts: Vec<&str> = region.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let filled = |text: &str, allowed: fn(u8) -> bool| !text.is_empty() && text.bytes().all(allowed);
    matches!(top, "com" | "eu")
        && matches!(words.len(), 2..=3)
        && words.iter().all(|word| filled(word, |b| b.is_ascii_lowercase()))
        && filled(number, |b| b.is_ascii_digit())
        && filled(service, |b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is_account(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn is_cluster_id(text: &str) -> bool {
    text.strip_prefix("cluster-").is_some_and(|rest| {
        (11..=16).contains(&rest.len()) && rest.bytes().all(|b| matches!(b, b'2'..=b'7') || b.is_ascii_alphabetic())
    })
}

const PATH_PATTERN: &str = "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$";
const VPC_PATTERN: &str = "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$";
/// Most characters of a wrong name that a message repeats.
const SHOWN_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_of_the_model() {
        for good in ["/kms/xks/v1", "/a/kms/xks/v1", "/a-b/c_d/kms/xks/v10"] {
            assert!(is_path(good), "{good}");
        }
        for bad in
            ["", "/kms/xks/v", "kms/xks/v1", "//kms/xks/v1x", "/a.b/kms/xks/v1", "/kms/xks/v111", "/a/kms/xks/v1/"]
        {
            assert!(!is_path(bad), "{bad}");
        }
        assert!(is_endpoint("https://xks.example.org") && !is_endpoint("http://xks.example.org"));
        assert!(!is_endpoint("https://xks.example.org:443") && !is_endpoint("https://"));
        for good in ["com.amazonaws.vpce.us-east-1.vpce-svc-0abc", "eu.amazonaws.vpce.us-gov-west-1.vpce-svc-0"] {
            assert!(is_vpc_service(good), "{good}");
        }
        for bad in [
            "org.amazonaws.vpce.us-east-1.vpce-svc-0",
            "com.amazonaws.vpce.us-1.vpce-svc-0",
            "com.amazonaws.vpce.us-east-1.vpce-svc-",
        ] {
            assert!(!is_vpc_service(bad), "{bad}");
        }
        assert!(
            is_cluster_id("cluster-1a23b4cdefg".replace('1', "2").as_str()) && !is_cluster_id("cluster-0123456789a")
        );
    }
}
