//! Places: a pattern with settings.

use std::borrow::Cow;
use std::time::Duration;

use crate::cancel::HangUpPolicy;
use crate::cors::Cors;

/// A place: a pattern with settings. Routes and groups take a place or a plain pattern.
/// [`at`] makes one, and shows how.
#[derive(Debug, Clone)]
#[must_use = "a place does nothing unless a route or a group is put there"]
#[doc(alias = "path")]
#[doc(alias = "route")]
pub struct At {
    pub(crate) pattern: Cow<'static, str>,
    pub(crate) settings: PlaceSettings,
}

/// The settings of a place. An unset one is taken from the group, and then from the app.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlaceSettings {
    pub(crate) hang_up_policy: Option<HangUpPolicy>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) body_pause: Option<Duration>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) cors: Option<Box<Cors>>,
}

/// A place for a pattern, to which settings can be added.
///
/// ```
/// use fc_runtime::{App, HangUpPolicy, MIB, at};
/// use std::time::Duration;
///
/// let orders = at("/orders")
///     .hang_up_policy(HangUpPolicy::Finish)
///     .body_limit(8 * MIB)
///     .time_limit(Duration::from_secs(5));
/// let app = App::new().post(orders, async |ex| Ok((201, ex.text().await?)));
/// # let _: App = app;
/// ```
pub fn at(pattern: impl Into<Cow<'static, str>>) -> At {
    At { pattern: pattern.into(), settings: PlaceSettings::default() }
}

impl At {
    /// What happens to a handler here when its client leaves. Default: [`HangUpPolicy::Cancel`].
    ///
    /// Under [`HangUpPolicy::Finish`] a handler stays in flight until its end.
    /// [`App::max_finishing`](crate::App::max_finishing) bounds the number of such handlers.
    #[doc(alias = "disconnect")]
    #[doc(alias = "cancel")]
    #[doc(alias = "detached")]
    pub fn hang_up_policy(mut self, policy: HangUpPolicy) -> Self {
        self.settings.hang_up_policy = Some(policy);
        self
    }

    /// The largest body that a reader here accepts, in bytes; a larger one gets a 413. Default: 2 MiB. The platform
    /// passes at most 32 MiB.
    #[doc(alias = "DefaultBodyLimit")]
    #[doc(alias = "limit")]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = Some(bytes);
        self
    }

    /// How long a reader here waits for the next piece of a body before it gives a 408. Default: 30 s.
    pub fn body_pause(mut self, pause: Duration) -> Self {
        self.settings.body_pause = Some(pause);
        self
    }

    /// The CORS policy here, in place of the app's.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.settings.cors = Some(Box::new(cors));
        self
    }

    /// How long a handler here may take until its reply begins. After that the reply is a 504. Default: no limit but
    /// the platform's.
    #[doc(alias = "timeout")]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = Some(limit);
        self
    }
}

impl PlaceSettings {
    /// Takes the settings that are not set here from `outer`.
    pub(crate) fn complete(&mut self, outer: &Self) {
        self.hang_up_policy = self.hang_up_policy.or(outer.hang_up_policy);
        self.body_limit = self.body_limit.or(outer.body_limit);
        self.body_pause = self.body_pause.or(outer.body_pause);
        self.time_limit = self.time_limit.or(outer.time_limit);
        if self.cors.is_none() {
            self.cors.clone_from(&outer.cors);
        }
    }
}

impl From<&'static str> for At {
    fn from(pattern: &'static str) -> Self {
        at(pattern)
    }
}

impl From<String> for At {
    fn from(pattern: String) -> Self {
        at(pattern)
    }
}
