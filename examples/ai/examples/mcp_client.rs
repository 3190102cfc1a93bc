//! A client of the Model Context Protocol, by the official crate `rmcp`: `cargo run --example mcp_client http://127.0.0.1:8081/mcp`.
//!
//! Each line of the standard input is a tool and, after a space, its arguments as JSON. Each line of the output is what
//! the tool said, or the error. The session lasts until the input ends.

use std::time::Duration;

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, ClientConfig, ProtocolVersion};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

/// How long an answer may take. Without a bound, a call whose instance has ended waits for ever: the client asks for the rest of
/// the answer again and again.
const ANSWER_MAX: Duration = Duration::from_secs(10);

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).ok_or("the address of a server is missing")?;
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    // The later protocol has no sessions.
    let client = ClientConfig::default().with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    let client = client.serve(StreamableHttpClientTransport::from_config(config)).await?;
    let tools: Vec<String> =
        client.list_all_tools().await?.into_iter().map(|tool| tool.name.into_owned()).collect();
    println!("tools: {}", tools.join(" "));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (tool, arguments) = line.split_once(' ').unwrap_or((&line, "{}"));
        let call =
            CallToolRequestParams::new(tool.to_owned()).with_arguments(serde_json::from_str(arguments)?);
        match timeout(ANSWER_MAX, client.call_tool(call)).await {
            Err(_) => println!("error: no answer in time"),
            Ok(Ok(result)) => {
                let texts = result
                    .content
                    .iter()
                    .filter_map(|content| content.as_text())
                    .map(|text| text.text.as_str());
                println!("{}", texts.collect::<Vec<&str>>().join(" "));
            }
            Ok(Err(error)) => println!("error: {error}"),
        }
    }
    client.cancel().await?;
    Ok(())
}
