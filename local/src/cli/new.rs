//! `fc-local new`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::print;
use crate::manifest::is_function_name;
use crate::scaffold::{Answers, Runtime, TEMPLATES, Template, create, files};

#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// The function's name; its folder is made here
    name: String,
    /// What the function does
    ///
    /// One of http, sse, websocket, grpc, event, async, axum, mcp and container [default: http]
    // The same type as the option for the manifest, which has this name in all other commands.
    #[arg(id = "template", short, long, value_name = "KIND")]
    kind: Option<PathBuf>,
    /// The crates of the runtime from a clone of its repository, or from a Git address, in place of the registry
    #[arg(long, value_name = "PATH|GIT")]
    runtime: Option<String>,
    /// The region
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// The memory in MiB: a multiple of 64, from 512 to 2048 with the 0.5 vCPU of s.yaml
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    memory: u32,
    /// The alias of the access key for the deployment tool
    #[arg(short, long, default_value = "default")]
    access: String,
}

pub(super) fn run(arguments: &NewArguments) -> ExitCode {
    match make(arguments) {
        Ok(text) => {
            print::say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn make(arguments: &NewArguments) -> Result<String, String> {
    let name = &arguments.name;
    if !is_function_name(name) {
        return Err(format!(
            "`{name}` is no name of a function: 1 to 64 letters, digits, `_` or `-`, not starting with a digit or `-`"
        ));
    }
    if !arguments.memory.is_multiple_of(64) || !(512..=2048).contains(&arguments.memory) {
        return Err(format!(
            "--memory must be a multiple of 64 from 512 to 2048, but is {}",
            arguments.memory
        ));
    }
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    for (option, text) in [("--region", &arguments.region), ("--access", &arguments.access)] {
        if !is_word(text) {
            return Err(format!(
                "{option} must be one word of letters, digits, `-`, `_` and `.`, but is `{text}`"
            ));
        }
    }
    let template = template(arguments.kind.as_deref())?;
    let runtime = arguments.runtime.as_deref().map(source).transpose()?;
    let answers = Answers {
        function: name.clone(),
        region: arguments.region.clone(),
        memory: arguments.memory,
        access: arguments.access.clone(),
    };
    let folder = Path::new(name);
    create(folder, &files(template, &answers, runtime.as_ref())).map_err(|error| error.to_string())?;
    Ok(format!(
        "{name} is made: {}\n\n  cd {name}\n  fc-local dev\n\nreadme.md has the rest.",
        template.title.0
    ))
}

fn template(kind: Option<&Path>) -> Result<&'static Template, String> {
    let Some(kind) = kind else { return Ok(&TEMPLATES[0]) };
    let found = TEMPLATES.iter().find(|template| Path::new(template.kind) == kind);
    found.ok_or_else(|| {
        let all: Vec<&str> = TEMPLATES.iter().map(|template| template.kind).collect();
        format!("there is no template `{}`; there are: {}", kind.display(), all.join(", "))
    })
}

/// A clone of the repository, or an address of Git.
fn source(text: &str) -> Result<Runtime, String> {
    if text.contains("://") || text.starts_with("git@") {
        return Ok(Runtime::Git(text.to_owned()));
    }
    let folder = std::fs::canonicalize(text).map_err(|error| format!("--runtime {text}: {error}"))?;
    let has = |file: PathBuf| {
        std::fs::read_to_string(file).is_ok_and(|text| text.contains("name = \"fc-runtime\""))
    };
    if !has(folder.join("Cargo.toml")) {
        return Err(format!("--runtime {text}: that folder is no clone of fc-runtime"));
    }
    Ok(Runtime::Folder(folder))
}
