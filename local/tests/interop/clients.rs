//! curl and h2load.

use std::process::Command;

use testkit::events::{kind, printed};
use testkit::eventually;

use super::{run, succeed};
use testkit::process::signal;

use crate::harness::{Local, f};

pub(super) fn curl(arguments: &[&str]) -> String {
    succeed(Command::new("curl").args(["--silent", "--show-error", "--noproxy", "*"]).args(arguments))
}

/// `curl` with the status at the end of its output.
pub(super) fn curl_status(arguments: &[&str]) -> String {
    curl(&[&["--write-out", "|%{http_code}"], arguments].concat())
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn curl_speaks_to_a_function() {
    let local = Local::scripted(f().timeout(60).concurrency(5).var("SCRIPT_NAME", "hello"));
    let main = local.main_port();
    let url = format!("http://127.0.0.1:{}", local.function_port("f"));
    assert_eq!(curl(&[&format!("http://f.localhost:{main}/name")]), "hello");
    assert_eq!(curl(&["--http1.0", &format!("{url}/name")]), "hello");
    let head = curl(&["--head", &format!("{url}/head")]).to_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 5"), "{head}");
    assert_eq!(curl(&[&format!("{url}/chunks?n=2")]), "chunk 0\nchunk 1\n");

    let file = local.folder.path().join("upload");
    std::fs::write(&file, vec![b'x'; 32 * 1024 * 1024]).unwrap();
    let upload = format!("@{}", file.display());
    let post = |headers: &[&str]| {
        curl_status(&[&["--data-binary", &upload, &format!("{url}/length")], headers].concat())
    };
    assert_eq!(post(&[]), "33554432|200");
    assert_eq!(post(&["-H", "Transfer-Encoding: chunked"]), "33554432|200");
    std::fs::write(&file, vec![b'x'; 32 * 1024 * 1024 + 1]).unwrap();
    assert!(post(&[]).contains("\"Code\":\"EntityTooLarge\""));
    assert!(post(&[]).ends_with("|400"));

    // A client with a time limit of its own leaves.
    let gone =
        run(Command::new("curl").args(["--silent", "--max-time", "1", &format!("{url}/sleep?ms=60000")]));
    assert_eq!(gone.status.code(), Some(28));
    let line = local.wait_for(kind("call_cancelled"));
    local.wait_for(kind("request").request(line.request()).status(499));
    local.wait_for(printed(&format!("cancelled {}", line.request())));
}

/// The numbers of a line such as `requests: 100 total, … 98 succeeded, 2 failed` by the word behind them.
fn number(report: &str, line: &str, word: &str) -> usize {
    let line =
        report.lines().find(|text| text.starts_with(line)).unwrap_or_else(|| panic!("no {line} in {report}"));
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|found| *found == word).unwrap();
    words[at - 1].parse().unwrap()
}

#[test]
#[ignore = "needs h2load: .ci/run runs it with --ignored"]
fn h2load_loses_nothing() {
    let local = Local::scripted(f().timeout(60).concurrency(8));
    let url = format!("http://127.0.0.1:{}/", local.function_port("f"));
    let report = succeed(Command::new("h2load").args(["--h1", "-n", "5000", "-c", "8", &url]));
    assert_eq!(number(&report, "requests:", "succeeded"), 5000, "{report}");
    assert_eq!(number(&report, "status codes:", "2xx"), 5000, "{report}");
    assert_eq!(local.count(kind("instance_started")), 1);
}

#[test]
#[ignore = "needs h2load: .ci/run runs it with --ignored"]
fn kill_9_of_an_instance_under_load_fails_only_what_it_was_doing() {
    let local = Local::scripted(f().timeout(60).concurrency(4));
    let url = format!("http://127.0.0.1:{}/sleep?ms=20", local.function_port("f"));
    let load = std::thread::spawn(move || {
        succeed(Command::new("h2load").args(["--h1", "-n", "3000", "-c", "12", &url]))
    });
    let mut killed = 0;
    for nth in [1, 2] {
        let pid = local.wait_for_nth(nth, printed("pid ")).number_after("pid ");
        let before = local.count(kind("request"));
        eventually("the load is on", || local.count(kind("request")) > before + 100);
        signal(pid, "KILL");
        killed += 1;
    }
    let report = load.join().unwrap();
    let failed = number(&report, "status codes:", "5xx");
    assert_eq!(number(&report, "requests:", "total"), 3000);
    assert_eq!(number(&report, "status codes:", "2xx") + failed, 3000, "{report}");
    assert!((1..=killed * 4).contains(&failed), "each instance had at most 4 calls: {report}");
    let errors = local.count(kind("call_failed").field("failure", "process_exited"));
    assert_eq!(errors, failed);
}
