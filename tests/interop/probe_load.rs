//! How fast probes are answered while handlers hold every thread, on small processors too.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::{Ask, Launch, Server, h1};
use testkit::until;

/// More than there are threads.
const HELD: usize = 32;

/// As many as a round has, or as there is time for.
const PROBES: usize = 300;

/// How long a round lasts at most: an executor that has not turned for 10 s is called dead, and rightly.
const ROUND: Duration = Duration::from_secs(6);

/// The longest that the platform waits for a probe. It is far more than is ever needed; a busy machine may stall.
const WORST: Duration = Duration::from_secs(3);

/// A share of the processors, where the machine lets us set one.
struct Share(PathBuf);

impl Share {
    fn new(hundredths: u32) -> Option<Self> {
        let name = format!("fc-runtime-{hundredths}-{}", std::process::id());
        let folder = PathBuf::from("/sys/fs/cgroup/cpu").join(&name);
        if fs::create_dir(&folder).is_ok() {
            let quota = (hundredths * 1000).to_string();
            let set = fs::write(folder.join("cpu.cfs_period_us"), "100000")
                .and_then(|()| fs::write(folder.join("cpu.cfs_quota_us"), quota));
            if set.is_ok() {
                return Some(Self(folder));
            }
            let _ = fs::remove_dir(&folder);
        }
        let folder = PathBuf::from("/sys/fs/cgroup").join(name);
        fs::create_dir(&folder).ok()?;
        let set = fs::write(folder.join("cpu.max"), format!("{} 100000", hundredths * 1000));
        if set.is_ok() {
            return Some(Self(folder));
        }
        let _ = fs::remove_dir(&folder);
        None
    }

    fn start(&self) -> Server {
        let join = format!("echo $$ > {}/cgroup.procs; exec \"$0\" \"$@\"", self.0.display());
        Launch::contract().by(&["sh", "-c", &join]).start()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn check(name: &str, server: &Server, target: &str) {
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let held: Vec<_> = (0..HELD)
        .map(|_| {
            let mut conn = server.connect();
            conn.send(&h1::bytes(&Ask::get(target)));
            conn
        })
        .collect();
    // A request may still slip in among the first; then none does.
    let mut stuck = until("the threads to be held", || {
        let mut stuck = server.connect();
        stuck.send(&h1::bytes(&Ask::get("/plaintext")));
        stuck.is_quiet_for(Duration::from_millis(300)).then_some(stuck)
    });
    let first = Instant::now();
    let mut taken: Vec<_> = (0..PROBES)
        .take_while(|_| first.elapsed() < ROUND)
        .map(|at| {
            // Spread out, so that the probes meet a process that has used its share up as well as one that has not.
            assert!(stuck.is_quiet_for(Duration::from_millis(11)), "the threads are held all the time");
            let begun = Instant::now();
            let method = if at % 2 == 0 { "GET" } else { "HEAD" };
            let mut conn = server.connect();
            assert!(conn.is_answered_within(&Ask::new(method, "/healthz"), WORST), "probe {at} of {name}");
            begun.elapsed()
        })
        .collect();
    assert!(!taken.is_empty(), "no probe in {ROUND:?}");
    taken.sort_unstable();
    let at = |hundredths: usize| taken[(taken.len() - 1) * hundredths / 100];
    println!(
        "{} probes, {name}, {target}: p50 {:?}, p99 {:?}, worst {:?}",
        taken.len(),
        at(50),
        at(99),
        at(100)
    );
    drop(held);
}

#[test]
#[ignore = "needs taskset: .ci/run runs it with --ignored"]
fn probes_are_answered_at_every_size() {
    let blocked = "/block?ms=600000";
    // Every request in turn holds a thread for so long, and the executor has none left.
    let spinning = "/spin?ms=600000";
    for target in [blocked, spinning] {
        check("the whole machine", &Server::contract(), target);
        check("one processor", &Launch::contract().by(&["taskset", "-c", "0"]).start(), target);
        for hundredths in [100, 50] {
            match Share::new(hundredths) {
                Some(share) => {
                    let server = share.start();
                    check(&format!("{hundredths} % of a processor"), &server, target);
                    drop(server);
                }
                None => println!("probes at {hundredths} % of a processor: no share can be set here"),
            }
        }
    }
}
