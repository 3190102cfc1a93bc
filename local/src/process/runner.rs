//! The trait that starts programs: real processes, or a test's own implementation.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio_util::task::TaskTracker;

use super::cgroup::Group;
use super::handle::{Exit, Order, Process};
use super::output::Output;
use super::proc::Listening;

/// The output of a program. [The example of `Runner`](Runner) names it.
pub type Pipe = Box<dyn AsyncRead + Send + Unpin>;

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
    /// Starts a program with exactly its environment, and gives its standard output and standard error. Its end is noticed
    /// by a task in `tasks`.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    fn start(&self, line: &CommandLine<'_>, tasks: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)>;

    /// Whether real processes are started, whose memory the kernel can limit.
    fn has_processes(&self) -> bool {
        false
    }
}

/// A program that runs, as its [`Runner`] sees it. [The example of `Reporter`](super::Reporter) is one.
pub trait Running: fmt::Debug + Send + Sync {
    /// Passes an order on. Orders are carried out in sequence. After the end they have no effect.
    fn order(&self, order: Order);

    /// The resident memory of the program and its descendants, in bytes.
    fn memory(&self) -> u64;

    /// The ports that it listens on.
    fn listening(&self) -> Vec<Listening>;

    /// Whether it listens on the port, as far as can be told.
    fn may_listen_on(&self, port: u16) -> bool {
        self.listening().iter().any(|open| open.port == port)
    }
}

/// A command that is run to its end. [The example of `Runner`](Runner) is asked for one.
#[derive(Debug)]
#[non_exhaustive]
pub struct CommandLine<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// The folder that it runs in.
    pub folder: &'a Path,
    /// All of its environment.
    pub environment: &'a BTreeMap<String, OsString>,
    /// The control group whose memory limit it shares.
    pub(crate) group: Option<&'a Group>,
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
