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
/// Keys by the instant at which they are to rotate.
pub const ROTATIONS: u8 = 20;
