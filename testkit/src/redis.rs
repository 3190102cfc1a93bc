//! Debian's Redis, with data of a test's own.

use crate::process::free_port;
use crate::{Folder, Launch, Program};

/// A running Redis. Each line is on the disk before it is answered.
#[derive(Debug)]
pub struct Redis {
    program: Program,
    port: u16,
    folder: Folder,
}

impl Redis {
    /// Starts the server without data, and waits until it takes connections.
    #[track_caller]
    pub fn start() -> Self {
        let folder = Folder::new();
        for _ in 0..5 {
            let port = free_port();
            let launch = Launch::new("redis-server").args(["--bind", "127.0.0.1", "--port"]);
            let launch = launch.args([port.to_string()]).args(["--save", "", "--appendonly", "yes"]);
            let launch = launch.args(["--appendfsync", "always", "--dir"]).args([folder.path()]);
            let mut program = launch.start();
            // Another process may have taken the port meanwhile.
            if program.until_open(port) {
                return Redis { program, port, folder };
            }
        }
        panic!("no port stayed free");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address for clients.
    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does.
    pub fn stop(&mut self) {
        self.program.kill();
    }

    /// Removes what it has on the disk.
    #[track_caller]
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.folder.file("appendonlydir")).unwrap();
    }

    /// Starts it on the same port, with what is on the disk.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.program.restart();
        assert!(self.program.until_open(self.port), "Redis does not start: {}", self.program.out().text());
    }
}
