//! What people see on a terminal, and what is written where there is none.

use testkit::h1::{exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::process::{below, signal};
use testkit::program::Ended;
use testkit::{Folder, Launch, Program, until};

use crate::harness::{SCRIPTED, f, program, scripted, write_manifest};

/// The begin of the line that is drawn over a former one.
const ERASE: &str = "\r\u{1b}[K";

/// `fc-local` with `arguments` on a terminal of its own.
fn on_a_terminal(folder: &Folder, arguments: &str) -> Launch {
    let line = format!("exec {} --template {} {arguments}", program(), folder.file("s.yaml").display());
    Launch::new("script").args(["-qec", &line, "/dev/null"]).var("TERM", "xterm")
}

/// Starts `dev` on a terminal, and waits until function `f` is ready at the port that is given here.
fn dev(folder: &Folder, more: &str) -> (Program, u16) {
    let program = on_a_terminal(folder, &format!("dev --no-watch --port 0 {more}")).start();
    let port = until("the function is ready", || {
        let all = text(&program);
        let ready = all.lines().find(|line| line.contains("http://f.localhost:"))?;
        let (_, address) = ready.split_once("http://127.0.0.1:")?;
        address.split_once('/')?.0.parse().ok()
    });
    (program, port)
}

fn text(program: &Program) -> String {
    program.out().all().join("\n")
}

/// Ends `dev` on its terminal, and gives all that was written.
fn end(mut program: Program) -> String {
    // The first below `script` is fc-local.
    signal(below(program.pid())[0], "INT");
    program.ended();
    text(&program)
}

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    Launch::new(program()).args(arguments).args(["--template".into(), folder.file("s.yaml")]).run()
}

#[test]
fn a_request_is_one_line_that_says_who_failed() {
    let folder = scripted();
    write_manifest(&folder, f());
    let (program, port) = dev(&folder, "--cold");
    let get = |target: &str| exchange(port, &request("GET", target, "", b""));
    let id = get("/name?token=secret").id();
    get("/exit?code=3").assert_status(502);
    let all = end(program);
    let lines =
        |of: &str| all.lines().filter(|line| line.contains(of)).map(str::to_owned).collect::<Vec<_>>();
    let [line] = &lines("GET /name")[..] else { panic!("one line: {all}") };
    assert!(
        line.contains(" 200 ") && line.contains(" ms cold") && line.contains(&id[id.len() - 8..]),
        "{line}"
    );
    assert!(!line.contains(&id) && !line.contains("secret"), "{line}");
    let [line] = &lines("Process exited unexpectedly")[..] else { panic!("one line: {all}") };
    assert!(line.contains("GET /exit 502 ") && line.contains("ms, function: Process exited"), "{line}");
}

#[test]
fn a_failed_start_is_told_once() {
    let folder = Folder::new();
    folder.write("code/bootstrap", "#!/bin/sh\necho going down\nexit 3\n");
    write_manifest(&folder, f());
    let (program, port) = dev(&folder, "--cold");
    exchange(port, &request("GET", "/", "", b"")).assert_status(412);
    let all = end(program);
    for once in ["going down", "exited unexpectedly", "GET / 412"] {
        assert_eq!(all.matches(once).count(), 1, "{once}: {all}");
    }
}

#[test]
fn a_build_is_folded_on_a_terminal_alone() {
    let folder = scripted();
    write_manifest(&folder, f().step("echo compiling; sleep 0.3; echo linking"));
    let (program, _) = dev(&folder, "");
    let all = end(program);
    assert!(all.contains(" building 0 s  ") && all.contains(ERASE) && all.contains("built in 0."), "{all}");
    assert!(!all.contains("> compiling") && !all.contains("> linking"), "{all}");
    let output = run(&folder, &["invoke", "f"]);
    assert!(output.err.contains("> compiling\n") && output.err.contains("> linking\n"), "{}", output.err);
    assert!(!output.err.contains('\r') && output.err.contains("built in 0."), "{}", output.err);
}

#[test]
fn a_build_that_fails_on_a_terminal_is_shown_whole_and_once() {
    let folder = scripted();
    write_manifest(&folder, f().step("echo compiling; echo 'what is this?'; exit 7"));
    let output = on_a_terminal(&folder, "invoke f").run();
    for once in ["building: echo", "> compiling", "> what is this?", "the build failed: "] {
        assert_eq!(output.out.matches(once).count(), 1, "{once}: {}", output.out);
    }
}

#[test]
fn colours_of_a_function_pass_on_a_terminal() {
    let folder = Folder::new();
    let print = r"printf '\033[32mgreen\033[0m\033[2J\n'";
    folder.write("code/bootstrap", &format!("#!/bin/sh\n{print}\nexec {SCRIPTED}\n"));
    write_manifest(&folder, f());
    let (program, port) = dev(&folder, "");
    exchange(port, &request("GET", "/", "", b"")).assert_ok();
    let all = end(program);
    assert!(all.contains("| \u{1b}[32mgreen\u{1b}[0m\\u{1b}[2J"), "{all}");
}

#[test]
fn a_function_can_be_muted_by_name() {
    let folder = scripted();
    write_manifest(&folder, Manifest::of([f(), Function::new("g")]));
    let (program, port) = dev(&folder, "--quiet f");
    exchange(port, &request("GET", "/say?hello", "", b"")).assert_ok();
    let all = end(program);
    assert!(all.contains("GET /say 200 ") && !all.contains("said hello"), "{all}");
    let output = run(&folder, &["dev", "--quiet", "h"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.starts_with("there is no function `h` in ") && output.err.contains("f, g"),
        "{}",
        output.err
    );
}

#[test]
fn an_invocation_shows_no_address_and_no_line_twice() {
    let folder = scripted();
    write_manifest(&folder, f());
    let output = run(&folder, &["invoke", "f", "-e", "x", "--log"]);
    assert_eq!(output.err.matches("event of 1 bytes").count(), 1, "{}", output.err);
    assert!(!output.err.contains("http://"), "{}", output.err);
}
