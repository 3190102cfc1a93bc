//! A real Redis of a test's own.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use testkit::process::free_port;
use testkit::{Folder, until};

/// A server, ended with its test. Each line is on the disk before it is answered.
pub(super) struct Redis {
    port: u16,
    folder: Folder,
    child: Child,
}

impl Redis {
    pub(super) fn start() -> Self {
        let (port, folder) = (free_port(), Folder::new());
        let child = spawn(port, &folder);
        Self { port, folder, child }
    }

    pub(super) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &Folder) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(folder.path());
    let child = command.stdout(Stdio::null()).spawn().expect("redis-server is installed");
    until("Redis listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    child
}
