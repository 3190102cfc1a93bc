//! Real tools against the contract example: curl, nginx as a reverse proxy, h2load, nghttp, wrk, Chromium, Python's websockets and
//! grpcio.
//!
//! Runs when `FC_INTEROP=1`, and then a tool that is absent is a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "figures that a test has measured")]
#![allow(clippy::print_stderr, reason = "what a failed test has to show")]
#![allow(unreachable_pub, reason = "modules of a test have no outside")]
#![allow(dead_code, unused_imports, reason = "what the tests share is used by each in part")]

#[path = "../it/apps/mod.rs"]
mod apps;
#[path = "../it/support/mod.rs"]
mod support;

mod cors_browser;
mod curl;
mod grpc;
mod last_resort;
mod load;
mod nginx;
mod nginx_499;
mod probe_load;
mod sse;
mod websocket;
mod websocket_browser;

/// Whether these tests are wanted here.
fn is_wanted() -> bool {
    let wanted = std::env::var_os("FC_INTEROP").is_some_and(|value| value == "1");
    if !wanted {
        eprintln!("needs real tools: set FC_INTEROP=1");
    }
    wanted
}

/// A Python that has the clients of `requirements.txt`: `FC_PYTHON`, or the one that `.ci/run tools` makes.
fn python() -> std::process::Command {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python3");
    let python = std::env::var_os("FC_PYTHON").unwrap_or_else(|| own.into());
    assert!(
        std::path::Path::new(&python).exists(),
        "{} is absent: run `.ci/run tools`, or name one in FC_PYTHON",
        python.display()
    );
    std::process::Command::new(python)
}

/// A folder of this test's own, removed at its end.
#[derive(Debug)]
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fc-runtime-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
