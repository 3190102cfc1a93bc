//! Debian's PostgreSQL, with an empty database of a test's own.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::process::{free_port, signal};
use crate::{Folder, Launch, Program, until};

/// A running PostgreSQL. Anybody on this machine may connect as `postgres`.
#[derive(Debug)]
pub struct Postgres {
    program: Program,
    port: u16,
    _folder: Folder,
}

impl Postgres {
    /// Makes a database and starts the server, and waits until it takes connections.
    #[track_caller]
    pub fn start() -> Self {
        let folder = Folder::new();
        let data = folder.file("data");
        std::fs::create_dir(&data).unwrap();
        // The server refuses to run as root, and data that others may read.
        let as_postgres: &[&str] = if is_root() {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
            let owned = Launch::new("chown").args(["postgres:postgres"]).args([&data]).run();
            assert_eq!(owned.code, Some(0), "chown: {}", owned.err);
            &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        } else {
            &[]
        };
        let initdb = Launch::new(tool("initdb")).by(as_postgres).folder(&data).args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--pgdata",
        ]);
        let made = initdb.args([&data]).run();
        assert_eq!(made.code, Some(0), "initdb: {}{}", made.out, made.err);
        for _ in 0..5 {
            let port = free_port();
            let server =
                Launch::new(tool("postgres")).by(as_postgres).folder(&data).args(["-D"]).args([&data]);
            let settings = [format!("port={port}"), "listen_addresses=127.0.0.1".to_owned()];
            let settings =
                settings.into_iter().chain(["unix_socket_directories=", "fsync=off"].map(str::to_owned));
            let mut program =
                settings.fold(server, |server, setting| server.args(["-c".to_owned(), setting])).start();
            // Another process may have taken the port meanwhile.
            if program.until_open(port) {
                let postgres = Postgres { program, port, _folder: folder };
                until("PostgreSQL takes connections", || postgres.try_sql("SELECT 1"));
                return postgres;
            }
        }
        panic!("no port stayed free");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address for clients.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// What `psql` prints for a statement, without ornaments.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        self.try_sql(statement).unwrap_or_else(|| panic!("psql failed: {statement}"))
    }

    /// The same, where the statement may fail.
    pub fn try_sql(&self, statement: &str) -> Option<String> {
        let options = ["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--command", statement];
        let ended = Launch::new(tool("psql")).args(options).args([self.url()]).run();
        (ended.code == Some(0)).then(|| ended.out.trim().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, but with its children: killed, it would leave them.
        signal(self.program.pid(), "QUIT");
        self.program.wait();
    }
}

/// A program of PostgreSQL: in the search path, or where Debian has the newest one.
#[track_caller]
fn tool(name: &str) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    folders.extend(versions.iter().map(|version| version.join("bin")));
    let found = folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: `.ci/run tools` installs PostgreSQL")).into()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
