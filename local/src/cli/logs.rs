//! `fc-local logs`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::RunningArguments;
use super::line::tail;
use super::print;
use super::version::finish;
use crate::auth::encode;
use crate::event::neutral;

#[derive(Debug, Args)]
pub(super) struct LogsArguments {
    /// The function [default: all functions]
    function: Option<String>,
    /// Go on with the lines that come
    #[arg(long)]
    follow: bool,
    /// Those of this request: its id, or the end of it
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Those of this instance, and what becomes of it: its id, or the end of it
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Those of a version, of the versions that an alias leads to, or of LATEST
    #[arg(long, value_name = "QUALIFIER", requires = "function")]
    qualifier: Option<String>,
    /// Those of the last time, such as 30s, 10m or 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Those that contain this text, in any case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Those that tell of a failure: ` [ERROR] `, `Error: `, or the level `error` in JSON
    #[arg(long)]
    errors: bool,
    /// Go on behind the line with this id, which --json prints
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    running: RunningArguments,
}

impl LogsArguments {
    fn query(&self) -> String {
        let fields = [
            ("function", self.function.as_deref()),
            ("request", self.request.as_deref()),
            ("instance", self.instance.as_deref()),
            ("qualifier", self.qualifier.as_deref()),
            ("since", self.since.as_deref()),
            ("q", self.search.as_deref()),
            ("errors", self.errors.then_some("true")),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let fields = fields.map(|(name, value)| format!("&{name}={}", encode(value.as_bytes())));
        fields.collect::<Vec<_>>().concat()
    }
}

pub(super) async fn run(template: &Path, arguments: &LogsArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: &LogsArguments) -> io::Result<()> {
    let running = arguments.running.find(template).await?;
    let query = arguments.query();
    let mut after = arguments.after.unwrap_or(0);
    // What comes while lines are printed is not awaited.
    let mut end = None;
    let mut has_any = false;
    loop {
        let wait = arguments.follow && end.is_some();
        let path = format!("/_local/v1/logs?after={after}&wait={wait}{query}");
        let page = tokio::select! {
            page = running.call(Method::GET, &path, &Value::Null) => page?,
            () = print::reader_left() => return Ok(()),
        };
        let number = |name: &str| page[name].as_u64().unwrap_or(0);
        let lost = number("lost");
        if lost > 0 {
            print::complain(&format!("{lost} earlier events are no longer kept, lines among them perhaps"));
        }
        for event in page["events"].as_array().into_iter().flatten() {
            has_any = true;
            let text = if arguments.json { event.to_string() } else { line(event) };
            print::say(&neutral(&text));
        }
        after = number("next");
        let is_over = after >= *end.get_or_insert(number("last"));
        if !arguments.follow && (is_over || page["hasMore"] != true) {
            break;
        }
    }
    if !has_any && !arguments.json {
        print::complain("no such line is kept");
    }
    Ok(())
}

/// `12:00:00.000 shop 89abcdef | the line`, as `fc-local dev` prints it.
fn line(event: &Value) -> String {
    let field = |name: &str| event[name].as_str();
    let time = field("time").unwrap_or_default();
    let mut out = time.get(11..23).unwrap_or(time).to_owned();
    if let Some(function) = field("function") {
        out.extend([" ", function]);
    }
    match (field("request"), field("instance")) {
        (Some(request), _) => out.extend([" ", tail(request, 8)]),
        (None, Some(instance)) => out.extend([" ", tail(instance, 6)]),
        (None, None) => {}
    }
    let mark = match (field("kind"), field("level")) {
        (Some("stdout"), _) => "| ",
        (Some("stderr"), _) => "! ",
        (_, Some("warning")) => "warning: ",
        _ => "",
    };
    out.extend([" ", mark, field("text").unwrap_or_default()]);
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        logs: LogsArguments,
    }

    #[test]
    fn options_become_a_query() {
        for (arguments, expected) in [
            (&[][..], ""),
            (&["a&b"], "&function=a%26b"),
            (&["f", "--qualifier", "live", "--errors"], "&function=f&qualifier=live&errors=true"),
            (
                &["--request", "1-a", "--instance", "c-1", "--since", "10m", "--search", "a b"],
                "&request=1-a&instance=c-1&since=10m&q=a%20b",
            ),
        ] {
            let whole = Whole::try_parse_from([&["logs"], arguments].concat()).unwrap();
            assert_eq!(whole.logs.query(), expected, "{arguments:?}");
        }
        for wrong in [&["--qualifier", "1"][..], &["--after", "x"]] {
            assert!(Whole::try_parse_from([&["logs"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn lines_look_as_those_of_dev() {
        let time = "2026-01-31T12:00:00.000Z";
        for (event, expected) in [
            (
                json!({"time": time, "function": "f", "request": "1-000-12345678", "instance": "c-1", "kind": "stdout", "level": "info", "text": "tea"}),
                "12:00:00.000 f 12345678 | tea",
            ),
            (
                json!({"time": time, "function": "f", "instance": "c-0-abcdef", "kind": "stderr", "level": "info", "text": "tea"}),
                "12:00:00.000 f abcdef ! tea",
            ),
            (
                json!({"time": time, "instance": "c-1", "kind": "instance_killed", "level": "warning", "text": "ended"}),
                "12:00:00.000 c-1 warning: ended",
            ),
        ] {
            assert_eq!(line(&event), expected);
        }
    }
}
