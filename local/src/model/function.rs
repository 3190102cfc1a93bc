//! A function, its hooks and its health check.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::affinity::Affinity;
use super::asynchronous::AsyncConfig;
use super::auth::Secret;
use super::container::Container;
use super::local::Local;
use super::schedule::Schedule;
use super::timer::TimerTrigger;
use super::trigger::HttpTrigger;

/// One function, with the platform's defaults filled in. A version keeps it, without triggers and build steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    /// The folder that the platform would mount at `/code`. Empty for a function of an image.
    pub(crate) code: PathBuf,
    /// The image of a function that runs in containers; `None` runs `command` as a process.
    #[serde(default)]
    pub(crate) container: Option<Container>,
    /// `command` and `args`; empty means `/code/bootstrap`, or what the image says.
    pub(crate) command: Vec<String>,
    pub(crate) port: u16,
    pub(crate) memory_mib: u32,
    pub(crate) disk_mib: u32,
    /// The vCPUs, if they are named. They have no effect on instances here.
    #[serde(default)]
    pub(crate) vcpu: Option<f64>,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) affinity: Option<Affinity>,
    /// The instances that are kept although nothing calls them. Versions keep none.
    #[serde(skip)]
    pub(crate) instances_min: usize,
    /// When that number is another one.
    #[serde(skip)]
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) injection: Injection,
    pub(crate) environment: BTreeMap<String, String>,
    /// The names of its layers in the cloud.
    pub(crate) layers: Vec<String>,
    pub(crate) log: Option<(String, String)>,
    pub(crate) initializer: Option<Hook>,
    pub(crate) pre_stop: Option<Hook>,
    /// Called in edition 2.0 alone.
    pub(crate) pre_freeze: Option<Hook>,
    pub(crate) health: Option<HealthCheck>,
    /// The HTTP trigger of `LATEST`.
    #[serde(skip)]
    pub(crate) trigger: Option<HttpTrigger>,
    /// The HTTP triggers of versions and aliases.
    #[serde(skip)]
    pub(crate) qualified: Vec<(String, HttpTrigger)>,
    /// The timer triggers that are enabled.
    #[serde(skip)]
    pub(crate) timers: Vec<TimerTrigger>,
    /// How asynchronous calls are carried out, and the version or alias for which; `None` is `LATEST`.
    #[serde(skip)]
    pub(crate) asynchronous: Option<(Option<String>, AsyncConfig)>,
    /// What its callers prove themselves with, by its triggers and the project's domains. Never shown.
    #[serde(skip)]
    pub(crate) secrets: Vec<Secret>,
    #[serde(skip)]
    pub(crate) actions: Vec<Action>,
    /// The service of the function in edition 2.0.
    pub(crate) service: String,
    pub(crate) local: Local,
}

/// Where a function gets temporary credentials, if it gets any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Injection {
    /// In the environment of its instances.
    pub(crate) env: bool,
    /// In the headers of its calls.
    pub(crate) request: bool,
}

/// A lifecycle hook: a call to the runtime, or a command run beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) command: Option<Vec<String>>,
    pub(crate) timeout: Duration,
}

/// `healthCheckConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// The HTTP trigger of a version or an alias; `None` is `LATEST`.
    pub(crate) fn trigger_of(&self, qualifier: Option<&str>) -> Option<&HttpTrigger> {
        let Some(qualifier) = qualifier else { return self.trigger.as_ref() };
        self.qualified.iter().find(|(own, _)| own == qualifier).map(|(_, trigger)| trigger)
    }

    /// How asynchronous calls of a version or an alias are carried out, if the manifest says so; `None` is `LATEST`.
    #[allow(dead_code, reason = "the queue asks")]
    pub(crate) fn asynchronous_of(&self, qualifier: Option<&str>) -> Option<&AsyncConfig> {
        let (own, config) = self.asynchronous.as_ref()?;
        (own.as_deref() == qualifier).then_some(config)
    }

    /// Thousandths of the vCPUs that an instance has on the platform. If they are not named, the deployment tool's 0.35, as far
    /// as the platform takes that beside the memory: 1 to 4 GiB for each.
    pub(crate) fn cpu_millis(&self) -> u32 {
        const DEFAULT: u32 = 350;
        let most = u64::from(self.memory_mib) * 1000 / 1024;
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let named = self.vcpu.filter(|vcpu| (0.0..=1000.0).contains(vcpu));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just now")]
        named.map_or(DEFAULT.clamp(most / 4, most), |vcpu| (vcpu * 1000.0).round() as u32)
    }

    /// The command line, `/code/bootstrap` if none is declared. For a function of an image, what the manifest says.
    pub(crate) fn command_line(&self) -> Vec<String> {
        if let Some(container) = &self.container {
            return [&container.entrypoint[..], &self.command].concat();
        }
        if self.command.is_empty() { vec!["/code/bootstrap".to_owned()] } else { self.command.clone() }
    }

    /// Whether both have the same settings, at whatever lines of the manifest.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let without_lines = |function: &Self| {
            // Secrets are known from the settings that they belong to.
            let mut function = Function { line: 0, secrets: Vec::new(), ..function.clone() };
            let own = function.local.build.iter_mut().flatten();
            function.actions.iter_mut().chain(own).for_each(|action| action.line = 0);
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
