//! Settings that exist only on this machine: the manifest's `x-local`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asynchronous::Target;
use super::edition::Edition;
use super::function::Action;
use super::recipe::Recipe;

/// The most instances on this machine, unless the manifest says otherwise.
const INSTANCES_MAX: usize = 10;

/// The platform's default cap of a function's instances.
const INSTANCES_OF_PLATFORM: usize = 300;

/// Which lines of a function's programs enter the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lines {
    All,
    /// Those on the standard error.
    Errors,
    None,
}

/// Settings that exist only on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Local {
    pub(crate) port: Option<u16>,
    /// The most instances, if the manifest sets it.
    pub(crate) max_instances: Option<usize>,
    pub(crate) idle_timeout: Duration,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) freeze: bool,
    /// Whether the memory is sampled even where the kernel can enforce the limit.
    pub(crate) sample_memory: bool,
    pub(crate) attachment: bool,
    /// Which lines of the programs enter the log. All of them do if a program does not start.
    pub(crate) log: Lines,
    pub(crate) pass_env: Vec<String>,
    pub(crate) watch: Vec<PathBuf>,
    /// Whether an instance gets the platform's folders as mounts, where this machine allows that.
    pub(crate) mounts: bool,
    /// Whether the instances of a program that keeps to the declared port get networks of their own, where this machine
    /// allows that.
    pub(crate) network: bool,
    /// The command that stands for the image of a container on this machine, without a container.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    /// Where that command is run; `None` is the manifest's folder.
    #[serde(default)]
    pub(crate) code: Option<PathBuf>,
    /// Folders and zips that stand for the function's layers.
    pub(crate) layers: Vec<PathBuf>,
    /// The commands that build the code, in place of the steps of `actions`.
    #[serde(skip)]
    pub(crate) build: Option<Vec<Action>>,
    /// How `fc-local package` builds the program.
    #[serde(skip)]
    pub(crate) recipe: Recipe,
    /// Whether the function gets the developer's own temporary credentials.
    pub(crate) credentials: bool,
    pub(crate) edition: Edition,
    /// Whether requests come to the function as events.
    #[serde(default)]
    pub(crate) event_function: bool,
    /// The service of the functions in edition 2.0; `None` is the name of the project.
    pub(crate) service: Option<String>,
    /// The pause before the first repetition of an asynchronous call; `None` is the platform's.
    #[serde(default)]
    pub(crate) async_retry_pause: Option<Duration>,
    /// Whether a status of 500 or more fails an asynchronous call of a web function.
    #[serde(default)]
    pub(crate) async_server_errors: bool,
    /// The most asynchronous calls at a time; `None` is half of what the instances take.
    #[serde(default)]
    pub(crate) async_concurrency: Option<usize>,
    /// Whether the timer triggers of the manifest fire here.
    #[serde(skip)]
    pub(crate) timers: bool,
    /// Where the messages of destinations are forwarded.
    #[serde(skip)]
    pub(crate) destinations: BTreeMap<Target, String>,
}

impl Default for Local {
    fn default() -> Self {
        Local {
            port: None,
            max_instances: None,
            idle_timeout: Duration::from_secs(300),
            start_timeout: fc_runtime::platform::limits::STARTUP_MAX,
            stop_timeout: Duration::from_secs(5),
            freeze: false,
            sample_memory: false,
            attachment: false,
            log: Lines::All,
            pass_env: Vec::new(),
            watch: Vec::new(),
            mounts: true,
            network: true,
            command: Vec::new(),
            code: None,
            layers: Vec::new(),
            build: None,
            recipe: Recipe::default(),
            credentials: false,
            edition: Edition::default(),
            event_function: false,
            service: None,
            async_retry_pause: None,
            async_server_errors: false,
            async_concurrency: None,
            timers: true,
            destinations: BTreeMap::new(),
        }
    }
}

impl Local {
    /// The most instances that are started.
    pub(crate) fn instances_max(&self) -> usize {
        self.max_instances.unwrap_or(INSTANCES_MAX)
    }

    /// The most instances that the platform would start.
    pub(crate) fn instances_of_platform(&self) -> usize {
        self.max_instances.unwrap_or(INSTANCES_OF_PLATFORM)
    }
}
