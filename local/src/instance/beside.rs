//! Commands that run beside an instance: with its folders, its network, its environment and its memory limit.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::instance::Instance;
use crate::process::{CommandLine, Engine, Mounts};
use crate::shell;

/// A command, and what it finds where it runs.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    instance: &'a Instance,
    pub(super) command: Vec<String>,
    variables: BTreeMap<String, OsString>,
    mounts: Option<Mounts>,
}

impl Instance {
    /// The command as it runs beside the instance, or in its container.
    pub(super) fn beside(&self, command: &[String]) -> Beside<'_> {
        let generation = &self.generation;
        if let Some(engine) = &generation.engine {
            // The command has the variables and the folders of the container.
            let command = engine.exec(&Engine::container_name(&self.id), command);
            return Beside { instance: self, command, variables: shell::variables().collect(), mounts: None };
        }
        let is = (false, self.connections.reach().network.is_some());
        Beside {
            instance: self,
            command: command.iter().map(|part| generation.layout.translate(part)).collect(),
            variables: generation.surroundings.variables(&self.id, self.connections.port()),
            mounts: generation.layout.mounts(self.scratch.as_deref(), generation.disk(), is),
        }
    }
}

impl Beside<'_> {
    pub(super) fn line(&self) -> CommandLine<'_> {
        CommandLine {
            command: &self.command,
            folder: &self.instance.generation.layout.code,
            environment: &self.variables,
            group: self.instance.group.as_deref(),
            network: self.instance.connections.reach().network.as_deref(),
            mounts: self.mounts.as_ref(),
            container: None,
        }
    }
}
