//! Which events are printed: a level, and others for targets, as `FC_LOG` or `RUST_LOG` says.

use tracing::level_filters::LevelFilter;

/// The filter of one setting, such as `info,sqlx=warn,my_crate::orders=debug`.
pub(crate) struct Filter {
    /// For targets that no directive names.
    default: LevelFilter,
    /// A target's beginning and its level, the longest first.
    targets: Vec<(String, LevelFilter)>,
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

impl Filter {
    /// Reads a setting. Gives one sentence for each directive that does not say what its author may think.
    pub(crate) fn parse(setting: &str) -> (Self, Vec<String>) {
        let (mut filter, mut wrong) = (Self { default: LevelFilter::INFO, targets: Vec::new() }, Vec::new());
        for directive in setting.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let (target, word) = directive.split_once('=').unwrap_or((directive, ""));
            let (target, word) = (target.trim(), word.trim());
            if let Some(level) = level(directive) {
                filter.default = level;
            } else if target.is_empty() || !target.bytes().all(is_of_target) {
                wrong.push(format!("{directive:?} is left out: only levels and target=level are known"));
            } else if target.len() == directive.len() {
                filter.add(target, LevelFilter::TRACE);
                wrong.push(format!("{target:?} is no level and is read as {target}=trace"));
            } else if let Some(level) = level(word) {
                filter.add(target, level);
            } else {
                wrong.push(format!("{directive:?} is left out: {word:?} is no level"));
            }
        }
        (filter, wrong)
    }

    /// Keeps the longest first, and the last of two that are equal before the other. A sort would link its code.
    fn add(&mut self, target: &str, level: LevelFilter) {
        let at =
            self.targets.iter().position(|(own, _)| own.len() <= target.len()).unwrap_or(self.targets.len());
        self.targets.insert(at, (target.to_owned(), level));
    }

    /// The least serious level that is printed of a target.
    pub(crate) fn of(&self, target: &str) -> LevelFilter {
        match self.targets.iter().find(|(begin, _)| target.starts_with(begin.as_str())) {
            Some((_, level)) => *level,
            // h2 warns of the mistakes of clients. A client must not be able to fill the function's log.
            None if target.starts_with("h2::") && self.default < LevelFilter::DEBUG => LevelFilter::OFF,
            None => self.default,
        }
    }

    /// The least serious level that is printed of any target.
    pub(crate) fn max(&self) -> LevelFilter {
        self.targets.iter().fold(self.default, |max, (_, level)| max.max(*level))
    }
}

fn level(word: &str) -> Option<LevelFilter> {
    LEVELS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
}

fn is_of_target(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(setting: &str, expected: &[(&str, LevelFilter)]) {
        let (filter, wrong) = Filter::parse(setting);
        assert_eq!(wrong, Vec::<String>::new(), "{setting}");
        for (target, level) in expected {
            assert_eq!(filter.of(target), *level, "{target} under {setting}");
        }
    }

    #[test]
    fn the_longest_target_decides() {
        use LevelFilter as L;
        check("", &[("shop", L::INFO), ("h2::codec", L::OFF)]);
        check("debug", &[("shop", L::DEBUG), ("h2::codec", L::DEBUG)]);
        check("OFF", &[("shop", L::OFF)]);
        check("error, info", &[("shop", L::INFO)]);
        let list = "info,sqlx=warn,my_crate::x=debug,my_crate=error";
        check(
            list,
            &[("sqlx::query", L::WARN), ("my_crate::x::y", L::DEBUG), ("my_crate", L::ERROR), ("a", L::INFO)],
        );
        check("warn,h2=trace", &[("h2::codec", L::TRACE), ("shop", L::WARN)]);
        check("shop=warn,shop=debug", &[("shop", L::DEBUG)]);
        assert_eq!(Filter::parse("warn,shop=trace").0.max(), LevelFilter::TRACE);
        assert_eq!(Filter::parse("off").0.max(), LevelFilter::OFF);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let wrong = |setting| Filter::parse(setting).1.join("; ");
        assert_eq!(wrong("wran"), "\"wran\" is no level and is read as wran=trace");
        assert_eq!(wrong("shop=loud"), "\"shop=loud\" is left out: \"loud\" is no level");
        assert_eq!(wrong("shop="), "\"shop=\" is left out: \"\" is no level");
        let spans = "\"shop[order{id=7}]=debug\" is left out: only levels and target=level are known";
        assert_eq!(wrong("info,shop[order{id=7}]=debug,sqlx=warn"), spans);
        assert_eq!(Filter::parse("debug,shop=loud").0.of("shop"), LevelFilter::DEBUG);
    }
}
