//! What a function runs by: a program in its code folder, or the image of `customContainerConfig`.

use super::node::{Node, Value};
use super::reader::Reader;
use crate::model::{Container, Local};

/// The runtime of functions that are images.
pub(super) const RUNTIME: &str = "custom-container";

/// What a function runs by.
pub(super) enum RunsBy {
    /// A process, by `customRuntimeConfig`.
    Code,
    /// A process on this machine that stands for the image, by `x-local.command`.
    Instead(Vec<String>),
    /// Containers of this image.
    Image(Container),
}

impl RunsBy {
    /// The key of the settings.
    pub(super) fn config(&self) -> &'static str {
        match self {
            RunsBy::Code => "customRuntimeConfig",
            RunsBy::Instead(_) | RunsBy::Image(_) => "customContainerConfig",
        }
    }

    /// The image, if there is one, and the command. `config` has the settings.
    pub(super) fn program(
        self,
        config: Option<&Node>,
        reader: &mut Reader<'_>,
    ) -> (Option<Container>, Vec<String>) {
        let mut texts = |key| config.map(|config| reader.texts(config, key)).unwrap_or_default();
        match self {
            RunsBy::Code => (None, [texts("command"), texts("args")].concat()),
            RunsBy::Instead(command) => (None, command),
            RunsBy::Image(image) => (Some(image), texts("command")),
        }
    }
}

/// Decides what the function runs by. A mistake of the image is a problem.
pub(super) fn read(props: &Node, local: &Local, reader: &mut Reader<'_>) -> RunsBy {
    if props.child("runtime").and_then(Node::as_text) != Some(RUNTIME) {
        if !local.command.is_empty() {
            reader.error(
                props,
                "runtime",
                "must be `custom-container` for `x-local.command`, which stands for an image",
            );
        }
        return RunsBy::Code;
    }
    let Some(config) = props.child("customContainerConfig") else {
        reader.error(props, "customContainerConfig", "is missing: `custom-container` needs an image");
        return RunsBy::Code;
    };
    if config.child("webServerMode").is_some_and(|mode| mode.value == Value::Bool(false)) {
        let why = "must be left out or be true here: a container that is no web server is not run";
        reader.error(config, "webServerMode", why);
    }
    let image = reader.required_text(config, "image").unwrap_or_default();
    let entrypoint = reader.texts(config, "entrypoint");
    if !local.command.is_empty() {
        return RunsBy::Instead(local.command.clone());
    }
    RunsBy::Image(Container { image, id: None, entrypoint, cpu: reader.number(props, "cpu", 0.05..=16.0) })
}
