//! What health checks say of one backend: a pure state machine.

/// The standing of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not checked often enough yet. It gets requests.
    Initial,
    Healthy,
    Unhealthy,
}

impl Standing {
    pub(super) fn name(self) -> &'static str {
        match self {
            Standing::Initial => "initial",
            Standing::Healthy => "healthy",
            Standing::Unhealthy => "unhealthy",
        }
    }
}

/// How many checks in a row change the standing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    pub(super) healthy: u8,
    pub(super) unhealthy: u8,
}

/// The health of one backend.
#[derive(Debug, Clone)]
pub(super) struct Health {
    pub(super) standing: Standing,
    /// How many checks in a row ended as the last one did.
    streak: u8,
    /// How the last check failed; `None` if it passed.
    pub(super) fault: Option<String>,
    pub(super) checks: u64,
}

impl Default for Health {
    fn default() -> Self {
        Health { standing: Standing::Initial, streak: 0, fault: None, checks: 0 }
    }
}

impl Health {
    /// Notes the outcome of a check. `true` if the standing has changed.
    pub(super) fn note(&mut self, outcome: Result<(), String>, thresholds: Thresholds) -> bool {
        let fault = outcome.err();
        let is_same = self.checks > 0 && fault.is_some() == self.fault.is_some();
        self.streak = if is_same { self.streak.saturating_add(1) } else { 1 };
        self.checks += 1;
        let (next, needed) = match &fault {
            None => (Standing::Healthy, thresholds.healthy),
            Some(_) => (Standing::Unhealthy, thresholds.unhealthy),
        };
        self.fault = fault;
        let changes = self.standing != next && self.streak >= needed;
        if changes {
            self.standing = next;
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` is a check that passes, `-` one that fails. Gives the standing after each.
    #[track_caller]
    fn check(outcomes: &str, expected: &str) {
        let thresholds = Thresholds { healthy: 2, unhealthy: 3 };
        let mut health = Health::default();
        let mut changes = 0;
        let seen: String = outcomes
            .chars()
            .map(|outcome| {
                let before = health.standing;
                let outcome = if outcome == '+' { Ok(()) } else { Err("x".to_owned()) };
                let has_changed = health.note(outcome, thresholds);
                assert_eq!(has_changed, before != health.standing, "{outcomes}");
                changes += u64::from(has_changed);
                &health.standing.name()[..1]
            })
            .collect();
        assert_eq!(seen, expected, "{outcomes}");
        assert_eq!(health.checks, outcomes.len() as u64);
    }

    #[test]
    fn the_standing_changes_after_so_many_checks_in_a_row() {
        check("+", "i");
        check("++", "ih");
        check("---", "iiu");
        check("--+---", "iiiiiu");
        check("---+", "iiuu");
        check("---++", "iiuuh");
        check("---+-++", "iiuuuuh");
        check("++--+---", "ihhhhhhu");
        check("+-+-+-", "iiiiii");
    }
}
