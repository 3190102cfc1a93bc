//! `fc-local alb`: a load balancer in front of the functions.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{explain, print};
use crate::Manifest;
use crate::scaffold::{balancer, put};

#[derive(Debug, Subcommand)]
pub(super) enum AlbCommand {
    /// Write a load balancer for the functions of the manifest: as Terraform (main.tf) and as a ROS template (ros.yaml)
    Init(InitArguments),
    /// Tell which rule takes a request, why the ones before do not, and what happens to the request
    Explain(explain::ExplainArguments),
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The folder for the files [default: `alb` beside the manifest, which `fc-local dev` reads]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(manifest: &Manifest, command: &AlbCommand) -> ExitCode {
    let done = match command {
        AlbCommand::Init(arguments) => init(manifest, arguments),
        AlbCommand::Explain(arguments) => {
            for note in manifest.notes().iter().filter(|note| note.file.is_some()) {
                print::complain(&note.placed(manifest.file()));
            }
            explain::explain(manifest, arguments).await
        }
    };
    match done {
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

fn init(manifest: &Manifest, arguments: &InitArguments) -> Result<String, String> {
    let folder = arguments.folder.clone().unwrap_or_else(|| manifest.folder().join("alb"));
    let project = manifest.folder().file_name().map(|name| name.to_string_lossy().into_owned());
    let files = balancer(&project.unwrap_or_default(), manifest.functions(), manifest.domains());
    put(&folder, &files, arguments.force).map_err(|error| error.to_string())?;
    let reads = match (&arguments.folder, manifest.load_balancer().listeners.is_empty()) {
        (Some(folder), _) => format!("\n\nWrite `x-local: {{alb: {}}}` into the manifest, and `fc-local dev` reads it.", folder.display()),
        (None, _) => "\n\n  fc-local dev                                   its listener of port 80 answers on port 10080\n  fc-local alb explain GET http://localhost/     which rule takes a request, and why".to_owned(),
    };
    Ok(format!("{} has main.tf for Terraform and ros.yaml for ROS.{reads}", folder.display()))
}
