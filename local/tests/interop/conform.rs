//! `fc-local conform` on real servers: the library's own passes all, and what others miss stands in docs/conform.md.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{example, root, succeed};
use crate::conform::{assert_generated, list, outcomes, run as suite};

/// A server, as the table calls it, with the command that starts it.
struct Server {
    name: &'static str,
    command: Vec<String>,
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform/servers")
}

fn text(path: &Path) -> String {
    assert!(path.exists(), "{} is absent: run `.ci/run tools interop`", path.display());
    path.to_str().unwrap().to_owned()
}

fn go() -> Server {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conform-go");
    let mut go = Command::new("go");
    succeed(go.args(["build", "-o"]).arg(&built).arg(sources().join("server.go")).env("CGO_ENABLED", "0"));
    Server { name: "Go: net/http", command: vec![text(&built)] }
}

fn node() -> Server {
    let modules = text(&root().join("target/conform-node/node_modules"));
    let command = ["env", &format!("NODE_PATH={modules}"), "node", &text(&sources().join("server.js"))];
    Server { name: "Node.js: http, ws", command: command.map(str::to_owned).to_vec() }
}

fn python() -> Server {
    let packages = text(&root().join("target/conform-python/python"));
    let path = format!("PYTHONPATH={packages}");
    let command = ["env", &path, "PYTHONUNBUFFERED=1", "python3", &text(&sources().join("server.py"))];
    Server { name: "Python: Starlette on uvicorn", command: command.map(str::to_owned).to_vec() }
}

/// `.ci/run interop` builds it.
fn axum() -> Server {
    Server { name: "axum", command: vec![text(&root().join("target/apart/debug/conform-axum"))] }
}

fn ours() -> Server {
    Server { name: "fc-runtime", command: vec![text(&example("conform"))] }
}

fn nginx() -> Server {
    let command = [text(&sources().join("nginx.sh")), text(&example("conform"))];
    Server { name: "nginx before fc-runtime", command: command.to_vec() }
}

/// Runs the suite as users run it.
fn run(server: &Server, edition: &str) -> Vec<(String, String, String)> {
    let command: Vec<&str> = server.command.iter().map(String::as_str).collect();
    let all = outcomes(&suite(&[&["--format", "json", "--edition", edition, "--"], &command[..]].concat()));
    // In the order of the suite.
    let ids = list().into_iter().map(|case| case["id"].as_str().unwrap().to_owned());
    ids.map(|id| (id.clone(), all[&id].0.clone(), all[&id].1.clone())).collect()
}

#[test]
#[ignore = "builds an example of the library: .ci/run runs it with --ignored"]
fn the_librarys_own_server_passes_every_case() {
    let others: Vec<_> =
        run(&ours(), "fc2").into_iter().filter(|(_, outcome, _)| outcome != "passed").collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// The ids of one outcome; `*` stands for all of a subject.
fn ids(all: &[(String, String, String)], outcome: &str) -> String {
    let subject = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
    let mut words: Vec<String> = Vec::new();
    for (id, own, _) in all.iter().filter(|(_, own, _)| own == outcome) {
        let of_subject: Vec<_> = all.iter().filter(|(other, _, _)| subject(other) == subject(id)).collect();
        let is_whole = of_subject.len() > 1 && of_subject.iter().all(|(_, other, _)| other == own);
        let word = if is_whole { format!("`{}-*`", subject(id)) } else { format!("`{id}`") };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

#[test]
#[ignore = "needs go, node, python3, nginx and what .ci/run tools installs: .ci/run runs it with --ignored"]
fn what_other_servers_miss_is_in_the_document() {
    /// How many run at a time: some cases measure, so not all of them.
    const TOGETHER: usize = 2;
    let servers = [ours(), go(), node(), python(), axum(), nginx()];
    let path = root().join("docs/conform.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut all = Vec::new();
    for some in servers.chunks(TOGETHER) {
        all.extend(std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|server| scope.spawn(|| run(server, "fc3"))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    let mut table =
        "| server | passed | fails (MUST) | misses (SHOULD) | skipped |\n|---|---|---|---|---|\n".to_owned();
    for (server, outcomes) in servers.iter().zip(&mut all) {
        if !text.contains(&row(server, outcomes)) {
            // Other work may have delayed it.
            println!("{} once more, alone; it was: {}", server.name, row(server, outcomes));
            *outcomes = run(server, "fc3");
        }
        // What differs from the document is explained by what was seen.
        for (id, outcome, seen) in outcomes.iter() {
            if outcome != "passed" && outcome != "skipped" {
                println!("{}: {id}: {seen}", server.name);
            }
        }
        table += &row(server, outcomes);
    }
    assert_generated(&path, &text, "servers", &table);
}

/// The server's row of the table.
fn row(server: &Server, outcomes: &[(String, String, String)]) -> String {
    let passed = outcomes.iter().filter(|(_, outcome, _)| outcome == "passed").count();
    let [failed, missed, skipped] = ["failed", "missed", "skipped"].map(|outcome| ids(outcomes, outcome));
    format!("| {} | {passed} | {failed} | {missed} | {skipped} |\n", server.name)
}
