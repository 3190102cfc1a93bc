//! A runner without processes: a program is a future in this process, which runs until it ends or is killed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fc_local::runner::{CommandLine, Exit, Listening, Order, Pipe, Process, Runner, Running};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most unread output of a program, in bytes.
const UNREAD: usize = 64 * 1024;

/// The first process number: beyond Linux's numbers, so that no real process is signalled.
const FIRST_PID: u32 = 1 << 23;

/// The number of the next program.
static PIDS: AtomicU32 = AtomicU32::new(FIRST_PID);

type Life = Pin<Box<dyn Future<Output = i32> + Send>>;

/// A runner whose programs are all the same function.
pub(crate) struct Fakes {
    main: Box<dyn Fn(Program) -> Life + Send + Sync>,
    started: Mutex<Vec<Program>>,
}

impl fmt::Debug for Fakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Fakes").field("started", &self.started).finish_non_exhaustive()
    }
}

impl Fakes {
    /// `main` gives the program's exit code.
    pub(crate) fn new<F>(main: impl Fn(Program) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = i32> + Send + 'static,
    {
        Arc::new(Fakes { main: Box::new(move |program| Box::pin(main(program))), started: Mutex::default() })
    }

    /// All programs so far, in the order of their starts.
    pub(crate) fn started(&self) -> Vec<Program> {
        self.started.lock().unwrap().clone()
    }
}

impl Runner for Fakes {
    fn start(&self, line: &CommandLine<'_>, tasks: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)> {
        let (out, stdout) = tokio::io::duplex(UNREAD);
        let (errors, stderr) = tokio::io::duplex(UNREAD);
        let text = |value: &std::ffi::OsString| value.to_string_lossy().into_owned();
        let environment = line.environment.iter().map(|(name, value)| (name.clone(), text(value)));
        let pid = PIDS.fetch_add(1, Ordering::Relaxed);
        let program = Program(Arc::new(State {
            pid,
            command: line.command.to_vec(),
            environment: environment.collect(),
            listens_on: AtomicU16::new(0),
            memory: AtomicU64::new(0),
            orders: Mutex::default(),
            is_deaf: AtomicBool::new(false),
            killed: CancellationToken::new(),
            terminated: CancellationToken::new(),
            exit: Mutex::new(None),
            exits: CancellationToken::new(),
            out: tokio::sync::Mutex::new(Some([out, errors])),
        }));
        self.started.lock().unwrap().push(program.clone());
        let (process, reporter) = Process::new(Box::new(program.clone()));
        reporter.pid(pid);
        let running = (self.main)(program.clone());
        tasks.spawn(async move {
            let exit = program.live(running).await;
            // As with a process, the sockets and pipes close before the end is reported.
            program.0.listens_on.store(0, Ordering::Relaxed);
            *program.0.out.lock().await = None;
            reporter.exit(exit);
        });
        Ok((process, Box::new(stdout), Box::new(stderr)))
    }
}

/// A program, for its own code and for the test. Clones share one program.
#[derive(Debug, Clone)]
pub(crate) struct Program(Arc<State>);

#[derive(Debug)]
struct State {
    pid: u32,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    /// The open port; 0 without one.
    listens_on: AtomicU16,
    memory: AtomicU64,
    orders: Mutex<Vec<Order>>,
    is_deaf: AtomicBool,
    killed: CancellationToken,
    terminated: CancellationToken,
    exit: Mutex<Option<i32>>,
    exits: CancellationToken,
    /// Standard output and standard error.
    out: tokio::sync::Mutex<Option<[DuplexStream; 2]>>,
}

impl Program {
    /// Runs `life` until it ends or something ends it. Then drops `life` with all its sockets.
    async fn live(&self, life: Life) -> Exit {
        let terminated = async {
            self.0.terminated.cancelled().await;
            if self.0.is_deaf.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.0.killed.cancelled() => Exit::Signal(9),
            () = terminated => Exit::Signal(15),
            () = self.0.exits.cancelled() => Exit::Code(self.0.exit.lock().unwrap().unwrap_or_default()),
            code = life => Exit::Code(code),
        }
    }

    /// The program's process number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid
    }

    /// The program and its arguments.
    pub(crate) fn command(&self) -> &[String] {
        &self.0.command
    }

    /// A variable of the program's environment.
    #[track_caller]
    pub(crate) fn variable(&self, name: &str) -> &str {
        self.0.environment.get(name).unwrap_or_else(|| panic!("{name} is not set"))
    }

    /// The variable `NAME`, by which tests tell generations apart. Empty if it is not set.
    pub(crate) fn name(&self) -> &str {
        self.0.environment.get("NAME").map_or("", String::as_str)
    }

    /// The port that the platform gives to the program.
    pub(crate) fn given_port(&self) -> u16 {
        self.variable("FC_CUSTOM_LISTEN_PORT").parse().unwrap()
    }

    /// Reports `port` as the program's open port from now on. Comes before the port is open: what is open and not reported
    /// is another program's.
    pub(crate) fn listens_on(&self, port: u16) {
        self.0.listens_on.store(port, Ordering::Relaxed);
    }

    /// Sets the program's memory, in MiB.
    pub(crate) fn uses_memory(&self, mib: u64) {
        self.0.memory.store(mib * 1024 * 1024, Ordering::Relaxed);
    }

    /// Ignores SIGTERM from now on.
    pub(crate) fn turns_deaf(&self) {
        self.0.is_deaf.store(true, Ordering::Relaxed);
    }

    /// Ends the program from outside, as a stranger's SIGKILL does.
    pub(crate) fn is_killed(&self) {
        self.0.killed.cancel();
    }

    /// The orders so far.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.0.orders.lock().unwrap().clone()
    }

    /// Writes a line to standard output.
    pub(crate) async fn prints(&self, line: &str) {
        self.writes(0, line).await;
    }

    /// Writes a line to standard error.
    pub(crate) async fn complains(&self, line: &str) {
        self.writes(1, line).await;
    }

    async fn writes(&self, to: usize, line: &str) {
        if let Some(out) = &mut *self.0.out.lock().await {
            // Fails if nobody reads the pipe any more, which is fine.
            _ = out[to].write_all(format!("{line}\n").as_bytes()).await;
        }
    }

    /// Ends the program from anywhere inside. The future never completes.
    pub(crate) async fn exits(&self, code: i32) -> ! {
        *self.0.exit.lock().unwrap() = Some(code);
        self.0.exits.cancel();
        std::future::pending().await
    }
}

impl Running for Program {
    fn order(&self, order: Order) {
        self.0.orders.lock().unwrap().push(order);
        match order {
            Order::Kill => self.0.killed.cancel(),
            Order::Terminate => self.0.terminated.cancel(),
            _ => {}
        }
    }

    fn memory(&self) -> u64 {
        self.0.memory.load(Ordering::Relaxed)
    }

    fn listening(&self) -> Vec<Listening> {
        let port = self.0.listens_on.load(Ordering::Relaxed);
        if port == 0 { Vec::new() } else { vec![Listening { port, is_loopback: false }] }
    }
}
