//! The id of a line: which history of its room it belongs to, and its number there.

use std::fmt;
use std::str::FromStr;

/// The id of a line, such as `1764504000123456-7`: the seventh line of the history that began at that microsecond.
///
/// Numbers are without holes, so two ids of one history tell how many lines lie between them. A room whose history
/// Redis has lost begins another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Id {
    pub(crate) history: u64,
    pub(crate) number: u64,
}

impl Id {
    /// Before the first line: `0-0`.
    pub const NONE: Self = Self { history: 0, number: 0 };

    /// Whether the other line is the next one of the same history.
    pub(crate) fn is_before(self, other: Self) -> bool {
        if self == Self::NONE { other.number == 1 } else { self.gap_to(other) == Some(0) }
    }

    /// How many lines lie between this one and a later one of the same history.
    pub(crate) fn gap_to(self, other: Self) -> Option<u64> {
        let is_later = self.history == other.history && other.number > self.number;
        is_later.then(|| other.number - self.number - 1)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.history, self.number)
    }
}

/// A text that is no id.
#[derive(Debug)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a line")
    }
}

impl std::error::Error for NoId {}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let (history, number) = text.split_once('-').ok_or(NoId)?;
        let number_of = |text: &str| text.parse().map_err(|_| NoId);
        Ok(Self { history: number_of(history)?, number: number_of(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_history_tell_what_lies_between() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        assert_eq!(id("5-7").to_string(), "5-7");
        assert_eq!(id("5-7").gap_to(id("5-10")), Some(2));
        assert_eq!(id("5-7").gap_to(id("5-7")), None);
        assert_eq!(id("5-7").gap_to(id("6-8")), None);
        assert!(id("5-7").is_before(id("5-8")) && Id::NONE.is_before(id("5-1")));
        assert!(!id("5-7").is_before(id("6-8")) && !Id::NONE.is_before(id("5-2")));
        for wrong in ["", "5", "5-", "-5", "a-1", "1-2-3"] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }
}
