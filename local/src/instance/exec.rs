//! A command in an instance, for people who look around there.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::net::unix::pipe;

use super::instance::Instance;
use crate::process::{Pipe, Process};
use crate::wire::ids;

/// A command that runs beside an instance. The drop ends the command.
pub(crate) struct Executed {
    pub(crate) process: Process,
    pub(crate) stdout: Pipe,
    pub(crate) stderr: Pipe,
    /// Takes what the command reads, if it reads anything.
    pub(crate) input: Option<Input>,
}

/// The standard input of a command. The drop is its end.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) sender: pipe::Sender,
    file: PathBuf,
}

impl Drop for Input {
    fn drop(&mut self) {
        // It goes with the instance's `/tmp` at the latest.
        drop(fs::remove_file(&self.file));
    }
}

impl Instance {
    /// Starts a command.
    ///
    /// # Errors
    ///
    /// The command cannot be started, or cannot get an input here.
    pub(crate) fn execute(&self, command: &[String], takes_input: bool) -> io::Result<Executed> {
        let generation = &self.generation;
        let mut beside = self.beside(command);
        let mut input = None;
        if let (true, None, Some(scratch)) = (takes_input, &generation.engine, &self.scratch) {
            // A guard gives a program no input of its own: it comes by a pipe in the `/tmp` of the instance.
            let name = format!(".input-{}", ids::uuid());
            let file = scratch.join(&name);
            mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            // Open for both, so that it does not matter which side is first.
            let sender = pipe::OpenOptions::new().read_write(true).open_sender(&file)?;
            input = Some(Input { sender, file });
            let script = "exec \"$@\" <\"$0\"".to_owned();
            let shell = ["/bin/sh".to_owned(), "-c".to_owned(), script, format!("/tmp/{name}")];
            beside.command.splice(..0, shell);
        }
        let (process, stdout, stderr) = generation.runner.start(&beside.line(), &generation.tasks)?;
        Ok(Executed { process, stdout, stderr, input })
    }
}
