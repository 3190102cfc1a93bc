//! Whose line it is that a program writes.

use base64::Engine;
use testkit::events::printed;

use crate::harness::{Local, f};

#[test]
fn a_line_without_its_end_belongs_to_its_own_call() {
    let local = Local::scripted(f());
    for _ in 0..2 {
        let id = local.get("/unended").id();
        // Nothing more of it comes.
        let line = local.wait_for(printed("unended of ").request(&id));
        assert_eq!(line.text(), format!("unended of {id}"));
        let next = local.get("/say?next").id();
        assert_eq!(local.wait_for(printed("said next").request(&next)).text(), "said next");
    }
}

#[test]
fn a_call_has_a_line_without_its_end_in_its_log() {
    let local = Local::scripted(f());
    let reply = local.call("GET", "/unended", "x-fc-log-type: Tail\r\n", b"");
    let log =
        base64::engine::general_purpose::STANDARD.decode(reply.header("x-fc-log-result").unwrap()).unwrap();
    let (log, id) = (String::from_utf8(log).unwrap(), reply.id());
    assert!(log.contains(&format!("\nunended of {id}\nFC Invoke End RequestId: {id}\n")), "{log}");
}

#[test]
fn a_line_that_was_written_before_the_reply_belongs_to_its_call() {
    let local = Local::scripted(f());
    let ids: Vec<String> = (0..200).map(|number| local.get(&format!("/say?{number}.")).id()).collect();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(local.wait_for(printed(&format!("said {number}."))).request(), id, "{number}");
    }
}

#[test]
fn a_line_that_comes_late_belongs_to_the_call_it_names() {
    let local = Local::scripted(f().timeout(60));
    let id = local.get("/late?ms=250").id();
    // It comes while the instance works on another call.
    local.get("/sleep?ms=1000").assert_ok();
    assert_eq!(local.wait_for(printed("late of ")).request(), id);
    assert_eq!(local.wait_for(printed("late of ")).text(), format!("late of {id}"));
}
