//! What a number counts.

#[derive(Debug)]
pub(crate) struct Measure {
    /// Unique among all rows: it names the measure in the data and in the plot's file.
    pub(crate) id: &'static str,
    /// The heading of its column, with its unit.
    pub(crate) name: &'static str,
    pub(crate) decimals: usize,
    pub(crate) better: Better,
    pub(crate) compared: Compared,
}

/// How a server's figure is held beside that of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    ByMedians,
    /// The rounds of two servers belong together, one by one: the ratio is the median of theirs, so that what slows the
    /// machine for a while slows both.
    ByRounds,
    /// It says something of the round, and nothing of the server.
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

impl Measure {
    /// One of which less is better.
    pub(crate) const fn new(id: &'static str, name: &'static str, decimals: usize) -> Self {
        Self { id, name, decimals, better: Better::Less, compared: Compared::ByMedians }
    }

    pub(crate) const fn more_is_better(mut self) -> Self {
        self.better = Better::More;
        self
    }

    /// One whose rounds are compared one by one.
    pub(crate) const fn paired(mut self) -> Self {
        self.compared = Compared::ByRounds;
        self
    }

    /// One that is not compared.
    pub(crate) const fn alone(mut self) -> Self {
        self.compared = Compared::Not;
        self
    }

    /// Thousands apart, so that a table can be read.
    pub(crate) fn text(&self, value: f64) -> String {
        if value.is_infinite() {
            return "∞".to_owned();
        }
        let decimals = self.decimals;
        let plain = format!("{value:.decimals$}");
        // A slope of nothing may come out a hair below it.
        let plain = plain
            .strip_prefix('-')
            .filter(|rest| !rest.contains(|c| ('1'..='9').contains(&c)))
            .unwrap_or(&plain);
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let mut text = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) && digit != '-' {
                text.push('\u{202f}');
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let whole = Measure::new("whole", "", 0);
        let hundredths = Measure::new("hundredths", "", 2);
        assert_eq!(whole.text(1_234_567.4), "1\u{202f}234\u{202f}567");
        assert_eq!(whole.text(999.0), "999");
        assert_eq!(hundredths.text(1234.5), "1\u{202f}234.50");
        assert_eq!(hundredths.text(-0.001), "0.00");
        assert_eq!(hundredths.text(-0.25), "-0.25");
    }
}
