//! Small loads by h2load and wrk: every answer is a success.

use std::process::Command;

use crate::support::Server;
use crate::tools::output;

#[test]
#[ignore = "needs h2load: .ci/run runs it with --ignored"]
fn h2load_gets_2xx_only() {
    let server = Server::contract();
    let target = format!("http://127.0.0.1:{}/users/7", server.port);
    for protocol in [&["-m", "16"][..], &["--h1"]] {
        let mut command = Command::new("h2load");
        let text = output(command.args(["-n", "5000", "-c", "8"]).args(protocol).arg(&target));
        assert!(text.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"), "{text}");
        assert!(text.contains("status codes: 5000 2xx, 0 3xx, 0 4xx, 0 5xx"), "{text}");
    }
    assert!(server.counter("finished") >= 10_000);
}

#[test]
#[ignore = "needs wrk: .ci/run runs it with --ignored"]
fn wrk_gets_2xx_only() {
    let server = Server::contract();
    let target = format!("http://127.0.0.1:{}/json", server.port);
    let text = output(Command::new("wrk").args(["-t", "1", "-c", "16", "-d", "2s", &target]));
    assert!(text.contains("requests in"), "{text}");
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
}
