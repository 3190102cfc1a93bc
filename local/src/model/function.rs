//! A function, its hooks and its health check.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::local::Local;
use super::trigger::HttpTrigger;

/// One function, with the platform's defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    /// The folder that the platform would mount at `/code`.
    pub(crate) code: PathBuf,
    /// `command` and `args`; empty means `/code/bootstrap`.
    pub(crate) command: Vec<String>,
    pub(crate) port: u16,
    pub(crate) memory_mib: u32,
    pub(crate) disk_mib: u32,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) environment: BTreeMap<String, String>,
    /// The names of its layers in the cloud.
    pub(crate) layers: Vec<String>,
    pub(crate) log: Option<(String, String)>,
    pub(crate) initializer: Option<Hook>,
    pub(crate) pre_stop: Option<Hook>,
    pub(crate) health: Option<HealthCheck>,
    pub(crate) trigger: Option<HttpTrigger>,
    pub(crate) actions: Vec<Action>,
    pub(crate) local: Local,
}

/// A lifecycle hook: a call to the runtime, or a command run beside it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hook {
    pub(crate) command: Option<Vec<String>>,
    pub(crate) timeout: Duration,
}

/// `healthCheckConfig`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HealthCheck {
    pub(crate) path: String,
    pub(crate) initial_delay: Duration,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    pub(crate) failures: u32,
    pub(crate) successes: u32,
}

/// One build step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Action {
    pub(crate) run: String,
    pub(crate) folder: PathBuf,
    pub(crate) line: usize,
    /// Whether the next steps run after a failure of this step.
    pub(crate) may_fail: bool,
}

impl Function {
    /// The command line, `/code/bootstrap` if none is declared.
    pub(crate) fn command_line(&self) -> Vec<String> {
        if self.command.is_empty() { vec!["/code/bootstrap".to_owned()] } else { self.command.clone() }
    }

    /// Whether both have the same settings, at whatever lines of the manifest.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let without_lines = |function: &Self| {
            let mut function = Function { line: 0, ..function.clone() };
            function.actions.iter_mut().for_each(|action| action.line = 0);
            function
        };
        without_lines(self) == without_lines(other)
    }

    /// Whether the platform replaces the instance after one cancelled request, as its manual says under "Why an
    /// instance restarts after a client's 499".
    pub(crate) fn is_replaced_after_cancel(&self) -> bool {
        self.concurrency == 1 && self.health.is_none()
    }
}
