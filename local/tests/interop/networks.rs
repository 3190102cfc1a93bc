//! Programs that keep to the declared port, where `pasta` gives each instance a network of its own.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::eventually;
use testkit::h1::{Conn, request};
use testkit::manifest::{Function, Manifest};
use testkit::process::{below, free_port, is_running, signal};

use crate::harness::{Local, f, scripted, write_manifest};

/// A function whose program listens on `port`, whatever its variables say.
fn fixed(name: &str, port: u16) -> Function {
    Function::new(name)
        .concurrency(1)
        .timeout(60)
        .runtime("port", port)
        .var("SCRIPT_START", &format!("fixed:{port}"))
}

/// As many calls at once to each function, and the processes that answered, by function.
fn processes(local: &Local, functions: &[&str], calls: usize) -> Vec<BTreeSet<String>> {
    let open = |name: &&str| -> Vec<Conn> {
        let port = local.function_port(name);
        (0..calls).map(|_| Conn::open(port)).collect()
    };
    let mut all: Vec<Vec<Conn>> = functions.iter().map(open).collect();
    for call in all.iter_mut().flatten() {
        call.send(&request("GET", "/sleep?ms=300", "", b""));
    }
    let told = |calls: &mut Vec<Conn>| -> BTreeSet<String> {
        for call in calls.iter_mut() {
            call.answer("GET").assert_ok();
        }
        for call in calls.iter_mut() {
            call.send(&request("GET", "/pid", "", b""));
        }
        calls.iter_mut().map(|call| call.answer("GET").text()).collect()
    };
    all.iter_mut().map(told).collect()
}

/// Everything below `fc-local` ends with it.
fn ends_whole(mut local: Local) {
    let all = below(local.pid());
    assert_eq!(local.interrupt(), Some(0));
    for pid in all {
        assert!(!is_running(pid), "{pid} runs on");
    }
}

#[test]
#[ignore = "needs pasta: .ci/run runs it with --ignored"]
fn two_functions_with_one_port_run_side_by_side_and_scale() {
    let port = free_port();
    let local = Local::scripted(Manifest::of([fixed("a", port), fixed("b", port)]));
    for name in ["a", "b"] {
        local.wait_for(kind("network_own").function(name).field("port", port));
        local.wait_for(kind("instance_started").function(name));
    }
    // More calls than there may be instances: the others wait.
    let found = processes(&local, &["a", "b"], 20);
    for pids in &found {
        assert!((2..=10).contains(&pids.len()), "{found:?}");
    }
    assert!(found[0].is_disjoint(&found[1]), "{found:?}");
    for absent in ["port_ignored", "port_held", "networks_unavailable", "instance_start_failed"] {
        assert_eq!(local.count(kind(absent)), 0, "{absent}");
    }
    assert_eq!(local.count(kind("request").status(429)), 0);
    assert_eq!(local.count(kind("network_own")), 2);
    ends_whole(local);
}

#[test]
#[ignore = "needs pasta: .ci/run runs it with --ignored"]
fn an_edit_is_swapped_in_while_the_former_code_answers() {
    let port = free_port();
    let local = Local::scripted(fixed("f", port));
    local.get("/").assert_ok();
    let mut slow = Conn::open(local.function_port("f"));
    slow.send(&request("GET", "/sleep?ms=2000", "", b""));
    local.wait_for(printed("asleep"));
    local.folder.write("s.yaml", &Manifest::from(fixed("f", port).var("SCRIPT_NAME", "new")).to_string());
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/name").text(), "new");
    slow.answer("GET").assert_ok();
    local.wait_for(kind("instance_stopped"));
    assert_eq!(local.count(kind("network_own")), 1);
    ends_whole(local);
}

/// A server of this machine's loopback address, which says a word to each client.
fn says_hello() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            _ = stream.read(&mut [0; 1024]);
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
        }
    });
    port
}

#[test]
#[ignore = "needs pasta and curl: .ci/run runs it with --ignored"]
fn a_program_in_a_network_has_its_port_although_a_stranger_holds_it_and_reaches_this_machine() {
    let (holder, database) = (TcpListener::bind("0.0.0.0:0").unwrap(), says_hello());
    let port = holder.local_addr().unwrap().port();
    let folder = scripted();
    let curl = |target: &str| format!("curl --silent --max-time 5 http://127.0.0.1:{target}");
    let hook = json!({"command": ["/bin/sh", "-c", format!("echo hook: $({})", curl(&format!("{port}/name")))], "timeout": 9});
    let line = format!(
        "echo given $FC_SERVER_PORT; echo database: $({}); exec /code/bootstrap",
        curl(&database.to_string())
    );
    let function = fixed("f", port)
        .runtime("command", json!(["/bin/sh", "-c", line]))
        .var("SCRIPT_NAME", "me")
        .hook("initializer", hook);
    write_manifest(&folder, function);
    let local = Local::start(folder, &[]);
    local.wait_for(kind("network_own").field("port", port));
    local.get("/").assert_ok();
    for line in [&format!("given {port}"), "database: hello", "hook: me"] {
        local.wait_for(kind("stdout").text(line));
    }
    assert_eq!(local.count(kind("instance_start_failed")), 0);
    ends_whole(local);
    drop(holder);
}

#[test]
#[ignore = "needs pasta: .ci/run runs it with --ignored"]
fn an_instance_in_a_network_freezes_ends_and_is_replaced_as_any_other() {
    let holder = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let mut local = Local::scripted(fixed("f", port).local("freeze", true));
    let pid = || -> u32 { local.get("/pid").text().parse().unwrap() };
    let first = pid();
    eventually("it is frozen", || {
        std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap().contains(") T ")
    });
    assert_eq!(pid(), first);
    // A program that dies, and a network that somebody kills.
    signal(first, "KILL");
    local.wait_for(kind("instance_ended").field("signal", 9));
    let second = pid();
    assert_ne!(second, first);
    let line = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let keeper = below(local.pid()).into_iter().find(|pid| line(pid).contains("__keeper")).unwrap();
    let of_network = below(keeper);
    assert!(of_network.len() >= 2, "{of_network:?}");
    signal(keeper, "KILL");
    local.wait_for(kind("instance_killed").field("processId", second));
    assert_ne!(pid(), second);
    for pid in of_network {
        eventually("the network's processes end", || !is_running(pid));
    }
    let all = below(local.pid());
    assert!(all.iter().any(|pid| line(pid).contains("pasta")), "{all:?}");
    signal(local.pid(), "KILL");
    local.program.wait();
    for pid in all {
        eventually("every process ends", || !is_running(pid));
    }
}

#[test]
#[ignore = "needs pasta: .ci/run runs it with --ignored"]
fn a_program_on_the_loopback_address_is_out_of_reach_in_a_network_too() {
    let holder = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let folder = scripted();
    folder.write(
        "code/app.sh",
        &format!("exec python3 -m http.server --bind ${{ADDRESS:-127.0.0.1}} {port}\n"),
    );
    // The first start finds the port taken, and the second one has it.
    let line = "python3 -c 'import socket,os; s=socket.socket(); s.bind((\"0.0.0.0\", int(os.environ[\"OWN\"])))' && exec sh /code/app.sh";
    let function = f()
        .runtime("port", port)
        .runtime("command", json!(["/bin/sh", "-c", line]))
        .var("OWN", &port.to_string())
        // Two programs of Python have to start in this time, on a busy machine too.
        .local("startTimeout", 8);
    write_manifest(&folder, function);
    let local = Local::start(folder, &[]);
    local.wait_for(kind("network_own"));
    local.wait_for(kind("port_unreachable").field("port", port));
    local.get("/").assert_status(412);
    drop(holder);
}
