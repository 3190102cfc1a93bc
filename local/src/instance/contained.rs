//! The start of an instance that is a container.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::generation::Generation;
use crate::failure::Failure;
use crate::model::{Container as Image, Function};
use crate::process::{Container, Engine, Plan};
use crate::shell;

/// How one container is started.
#[derive(Debug)]
pub(super) struct Contained {
    pub(super) container: Container,
    pub(super) command: Vec<String>,
    /// The variables of the engine, which are not the instance's.
    pub(super) environment: BTreeMap<String, OsString>,
    /// The instance's variables, which the engine reads at the start. Nobody else may.
    variables: PathBuf,
}

impl Contained {
    /// How the instance is started, if the function is an image. `port` is this machine's.
    pub(super) fn of(generation: &Generation, instance: &str, port: u16) -> Result<Option<Self>, Failure> {
        let Some(image) = &generation.function.container else { return Ok(None) };
        let engine = generation.engine.clone();
        let engine =
            engine.ok_or_else(|| Failure::unavailable("there is neither podman nor docker".to_owned()))?;
        let made = Contained::planned(generation, image, engine, (instance, port));
        let failed =
            |error| Failure::unavailable(format!("cannot write the variables of the container: {error}"));
        made.map(Some).map_err(failed)
    }

    fn planned(
        generation: &Generation,
        image: &Image,
        engine: Arc<Engine>,
        (instance, port): (&str, u16),
    ) -> io::Result<Self> {
        let function: &Function = &generation.function;
        let name = Engine::container_name(instance);
        let variables = engine.variables_file(instance);
        // In its own network the container has the declared port.
        let own = generation.surroundings.variables(instance, function.port);
        let mut environment: BTreeMap<String, OsString> = shell::variables().collect();
        let mut passed = Vec::new();
        let mut text = Vec::new();
        for (name, value) in own {
            let bytes = value.as_encoded_bytes();
            if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
                // A line of the file holds no such value. The engine takes the value from its own variables.
                passed.push(name.clone());
                environment.insert(name, value);
            } else {
                text.extend([name.as_bytes(), b"=", bytes, b"\n"].concat());
            }
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&variables)?;
        io::Write::write_all(&mut file, &text)?;
        let command = engine.run(&Plan {
            name: &name,
            image: image.id.as_deref().unwrap_or(&image.image),
            entrypoint: &image.entrypoint,
            command: &function.command,
            ports: (port, function.port),
            memory_mib: function.memory_mib,
            cpu: image.cpu,
            variables: &variables.to_string_lossy(),
            passed: &passed,
        });
        let container = Container { engine, name, memory: generation.memory_limit() };
        Ok(Contained { container, command, environment, variables })
    }
}

impl Drop for Contained {
    /// The engine has read the variables once the container runs.
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.variables);
    }
}
