//! Injected faults, as the command line asks for them.

use testkit::Launch;
use testkit::events::kind;
use testkit::h1::{Conn, request};

use crate::harness::{Local, f, program, scripted, write_manifest};

#[test]
fn faults_are_told_and_reach_function_and_client() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--chaos", "4:leave"]);
    let left = (0..100).filter(|_| {
        let mut conn = Conn::open(local.function_port("f"));
        conn.send(&request("GET", "/chunks?n=30&ms=1", "", b""));
        conn.try_answer("GET").is_none_or(|reply| reply.is_cut)
    });
    let left = left.count();
    let told = local.wait_for(kind("fault_injected").function("f").field("fault", "leave").has("bytes"));
    local.wait_for(kind("request").request(told.request()).status(499));
    local.wait_for(kind("call_cancelled").request(told.request()));
    local.wait_for_nth(left, kind("fault_injected"));
    assert_eq!(local.count(kind("fault_injected")), left);
    assert_eq!(local.count(kind("fault_injected").but("fault", "leave")), 0);
}

#[test]
fn an_unknown_fault_is_refused() {
    for (chaos, error) in [
        ("x", "`x` is not a number"),
        (
            "1:flood",
            "there is no kind of fault `flood`; there are: reuse, idle, slow_start, freeze, upstream",
        ),
    ] {
        let output = Launch::new(program()).args(["dev", "--chaos", chaos]).run();
        assert_eq!(output.code, Some(2));
        assert!(output.err.contains(error), "{}", output.err);
    }
}
