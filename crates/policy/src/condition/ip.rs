//! Addresses and ranges of IpAddress and NotIpAddress.
//!
//! Not here: names, ports and zone ids.
//! Invariants: the families never match each other; an IPv4 address in its IPv6 mapping is the IPv4 address.

use std::net::IpAddr;

use ipnet::IpNet;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range(IpNet);

impl Range {
    /// Reads `address` or `address/length`. Bits behind the length do not count; no length is the full length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match trim(text).split_once('/') {
            None => return parse_address(text).map(|address| Self(address.into())),
            Some(parts) => parts,
        };
        if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if length >= MAPPED_BITS => {
                IpNet::new(mapped, length.checked_sub(MAPPED_BITS)?).ok()
            }
            _ => IpNet::new(address, length).ok(),
        }
        .map(|range| Self(range.trunc()))
    }

    /// Whether a text names a range by another address than its first.
    pub(crate) fn has_host_bits(text: &str) -> bool {
        let address = trim(text).split_once('/').and_then(|(address, _)| parse_address(address));
        address.zip(Self::parse(text)).is_some_and(|(address, range)| range.0.addr() != address)
    }

    /// Whether an address lies in the range.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

/// Reads an address.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    trim(text).parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Bits in front of an IPv4 address in its IPv6 mapping (RFC 4291 section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        Range::parse(range).unwrap().contains(parse_address(address).unwrap())
    }

    #[test]
    fn mapped_ranges_and_addresses_are_ipv4() {
        assert!(contains("::ffff:203.0.113.0/120", "203.0.113.9"));
        assert!(!contains("::ffff:203.0.113.0/120", "203.0.114.9"));
        assert!(contains("203.0.113.9", "::ffff:203.0.113.9"));
        assert!(!contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_range() {
        for text in ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0", "::/129", "x"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
