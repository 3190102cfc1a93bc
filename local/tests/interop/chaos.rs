//! The contract example under injected faults: each call has a reply or a recorded departure, and counts agree.

use testkit::Folder;
use testkit::events::kind;
use testkit::h1::{Conn, request};

use super::example;
use crate::harness::{Local, f, write_manifest};

/// Plain replies, parameters, bodies, and streams that end.
const CALLS: [(&str, &str, &str); 5] = [
    ("GET", "/json", ""),
    ("GET", "/users/7/posts/8", ""),
    ("POST", "/echo", "hello"),
    ("GET", "/large?bytes=200000", ""),
    ("GET", "/slow?ms=20", ""),
];

const ROUNDS: usize = 6;

#[test]
#[ignore = "builds an example, and runs it twenty times: .ci/run runs it with --ignored"]
fn the_contract_keeps_its_promises_at_twenty_seeds() {
    let contract = example("contract");
    for seed in 0..20 {
        let folder = Folder::new();
        folder.link("code/bootstrap", contract.to_str().unwrap());
        write_manifest(&folder, f().timeout(60).concurrency(10).memory(1024));
        let local = Local::start(folder, &["--chaos", &seed.to_string()]);
        let port = local.function_port("f");
        let mut replies = 0;
        for (method, target, body) in CALLS.iter().cycle().take(ROUNDS * CALLS.len()) {
            let mut conn = Conn::open(port);
            conn.send(&request(method, target, "", body.as_bytes()));
            if let Some(reply) = conn.try_answer(method).filter(|reply| !reply.is_cut) {
                replies += 1;
                assert!([200, 429, 502, 503].contains(&reply.status), "seed {seed}: {target}: {reply:?}");
                local.wait_for(kind("request").request(&reply.id()).status(reply.status));
            }
        }
        let all = ROUNDS * CALLS.len();
        local.wait_for_nth(all, kind("request"));
        assert_eq!(local.count(kind("request")), all, "seed {seed}");
        assert_eq!(local.count(kind("request").status(499)), all - replies, "seed {seed}");
        let injected = |fault: &str| local.count(kind("fault_injected").field("fault", fault));
        assert_eq!(all - replies, injected("leave"), "seed {seed}");
        assert_eq!(local.count(kind("request").status(502)), injected("upstream"), "seed {seed}");
        let refused = local.count(kind("request").status(429)) + local.count(kind("request").status(503));
        assert_eq!(refused, injected("throttle"), "seed {seed}");
        assert_eq!(local.count(kind("instance_ended")), 0, "seed {seed}: it has not crashed");
    }
}
