//! What an app of fc-runtime says of itself.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::process::output_of;

/// The variable that has an app print its description in place of serving. The name is in each such program.
const VARIABLE: &str = "FC_RUNTIME_DESCRIBE";

/// How long a description is waited for: nothing is opened for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest description, in bytes.
const LENGTH_MAX: u64 = 4 * 1024 * 1024;

/// The description.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    pub(crate) routes: Vec<Route>,
    /// The event handler, if there is one.
    pub(crate) event: Option<Event>,
    /// Whether requests that come as events are answered by the routes.
    #[serde(default)]
    pub(crate) event_as_http: bool,
    /// Of `initialize`, `pre-stop` and `pre-freeze` those that there are.
    pub(crate) hooks: Vec<String>,
    pub(crate) health_path: String,
    /// The seconds that all pre-stop hooks have together. Older versions of the runtime do not tell.
    pub(crate) pre_stop_budget: Option<f64>,
    /// The seconds that requests in flight have after a signal to stop.
    pub(crate) drain_deadline: Option<f64>,
}

/// A route; no method means every one.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Route {
    pub(crate) pattern: String,
    pub(crate) method: Option<String>,
}

/// An event handler.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Event {
    /// The name of the type that it takes, if it takes one.
    #[serde(rename = "type")]
    pub(crate) name: Option<String>,
    /// The kinds of triggers that send it, by the names of `triggerType`.
    #[serde(default)]
    pub(crate) triggers: Vec<String>,
}

impl Described {
    pub(crate) fn has_hook(&self, name: &str) -> bool {
        self.hooks.iter().any(|hook| hook == name)
    }
}

/// Asks a program for its description. `None` if the program is no app that knows how to answer.
pub(crate) async fn describe(program: &Path) -> Option<Described> {
    let bytes = super::program::read(program).ok()?;
    memchr::memmem::find(&bytes, VARIABLE.as_bytes())?;
    drop(bytes);
    let printed = output_of(program, &[(VARIABLE, "1")], PATIENCE, LENGTH_MAX).await.ok()?;
    let lines = std::str::from_utf8(&printed).ok()?.lines();
    lines.into_iter().find_map(|line| serde_json::from_str(line).ok())
}
