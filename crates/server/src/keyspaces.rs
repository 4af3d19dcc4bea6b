//! The numbers of the keyspaces. A number is never used for another purpose again.

/// Accounts.
pub const ACCOUNTS: u8 = 1;
/// Users and roles.
pub const PRINCIPALS: u8 = 2;
/// Names of users and roles.
pub const PRINCIPAL_NAMES: u8 = 3;
/// Long-term access keys.
pub const ACCESS_KEYS: u8 = 4;
/// KMS keys.
pub const KEYS: u8 = 5;
/// Aliases.
pub const ALIASES: u8 = 6;
/// Keys by the day on which they are to be deleted.
pub const DELETIONS: u8 = 7;
/// Grants.
pub const GRANTS: u8 = 8;
/// Grants by grantee.
pub const GRANTS_BY_GRANTEE: u8 = 9;
/// Grants by the principal that may retire them.
pub const GRANTS_BY_RETIRING: u8 = 10;
/// Grants with a name.
pub const GRANT_NAMES: u8 = 11;
/// Numbers of grants.
pub const GRANT_COUNTS: u8 = 12;
/// Deleted keys whose grants are still to be removed.
pub const GRANT_SWEEPS: u8 = 13;
/// Keys by the instant at which they are to rotate.
pub const ROTATIONS: u8 = 20;
/// Imported key material by the instant at which it expires.
pub const EXPIRIES: u8 = 21;
/// Custom key stores.
pub const CUSTOM_KEY_STORES: u8 = 24;
/// KMS keys by the key of their custom key store.
pub const CUSTOM_KEY_STORE_KEYS: u8 = 25;
/// Custom key stores that are being connected or disconnected.
pub const CUSTOM_KEY_STORES_UNSETTLED: u8 = 26;
/// Numbers of keys.
pub const KEY_COUNTS: u8 = 30;
/// Last uses of keys.
pub const LAST_USES: u8 = 31;
/// How far the trail was read for the last uses of keys.
pub const LAST_USE_TRACKING: u8 = 32;
/// Groups.
pub const GROUPS: u8 = 40;
/// Names of groups, managed policies and instance profiles.
pub const ENTITY_NAMES: u8 = 41;
/// Users by the groups they belong to.
pub const GROUP_MEMBERS: u8 = 42;
/// Managed policies.
pub const MANAGED_POLICIES: u8 = 43;
/// Versions of managed policies.
pub const POLICY_VERSIONS: u8 = 44;
/// How often managed policies are used.
pub const POLICY_USES: u8 = 45;
/// Entities by the managed policies they use.
pub const POLICY_ENTITIES: u8 = 46;
/// Instance profiles.
pub const INSTANCE_PROFILES: u8 = 47;
/// Instance profiles by the role they hold.
pub const ROLE_PROFILES: u8 = 48;
/// Accounts by alias.
pub const ACCOUNT_ALIASES: u8 = 49;
/// The last uses of access keys.
pub const ACCESS_KEY_USES: u8 = 50;
/// The last uses of roles.
pub const ROLE_USES: u8 = 51;
/// Devices that show one-time codes.
pub const MFA_DEVICES: u8 = 60;
/// Identity providers that speak OpenID Connect.
pub const OIDC_PROVIDERS: u8 = 61;
/// Decisions with their reasons.
pub const DECISIONS: u8 = 70;
/// Decisions by the request that they were about.
pub const DECISIONS_BY_REQUEST: u8 = 71;
/// How much of decisions is kept.
pub const DECISION_TOTALS: u8 = 72;
/// The installation's own certificate authority.
pub const CERTIFICATE_AUTHORITIES: u8 = 90;
