//! `fc-local console`.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::{Request, header};
use serde_json::json;

use super::client::exchange;
use super::print;
use crate::front::{console_urls, is_console};
use crate::process::run_tool;
use crate::{Manifest, Platform};

#[derive(Debug, Args)]
pub(super) struct ConsoleArguments {
    /// Open it in the browser too
    #[arg(long)]
    open: bool,
    /// The port of the running `dev` or `serve` [default: that of the `dev` for this manifest]
    #[arg(long)]
    port: Option<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(manifest: &Manifest, arguments: &ConsoleArguments) -> ExitCode {
    match try_run(manifest, arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn try_run(manifest: &Manifest, arguments: &ConsoleArguments) -> io::Result<()> {
    let of_port = arguments.port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let address = of_port.or_else(|| Platform::running(manifest)).ok_or_else(|| {
        let file = manifest.file().display();
        io::Error::other(format!(
            "no running fc-local for {file}: the console is a part of it. Start `fc-local dev`, or name the port of a `dev` or `serve` with --port"
        ))
    })?;
    let (url, path_url) = console_urls(address, manifest.names().any(is_console));
    check(manifest, address, &path_url).await?;
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

/// Asks for the console, so that no address is told at which something else listens.
async fn check(manifest: &Manifest, address: SocketAddr, path_url: &str) -> io::Result<()> {
    let request = Request::builder()
        .uri(path_url)
        .header(header::HOST, format!("localhost:{}", address.port()))
        .body(Bytes::new())
        .map_err(io::Error::other)?;
    let (mut head, body) = request.into_parts();
    // The request goes to a server, not to a proxy.
    head.uri =
        head.uri.path_and_query().map_or("/", |target| target.as_str()).parse().map_err(io::Error::other)?;
    let response = exchange(address, manifest.folder(), Request::from_parts(head, body)).await?;
    let response =
        response.map_err(|error| io::Error::other(format!("nothing answers at {address}: {error}")))?;
    if response.status().is_success() && response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        return Ok(());
    }
    Err(io::Error::other(format!("what listens at {address} has no console: {}", response.status())))
}
