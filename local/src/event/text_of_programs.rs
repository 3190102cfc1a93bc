//! Sentences about programs that were written for other machines: their ports, interpreters, layers and connections.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::details::Unfit;
use super::kind::Kind;
use crate::failure::mebibytes;

/// The sentence of a kind that is about such a program.
pub(super) fn text(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::PortIgnored { given_port, port } => format!(
            "the program ignores FC_CUSTOM_LISTEN_PORT ({given_port}) and listens on {port}, so it runs as one \
             instance only, and calls wait for it"
        ),
        Kind::NetworkOwn(port) => format!(
            "the program keeps to port {port}: from now on each instance has a network of its own, in which the port is free"
        ),
        Kind::NetworksUnavailable(reason) => format!(
            "a program that keeps to its port runs as one instance only, and calls wait for it: {reason}. With a network of \
             its own each instance would have the port; the tool pasta (package passt) makes one"
        ),
        Kind::PortHeld { port, process_id, program, holder } => {
            port_held(*port, *process_id, program, holder.as_deref())
        }
        Kind::ProgramHidden { program, found, searched } => program_hidden(program, found, searched),
        Kind::ProgramUnfit { program, fault } => program_unfit(program, fault),
        Kind::LayersMissing { layers } => layers_missing(layers),
        Kind::InstanceKilled { process_id, waited: None } => {
            format!("killed: process {process_id}, with the calls it worked on")
        }
        Kind::InstanceKilled { process_id, waited: Some(waited) } => format!(
            "killed: process {process_id} had not ended {} s after SIGTERM (x-local.stopTimeout)",
            waited.as_secs_f64()
        ),
        Kind::ConnectionClosedEarly { within } => connection_closed_early(*within),
        Kind::DiskExceeded { bytes, limit_mib } => format!(
            "/tmp holds {} MiB; the function's disk has {limit_mib} MiB, and beyond that writing fails on the platform",
            mebibytes(*bytes)
        ),
        Kind::CodeCopying { code, copied, bytes } => {
            format!("copying {}: {} of {} MiB", code.display(), mebibytes(*copied), mebibytes(*bytes))
        }
        Kind::InterpreterMapped { folder, program } => format!(
            "{} is this machine's {} here; its version may be another one than the platform's",
            folder.display(),
            program.display()
        ),
        Kind::Watching { folders, builds } => watching(folders, *builds),
        Kind::FoldersTranslated(reason) => format!(
            "instances have no /code, /opt and /tmp of their own: {reason}. In commands and variables this machine's \
             folders take their place; files that name /code do not find it"
        ),
        _ => return None,
    })
}

/// What the ports take beside HTTP in plain text.
pub(super) fn ports(kind: &Kind) -> String {
    match kind {
        Kind::TlsReady { certificate } => {
            format!("the ports take https too; clients trust it by {}", certificate.display())
        }
        Kind::TlsUnavailable { error } => format!("the ports take no https: {error}"),
        Kind::TlsRefused { error } => {
            format!("a handshake of TLS failed: {error}; clients have to trust the certificate of fc-local")
        }
        Kind::ConsoleReady { url, .. } => format!("the console is at {url}"),
        Kind::GrpcReady { address } => format!("gRPC calls come in at {address}"),
        _ => String::new(),
    }
}

/// Who has the port, and what to do.
fn port_held(port: u16, process_id: u32, program: &str, holder: Option<&str>) -> String {
    match holder {
        Some(function) => format!(
            "port {port} is held by process {process_id} ({program}), an instance of function `{function}`: two programs \
             that keep to the same port cannot run side by side. Let one of them listen on the port in \
             FC_CUSTOM_LISTEN_PORT, or give one another port in its program and in customRuntimeConfig.port"
        ),
        None => format!(
            "port {port}, which the manifest declares, is held by process {process_id} ({program}): a program that keeps to \
             it cannot start before that process ends"
        ),
    }
}

fn program_hidden(program: &str, found: &Path, searched: &[PathBuf]) -> String {
    let searched: Vec<String> = searched.iter().map(|file| file.display().to_string()).collect();
    let folder = found.parent().unwrap_or(found);
    format!(
        "`{program}` is not where the PATH of the manifest leads: looked for {}. This machine has {}: add {} to that PATH",
        searched.join(", "),
        found.display(),
        folder.display()
    )
}

fn program_unfit(program: &str, fault: &Unfit) -> String {
    match fault {
        Unfit::NoInterpreter { interpreter } => {
            format!(
                "{program} begins with `#!{interpreter}`, and there is no {interpreter}: name a program that is there"
            )
        }
        Unfit::CarriageReturn => format!(
            "the `#!` line of {program} ends with a carriage return, as on Windows: write the file with line feeds alone"
        ),
        Unfit::NotFound { searched } => {
            let folders: Vec<String> = searched.iter().map(|folder| folder.display().to_string()).collect();
            let folders = folders.join(", ");
            format!(
                "there is no program `{program}` in the folders of the function's PATH: {folders}. Name its whole path, or set PATH in environmentVariables"
            )
        }
        Unfit::NoLoader => format!(
            "{program} needs a dynamic loader that is not there: it was built for another C library. Build it for \
             x86_64-unknown-linux-musl, or on the system that runs it"
        ),
        Unfit::OtherMachine => format!("{program} was built for another machine, such as arm64 for x86_64"),
        Unfit::NoProgram => {
            format!(
                "{program} is neither a binary nor a script: a script begins with a line such as `#!/bin/sh`"
            )
        }
    }
}

fn layers_missing(layers: &[String]) -> String {
    format!(
        "the function has layers that are not here: {}. Name a local folder or zip for each in x-local.layers; it is shown \
         at /opt",
        layers.join(", ")
    )
}

fn connection_closed_early(within: Duration) -> String {
    format!(
        "the program closed a connection that had been without a call for {} s or less. The platform keeps connections and \
         answers 502 to a POST on one that closes: raise the program's keep-alive time-out",
        within.as_secs_f64().ceil()
    )
}

fn watching(folders: &[PathBuf], builds: bool) -> String {
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let but = if builds {
        "; what the build writes and folders of tools (target, node_modules, .git ..) are left out"
    } else {
        "; folders of tools (target, node_modules, .git ..) are left out"
    };
    format!("watching {}{but}", names.join(", "))
}
