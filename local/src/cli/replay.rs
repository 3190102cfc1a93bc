//! `fc-local replay`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::RunningArguments;
use super::print;
use super::requests::describe_body;
use super::version::finish;
use crate::auth::encode;
use crate::event::neutral;

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The request id of the call, or the end of it, as lines of `dev` have it
    id: String,
    /// Send it to another address, such as `https://staging.example.com`, in place of where it came in
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    running: RunningArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(template: &Path, arguments: ReplayArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: ReplayArguments) -> io::Result<()> {
    let running = arguments.running.find(template).await?;
    let mut path = format!("/_local/v1/requests/{}/replay", encode(arguments.id.as_bytes()));
    if let Some(to) = &arguments.to {
        path = format!("{path}?to={}", encode(to.as_bytes()));
    }
    let reply = running.call(Method::POST, &path, &Value::Null).await?;
    if arguments.json {
        print::say(&reply.to_string());
        return Ok(());
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    print::complain(&neutral(&format!(
        "{}  {} (was {})  {} ms  {}",
        text(&reply["url"]),
        reply["status"],
        reply["formerStatus"],
        reply["durationMs"],
        text(&reply["requestId"])
    )));
    for note in reply["notes"].as_array().into_iter().flatten() {
        print::complain(&text(note));
    }
    if reply["body"]["whole"] == false {
        print::complain("the body goes on, and is not shown to its end");
    }
    for line in describe_body(&reply["body"]) {
        print::say(&neutral(line.trim_start_matches('\n')));
    }
    Ok(())
}
