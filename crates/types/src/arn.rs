//! The Amazon Resource Name in its general form: six parts, of which the last keeps its colons.

use std::{fmt, str::FromStr};

/// The only partition served.
pub const PARTITION: &str = "aws";

/// Longest ARN that is read, in bytes.
pub const ARN_LEN_MAX: usize = 2048;

/// An ARN, split at its first five colons. Region and account may be empty.
///
/// Rule: "Amazon Resource Names (ARNs)" of the IAM user guide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    /// `aws`, or another partition's name.
    pub partition: String,
    /// The service, such as `kms`.
    pub service: String,
    /// The Region, empty for global services.
    pub region: String,
    /// Twelve digits, `aws`, or empty.
    pub account: String,
    /// Everything behind the fifth colon.
    pub resource: String,
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl FromStr for Arn {
    type Err = ParseArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > ARN_LEN_MAX {
            return Err(ParseArnError);
        }
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(ParseArnError);
        let (scheme, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if scheme != "arn" || partition.is_empty() || service.is_empty() || resource.is_empty() {
            return Err(ParseArnError);
        }
        Ok(Self {
            partition: partition.into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        })
    }
}

/// The text is no ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseArnError;

impl fmt::Display for ParseArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ARN has six parts separated by colons")
    }
}

impl std::error::Error for ParseArnError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_colons_of_the_resource() {
        let text = "arn:aws:logs:us-east-1:111122223333:log-group:/a:stream";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.resource, "log-group:/a:stream");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn refuses_fewer_parts() {
        for text in ["", "arn", "arn:aws:kms:us-east-1:111122223333", "urn:aws:kms:::x", "arn:aws:kms:::"] {
            assert_eq!(text.parse::<Arn>(), Err(ParseArnError), "{text}");
        }
    }
}
