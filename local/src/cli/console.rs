//! `fc-local console`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::{Method, Uri, header};
use serde_json::{Value, json};

use super::client::{Running, RunningArguments};
use super::print;
use super::version::finish;
use crate::front::console_urls;
use crate::process::run_tool;

#[derive(Debug, Args)]
pub(super) struct ConsoleArguments {
    /// Open it in the browser too
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    running: RunningArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(template: &Path, arguments: &ConsoleArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: &ConsoleArguments) -> io::Result<()> {
    let running = arguments.running.find(template).await?;
    // A function of that name has the host.
    let is_taken = running.call(Method::GET, "/2023-03-30/functions/console", &Value::Null).await.is_ok();
    let (url, path_url) = console_urls(running.address(), is_taken);
    check(&running, &path_url).await?;
    if arguments.json {
        print::say(&json!({ "url": url, "pathUrl": path_url }).to_string());
    } else {
        print::say(&url);
    }
    if arguments.open {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let code = run_tool(program, &[OsString::from(&url)], None).map_err(|error| {
            io::Error::other(format!("cannot start {program}: {error}; open {url} by hand"))
        })?;
        if code != 0 {
            return Err(io::Error::other(format!("{program} ended with code {code}; open {url} by hand")));
        }
    }
    Ok(())
}

/// Asks for the console, so that no address is told at which there is none.
async fn check(running: &Running, path_url: &str) -> io::Result<()> {
    let address: Uri = path_url.parse().map_err(io::Error::other)?;
    // The request goes to a server, not to a proxy.
    let path = address.path_and_query().map_or("/", |target| target.as_str());
    let request = running.request(Method::GET, path).body(Bytes::new()).map_err(io::Error::other)?;
    let response = running.exchange(request).await?.map_err(|error| running.unreachable(&error))?;
    if response.status().is_success() && response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "what listens at {} has no console: {}",
        running.address(),
        response.status()
    )))
}
