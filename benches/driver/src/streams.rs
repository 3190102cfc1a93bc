//! `stream-load`, the client of what stays open: a program of its own on the client's processor.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Outcome;
use crate::process::{Bench, Server, Under};
use crate::strace::calls;
use crate::subjects::Subject;

/// What it measured, by name.
pub(crate) struct Said(String);

impl Said {
    pub(crate) fn figure(&self, name: &str) -> Outcome<f64> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(' '));
        let value = lines.find_map(|(known, value)| (known == name).then_some(value));
        Ok(value.ok_or_else(|| format!("stream-load said no {name}"))?.parse()?)
    }
}

/// One measurement, from its begin to its end.
pub(crate) fn ask(bench: &Bench, server: &mut Server, name: &str, numbers: &[usize]) -> Outcome<Said> {
    server.connect()?;
    ask_at(bench, server, server.port(), name, numbers)
}

/// As [`ask`], at another port of a server that listens.
pub(crate) fn ask_at(
    bench: &Bench,
    server: &Server,
    port: u16,
    name: &str,
    numbers: &[usize],
) -> Outcome<Said> {
    let output = command(bench, server, port, name, numbers)?.stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(Said(String::from_utf8(output.stdout)?))
}

/// Instructions of a whole run with one measurement.
pub(crate) fn instructions(bench: &Bench, subject: &Subject, name: &str, numbers: &[usize]) -> Outcome<f64> {
    Under::Callgrind.total(&run_under(bench, subject, Under::Callgrind, name, numbers)?)
}

/// System calls of a whole run with one measurement.
pub(crate) fn system_calls(bench: &Bench, subject: &Subject, name: &str, numbers: &[usize]) -> Outcome<f64> {
    let table = run_under(bench, subject, Under::Strace, name, numbers)?;
    Ok(calls(&table, "total").ok_or("strace wrote no total")?)
}

fn run_under(
    bench: &Bench,
    subject: &Subject,
    under: Under,
    name: &str,
    numbers: &[usize],
) -> Outcome<String> {
    let mut server = bench.start(subject, under)?;
    ask(bench, &mut server, name, numbers).map_err(|error| format!("{}: {error}", subject.name))?;
    server.finish()
}

/// Clients that stay until this is dropped.
pub(crate) struct Held(Child);

pub(crate) fn hold(bench: &Bench, server: &mut Server, name: &str, count: usize) -> Outcome<Held> {
    server.connect()?;
    let mut child = command(bench, server, server.port(), name, &[count])?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let held = Held(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.starts_with("ready") {
        Ok(held)
    } else {
        Err(format!("{name} {count}: the clients did not stay").into())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn command(bench: &Bench, server: &Server, port: u16, name: &str, numbers: &[usize]) -> Outcome<Command> {
    let mut command = Command::new("taskset");
    command.args(["-c", &bench.processors.client.to_string()]).arg(bench.binary("stream-load"));
    command.args([name, &port.to_string(), &server.pid()?.to_string()]);
    command.args(numbers.iter().map(usize::to_string)).stdin(Stdio::null());
    Ok(command)
}
