//! `fc-local tasks`, and `fc-local invoke --async`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, Subcommand};
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::client::Running;
use super::invoke::InvokeArguments;
use super::print;
use super::version::{Of, finish, show, show_all};
use crate::auth::encode;
use crate::event::neutral;
use crate::model::LATEST;

/// What to do with tasks.
#[derive(Debug, Subcommand)]
pub(super) enum TasksCommand {
    /// List the tasks of a function, the latest first
    List {
        #[command(flatten)]
        of: Of,
        /// The version or alias that was called [default: LATEST]
        #[arg(short, long)]
        qualifier: Option<String>,
        /// The begin of their ids
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        /// Their state, such as `Running` or `Failed`
        #[arg(long)]
        status: Option<String>,
        /// The oldest first
        #[arg(long)]
        ascending: bool,
        /// How many at most
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show a task with its attempts, its request and its reply
    Get(Task),
    /// Stop a task. An instance that works on it sees that its client leaves
    Stop(Task),
    /// Carry the request of a task out once more, as another task
    Retry(Task),
}

/// One task.
#[derive(Debug, Args)]
pub(super) struct Task {
    #[command(flatten)]
    of: Of,
    /// The id of the task
    task: String,
}

impl Task {
    fn path(&self, more: &str) -> String {
        format!("async-tasks/{}{more}", encode(self.task.as_bytes()))
    }
}

pub(super) async fn run(template: &Path, command: TasksCommand) -> ExitCode {
    finish(try_run(template, command).await)
}

async fn try_run(template: &Path, command: TasksCommand) -> io::Result<()> {
    match command {
        TasksCommand::List { of, qualifier, prefix, status, ascending, limit } => {
            let mut query = format!("sortOrderByTime={}", if ascending { "asc" } else { "desc" });
            for (key, value) in
                [("prefix", Some(&prefix)), ("qualifier", qualifier.as_ref()), ("status", status.as_ref())]
            {
                if let Some(value) = value {
                    query = format!("{query}&{key}={}", encode(value.as_bytes()));
                }
            }
            let (mut all, mut token) = (Vec::new(), String::new());
            while all.len() < limit {
                let count = (limit - all.len()).min(100);
                let what = format!("async-tasks?{query}&limit={count}&nextToken={token}");
                let page = of.call(template, Method::GET, &what, &Value::Null).await?;
                all.extend(page["tasks"].as_array().cloned().unwrap_or_default());
                match page["nextToken"].as_str() {
                    Some(next) => next.clone_into(&mut token),
                    None => break,
                }
            }
            show_all(&of, &all, describe);
            if all.is_empty() && qualifier.is_none() {
                // As on the platform, versions and aliases have lists of their own.
                print::complain("no such task of LATEST; --qualifier names a version or an alias");
            }
        }
        TasksCommand::Get(task) => {
            let document = task.of.call(template, Method::GET, &task.path(""), &Value::Null).await?;
            show(&task.of, &document, describe);
            if !task.of.json {
                tell_more(&document);
            }
        }
        TasksCommand::Stop(task) => {
            let stopped = task.of.call(template, Method::PUT, &task.path("/stop"), &Value::Null).await?;
            if task.of.json {
                print::say(&stopped.to_string());
            }
        }
        TasksCommand::Retry(task) => {
            let document = task.of.call(template, Method::PUT, &task.path("/retry"), &Value::Null).await?;
            show(&task.of, &document, |document| text(document, "taskId"));
        }
    }
    Ok(())
}

fn text(document: &Value, key: &str) -> String {
    document[key].as_str().unwrap_or_default().to_owned()
}

fn describe(task: &Value) -> String {
    let retried = match task["alreadyRetriedTimes"].as_u64() {
        Some(retries @ 1..) => format!("  {} attempts", retries + 1),
        _ => String::new(),
    };
    let duration = match (task["endTime"].as_u64(), task["durationMs"].as_u64()) {
        (Some(1..), Some(duration)) => format!("  {duration} ms"),
        _ => String::new(),
    };
    let error = text(task, "taskErrorMessage");
    let error = error.lines().next().map_or_else(String::new, |line| format!("  {line}"));
    format!("{}  {}{duration}{retried}{error}", text(task, "taskId"), text(task, "status"))
}

/// The changes of state, the request and the reply.
fn tell_more(task: &Value) {
    for change in task["events"].as_array().into_iter().flatten() {
        let detail: Value = serde_json::from_str(&text(change, "eventDetail")).unwrap_or_default();
        let begin = task["startedTime"].as_u64().unwrap_or(0);
        let after = change["timestamp"].as_u64().unwrap_or(0).saturating_sub(begin);
        let error = text(&detail, "ErrorMessage");
        print::say(neutral(&format!("  +{after} ms  {}  {error}", text(change, "status"))).trim_end());
        for line in text(&detail, "Log").lines() {
            print::say(&neutral(&format!("      {line}")));
        }
    }
    for (name, key) in [("request", "taskPayload"), ("reply", "returnPayload")] {
        if let Some(payload) = task[key].as_str() {
            print::say(&neutral(&format!("  {name}: {payload}")));
        }
    }
}

/// Lets a running fc-local accept an event.
pub(super) async fn submit(running: &Running, arguments: &InvokeArguments, event: Bytes) -> io::Result<()> {
    let [function, qualifier] = [&*arguments.function, arguments.qualifier.as_deref().unwrap_or(LATEST)]
        .map(|text| encode(text.as_bytes()));
    let path = format!("/2023-03-30/functions/{function}/invocations?qualifier={qualifier}");
    let mut request = running.request(Method::POST, &path).header(fc::INVOCATION_TYPE, "Async");
    if let Some(task) = &arguments.task_id {
        request = request.header(fc::ASYNC_TASK_ID, task);
    }
    if let Some(delay) = arguments.delay {
        request = request.header(fc::ASYNC_DELAY, delay);
    }
    let request = request.body(event).map_err(io::Error::other)?;
    let response = running.exchange(request).await?.map_err(|error| running.unreachable(&error))?;
    if response.status() != StatusCode::ACCEPTED {
        return Err(running.refusal(&response));
    }
    let header = |name: &str| of_header(response.headers(), name);
    let request = header("x-fc-request-id").unwrap_or_default();
    let task = header(fc::ASYNC_TASK_ID).or_else(|| header(fc::STATEFUL_INVOCATION_ID));
    let line = match (arguments.json, task) {
        (true, task) => json!({ "requestId": request, "taskId": task }).to_string(),
        (false, Some(task)) => format!("accepted: request {request}, task {task}"),
        (false, None) => format!("accepted: request {request}"),
    };
    print::say(&neutral(&line));
    Ok(())
}

fn of_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
