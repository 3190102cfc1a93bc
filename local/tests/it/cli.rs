//! The command line.

use serde_json::json;
use testkit::events::{Events, kind, printed};
use testkit::manifest::{Function, Manifest};
use testkit::process::{free_port, is_running};
use testkit::program::Ended;
use testkit::{Folder, Launch, eventually};

use crate::harness::{Local, f, program, scripted, write_manifest};

fn run(folder: &Folder, arguments: &[&str], input: &str) -> Ended {
    let launch = Launch::new(program()).args(arguments).args(["--template".into(), folder.file("s.yaml")]);
    launch.input(input).run()
}

#[test]
fn invoke_starts_the_function_for_one_call() {
    let folder = scripted();
    write_manifest(&folder, f());
    let call = |more: &[&str], input: &str| run(&folder, &[&["invoke", "f"], more].concat(), input);
    let output = call(&["--event", "hello", "--log"], "");
    assert_eq!((output.code, output.out.as_str()), (Some(0), "HELLO"));
    assert!(output.err.contains("FC Invoke End RequestId: 1-"), "{}", output.err);
    let file = folder.write("event", "from a file");
    let output = call(&["--event-file", file.to_str().unwrap()], "");
    assert_eq!((output.code, output.out.as_str()), (Some(0), "FROM A FILE"));
    let output = call(&["-f", "-"], "from a pipe");
    assert_eq!((output.code, output.out.as_str()), (Some(0), "FROM A PIPE"));
    let output = call(&["-e", "fail"], "");
    assert_eq!((output.code, output.out.as_str()), (Some(1), "{\"errorMessage\":\"as asked\"}"));
    let output = run(&folder, &["invoke", "g"], "");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("there is no function `g`") && output.err.contains("there are: f"),
        "{}",
        output.err
    );
}

#[test]
fn invoke_calls_a_running_dev() {
    let local = Local::scripted(f());
    let pid = local.get("/pid").text();
    let output = run(
        &local.folder,
        &["invoke", "f", "--port", &local.main_port().to_string(), "-e", "hello", "--log"],
        "",
    );
    assert_eq!((output.code, output.out.as_str()), (Some(0), "HELLO"));
    assert!(output.err.contains("event of 5 bytes"), "{}", output.err);
    assert_eq!(local.get("/pid").text(), pid);
    local.wait_for(kind("request").field("path", "/2023-03-30/functions/f/invocations"));
}

#[test]
fn an_event_is_read_up_to_the_limit_of_a_body() {
    let folder = scripted();
    write_manifest(&folder, f());
    assert_eq!(Launch::new("mkfifo").args([folder.file("pipe")]).run().code, Some(0));
    folder.hollow("huge", (32 << 20) + 1);
    let no_file = "it is a device, a pipe or a socket, not a file; `-f -` reads a pipe";
    for (file, error) in [
        ("/dev/full", no_file),
        ("/dev/zero", no_file),
        (folder.file("pipe").to_str().unwrap(), no_file),
        ("/dev", "it is a folder"),
        (folder.file("huge").to_str().unwrap(), "it is larger than 32 MiB"),
        ("/not/there", "No such file"),
    ] {
        let output = run(&folder, &["invoke", "f", "-f", file], "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{file}");
        assert!(output.err.contains(&format!("cannot read {file}: {error}")), "{file}: {}", output.err);
    }
    let endless = "exec \"$0\" invoke f -f - --template \"$1\" </dev/zero";
    let launch = Launch::new("sh").args(["-c", endless]).args([program()]).args([folder.file("s.yaml")]);
    let output = launch.run();
    assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
    assert!(
        output.err.contains("cannot read the standard input: it is larger than 32 MiB"),
        "{}",
        output.err
    );
}

#[test]
fn a_result_is_written_as_it_is_and_ends_its_line_on_a_terminal_only() {
    let local = Local::scripted(f());
    let (result, program) = (local.folder.file("result"), program());
    let launch = Launch::new(&program).args(["invoke", "f", "-e", "x", "--template"]);
    let launch = launch.args([local.folder.file("s.yaml")]);
    assert_eq!(launch.clone().into_file(&result).run().code, Some(0));
    assert_eq!(std::fs::read(&result).unwrap(), b"X");
    let output = launch.into_file(std::path::Path::new("/dev/full")).run();
    assert_eq!(output.code, Some(1), "a result that cannot be written is an error");
    assert!(output.err.contains("No space left"), "{}", output.err);
    let line = format!("{program} invoke f -e x --template {}", local.folder.file("s.yaml").display());
    let terminal = Launch::new("script").args(["-qec", &line, "/dev/null"]).into_file(&result).run();
    assert_eq!(terminal.code, Some(0), "{}", terminal.err);
    assert_eq!(std::fs::read(&result).unwrap(), b"X\r\n");
}

#[test]
fn invoke_at_a_named_port_starts_nothing() {
    let folder = scripted();
    write_manifest(&folder, f());
    let fails = |port: u16, error: &str| {
        let output = run(&folder, &["invoke", "f", "--port", &port.to_string()], "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{}", output.err);
        assert!(output.err.contains(&error.replace("PORT", &port.to_string())), "{}", output.err);
    };
    fails(free_port(), "nothing listens on port PORT of 127.0.0.1: start `fc-local dev --port PORT`");
    let other = scripted();
    write_manifest(&other, Function::new("g"));
    let local = Local::start(other, &[]);
    fails(local.main_port(), "the fc-local at 127.0.0.1:PORT has no function `f`; without --port");
    let instance = local.wait_for(printed("pid ")).number_after("listens on ");
    fails(
        instance.try_into().unwrap(),
        "what listens at 127.0.0.1:PORT is not fc-local's main port: name the port",
    );
}

#[test]
fn list_prints_the_functions() {
    let folder = Folder::new();
    write_manifest(&folder, f().memory(256).timeout(9).concurrency(3));
    let output = run(&folder, &["list"], "");
    let line = "f  custom.debian12  256 MiB  9 s  concurrency 3  http GET,POST,PUT,DELETE,HEAD,PATCH";
    assert_eq!((output.code, output.out.as_str()), (Some(0), line));
}

#[test]
fn ctrl_c_lets_calls_end_and_a_second_one_does_not() {
    let mut local = Local::scripted(f().timeout(60).hook("preStop", json!({"handler": "true"})));
    let port = local.function_port("f");
    let call = |ms: u32| {
        let bytes = testkit::h1::request("GET", &format!("/sleep?ms={ms}"), "", b"");
        std::thread::spawn(move || testkit::h1::exchange(port, &bytes))
    };
    let busy = call(700);
    local.wait_for(printed("asleep"));
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(busy.join().unwrap().status, 200);
    local.wait_for(printed("pre-stop"));

    let mut local = Local::scripted(f().timeout(60));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let port = local.function_port("f");
    let mut stream = testkit::h1::Conn::open(port);
    stream.send(&testkit::h1::request("GET", "/sleep?ms=60000", "", b""));
    local.wait_for(printed("asleep"));
    testkit::process::signal(local.pid(), "INT");
    eventually("no new connection is taken", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(local.interrupt(), Some(130));
    eventually("the instance ends", || !is_running(pid));
}

#[test]
fn the_output_is_safe_to_look_at() {
    let folder = Folder::new();
    folder
        .write("code/bootstrap", "#!/bin/sh\nprintf 'red \\033[31m and the key a-secret-value\\n'\nexit 1\n");
    write_manifest(&folder, f().var("DB_PASSWORD", "a-secret-value"));
    let output = run(&folder, &["invoke", "f"], "");
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("| red \\u{1b}[31m and the key ******"), "{}", output.err);
    for text in [&output.out, &output.err] {
        assert!(!text.contains('\x1b') && !text.contains("a-secret-value"), "{text}");
    }
}

#[test]
fn a_port_in_use_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = scripted();
    write_manifest(&folder, f());
    let output = run(&folder, &["dev", "--port", &port], "");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains(&format!("cannot listen on 127.0.0.1:{port}")) && output.err.contains("--port"),
        "{}",
        output.err
    );
    let holder = format!("(process {}) listens there", std::process::id());
    assert!(output.err.contains(&holder), "{}", output.err);
    // The platform's port for gRPC has a free one in its place; a named one has not.
    let output = run(&folder, &["dev", "--port", "0", "--grpc-port", &port], "");
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", output.err);
}

#[test]
fn a_functions_port_is_the_next_free_one() {
    // Found, so that the ports behind it are most probably free too.
    let main = free_port();
    let taken = std::net::TcpListener::bind(("127.0.0.1", main + 1)).unwrap();
    let folder = scripted();
    let functions = [f(), Function::new("g").local("port", main + 3), Function::new("h")];
    let balancer = json!({"alb": {"ports": {"80": main + 4}, "listeners": [{"port": 80, "function": "f"}]}});
    write_manifest(&folder, Manifest::of(functions).with("x-local", balancer));
    let local = Local::start(folder, &["--port", &main.to_string(), "--cold"]);
    local.wait_for(kind("ready").function("h"));
    let ports = ["f", "g", "h"].map(|name| local.function_port(name));
    assert_eq!(ports, [main + 2, main + 3, main + 5], "declared ones are left to those who declare them");
    let listener = local.wait_for(kind("alb").field("what", "listening"));
    assert_eq!(listener["url"], format!("http://localhost:{}/", main + 4));
    drop(taken);
}

#[test]
fn the_platforms_port_for_grpc_that_somebody_names_must_be_free_too() {
    // Where it is taken already, by whomever, that will do.
    let taken = std::net::TcpListener::bind("127.0.0.1:8089");
    let folder = scripted();
    write_manifest(&folder, f());
    let output = run(&folder, &["dev", "--port", "0", "--grpc-port", "8089"], "");
    assert!(
        output.code == Some(1) && output.err.contains("cannot listen on 127.0.0.1:8089"),
        "{}",
        output.err
    );
    let local = Local::start(folder, &["--port", &free_port().to_string(), "--cold"]);
    let address = local.wait_for(kind("grpc_ready"))["address"].as_str().unwrap().to_owned();
    assert_ne!(address, "127.0.0.1:8089", "unless it is named, a free one takes its place");
    drop(taken);
}

#[test]
fn the_address_of_all_interfaces_is_said_as_one_that_clients_reach() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--listen", "0.0.0.0"]);
    let port = local.function_port("f");
    assert_eq!(local.wait_for(kind("ready"))["portUrl"], format!("http://127.0.0.1:{port}/"));
}

#[test]
fn a_dev_that_cannot_start_is_an_event_too() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = scripted();
    let check = |folder: &Folder, port: &str, error: &str| {
        let arguments = ["dev", "--port", port];
        let output = run(folder, &arguments, "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
        assert!(output.err.contains(error), "{}", output.err);
        let template = ["--template".into(), folder.file("s.yaml")];
        let mut dev = Launch::new(program()).args(arguments).args(["--json"]).args(template).start();
        let (status, lines) = dev.ended();
        assert_eq!((status.code(), lines.len()), (Some(1), 1), "{lines:?}");
        let told = kind("not_started").field("level", "error").field("error", output.err);
        Events::of(dev.out()).wait_for(told);
        eventually("the text stands on the standard error too", || dev.stderr().contains(error));
    };
    write_manifest(&folder, f());
    check(&folder, &port, "cannot listen on");
    write_manifest(&folder, f().prop("timout", 1));
    check(&folder, "0", "did you mean `timeout`?");
    let empty = Folder::new();
    write_manifest(&empty, f());
    check(&empty, "0", "is not there");
}

#[test]
fn invoke_finds_a_running_dev_of_its_manifest() {
    let local = Local::scripted(f());
    let pid = local.get("/pid").text();
    let output = run(&local.folder, &["invoke", "f", "-e", "hello"], "");
    assert_eq!((output.code, output.out.as_str()), (Some(0), "HELLO"), "{}", output.err);
    local.wait_for(kind("request").field("path", "/2023-03-30/functions/f/invocations"));
    assert_eq!(local.get("/pid").text(), pid);
}

#[test]
fn invoke_finds_a_running_dev_at_another_address() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--listen", "127.0.0.5"]);
    let output = run(&local.folder, &["invoke", "f", "-e", "hello"], "");
    assert_eq!((output.code, output.out.as_str()), (Some(0), "HELLO"), "{}", output.err);
    local.wait_for(kind("request").field("path", "/2023-03-30/functions/f/invocations"));
}

#[test]
fn code_that_is_not_there_is_said_in_a_line() {
    let folder = Folder::new();
    write_manifest(&folder, f());
    for arguments in [&["dev", "--port", "0"][..], &["invoke", "f"]] {
        let output = run(&folder, arguments, "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
        let lines: Vec<&str> = output.err.lines().collect();
        let [line] = lines[..] else { panic!("one line: {}", output.err) };
        assert!(line.contains("s.yaml:") && line.contains("the code of `f` is not there: "), "{line}");
    }
    folder.write("code", "a file");
    let output = run(&folder, &["invoke", "f"], "");
    assert!(
        output.err.contains("the code of `f` is a file, where fc-local takes a folder: "),
        "{}",
        output.err
    );
    assert!(!output.err.contains("/./"), "{}", output.err);
    std::fs::remove_file(folder.file("code")).unwrap();
    // A step that is not run makes nothing.
    write_manifest(&folder, f().step("mkdir code"));
    let output = run(&folder, &["dev", "--port", "0", "--no-build"], "");
    assert!(output.code == Some(1) && output.err.contains("is not there"), "{}", output.err);
}

#[test]
fn notes_at_the_start_are_events() {
    let folder = scripted();
    write_manifest(&folder, f().prop("vpcConfig", "auto"));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("manifest_note").has("file").has("line").has("note"));
    assert_eq!(local.program.stderr(), "");
}

#[test]
fn send_makes_the_event_of_a_trigger() {
    let folder = scripted();
    write_manifest(&folder, f());
    let output =
        run(&folder, &["send", "timer", "--set", "payload=hello", "--set", "triggerName=nightly"], "");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        output.out.contains(r#""PAYLOAD":"HELLO""#) && output.out.contains(r#""TRIGGERNAME":"NIGHTLY""#),
        "{}",
        output.out
    );
    let local = Local::scripted(f());
    let output = run(&local.folder, &["send", "mqtt", "f", "--count", "2", "--log"], "");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let batch: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(batch.as_array().map(Vec::len), Some(2));
    local.wait_for(kind("request").field("path", "/2023-03-30/functions/f/invocations"));
}

/// `--print` needs no manifest and no function: what is printed is what would be sent.
#[test]
fn send_prints_the_event() {
    let folder = Folder::new();
    let print = |arguments: &[&str]| {
        let output = run(&folder, &[&["send", "--print"], arguments].concat(), "");
        assert_eq!(output.code, Some(0), "{}", output.err);
        output.out
    };
    let texts: Vec<String> =
        serde_json::from_str(&print(&["kafka", "--count", "3", "--as-text", "--set", "data.offset=7"]))
            .unwrap();
    let events: Vec<serde_json::Value> =
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(events.len(), 3);
    assert_ne!(events[0]["id"], events[1]["id"]);
    assert_eq!(events[2]["data"]["offset"], 7);
    let timer: serde_json::Value = serde_json::from_str(&print(&["timer"])).unwrap();
    assert!(
        timer["triggerTime"]
            .as_str()
            .is_some_and(|time| time > "2026-01-05T06:40:00Z" && time.ends_with('Z')),
        "{timer}"
    );
    for (arguments, error) in [
        (&["timer", "--count", "2"][..], "timer sends no batches"),
        (&["kafka", "--set", "data"], "`data` is not PATH=VALUE"),
        (&["tablestore", "--set", "Records.Type=[]"], "this is no event of tablestore"),
    ] {
        let output = run(&folder, &[&["send", "--print"], arguments].concat(), "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(output.err.contains(error), "{}", output.err);
    }
    let output = run(&folder, &["send", "fax"], "");
    assert!(output.err.contains("possible values: timer, oss, sls"), "{}", output.err);
}

/// A request is written as `curl` takes it, and the reply is printed as `curl` prints it.
#[test]
fn send_makes_requests_of_doors_and_reads_their_replies() {
    let folder = scripted();
    write_manifest(&folder, f());
    folder.write("data", "from a file");
    let data = format!("@{}", folder.file("data").display());
    let print =
        ["send", "--print", "api-gateway", "f", "/a%20b?tag=1", "-X", "PUT", "-H", "X-One: 1", "-d", &data];
    let output = run(&folder, &print, "");
    let event: serde_json::Value =
        serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{}", output.err));
    assert_eq!(
        (&event["httpMethod"], &event["path"], &event["body"]),
        (&"PUT".into(), &"/a%20b".into(), &"from a file".into())
    );
    assert_eq!((&event["headers"]["x-one"], &event["queryParameters"]["tag"]), (&"1".into(), &"1".into()));
    let output = run(&folder, &["send", "--print", "alb", "/x", "--set", "requestContext.accountId=7"], "");
    let event: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!((&event["version"], &event["requestContext"]["accountId"]), (&"v1".into(), &7.into()));
    for (arguments, error) in [
        (&["timer", "/x"][..], "timer sends no requests"),
        (&["http", "-d", "x"], "a request has a path"),
        (&["http", "f", "g"], "one function and one path"),
        (&["http", "/a", "/b"], "one function and one path"),
        (&["http", "f", "/x", "-d", "@/nowhere"], "cannot read the data"),
    ] {
        let output = run(&folder, &[&["send", "--print"], arguments].concat(), "");
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(output.err.contains(error), "{}", output.err);
    }
    // This function gives no reply that a door reads: it gives its event back in capitals.
    let output = run(&folder, &["send", "api-gateway", "/x"], "");
    assert!(output.code == Some(1) && output.err.contains("answers its client with 503"), "{}", output.err);
    let output = run(&folder, &["send", "http", "/x", "-i"], "");
    assert_eq!(output.code, Some(0));
    assert!(
        output.out.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n{"),
        "{}",
        output.out
    );
    let output = run(&folder, &["send", "api-gateway", "/x", "--json"], "");
    assert!(output.code == Some(0) && output.out.contains(r#""HTTPMETHOD":"GET""#), "{}", output.out);
}
