//! A server of the Model Context Protocol over streamable HTTP, by the official crate `rmcp`, mounted at `/mcp`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ai::sessions::RedisSessions;
use fc_runtime::{App, Instance, Result};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ProgressNotificationParam, RequestMetaObject};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{Peer, RoleServer, schemars, tool, tool_router};
use serde::Deserialize;

/// The most that `count` counts to.
const COUNT_MAX: u32 = 600;

/// How many notes a session may have, and how long each of them may be, in bytes.
const NOTES_MAX: usize = 100;
const NOTE_MAX: usize = 4096;

#[derive(Deserialize, schemars::JsonSchema)]
struct Sum {
    #[schemars(description = "the first number")]
    a: i64,
    #[schemars(description = "the second number")]
    b: i64,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Note {
    #[schemars(description = "what to remember")]
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct To {
    #[schemars(description = "the last number, at most 600")]
    to: u32,
}

/// The tools of one session. Its notes live in this instance: affinity brings the session's calls here.
#[derive(Clone)]
struct Tools {
    instance: Arc<str>,
    notes: Arc<Mutex<Vec<String>>>,
}

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Adds two numbers")]
    fn add(&self, Parameters(Sum { a, b }): Parameters<Sum>) -> String {
        a.saturating_add(b).to_string()
    }

    #[tool(description = "Remembers a note for this session")]
    fn note(
        &self,
        Parameters(Note { text }): Parameters<Note>,
    ) -> std::result::Result<String, rmcp::ErrorData> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len() > NOTE_MAX || notes.len() >= NOTES_MAX {
            return Err(rmcp::ErrorData::invalid_params("at most 100 notes of 4 KiB each", None));
        }
        notes.push(text);
        Ok(notes.len().to_string())
    }

    #[tool(description = "Tells the notes of this session")]
    fn notes(&self) -> String {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    #[tool(description = "Tells which instance has this session")]
    fn instance(&self) -> String {
        self.instance.to_string()
    }

    #[tool(description = "Counts, ten numbers a second, and reports its progress")]
    async fn count(
        &self,
        Parameters(To { to }): Parameters<To>,
        meta: RequestMetaObject,
        client: Peer<RoleServer>,
    ) -> String {
        let to = to.min(COUNT_MAX);
        tracing::info!(to, "counting");
        for number in 1..=to {
            if let Some(token) = meta.get_progress_token() {
                let progress =
                    ProgressNotificationParam::new(token, f64::from(number)).with_total(f64::from(to));
                // A client that does not listen is no failure.
                let _ = client.notify_progress(progress).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        format!("counted to {to}")
    }
}

fn main() -> Result {
    app(&Instance::from_env())?.run()
}

fn app(instance: &Instance) -> Result<App> {
    // A load balancer closes what is silent for 15 s. Only the platform's gateway reaches this port, and the gateway knows its
    // hosts: the list against rebinding is for servers on people's own machines.
    let mut config = StreamableHttpServerConfig::default()
        .with_sse_keep_alive(Some(Duration::from_secs(10)))
        .disable_allowed_hosts();
    if let Some(redis) = instance.var_opt("SESSIONS") {
        config.session_store = Some(Arc::new(RedisSessions::open(redis)?));
    }
    let id: Arc<str> = instance.instance_id().unwrap_or("here").into();
    let tools = move || Ok(Tools { instance: Arc::clone(&id), notes: Arc::default() });
    let service = StreamableHttpService::new(tools, LocalSessionManager::default().into(), config);
    Ok(App::new().get("/", async |_| "MCP at /mcp\n").mount("/mcp", service))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The message in an answer, which is an event.
    fn message(text: &str) -> Value {
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.rev().find_map(|data| serde_json::from_str(data).ok()).expect("a message")
    }

    #[test]
    fn notes_belong_to_a_session() {
        fc_runtime::testing::run(async {
            let client = app(&Instance::from_vars([("FC_INSTANCE_ID", "c-1")])).unwrap().test_client();
            let ask = async |session: &str, message: Value| {
                let request = client.post("/mcp").header("accept", "application/json, text/event-stream");
                let request =
                    if session.is_empty() { request } else { request.header("mcp-session-id", session) };
                request.json(&message).await
            };
            let begin = async || {
                let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
                let begun =
                    ask("", json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}))
                        .await;
                let session = begun.headers.get("mcp-session-id").unwrap().to_str().unwrap().to_owned();
                ask(&session, json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
                    .await
                    .assert_status(202);
                session
            };
            let call = async |session: &str, name: &str, arguments: Value| {
                let call = json!({"name": name, "arguments": arguments});
                let answer =
                    ask(session, json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}))
                        .await;
                message(&answer.text())["result"]["content"][0]["text"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (one, two) = (begin().await, begin().await);
            assert_eq!(call(&one, "add", json!({"a": 1, "b": 2})).await, "3");
            assert_eq!(call(&one, "note", json!({"text": "buy tea"})).await, "1");
            assert_eq!(call(&one, "notes", json!({})).await, "buy tea");
            assert_eq!(call(&two, "notes", json!({})).await, "");
            assert_eq!(call(&two, "instance", json!({})).await, "c-1");
            ask("nobody's", json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))
                .await
                .assert_status(404);
        });
    }
}
