//! A server of the Model Context Protocol, over streamable HTTP, by the official crate `rmcp`.

use std::time::Duration;

use fc_runtime::{App, Result};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{schemars, tool, tool_router};
use serde::Deserialize;

#[derive(Deserialize, schemars::JsonSchema)]
struct Sum {
    #[schemars(description = "the first number")]
    a: i64,
    #[schemars(description = "the second number")]
    b: i64,
}

/// The tools. Each session has a value of its own.
#[derive(Clone)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Adds two numbers")]
    fn add(&self, Parameters(Sum { a, b }): Parameters<Sum>) -> String {
        a.saturating_add(b).to_string()
    }

    #[tool(description = "Says hello")]
    fn hello(&self) -> String {
        "Hello, World!".to_owned()
    }
}

fn main() -> Result {
    app().run()
}

fn app() -> App {
    // A load balancer closes what is silent for 15 s. Only the platform's gateway reaches this port, and the gateway knows its
    // hosts: the list against rebinding is for servers on people's own machines.
    let config = StreamableHttpServerConfig::default()
        .with_sse_keep_alive(Some(Duration::from_secs(10)))
        .disable_allowed_hosts();
    let service = StreamableHttpService::new(|| Ok(Tools), LocalSessionManager::default().into(), config);
    App::new().get("/", async |_| "MCP at /mcp\n").mount("/mcp", service)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The message in an answer, which is an event.
    fn message(text: &str) -> Value {
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.filter_map(|data| serde_json::from_str(data).ok()).next().expect("a message")
    }

    #[test]
    fn a_tool_is_called_in_a_session() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            let ask = |message: Value| {
                let request = client.post("/mcp").header("accept", "application/json, text/event-stream");
                request.json(&message)
            };
            let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
            let begin =
                ask(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about})).await;
            let session = begin.headers.get("mcp-session-id").unwrap().to_str().unwrap().to_owned();
            assert!(message(&begin.text())["result"]["capabilities"]["tools"].is_object());
            let began = ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
            began.header("mcp-session-id", &session).await.assert_status(202);
            let call = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
            let sum = ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}));
            let sum = message(&sum.header("mcp-session-id", &session).await.text());
            assert_eq!(sum["result"]["content"][0]["text"], "3");
        });
    }
}
