//! Starting a server, bare or under a tool that counts, and ending it so that the count is written.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Client;
use crate::subjects::Subject;

/// How long a server may take until it listens; valgrind makes fifty of one.
const START_MAX: Duration = Duration::from_secs(60);

/// Where things are.
pub(crate) struct Bench {
    binaries: PathBuf,
    scratch: PathBuf,
    /// The processor of every server: with one, all of them run on one thread.
    processor: String,
}

/// The tool a server runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Under {
    Nothing,
    Callgrind,
    Memcheck,
    Strace,
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
    pub(crate) fn new() -> Outcome<Self> {
        let exe = std::env::current_exe()?;
        let binaries = exe.parent().ok_or("no folder of binaries")?.to_owned();
        let scratch = binaries.join("../budget").join(std::process::id().to_string());
        fs::create_dir_all(&scratch)?;
        let status = fs::read_to_string("/proc/self/status")?;
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let first = allowed.and_then(|list| list.trim().split(['-', ',']).next()).unwrap_or("0");
        Ok(Self { binaries, scratch, processor: first.to_owned() })
    }

    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    pub(crate) fn start(&self, subject: Subject, under: Under) -> Outcome<Server> {
        let binary = self.binary(subject.binary());
        if !binary.exists() {
            return Err(format!("{} is not built: use benches/run", binary.display()).into());
        }
        let output = self.scratch(&format!("{subject}.{under:?}"));
        let port = free_port()?;
        let mut command = self.command(under, &output);
        command.arg(binary);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("FC_CUSTOM_LISTEN_PORT", port.to_string()).envs(subject.env());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let reader = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let _ = io::copy(&mut stdout, &mut io::sink());
            })
        });
        Ok(Server { child, port, under, output, reader })
    }

    fn command(&self, under: Under, output: &Path) -> Command {
        let pinned = ["-c", self.processor.as_str()];
        let mut command = Command::new(if under == Under::Strace { "strace" } else { "taskset" });
        match under {
            Under::Nothing => {
                command.args(pinned);
            }
            Under::Callgrind => {
                command.args(pinned).args(["valgrind", "--tool=callgrind", "--log-file=/dev/null"]);
                command.arg(format!("--callgrind-out-file={}", output.display()));
            }
            Under::Memcheck => {
                command.args(pinned).args([
                    "valgrind",
                    "--tool=memcheck",
                    "--leak-check=no",
                    "--undef-value-errors=no",
                ]);
                command.arg(format!("--log-file={}", output.display()));
            }
            Under::Strace => {
                command.args(["-f", "-c", "-o"]).arg(output).arg("taskset").args(pinned);
            }
        }
        command
    }
}

impl Server {
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

    /// The server itself, below the tool.
    pub(crate) fn pid(&self) -> Outcome<u32> {
        let id = self.child.id();
        if self.under != Under::Strace {
            return Ok(id);
        }
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        Ok(children.split_whitespace().next().ok_or("strace has no child")?.parse()?)
    }

    /// A field of `/proc/<pid>/status`, in kB.
    pub(crate) fn status_kb(&self, field: &str) -> Outcome<f64> {
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

    /// Ends it, and gives what the tool wrote.
    pub(crate) fn finish(mut self) -> Outcome<String> {
        let pid = self.pid()?;
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status()?;
        if !sent.success() {
            return Err(format!("cannot end process {pid}").into());
        }
        self.child.wait()?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| "the reader of stdout panicked")?;
        }
        if self.under == Under::Nothing { Ok(String::new()) } else { Ok(fs::read_to_string(&self.output)?) }
    }
}

/// What goes wrong in a measurement leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            if let Ok(pid) = self.pid() {
                let _ = Command::new("sh").args(["-c", &format!("kill -KILL {pid}")]).status();
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
