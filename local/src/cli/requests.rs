//! `fc-local requests`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::RunningArguments;
use super::print;
use super::version::finish;
use crate::auth::encode;
use crate::event::neutral;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct RequestsArguments {
    /// The request id of a call to show, or the end of it, as lines of `dev` have it
    #[arg(conflicts_with_all = ["har", "follow", "clear"])]
    id: Option<String>,
    /// Print the call as a line for curl; what is masked has to be filled in
    #[arg(long, requires = "id", conflicts_with = "json")]
    curl: bool,
    /// Write the calls to a file as an HTTP archive, HAR 1.2; `-` is the standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "json", "clear"])]
    har: Option<PathBuf>,
    /// Go on with the calls that come
    #[arg(long, conflicts_with = "clear")]
    follow: bool,
    /// Forget all calls
    #[arg(long, conflicts_with_all = ["json", "FilterArguments"])]
    clear: bool,
    #[command(flatten)]
    filter: FilterArguments,
    /// How many at most, the latest
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    running: RunningArguments,
    /// Print JSON, a line for each call
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
struct FilterArguments {
    /// Those of this function
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Those with this method
    #[arg(long)]
    method: Option<String>,
    /// Those with this status, such as 404 or 5xx
    #[arg(long)]
    status: Option<String>,
    /// Those whose path contains this
    #[arg(long, value_name = "PART")]
    path: Option<String>,
    /// Those that came in this way, such as `http_trigger` or alb
    #[arg(long)]
    via: Option<String>,
    /// Those that failed
    #[arg(long)]
    errors: bool,
    /// Those that waited for a start
    #[arg(long)]
    cold: bool,
    /// Those whose client left
    #[arg(long)]
    left: bool,
    /// Those that took this long at least, such as 500ms or 2s
    #[arg(long, value_name = "TIME")]
    slower: Option<String>,
    /// Those of the last time, such as 30s, 15m or 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Health checks of load balancers too
    #[arg(long)]
    probes: bool,
}

impl FilterArguments {
    fn query(&self) -> String {
        let flag = |is_set: bool, value: &'static str| is_set.then(|| value.to_owned());
        let fields = [
            ("function", self.function.clone()),
            ("method", self.method.clone()),
            ("status", self.status.clone()),
            ("path", self.path.clone()),
            ("via", self.via.clone()),
            ("error", flag(self.errors, "true")),
            ("cold", flag(self.cold, "true")),
            ("end", flag(self.left, "client_left")),
            ("slower", self.slower.clone()),
            ("since", self.since.clone()),
            ("probe", flag(!self.probes, "false")),
        ];
        let mut query = String::new();
        for (name, value) in fields {
            if let Some(value) = value {
                query.extend(["&", name, "=", &encode(value.as_bytes())]);
            }
        }
        query
    }
}

/// Reads a size: `64KiB`, `16MiB`, or a number of bytes.
///
/// # Errors
///
/// It is none.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    let number: Option<usize> = digits.trim().parse().ok();
    let size = number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    size.ok_or_else(|| format!("`{text}` is no size: write it as 64KiB or 16MiB"))
}

pub(super) async fn run(template: &Path, arguments: RequestsArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: RequestsArguments) -> io::Result<()> {
    let running = arguments.running.find(template).await?;
    let get = async |path: String| running.call(Method::GET, &path, &Value::Null).await;
    if arguments.clear {
        return running.call(Method::DELETE, "/_local/v1/requests", &Value::Null).await.map(drop);
    }
    if let Some(id) = &arguments.id {
        let path = format!("/_local/v1/requests/{}", encode(id.as_bytes()));
        if arguments.curl {
            let line = get(format!("{path}/curl")).await?;
            if line["masked"] == true {
                print::complain("credentials are masked: fill in what stands as ******");
            }
            print::say(line["command"].as_str().unwrap_or_default());
        } else {
            let call = get(path).await?;
            let text = if arguments.json { call.to_string() } else { describe(&call) };
            print::say(&neutral(&text));
        }
        return Ok(());
    }
    let query = arguments.filter.query();
    if let Some(file) = &arguments.har {
        let archive = get(format!("/_local/v1/har?limit={}{query}", arguments.limit)).await?;
        let text = format!("{archive:#}\n");
        if file.as_os_str() == "-" {
            print::say(text.trim_end());
            return Ok(());
        }
        let count = archive["log"]["entries"].as_array().map_or(0, Vec::len);
        std::fs::write(file, text)
            .map_err(|error| io::Error::other(format!("cannot write {}: {error}", file.display())))?;
        print::complain(&format!("{count} calls are in {}", file.display()));
        return Ok(());
    }
    let mut revision = get("/_local/v1/changes".to_owned()).await?["revision"].as_u64().unwrap_or(0);
    let page = get(format!("/_local/v1/requests?limit={}{query}", arguments.limit)).await?;
    let calls = page["requests"].as_array().cloned().unwrap_or_default();
    for call in calls.iter().rev() {
        say(call, arguments.json);
    }
    if calls.is_empty() && !arguments.follow && !arguments.json {
        print::complain("no such call is recorded");
    }
    if !arguments.follow {
        return Ok(());
    }
    loop {
        let news = tokio::select! {
            news = get(format!("/_local/v1/changes?after={revision}{query}")) => news?,
            () = print::reader_left() => return Ok(()),
        };
        revision = news["revision"].as_u64().unwrap_or(revision);
        for call in news["requests"].as_array().into_iter().flatten() {
            say(call, arguments.json);
        }
    }
}

fn say(call: &Value, json: bool) {
    let text = if json { call.to_string() } else { line(call) };
    print::say(&neutral(&text));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `12:00:00.000  GET /items  200  shop  3.2 ms  1-…`.
fn line(call: &Value) -> String {
    let time = text(&call["time"]);
    let time = time.get(11..23).unwrap_or(time);
    let status = match (text(&call["end"]), call["status"].as_u64().unwrap_or(0)) {
        ("under_way", status) => format!("{status} under way"),
        ("cut", status) => format!("{status} cut"),
        (_, status) => status.to_string(),
    };
    let mut out = format!(
        "{time}  {} {}  {status}  {}  {} ms",
        text(&call["method"]),
        text(&call["target"]),
        call["function"].as_str().unwrap_or("-"),
        call["durationMs"],
    );
    if call["coldStart"] == true {
        out.push_str("  cold start");
    }
    if let Some(former) = call["replayOf"].as_str() {
        out = format!("{out}  replay of {former}");
    }
    format!("{out}  {}", text(&call["requestId"]))
}

/// A call with its headers, bodies, times and log.
fn describe(call: &Value) -> String {
    let mut out = vec![line(call)];
    if let Some(message) = call["error"]["message"].as_str() {
        out.push(format!("error: {message}"));
    }
    let phases = call["phases"].as_array().into_iter().flatten();
    let phases = phases.map(|phase| format!("{} {} ms", text(&phase["name"]), phase["ms"]));
    out.push(format!("phases: {}", phases.collect::<Vec<_>>().join(", ")));
    for (title, headers, body) in [
        ("request", &call["requestHeaders"], &call["requestBody"]),
        ("reply", &call["replyHeaders"], &call["replyBody"]),
    ] {
        out.push(format!("\n{title}:"));
        for pair in headers.as_array().into_iter().flatten() {
            out.push(format!("  {}: {}", text(&pair[0]), text(&pair[1])));
        }
        out.extend(describe_body(body));
    }
    if let Some(socket) = call["webSocket"].as_object() {
        let of = |key: &str| socket.get(key).and_then(Value::as_u64).unwrap_or(0);
        out.push(format!(
            "\nWebSocket: {} messages ({} bytes) from the client, {} messages ({} bytes) to the client",
            of("messagesFromClient"),
            of("bytesFromClient"),
            of("messagesToClient"),
            of("bytesToClient")
        ));
    }
    let log: Vec<&str> = call["log"].as_array().into_iter().flatten().map(text).collect();
    if !log.is_empty() {
        out.push(format!("\nlog:\n  {}", log.join("\n  ")));
    }
    out.join("\n")
}

/// The body as text, and what is not here of it.
pub(super) fn describe_body(body: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(text) = body["text"].as_str().filter(|text| !text.is_empty()) {
        out.push(format!("\n{text}"));
    }
    if let Some(base64) = body["base64"].as_str() {
        out.push(format!("\n(base64) {base64}"));
    }
    match body["leftOutBytes"].as_u64().unwrap_or(0) {
        0 => {}
        bytes => out.push(format!("({bytes} of {} bytes are not kept)", body["bytes"])),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary() {
        for (text, expected) in [
            ("0", Some(0)),
            ("64KiB", Some(65_536)),
            ("16MiB", Some(16 << 20)),
            ("1g", Some(1 << 30)),
            ("3 kb", Some(3072)),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
        for wrong in ["", "MiB", "-1", "1TB", "99999999999999999999", "99999999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_becomes_a_query() {
        let filter = FilterArguments {
            function: Some("a&b".to_owned()),
            method: None,
            status: Some("5xx".to_owned()),
            path: None,
            via: None,
            errors: true,
            cold: false,
            left: false,
            slower: None,
            since: Some("15m".to_owned()),
            probes: false,
        };
        assert_eq!(filter.query(), "&function=a%26b&status=5xx&error=true&since=15m&probe=false");
    }
}
