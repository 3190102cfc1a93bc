//! Instances that end, and connections that break, while a call is under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fc_local::{Ending, Kind};
use testkit::h1::{exchange, request};

use crate::function::{Asked, Cut, chunks, text, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

#[test]
fn a_program_that_exits_fails_its_call_and_the_next_one_gets_another() {
    let ring = Ring::serving(f(), usual(&Gate::shut()));
    let first = ring.get("/pid").text();
    let reply = ring.get("/exit");
    reply.assert_function_error(502, "Process exited unexpectedly before completing request (duration: ");
    assert_eq!(ring.failure(&reply.id()), "process_exited");
    let record = ring.record(&reply.id());
    assert_eq!((record.status, record.is_cold, record.attempt), (502, false, 1));
    let ended = ring.first("its end", |kind| matches!(kind, Kind::InstanceEnded(Ending::Code(7))));
    assert_eq!(ended.instance.as_deref(), Some(&*ring.instances()[0]));
    assert_ne!(ring.get("/pid").text(), first);
}

#[test]
fn an_event_is_answered_whole_though_the_function_streams() {
    let ring = Ring::serving(f(), |_: Asked| async move {
        let (sender, reply) = chunks();
        for piece in ["one ", "two ", "three"] {
            sender.send(Ok(piece)).unwrap();
        }
        reply
    });
    let target = "/2023-03-30/functions/f/invocations";
    let answer = exchange(ring.main_port(), &request("POST", target, "", b"x"));
    answer.assert_ok();
    assert_eq!((answer.text(), answer.header("content-length")), ("one two three".to_owned(), Some("13")));
    assert_eq!(answer.header("transfer-encoding"), None);
}

#[test]
fn an_event_is_retryable_when_its_program_exits() {
    let ring = Ring::serving(f(), |asked: Asked| async move { asked.program.exits(1).await });
    let invocation = ring.invoke("x");
    assert!(invocation.is_error && invocation.is_retryable, "{invocation:?}");
    assert!(
        invocation.body.starts_with(b"{\"errorMessage\":\"Process exited unexpectedly"),
        "{invocation:?}"
    );
}

#[test]
fn a_program_that_is_killed_fails_its_own_calls_only() {
    let gate = Gate::shut();
    let ring = Ring::serving(f().concurrency(2), usual(&gate));
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| ring.get_beside(scope, "/wait")).collect();
        gate.holds(4);
        assert_eq!(gate.crowds(), [2, 2]);
        ring.programs()[0].is_killed();
        gate.holds(2);
        gate.open_for(2);
        let replies: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        let (good, failed): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!((good.len(), failed.len()), (2, 2));
        for reply in failed {
            reply.assert_function_error(502, "Process exited unexpectedly before completing request");
        }
    });
    ring.first("its end", |kind| matches!(kind, Kind::InstanceEnded(Ending::Signal(9))));
    assert_eq!(ring.count(|kind| matches!(kind, Kind::InstanceEnded(_))), 1);
}

/// A function that cuts the connections of its first calls, and the expected status of the reply.
#[derive(Debug, Clone, Copy)]
struct Flaky {
    method: &'static str,
    body: &'static [u8],
    /// Whether the connection carried a call before.
    is_reused: bool,
    /// How many calls end with a cut connection in place of a reply.
    cuts: usize,
    seen: usize,
    status: u16,
}

impl Flaky {
    fn check(self) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let ring = Ring::serving(f(), move |asked: Asked| {
            let is_cut = asked.path() == "/flaky" && counted.fetch_add(1, Ordering::Relaxed) < self.cuts;
            async move { if is_cut { Err(Cut) } else { text("served") } }
        });
        if self.is_reused {
            ring.get("/").assert_ok();
        }
        let reply = ring.call(self.method, "/flaky", self.body);
        assert_eq!((reply.status, count.load(Ordering::Relaxed)), (self.status, self.seen), "{self:?}");
        // For the platform it is one call, and the instance goes on.
        let record = ring.record(&reply.id());
        assert_eq!((record.status, record.attempt), (self.status, 1), "{self:?}");
        ring.get("/").assert_ok();
        assert_eq!(ring.programs().len(), 1, "{self:?}");
        // A program that breaks the second connection too fails; it does not close what it has kept.
        let is_told = self.seen == 2 && self.status == 200;
        let told = ring.count(|kind| matches!(kind, Kind::ConnectionClosedEarly { .. }));
        assert_eq!(told, usize::from(is_told), "{self:?}");
    }
}

/// A call is sent once more on a new connection under four conditions: a reused connection, no byte of a reply, `GET`
/// or `HEAD`, no body.
#[test]
fn a_call_is_sent_once_more_by_the_platforms_rule_alone() {
    let flaky = |method, body, is_reused, cuts| {
        move |seen, status| Flaky { method, body, is_reused, cuts, seen, status }
    };
    let cases = [
        flaky("GET", b"", true, 0)(1, 200),
        flaky("GET", b"", true, 1)(2, 200),
        flaky("HEAD", b"", true, 1)(2, 200),
        flaky("GET", b"", true, 2)(2, 502),
        flaky("GET", b"", false, 1)(1, 502),
        flaky("GET", b"body", true, 1)(1, 502),
        flaky("POST", b"", true, 1)(1, 502),
        flaky("POST", b"body", true, 1)(1, 502),
        flaky("DELETE", b"", true, 1)(1, 502),
    ];
    // In parallel, because most of the time is a wait for the report of an end that does not come.
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || case.check());
        }
    });
}

#[test]
fn a_stream_that_breaks_off_is_cut_for_the_client_too() {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&senders);
    let ring = Ring::serving(f().concurrency(5), move |_| {
        let (sender, reply) = chunks();
        sender.send(Ok("begun")).unwrap();
        kept.lock().unwrap().push(sender);
        async { reply }
    });
    let begin = || {
        let mut conn = ring.begin("/");
        let id = conn.answer_head().id();
        assert_eq!(conn.chunk().unwrap(), b"begun");
        (conn, id, senders.lock().unwrap().pop().unwrap())
    };
    let (mut conn, id, sender) = begin();
    sender.send(Ok("ended")).unwrap();
    drop(sender);
    assert_eq!((conn.chunk().as_deref(), conn.chunk()), (Some(&b"ended"[..]), None));
    assert_eq!(ring.record(&id).status, 200);
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallFailed(_) | Kind::CallCancelled { .. })), 0);

    let (mut conn, id, sender) = begin();
    sender.send(Err(Cut)).unwrap();
    assert_eq!(conn.rest(), b"", "without the last chunk");
    assert_eq!((ring.failure(&id), ring.record(&id).status), ("process_exited", 200));

    let (mut conn, id, _sender) = begin();
    ring.programs()[0].is_killed();
    assert_eq!(conn.rest(), b"", "without the last chunk");
    assert_eq!((ring.failure(&id), ring.record(&id).status), ("process_exited", 200));
    ring.first("its end", |kind| matches!(kind, Kind::InstanceEnded(Ending::Signal(9))));
}
