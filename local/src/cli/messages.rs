//! `fc-local messages`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use super::client::RunningArguments;
use super::print;
use super::version::finish;
use crate::auth::encode;
use crate::event::neutral;

#[derive(Debug, Args)]
pub(super) struct MessagesArguments {
    #[command(subcommand)]
    command: Option<MessagesCommand>,
    #[command(flatten)]
    running: RunningArguments,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum MessagesCommand {
    /// List the messages, the latest first
    List {
        /// Those of this queue, topic or bus
        #[arg(long)]
        name: Option<String>,
    },
    /// Show the message of a request
    Get {
        /// The id of the request that led to the message
        id: String,
    },
}

pub(super) async fn run(template: &Path, arguments: MessagesArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: MessagesArguments) -> io::Result<()> {
    const PATH: &str = "/2023-03-30/messages";
    let MessagesArguments { command, running, json } = arguments;
    let running = running.find(template).await?;
    let get = async |path: String| running.call(Method::GET, &path, &Value::Null).await;
    let name = match command {
        Some(MessagesCommand::Get { id }) => {
            let message = get(format!("{PATH}/{}", encode(id.as_bytes()))).await?;
            let text = if json { message.to_string() } else { format!("{message:#}") };
            print::say(&neutral(&text));
            return Ok(());
        }
        Some(MessagesCommand::List { name }) => encode(name.unwrap_or_default().as_bytes()),
        None => String::new(),
    };
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = get(format!("{PATH}?limit=100&name={name}&nextToken={token}")).await?;
        all.extend(page["messages"].as_array().cloned().unwrap_or_default());
        match page["nextToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    if json {
        print::say(&Value::from(all).to_string());
    } else {
        for message in &all {
            print::say(&neutral(&describe(message)));
        }
    }
    Ok(())
}

fn describe(message: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let forward = &message["forward"];
    let forwarded = match (text(&forward["state"]), text(&forward["error"])) {
        (state, _) if state.is_empty() => String::new(),
        (state, error) if error.is_empty() => format!("  forwarding {state}"),
        (state, error) => format!("  forwarding {state}: {error}"),
    };
    let of = |key: &str| text(&message[key]);
    format!("{}  {} {}  {}{forwarded}", of("id"), of("kind"), of("name"), of("function"))
}
