//! What the tests with real tools share.

use std::path::Path;
use std::process::Command;

/// A Python that has the clients of `requirements.txt`: `FC_PYTHON`, or the one that `.ci/run tools` makes.
pub fn python() -> Command {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python3");
    let python = std::env::var_os("FC_PYTHON").unwrap_or_else(|| own.into());
    assert!(
        Path::new(&python).exists(),
        "{} is absent: run `.ci/run tools`, or name one in FC_PYTHON",
        python.display()
    );
    Command::new(python)
}

/// Node.js with the modules of `grpc/clients/package.json`: `FC_NODE_MODULES`, or those that `.ci/run tools` installs.
pub fn node() -> Command {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/grpc-js/node_modules");
    let modules = std::env::var_os("FC_NODE_MODULES").unwrap_or_else(|| own.into());
    assert!(
        Path::new(&modules).exists(),
        "{} is absent: run `.ci/run tools`, or name one in FC_NODE_MODULES",
        modules.display()
    );
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules);
    command
}

/// What a tool that has to succeed prints.
#[track_caller]
pub fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{text}");
    text
}
