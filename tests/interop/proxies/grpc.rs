//! gRPC through a proxy, by grpcio: `grpc_calls.py` says in a line each what it has seen.

use super::front::Front;
use super::leaving;
use crate::grpc::stubs;
use crate::support::Server;
use crate::tools::python;
use testkit::{Folder, Launch, Program, until};

/// A grpcio that runs.
#[derive(Debug)]
pub struct Client {
    program: Program,
    _stubs: Folder,
}

impl Client {
    #[track_caller]
    pub fn start(port: u16, parts: &[&str]) -> Self {
        let stubs = stubs();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/proxies/grpc_calls.py");
        let launch = Launch::new(python().get_program());
        let launch = launch.args([script, &port.to_string(), &stubs.path().display().to_string()]);
        Self { program: launch.args(parts.iter().copied()).start(), _stubs: stubs }
    }

    #[track_caller]
    pub fn until_line(&self, line: &str) {
        until(line, || self.program.out().all().iter().any(|own| own == line).then_some(()));
    }

    /// What it says last, once it has ended.
    #[track_caller]
    pub fn last_line(&mut self) -> String {
        let (status, mut lines) = self.program.ended();
        assert!(status.success(), "{lines:?} {}", self.program.stderr());
        lines.pop().expect("it says something")
    }
}

/// Whether a call with one reply passes, several replies, replies before the requests are over, and errors; and whether the
/// function hears of a call that is cancelled.
#[track_caller]
pub fn calls(server: &Server, front: &Front) -> [String; 2] {
    let seen = Client::start(front.http2, &["calls"]).last_line();
    if seen != "yes" {
        return [seen, "–".to_owned()];
    }
    // The script has cancelled this one.
    [seen, leaving::at_once_or_by_writing(server, "chat-cancelled")]
}
