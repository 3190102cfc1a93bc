//! The trait that starts programs: real processes, or a test's own implementation.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, DuplexStream};
use tokio_util::task::TaskTracker;

use super::cgroup::Group;
use super::contained::Container;
use super::handle::{Exit, Order, Process};
use super::mounts::Mounts;
use super::network::Network;
use super::output::Output;
use super::proc::Listening;

/// The output of a program. [The example of `Runner`](Runner) names the type.
pub type Pipe = Box<dyn Printed>;

/// What a program prints, to be read.
///
/// ```
/// use fc_local::runner::{Pipe, Printed};
///
/// let (_program, mut printed) = tokio::io::duplex(1024);
/// printed.ask();
/// let _pipe: Pipe = Box::new(printed);
/// ```
pub trait Printed: AsyncRead + Send + Unpin {
    /// Lets the next poll see what the program has written by now, also where the executor was not told of it yet.
    fn ask(&mut self) {}
}

impl Printed for DuplexStream {}

/// Starts programs. `Processes` starts real ones.
///
/// ```
/// use fc_local::runner::{CommandLine, Pipe, Process, Runner};
/// use std::io;
/// use tokio_util::task::TaskTracker;
///
/// #[derive(Debug)]
/// struct Nothing;
///
/// impl Runner for Nothing {
///     fn start(&self, line: &CommandLine<'_>, _: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)> {
///         Err(io::Error::other(format!("{:?} is not started", line.command)))
///     }
/// }
/// ```
pub trait Runner: fmt::Debug + Send + Sync {
    /// Starts a program with exactly the given environment. Gives the process, the standard output and the standard
    /// error. A task in `tasks` notices the end.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    fn start(&self, line: &CommandLine<'_>, tasks: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)>;

    /// Whether programs are real processes, whose memory the kernel can limit.
    fn has_processes(&self) -> bool {
        false
    }
}

/// A running program, as its [`Runner`] sees the program. [The example of `Reporter`](super::Reporter) implements the
/// trait.
pub trait Running: fmt::Debug + Send + Sync {
    /// Passes an order on. Orders are carried out in sequence. After the end they have no effect.
    fn order(&self, order: Order);

    /// The resident memory of the program and its descendants, in bytes.
    fn memory(&self) -> u64;

    /// The ports on which the program listens.
    fn listening(&self) -> Vec<Listening>;

    /// The processor time that the program and its descendants have used.
    fn cpu(&self) -> Duration {
        Duration::ZERO
    }

    /// How many processes below the program have ended without anybody who waited for them.
    fn zombies(&self) -> usize {
        0
    }

    /// Whether the program listens on `port`, as far as the runner can tell.
    fn may_listen_on(&self, port: u16) -> bool {
        self.listening().iter().any(|open| open.port == port)
    }
}

/// A command that is run to its end. [The example of `Runner`](Runner) refuses to start one.
#[derive(Debug)]
#[non_exhaustive]
pub struct CommandLine<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// The working folder.
    pub folder: &'a Path,
    /// The whole environment.
    pub environment: &'a BTreeMap<String, OsString>,
    /// The control group whose memory limit applies.
    pub(crate) group: Option<&'a Group>,
    /// The network of the program. Without one the program is in this machine's.
    pub(crate) network: Option<&'a Network>,
    /// What the program finds at the platform's places. Without mounts the program sees this machine's files alone.
    pub(crate) mounts: Option<&'a Mounts>,
    /// The container that the command runs.
    pub(crate) container: Option<&'a Container>,
}

/// How long the last lines of an ended command may still take to arrive.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

impl CommandLine<'_> {
    /// Runs the command and waits for its end and its output.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the command and everything it started.
    pub(crate) async fn run(
        &self,
        runner: &dyn Runner,
        output: Output,
        tasks: &TaskTracker,
    ) -> io::Result<Exit> {
        let (process, stdout, stderr) = runner.start(self, tasks)?;
        let output = Arc::new(output);
        tasks.spawn(Arc::clone(&output).read(stdout, false));
        tasks.spawn(Arc::clone(&output).read(stderr, true));
        let exit = process.exited().await;
        output.complete(LAST_OUTPUT).await;
        Ok(exit)
    }
}
