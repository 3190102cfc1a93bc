//! Forwarding rules and their conditions.

use std::fmt;
use std::net::IpAddr;

use super::action::Action;
use super::place::Place;

/// A forwarding rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// 1 to 10 000, unique in a listener and direction; the lowest is tried first.
    pub(crate) priority: u16,
    pub(crate) direction: Direction,
    /// All of them have to hold.
    pub(crate) conditions: Vec<Condition>,
    /// By their order; the last one ends the rule.
    pub(crate) actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// A condition and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) kind: ConditionKind,
    pub(crate) place: Place,
}

/// What has to hold of a request, or of a response: one of the values. `*` is any text, `?` any character.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ConditionKind {
    /// A value that begins with `~` is a regular expression. Without case.
    Host(Vec<String>),
    /// A value that begins with `~` is a regular expression, with `~*` one without case.
    Path(Vec<String>),
    Header {
        name: String,
        values: Vec<String>,
    },
    Query(Vec<Pair>),
    Cookie(Vec<Pair>),
    Method(Vec<String>),
    SourceIp(Vec<Cidr>),
    /// Responses alone: codes, in which `x`, `*` and `?` stand for digits.
    ResponseStatus(Vec<String>),
    /// Responses alone.
    ResponseHeader {
        name: String,
        values: Vec<String>,
    },
}

/// A parameter or a cookie, compared without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    /// `None` asks for the key alone.
    pub(crate) value: Option<String>,
}

/// An address, or a block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
}

impl Cidr {
    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Cidr { address, bits })
    }

    /// Whether the block holds `address`. An IPv4 address within IPv6 counts as the former.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                (u32::from(own) ^ u32::from(other)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                (u128::from(own) ^ u128::from(other)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}
