//! Starting a server, bare or under a tool that counts, and ending it so that the count is written.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::client::Client;
use crate::processors::Processors;
use crate::share::Share;
use crate::subjects::{self, Kind, Program, Subject};

/// How long a server may take until it listens: valgrind makes fifty of one, a twentieth of a processor makes twenty.
const START_MAX: Duration = Duration::from_mins(1);

/// How long the threads of a server have to end what they do behind a reply, under valgrind.
const SETTLE: Duration = Duration::from_millis(200);

/// How long a server may take to end.
const END_MAX: Duration = Duration::from_secs(30);

/// Where things are, and how thoroughly they are measured.
pub(crate) struct Bench {
    binaries: PathBuf,
    peers: PathBuf,
    scratch: PathBuf,
    pub(crate) processors: Processors,
    /// Only the servers that the gate needs.
    pub(crate) ci: bool,
    /// Few rounds: to see that everything works.
    pub(crate) quick: bool,
}

/// The tool a server runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Under {
    #[default]
    Nothing,
    Callgrind,
    Memcheck,
    Strace,
    /// The process's first thread alone, without its children.
    StraceFirst,
}

impl Under {
    fn is_strace(self) -> bool {
        matches!(self, Self::Strace | Self::StraceFirst)
    }

    /// What was counted, as the tool wrote it: instructions, or allocations.
    pub(crate) fn total(self, written: &str) -> Outcome<f64> {
        let word = match self {
            Self::Callgrind => written.lines().find_map(|line| line.strip_prefix("totals:")),
            Self::Memcheck => written.split_once("total heap usage:").map(|(_, usage)| usage),
            // A table, of which a row reads its rows.
            Self::Nothing | Self::Strace | Self::StraceFirst => None,
        };
        let word = word.and_then(|text| text.split_whitespace().next());
        Ok(word.ok_or_else(|| format!("{self:?} wrote no total"))?.replace(',', "").parse()?)
    }
}

/// How a server is run, beyond what its subject says.
#[derive(Default)]
pub(crate) struct Way<'a> {
    pub(crate) under: Under,
    /// Every processor instead of one.
    pub(crate) whole_machine: bool,
    pub(crate) share: Option<&'a Share>,
    pub(crate) env: &'a [(&'a str, &'a str)],
    pub(crate) arguments: &'a [&'a str],
    /// One that the arguments name; any free one otherwise.
    pub(crate) port: Option<u16>,
}

pub(crate) struct Server {
    child: Child,
    port: u16,
    under: Under,
    output: PathBuf,
    /// Reads stdout, so that records have somewhere to go.
    reader: Option<JoinHandle<()>>,
}

impl Bench {
    pub(crate) fn new(ci: bool, quick: bool) -> Outcome<Self> {
        let exe = std::env::current_exe()?;
        let binaries = exe.parent().ok_or("no folder of binaries")?.to_owned();
        let scratch = binaries.join("../driver").join(std::process::id().to_string());
        fs::create_dir_all(&scratch)?;
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("peers");
        Ok(Self { binaries, peers, scratch, processors: Processors::allowed()?, ci, quick })
    }

    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// How many rounds a measurement takes.
    pub(crate) fn rounds(&self, thorough: usize) -> usize {
        if self.quick { 2 } else { thorough }
    }

    /// Those of them that this run measures.
    pub(crate) fn wanted(&self, subjects: &[&'static Subject]) -> Vec<&'static Subject> {
        subjects.iter().copied().filter(|subject| !self.ci || subject.ci).collect()
    }

    /// Those with the contract's routes.
    pub(crate) fn twins(&self) -> Vec<&'static Subject> {
        let mut twins = self.wanted(&subjects::http::ALL);
        twins.retain(|subject| subject.family == subjects::Family::Contract);
        twins
    }

    /// Those of them that one would deploy: ours and the peers with equal work, and the other languages.
    pub(crate) fn deployed(&self) -> Vec<&'static Subject> {
        let mut twins = self.twins();
        twins.retain(|it| {
            matches!(it.kind, Kind::Equal | Kind::Other) || it.name == subjects::http::OURS.name
        });
        twins
    }

    /// Those of them that valgrind understands.
    pub(crate) fn native_twins(&self) -> Vec<&'static Subject> {
        let mut twins = self.twins();
        twins.retain(|subject| subject.is_native());
        twins
    }

    /// On one processor, where all servers take a single-threaded executor.
    pub(crate) fn start(&self, subject: &Subject, under: Under) -> Outcome<Server> {
        self.start_so(subject, &Way { under, ..Way::default() })
    }

    pub(crate) fn start_so(&self, subject: &Subject, way: &Way<'_>) -> Outcome<Server> {
        let output = self.scratch(&format!("{}.{:?}", subject.name.replace('/', "-"), way.under));
        let port = way.port.map_or_else(free_port, Ok)?;
        let mut words = self.tool(way, &output);
        // Last, so that the start of a tool is not paid from the share.
        words.extend(way.share.map(Share::words).unwrap_or_default());
        words.extend(self.program(subject)?);
        words.extend(way.arguments.iter().map(Into::into));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("FC_CUSTOM_LISTEN_PORT", port.to_string());
        command.envs(subject.env.iter().copied()).envs(way.env.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let reader = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let _ = io::copy(&mut stdout, &mut io::sink());
            })
        });
        Ok(Server { child, port, under: way.under, output, reader })
    }

    pub(crate) fn program(&self, subject: &Subject) -> Outcome<Vec<OsString>> {
        match subject.program {
            Program::Binary(name) => {
                let binary = self.binary(name);
                if !binary.exists() {
                    return Err(format!("{} is not built: use benches/run", binary.display()).into());
                }
                Ok(vec![binary.into()])
            }
            Program::Command(words) => Ok(words
                .iter()
                .map(|word| match word.strip_prefix('@') {
                    Some(path) => self.peers.join(path).into(),
                    None => word.into(),
                })
                .collect()),
        }
    }

    fn tool(&self, way: &Way<'_>, output: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if way.under.is_strace() {
            words.push("strace".into());
            words.extend((way.under == Under::Strace).then(|| "-f".into()));
            words.extend(["-c", "-o"].map(Into::into));
            words.push(output.into());
        }
        if !way.whole_machine {
            words.extend(["taskset".into(), "-c".into(), self.processors.server.to_string().into()]);
        }
        match way.under {
            Under::Callgrind => {
                words.extend(["valgrind", "--tool=callgrind", "--log-file=/dev/null"].map(Into::into));
                words.push(format!("--callgrind-out-file={}", output.display()).into());
            }
            Under::Memcheck => {
                words.extend(["valgrind", "--tool=memcheck", "--leak-check=no"].map(Into::into));
                words.push("--undef-value-errors=no".into());
                words.push(format!("--log-file={}", output.display()).into());
            }
            Under::Nothing | Under::Strace | Under::StraceFirst => {}
        }
        words
    }
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn under(&self) -> Under {
        self.under
    }

    /// The first connection that is accepted.
    pub(crate) fn connect(&mut self) -> Outcome<Client> {
        let started = Instant::now();
        loop {
            match Client::connect(self.port) {
                Ok(client) => return Ok(client),
                Err(_) if started.elapsed() < START_MAX => thread::sleep(Duration::from_micros(100)),
                Err(error) => return Err(format!("does not listen: {error}").into()),
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("ended before it listened: {status}").into());
            }
        }
    }

    /// The server itself, below the tool. (`taskset` and valgrind become the server, strace does not.)
    pub(crate) fn pid(&self) -> Outcome<u32> {
        let id = self.child.id();
        if !self.under.is_strace() {
            return Ok(id);
        }
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        Ok(children.split_whitespace().next().ok_or("strace has no child")?.parse()?)
    }

    /// A field of `/proc/<pid>/status`, in KiB, which `/proc` calls kB: `VmRSS`, or `VmHWM`, its peak.
    pub(crate) fn status_kib(&self, field: &str) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no such field")?.parse()?)
    }

    /// Page faults that needed no disk, from exec until now.
    pub(crate) fn minor_faults(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no command in stat")?;
        Ok(fields.split_whitespace().nth(7).ok_or("no minflt in stat")?.parse()?)
    }

    /// Microseconds of processor time, user and system, that its threads have had, to the nanosecond.
    pub(crate) fn cpu_us(&self) -> Outcome<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()?))? {
            // A thread may end meanwhile.
            if let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) {
                let run = text.split_whitespace().next().ok_or("schedstat is empty")?;
                nanoseconds += run.parse::<f64>()?;
            }
        }
        Ok(nanoseconds / 1000.0)
    }

    /// What callgrind has counted so far. What it counts from here on is all that [`finish`](Self::finish) gives.
    pub(crate) fn counted_so_far(&self) -> Outcome<f64> {
        // Until threads that have something left to do have done it.
        thread::sleep(SETTLE);
        let dump = Command::new("vgdb").arg(format!("--pid={}", self.pid()?)).arg("dump").output()?;
        if !dump.status.success() {
            return Err(format!("vgdb: {}", String::from_utf8_lossy(&dump.stderr)).into());
        }
        self.under.total(&fs::read_to_string(self.output.with_added_extension("1"))?)
    }

    /// Ends it, and gives what the tool wrote.
    pub(crate) fn finish(self) -> Outcome<String> {
        self.signal(Signal::TERM)?;
        self.ended()
    }

    /// As [`finish`](Self::finish), of nginx in one process: it sees a signal that comes right before it waits with its next event.
    pub(crate) fn finish_by_an_event(mut self) -> Outcome<String> {
        self.signal(Signal::TERM)?;
        if self.wait(SETTLE)?.is_none() {
            // Refused if it has ended.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        }
        self.ended()
    }

    /// What the tool wrote, behind the signal.
    fn ended(mut self) -> Outcome<String> {
        if self.wait(END_MAX)?.is_none() {
            let program = self.output.file_name().unwrap_or_default().display();
            return Err(format!("{program} does not end at SIGTERM").into());
        }
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| "the reader of stdout panicked")?;
        }
        if self.under == Under::Nothing { Ok(String::new()) } else { Ok(fs::read_to_string(&self.output)?) }
    }

    fn wait(&mut self, most: Duration) -> Outcome<Option<ExitStatus>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if started.elapsed() > most {
                return Ok(None);
            }
            thread::sleep(Duration::from_micros(500));
        }
    }

    fn signal(&self, signal: Signal) -> Outcome<()> {
        let pid = i32::try_from(self.pid()?).ok().and_then(Pid::from_raw).ok_or("no such process")?;
        Ok(kill_process(pid, signal)?)
    }
}

/// What goes wrong in a measurement, or is stuck on purpose, leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.signal(Signal::KILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
