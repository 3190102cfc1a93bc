//! How a WebSocket ends: by either side, by the function's time, by a stop, by new code.

use std::time::Duration;

use testkit::events::{Event, kind, printed};
use testkit::h1::Conn;
use testkit::manifest::Function;
use testkit::process::{free_port, is_running};
use testkit::ws::Client;
use testkit::{eventually, until_settled};

use crate::harness::{Local, f, scripted, write_manifest};

fn open(local: &Local, target: &str) -> (Client, String) {
    let mut client = Client { conn: Conn::open(local.function_port("f")) };
    client.conn.send(&testkit::h1::bytes(&testkit::ws::handshake(target)));
    let id = client.greeted().id();
    (client, id)
}

#[track_caller]
fn record(local: &Local, id: &str, status: u16) -> Event {
    let record = local.wait_for(kind("request").request(id));
    assert_eq!(record["status"], status, "{record}");
    assert_eq!(local.count(kind("request").request(id)), 1);
    record
}

/// The id of the process that answers.
fn pid_of(client: &mut Client) -> u32 {
    client.text("pid");
    String::from_utf8(client.frame().1).unwrap().parse().unwrap()
}

fn one_at_a_time() -> Function {
    f().timeout(60).concurrency(1)
}

#[test]
fn a_socket_holds_its_slot_until_it_ends() {
    let local = Local::scripted(one_at_a_time().local("maxInstances", 1));
    let (mut client, id) = open(&local, "/ws");
    client.text("tea");
    client.assert_text("tea");
    assert_eq!(local.get("/").status, 429);
    client.close(1000);
    record(&local, &id, 101);
    local.get("/").assert_ok();
    assert_eq!(local.count(kind("instance_started")), 1, "the instance stays");
    // Once the function has ended it, the slot is free, whatever the client does.
    let (mut client, id) = open(&local, "/ws");
    client.text("vanish");
    local.wait_for(kind("call_failed").request(&id));
    local.get("/").assert_ok();
    assert_eq!(client.conn.rest(), b"");
}

#[test]
fn the_function_may_close() {
    let local = Local::scripted(f().timeout(60));
    let (mut client, id) = open(&local, "/ws");
    client.text("close");
    assert_eq!(client.frame(), (0x88, b"\x0f\xa1done".to_vec()));
    client.send(0x88, b"\x0f\xa1");
    local.wait_for(printed(&format!("socket closed {id} 4001")));
    // The function's own answer to that close, and the end.
    client.conn.rest();
    record(&local, &id, 101);
    assert_eq!(local.count(kind("call_failed").or(kind("call_cancelled"))), 0);
}

#[test]
fn a_client_that_vanishes_is_recorded_as_one_that_left() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let by_closing = |client: Client| drop(client);
    let by_a_reset = |client: Client| client.conn.reset();
    for leave in [by_closing as fn(Client), by_a_reset] {
        let (mut client, id) = open(&local, "/ws");
        client.text("tea");
        client.assert_text("tea");
        leave(client);
        local.wait_for(kind("call_cancelled").request(&id).has("ms"));
        local.wait_for(printed(&format!("socket broken {id}")));
        let record = record(&local, &id, 499);
        assert_eq!(record["socket"]["messagesFromClient"], 1);
    }
    assert_eq!(local.count(kind("instance_started")), 1);
}

#[test]
fn with_one_call_at_a_time_the_instance_of_a_client_that_vanishes_is_replaced() {
    let local = Local::scripted(one_at_a_time());
    let (mut client, _) = open(&local, "/ws");
    let pid = pid_of(&mut client);
    drop(client);
    eventually("the former instance ends", || !is_running(pid));
    local.wait_for_nth(2, kind("instance_started"));
    assert_ne!(local.get("/pid").text(), pid.to_string());
}

#[test]
fn a_client_that_says_goodbye_and_does_not_wait_has_not_vanished() {
    let local = Local::scripted(one_at_a_time());
    let (mut client, id) = open(&local, "/ws");
    client.send(0x88, &1000_u16.to_be_bytes());
    drop(client);
    local.wait_for(printed(&format!("socket closed {id} 1000")));
    record(&local, &id, 101);
    assert_eq!(local.count(kind("call_cancelled").or(kind("call_failed"))), 0);
}

#[test]
fn what_a_client_sent_before_it_left_is_delivered() {
    let local = Local::scripted(f().timeout(60));
    let (mut client, id) = open(&local, "/ws");
    // The echo of it goes nowhere; the close behind it says that all of it has come.
    client.send(0x82, &vec![b'x'; 2 * 1024 * 1024]);
    client.send(0x88, &4002_u16.to_be_bytes());
    client.conn.finish_sending();
    local.wait_for(printed(&format!("socket closed {id} 4002")));
    client.conn.rest();
    record(&local, &id, 101);
}

#[test]
fn a_function_that_vanishes_is_a_failure() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let (mut client, id) = open(&local, "/ws");
    client.text("vanish");
    assert_eq!(client.conn.rest(), b"");
    local.wait_for(kind("call_failed").request(&id).field("failure", "process_exited"));
    record(&local, &id, 101);
    // With its process.
    let (mut client, id) = open(&local, "/ws");
    let (mut other, other_id) = open(&local, "/ws");
    client.text("exit");
    for (client, id) in [(&mut client, &id), (&mut other, &other_id)] {
        assert_eq!(client.conn.rest(), b"", "no close: to the client the code is 1006");
        local.wait_for(kind("call_failed").request(id).field("failure", "process_exited"));
        record(&local, id, 101);
    }
    local.wait_for(kind("instance_ended").field("exitCode", 3));
    open(&local, "/ws").0.close(1000);
}

#[test]
fn a_socket_ends_with_the_functions_time() {
    for concurrency in [1, 5] {
        let local = Local::scripted(f().timeout(1).concurrency(concurrency));
        let (mut client, id) = open(&local, "/ws");
        let pid = pid_of(&mut client);
        assert_eq!(client.conn.rest(), b"", "no close: to the client the code is 1006");
        let failed = local.wait_for(kind("call_failed").request(&id).field("failure", "timed_out"));
        let message = failed["message"].as_str().unwrap();
        assert!(message.starts_with("Function time out after 1 seconds"), "{failed}");
        record(&local, &id, 101);
        if concurrency == 1 {
            // The instance may still be busy with the socket, as with any call that ran out of time. It is replaced, and may
            // be gone before it could say anything.
            assert_ne!(local.get("/pid").text(), pid.to_string());
        } else {
            local.wait_for(printed(&format!("socket broken {id}")));
            assert_eq!(local.get("/pid").text(), pid.to_string());
        }
    }
}

#[test]
fn a_stop_says_goodbye_for_the_client() {
    let folder = scripted();
    write_manifest(&folder, f().timeout(600).concurrency(5));
    // Beyond the patience of a test: a socket is not waited for.
    let mut local = Local::start(folder, &["--drain", "600"]);
    let (mut client, id) = open(&local, "/ws");
    let (mut half, half_id) = open(&local, "/ws");
    // In the middle of a frame, which the goodbye may not break.
    half.conn.send(&testkit::ws::masked(0x81, b"whole")[..8]);
    client.text("tea");
    client.assert_text("tea");
    local.program.signal("INT");
    assert_eq!(client.assert_closed(1001), "fc-local is stopping this instance");
    half.conn.send(&testkit::ws::masked(0x81, b"whole")[8..]);
    half.assert_text("whole");
    half.assert_closed(1001);
    let (status, _) = local.program.ended();
    assert_eq!(status.code(), Some(0));
    for id in [id, half_id] {
        local.wait_for(printed(&format!("socket closed {id} 1001")));
        record(&local, &id, 101);
    }
    assert_eq!(local.count(kind("call_failed").or(kind("call_cancelled")).or(kind("calls_ended"))), 0);
}

#[test]
fn a_stop_does_not_wait_for_a_function_that_does_not_answer_a_goodbye() {
    let folder = scripted();
    write_manifest(&folder, f().timeout(600).concurrency(5));
    let mut local = Local::start(folder, &["--drain", "600"]);
    let (mut deaf, id) = open(&local, "/ws?deaf=1");
    let (mut asleep, asleep_id) = open(&local, "/ws");
    asleep.text("sleep");
    local.wait_for(printed(&format!("socket sleeps {asleep_id}")));
    assert_eq!(local.interrupt(), Some(0));
    for (client, id) in [(&mut deaf, &id), (&mut asleep, &asleep_id)] {
        assert_eq!(client.conn.rest(), b"");
        local.wait_for(kind("call_failed").request(id).field("failure", "service_unavailable"));
        record(&local, id, 101);
    }
}

#[test]
fn new_code_leaves_sockets_with_the_former() {
    let local = Local::scripted(f().timeout(60).var("SCRIPT_NAME", "one"));
    let (mut client, id) = open(&local, "/ws");
    let pid = pid_of(&mut client);
    write_manifest(&local.folder, f().timeout(60).var("SCRIPT_NAME", "two"));
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/name").text(), "two");
    assert_eq!(pid_of(&mut client), pid);
    client.close(1000);
    record(&local, &id, 101);
    eventually("the former instance ends", || !is_running(pid));
}

#[test]
fn new_code_that_needs_the_port_says_goodbye_to_sockets() {
    let port = free_port();
    let fixed = |name: &str| {
        let function = f().timeout(600).concurrency(5).runtime("port", port).local("network", false);
        function.var("SCRIPT_START", &format!("fixed:{port}")).var("SCRIPT_NAME", name)
    };
    let folder = scripted();
    write_manifest(&folder, fixed("one"));
    let local = Local::start(folder, &["--drain", "600"]);
    let (mut client, id) = open(&local, "/ws");
    write_manifest(&local.folder, fixed("two"));
    client.assert_closed(1001);
    record(&local, &id, 101);
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/name").text(), "two");
    assert_eq!(local.count(kind("drain_exceeded")), 0);
}

/// The memory that a process holds, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_client_that_does_not_read_costs_little_and_is_seen_to_leave() {
    let local = Local::scripted(f().timeout(60).concurrency(5).memory(1024));
    let before = resident(local.pid());
    let (mut client, id) = open(&local, "/ws");
    client.text("flood");
    // The first bytes have come, and the rest stands.
    client.conn.bytes(1);
    let (mut other, other_id) = open(&local, "/ws");
    other.text("tea");
    other.assert_text("tea");
    // While the client is there: its end frees what is held for it.
    let held = until_settled("the memory", || resident(local.pid()));
    assert!(held < before + 16 * 1024 * 1024, "{held} bytes after {before}");
    assert_eq!(local.count(printed("socket flooded ")), 0);
    drop(client);
    record(&local, &id, 499);
    other.close(1000);
    record(&local, &other_id, 101);
}

#[test]
fn a_function_that_does_not_read_does_not_hide_a_client_that_leaves() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let (mut client, id) = open(&local, "/ws");
    client.text("sleep");
    local.wait_for(printed(&format!("socket sleeps {id}")));
    // As much as goes before neither kernel takes more.
    let large = testkit::ws::masked(0x82, &vec![0; 4 * 1024 * 1024]).repeat(8);
    client.conn.try_send_for(&large, Duration::from_millis(300));
    // With a reset: an orderly end would stand behind what nobody reads.
    client.conn.reset();
    local.wait_for(kind("call_cancelled").request(&id));
    record(&local, &id, 499);
}
