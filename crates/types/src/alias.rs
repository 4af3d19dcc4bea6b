//! Alias names and alias ARNs.
//!
//! Rule: `AliasName` of CreateAlias in the AWS KMS API reference.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountId, Arn, PARTITION, Region};

/// Longest alias name with its prefix, in bytes.
pub const ALIAS_NAME_LEN_MAX: usize = 256;

/// The prefix reserved for the aliases of AWS managed keys.
pub const AWS_ALIAS_PREFIX: &str = "alias/aws/";

/// An alias name with its prefix `alias/`; the rest holds letters, digits, `/`, `_` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(String);

impl AliasName {
    /// The name with its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is reserved for an AWS managed key.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(AWS_ALIAS_PREFIX)
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AliasName {
    type Err = ParseAliasNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix("alias/").ok_or(ParseAliasNameError::Prefix)?;
        if name.is_empty() {
            return Err(ParseAliasNameError::Empty);
        }
        if text.len() > ALIAS_NAME_LEN_MAX {
            return Err(ParseAliasNameError::Length);
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-')) {
            return Err(ParseAliasNameError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl Serialize for AliasName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AliasName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is no alias name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseAliasNameError {
    /// A character outside letters, digits, `/`, `_` and `-`.
    Character,
    /// Nothing behind the prefix.
    Empty,
    /// Longer than [`ALIAS_NAME_LEN_MAX`].
    Length,
    /// No prefix `alias/`.
    Prefix,
}

impl fmt::Display for ParseAliasNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "an alias name holds letters, digits, slashes, underscores and hyphens",
            Self::Empty => "an alias name has something behind its prefix",
            Self::Length => "an alias name has at most 256 bytes",
            Self::Prefix => "an alias name begins with `alias/`",
        })
    }
}

impl std::error::Error for ParseAliasNameError {}

/// Where an alias lives: its account, its Region and its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasArn {
    /// The owner.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The name.
    pub name: AliasName,
}

impl AliasArn {
    /// The alias that an ARN names; none if it names something else.
    #[must_use]
    pub fn from_arn(arn: &Arn) -> Option<Self> {
        if arn.partition != PARTITION || arn.service != "kms" {
            return None;
        }
        Some(Self {
            account: arn.account.parse().ok()?,
            region: arn.region.parse().ok()?,
            name: arn.resource.parse().ok()?,
        })
    }
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, name } = self;
        write!(f, "arn:{PARTITION}:kms:{region}:{account}:{name}")
    }
}

impl fmt::Debug for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let parse = |text: &str| text.parse::<AliasName>().unwrap_err();
        assert_eq!(parse("prod"), ParseAliasNameError::Prefix);
        assert_eq!(parse("alias/"), ParseAliasNameError::Empty);
        assert_eq!(parse("alias/Service:Test"), ParseAliasNameError::Character);
        assert_eq!(parse(&format!("alias/{}", "a".repeat(251))), ParseAliasNameError::Length);
        assert!(format!("alias/{}", "a".repeat(250)).parse::<AliasName>().is_ok());
    }

    #[test]
    fn knows_the_reserved_prefix() {
        assert!("alias/aws/s3".parse::<AliasName>().unwrap().is_reserved());
        assert!(!"alias/awsome".parse::<AliasName>().unwrap().is_reserved());
    }
}
