//! How a platform is started.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Chaos;
use crate::model::Edition;
use crate::record::Limits;
use crate::timers::Clock;

/// The platform's port for gRPC.
pub(super) const GRPC_PORT: u16 = 8089;

/// The port for gRPC calls. [The example of the crate](crate) has the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrpcPort {
    /// None is opened.
    Closed,
    /// 8089, the platform's own, or a free one where that is taken.
    Usual,
    /// This one, which must be free; 0 takes a free one.
    At(u16),
}

/// How a platform is started. [The example of the crate](crate) has the defaults.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The address to listen on; loopback by default.
    pub listen: IpAddr,
    /// The port for all functions and the API; 0 takes a free one.
    pub port: u16,
    /// The port for gRPC calls of all functions, over TLS or in plain text; [`GrpcPort::Usual`] by default.
    pub grpc_port: GrpcPort,
    /// The folder of the local certificate authority, which is made there at the first start. `None`, the default, offers
    /// no TLS.
    pub certificates: Option<PathBuf>,
    /// Whether the manifest's build steps are run.
    pub build: bool,
    /// How long calls may continue when the code of a program with a fixed port is replaced. The new code starts only
    /// after these calls.
    pub drain: Duration,
    /// The faults that are injected; none by default.
    pub chaos: Option<Chaos>,
    /// The edition of all functions; `None` is the one that `x-local.edition` names, or 3.0.
    pub edition: Option<Edition>,
    /// The folder for what must survive the process: asynchronous calls. `None`, the default, keeps them in memory.
    pub data: Option<PathBuf>,
    /// The folder for what belongs to the project: its keys, versions, and what clients of the API made. `None`, the
    /// default, is `.fc-local` beside the manifest.
    pub state: Option<PathBuf>,
    /// The region of what clients of the API make; `None` is that of the manifest's first function.
    pub region: Option<String>,
    /// The number of the account, likewise.
    pub account: Option<String>,
    /// Whether the timer triggers of the manifest fire.
    pub timers: bool,
    /// How much of the latest calls is kept to be looked at and sent once more. `None`, the default, keeps nothing of them.
    pub record: Option<Recorder>,
    /// The clock that timers go by.
    #[doc(hidden)]
    pub clock: Clock,
    /// Whether calls of the API must be signed. Otherwise only the signatures that are there are checked.
    pub require_signature: bool,
}

/// How much of the latest calls is kept. [The example of the crate](crate) keeps nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorder {
    /// The most memory that their bodies take, in bytes.
    pub bodies: usize,
    /// The most that is kept of one body, in bytes.
    pub body: usize,
}

impl Recorder {
    /// Keeps `bodies` bytes of bodies in all, and `body` bytes of each.
    pub fn new(bodies: usize, body: usize) -> Self {
        Recorder { bodies, body }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        let Limits { bodies, body, .. } = Limits::default();
        Recorder { bodies, body }
    }
}

impl Settings {
    /// What is in effect, for people.
    pub(crate) fn effective(&self) -> Vec<(&'static str, String)> {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let path = |path: &Option<PathBuf>, without: &str| {
            path.as_ref().map_or_else(|| without.to_owned(), |path| path.display().to_string())
        };
        vec![
            ("Listens on", self.listen.to_string()),
            ("Asynchronous calls are kept in", path(&self.data, "memory alone")),
            ("Certificates", path(&self.certificates, "none: no TLS")),
            ("Build steps are run", yes(self.build)),
            ("Time for calls at a swap or a stop", format!("{} s", self.drain.as_secs())),
            (
                "Edition of all functions",
                self.edition
                    .map_or_else(|| "each function's own".to_owned(), |edition| format!("{edition:?}")),
            ),
            ("Faults are injected", yes(self.chaos.is_some())),
            ("Timers fire", yes(self.timers)),
            ("Calls of the API must be signed", yes(self.require_signature)),
        ]
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            grpc_port: GrpcPort::Usual,
            certificates: None,
            build: true,
            drain: Duration::from_secs(30),
            chaos: None,
            edition: None,
            data: None,
            state: None,
            region: None,
            account: None,
            timers: true,
            record: None,
            clock: Clock::default(),
            require_signature: false,
        }
    }
}
