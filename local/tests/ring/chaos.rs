//! Injected faults: the same seed brings the same ones, and no call is lost in any of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fc_local::{Event, Fault, Kind};
use testkit::manifest::Function;
use testkit::{Answer, Ask, h2};

use crate::function::{Asked, chunks, text};
use crate::harness::{Ring, f};

/// Answers `/chunks` in chunks, and all else whole.
async fn answer(asked: Asked) -> crate::function::Served {
    if asked.path() == "/chunks" {
        let (sender, reply) = chunks();
        for _ in 0..20 {
            sender.send(Ok("0123456789")).unwrap();
        }
        return reply;
    }
    text("x".repeat(200))
}

fn function() -> Function {
    f().concurrency(4)
}

/// Calls by turns for a whole reply and for one in chunks. A client that is made to leave may get no head.
fn call_one_by_one(ring: &Ring, calls: usize) -> Vec<Option<Answer>> {
    let targets = ["/whole", "/chunks"].into_iter().cycle().take(calls);
    targets.map(|target| ring.begin(target).try_answer("GET")).collect()
}

fn injected(all: &[Arc<Event>]) -> Vec<(Fault, u64)> {
    let faults = all.iter().filter_map(|event| match event.kind {
        Kind::FaultInjected { fault, ordinal } => Some((fault, ordinal)),
        _ => None,
    });
    faults.collect()
}

/// As [`call_one_by_one`], over one connection of HTTP/2, which outlives the clients that leave.
fn call_over_http_2(ring: &Ring, calls: usize) -> Vec<Option<Answer>> {
    let mut conn = h2::Conn::open(ring.port());
    let targets = ["/whole", "/chunks"].into_iter().cycle().take(calls);
    let call = |target| {
        let id = conn.send(&Ask::get(target));
        let answer = conn.answer_or_reset(id);
        Some(answer).filter(|answer| answer.status > 0)
    };
    targets.map(call).collect()
}

/// The faults of a run, after a look at each call: it had a reply or its departure was recorded.
fn faults_of(chaos: &str, calls: usize) -> Vec<(Fault, u64)> {
    faults_by(chaos, calls, call_one_by_one)
}

fn faults_by(chaos: &str, calls: usize, call: fn(&Ring, usize) -> Vec<Option<Answer>>) -> Vec<(Fault, u64)> {
    let ring = Ring::chaotic(chaos, function(), answer);
    let replies = call(&ring, calls);
    let seen = ring.stop(testkit::PATIENCE);
    let all = seen.all();
    let records = all.iter().filter_map(|event| match &event.kind {
        Kind::Request(record) => Some(record.status),
        _ => None,
    });
    for (reply, status) in replies.iter().zip(records) {
        match reply {
            Some(reply) if !reply.is_cut => {
                assert_eq!(status, reply.status, "seed {chaos}: {reply:?}");
                assert!(status != 200 || reply.body.len() == 200, "seed {chaos}: {reply:?}");
            }
            _ => assert_eq!(status, 499, "seed {chaos}: {reply:?}"),
        }
    }
    let faults = injected(&all);
    // Counts agree: a refusal, a departure and a broken connection for each such fault, and none without.
    let count = |wanted: fn(&Fault) -> bool| faults.iter().filter(|(fault, _)| wanted(fault)).count();
    let records = |wanted: fn(u16) -> bool| {
        seen.count(|kind| matches!(kind, Kind::Request(record) if wanted(record.status)))
    };
    assert_eq!(records(|_| true), calls, "seed {chaos}");
    let failed =
        all.iter().filter(|event| matches!(event.kind, Kind::CallFailed(_) | Kind::InstanceStartFailed(_)));
    let failed: Vec<_> = failed.map(|event| event.text()).collect();
    let refused = count(|fault| matches!(fault, Fault::Throttle(_)));
    assert_eq!(records(|status| matches!(status, 429 | 503)), refused, "seed {chaos}: {failed:#?}");
    let broken = count(|fault| matches!(fault, Fault::Upstream(_)));
    assert_eq!(records(|status| status == 502), broken, "seed {chaos}: {failed:#?}");
    let left = count(|fault| matches!(fault, Fault::Leave(_)));
    assert_eq!(records(|status| status == 499), left, "seed {chaos}");
    faults
}

#[test]
fn the_same_seed_brings_the_same_faults() {
    std::thread::scope(|scope| {
        let runs = ["11", "11", "12"].map(|seed| scope.spawn(move || faults_of(seed, 60)));
        let [one, again, other] = runs.map(|run| run.join().unwrap());
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert!(one.len() > 10, "{one:?}");
    });
}

/// Departures too: over HTTP/2 a client leaves one stream, and its other streams go on.
#[test]
fn a_seed_brings_the_same_faults_over_http_2() {
    let over_http_2 = faults_by("11", 60, call_over_http_2);
    assert_eq!(over_http_2, faults_of("11", 60));
    assert!(over_http_2.iter().any(|(fault, _)| matches!(fault, Fault::Leave(_))), "{over_http_2:?}");
}

/// A function with a mistake: it keeps in memory what its next call needs.
#[test]
fn a_seed_with_which_a_function_failed_fails_it_again_at_the_same_calls() {
    let failed = |chaos: &str| {
        let counts: Arc<Mutex<HashMap<u32, usize>>> = Arc::default();
        let asked: Arc<AtomicUsize> = Arc::default();
        let ring = Ring::chaotic(chaos, f(), move |call: Asked| {
            let (counts, asked) = (Arc::clone(&counts), Arc::clone(&asked));
            async move {
                let all = asked.fetch_add(1, Ordering::Relaxed) + 1;
                let mut counts = counts.lock().unwrap();
                let own = counts.entry(call.program.pid()).or_default();
                *own += 1;
                text(if *own == all { "as many" } else { "forgotten" })
            }
        });
        let wrong = (1..=40_usize).filter(|_| ring.get("/").text() == "forgotten").count();
        let first = ring.all().iter().find_map(|event| match event.kind {
            Kind::FaultInjected { fault: Fault::Reuse, ordinal } => Some(ordinal),
            _ => None,
        });
        (wrong, first)
    };
    let (wrong, first) = failed("5:reuse");
    // From the call behind the first fault on, all are wrong.
    assert_eq!(Some(40 - wrong as u64), first, "{wrong}");
    assert!(wrong > 0);
    assert_eq!(failed("5:reuse"), (wrong, first), "the same seed");
    assert_ne!(failed("6:reuse"), (wrong, first), "another seed");
}

#[test]
fn only_the_kinds_that_are_asked_for_come() {
    let faults = faults_of("3:idle,leave", 60);
    let is_asked_for = |(fault, _): &(Fault, u64)| matches!(fault, Fault::Idle | Fault::Leave(_));
    assert!(!faults.is_empty() && faults.iter().all(is_asked_for), "{faults:?}");
}

#[test]
fn no_call_is_lost_at_any_of_twenty_seeds() {
    std::thread::scope(|scope| {
        for first in 0..4 {
            scope.spawn(move || {
                for seed in (first..20).step_by(4) {
                    faults_of(&seed.to_string(), 20);
                }
            });
        }
    });
}

#[test]
fn without_chaos_there_are_no_faults() {
    let ring = Ring::serving(function(), answer);
    for reply in call_one_by_one(&ring, 20) {
        reply.expect("a reply").assert_ok();
    }
    assert_eq!(injected(&ring.all()), []);
}
