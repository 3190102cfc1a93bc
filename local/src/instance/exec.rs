//! A command in an instance, for people who look around there.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::net::unix::pipe;

use super::instance::Instance;
use crate::process::{CommandLine, Engine, Pipe, Process};
use crate::shell;
use crate::wire::ids;

/// A command that runs beside an instance: with its folders, its network, its environment and its memory limit. The drop
/// ends the command.
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
        let mut real: Vec<String> = command.iter().map(|part| generation.layout.translate(part)).collect();
        let mut variables = generation.surroundings.variables(&self.id, self.connections.port());
        let is = (false, self.connections.reach().network.is_some());
        let mounts = generation.layout.mounts(self.scratch.as_deref(), generation.disk(), is);
        let mut input = None;
        if let Some(engine) = &generation.engine {
            // The command has the variables and the folders of the container.
            real = engine.exec(&Engine::container_name(&self.id), command);
            variables = shell::variables().collect();
        } else if let (true, Some(scratch)) = (takes_input, &self.scratch) {
            // A guard gives a program no input of its own: it comes by a pipe in the `/tmp` of the instance.
            let name = format!(".input-{}", ids::uuid());
            let file = scratch.join(&name);
            mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            // Open for both, so that it does not matter which side is first.
            let sender = pipe::OpenOptions::new().read_write(true).open_sender(&file)?;
            input = Some(Input { sender, file });
            let script = "exec \"$@\" <\"$0\"".to_owned();
            real = ["/bin/sh".to_owned(), "-c".to_owned(), script, format!("/tmp/{name}")]
                .into_iter()
                .chain(real)
                .collect();
        }
        let line = CommandLine {
            command: &real,
            folder: &generation.layout.code,
            environment: &variables,
            group: self.group.as_deref(),
            network: self.connections.reach().network.as_deref(),
            mounts: mounts.as_ref().filter(|_| generation.engine.is_none()),
            container: None,
        };
        let (process, stdout, stderr) = generation.runner.start(&line, &generation.tasks)?;
        Ok(Executed { process, stdout, stderr, input })
    }
}
