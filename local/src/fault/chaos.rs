//! What the command line asks for, and the kinds of faults.

use std::str::FromStr;
use std::time::Duration;

/// Which faults are injected, and the number that decides when. The same seed gives the same faults at the same calls.
///
/// ```
/// use fc_local::Chaos;
///
/// let all: Chaos = "7".parse()?;
/// let some: Chaos = "7:leave,throttle".parse()?;
/// assert_ne!(all, some);
/// let error = "7:flood".parse::<Chaos>().unwrap_err();
/// assert!(error.contains("there is no kind of fault `flood`"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chaos {
    pub(super) seed: u64,
    /// One bit for each of [`NAMES`].
    kinds: u8,
}

/// A fault that was injected. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The instance gets no call after this one.
    Reuse,
    /// The idle instances were stopped before the call.
    Idle,
    /// The start of an instance was delayed.
    SlowStart(Duration),
    /// The instance was frozen between its call's assignment and the request.
    Freeze(Duration),
    /// The connection to the instance was closed so long after the request.
    Upstream(Duration),
    /// The client left after so many bytes of the reply's body.
    Leave(u64),
    /// The call was refused with this status.
    Throttle(u16),
}

/// The names of the kinds, in the order of [`Fault::index`].
const NAMES: [&str; 7] = ["reuse", "idle", "slow_start", "freeze", "upstream", "leave", "throttle"];

impl Fault {
    /// The name, which stays as it is.
    pub fn name(&self) -> &'static str {
        NAMES[self.index()]
    }

    pub(super) fn index(&self) -> usize {
        match self {
            Fault::Reuse => 0,
            Fault::Idle => 1,
            Fault::SlowStart(_) => 2,
            Fault::Freeze(_) => 3,
            Fault::Upstream(_) => 4,
            Fault::Leave(_) => 5,
            Fault::Throttle(_) => 6,
        }
    }
}

impl Chaos {
    pub(super) fn has(self, fault: Fault) -> bool {
        self.kinds & (1 << fault.index()) != 0
    }
}

impl FromStr for Chaos {
    type Err = String;

    /// Reads `SEED` or `SEED:kind,…`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, kinds) = text.split_once(':').map_or((text, None), |(seed, kinds)| (seed, Some(kinds)));
        let seed =
            seed.parse().map_err(|_| format!("`{seed}` is not a number; write SEED or SEED:kind,…"))?;
        let Some(kinds) = kinds else { return Ok(Chaos { seed, kinds: u8::MAX }) };
        let mut bits = 0;
        for kind in kinds.split(',') {
            let at = NAMES.iter().position(|name| *name == kind).ok_or_else(|| {
                format!("there is no kind of fault `{kind}`; there are: {}", NAMES.join(", "))
            })?;
            bits |= 1 << at;
        }
        Ok(Chaos { seed, kinds: bits })
    }
}
