//! What was measured on, and what was measured.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::results::said_by;

const BENCHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Crates whose versions are told, as the lock file has them.
const CRATES: [&str; 12] = [
    "hyper",
    "tokio",
    "axum",
    "tower-http",
    "actix-web",
    "ntex",
    "poem",
    "salvo",
    "tonic",
    "fastwebsockets",
    "tracing-subscriber",
    "mio",
];

pub(crate) fn table() -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let model = first_after("/proc/cpuinfo", "model name");
    let memory = first_after("/proc/meminfo", "MemTotal");
    let mut text = "| | |\n|---|---|\n".to_owned();
    for (what, is) in [
        ("machine", format!("{processors} processors, {model}; {memory}")),
        ("kernel", said_by("uname", &["-sr"])),
        ("Rust", said_by("rustc", &["--version"])),
        ("profile", "release, fat LTO, one codegen unit, unwinding; every Rust server".to_owned()),
        ("crates", crates()),
        ("Go", said_by("go", &["version"])),
        ("Node.js", format!("{}; {}", said_by("node", &["--version"]), fastify())),
        ("Python", format!("{}; {}", said_by("python3", &["--version"]), requirements())),
        ("tools", format!("{}; {}", said_by("valgrind", &["--version"]), said_by("strace", &["--version"]))),
    ] {
        let _ = writeln!(text, "| {what} | {is} |");
    }
    text
}

fn first_after(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or("unknown").trim().to_owned()
}

/// Every version that is in the tree: peers may stand on different ones.
fn crates() -> String {
    let lock = fs::read_to_string(Path::new(BENCHES).join("Cargo.lock")).unwrap_or_default();
    let versions = |name: &str| {
        let head = format!("name = \"{name}\"\nversion = \"");
        let found = lock.split(&head).skip(1).filter_map(|rest| rest.split('"').next());
        found.collect::<Vec<_>>().join("/")
    };
    let told = CRATES.iter().map(|name| (name, versions(name))).filter(|(_, versions)| !versions.is_empty());
    told.map(|(name, versions)| format!("{name} {versions}")).collect::<Vec<_>>().join(", ")
}

fn fastify() -> String {
    let manifest = fs::read_to_string(Path::new(BENCHES).join("peers/node/package.json")).unwrap_or_default();
    let line = manifest.lines().find(|line| line.contains("\"fastify\""));
    line.unwrap_or_default().trim().replace(['"', ':', ','], "")
}

fn requirements() -> String {
    let pinned =
        fs::read_to_string(Path::new(BENCHES).join("peers/python/requirements.txt")).unwrap_or_default();
    let names = ["fastapi", "uvicorn"];
    let told = pinned.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    told.map(|line| line.replace("==", " ")).collect::<Vec<_>>().join(", ")
}
