//! Cold starts, and every way in which they fail.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::h1::{Conn, request};
use testkit::manifest::{Function, Manifest};
use testkit::process::is_running;
use testkit::{Folder, eventually};

use crate::harness::{Local, f, write_manifest};

#[test]
fn a_program_that_the_system_does_not_start_is_explained() {
    let folder = Folder::new();
    let scripts = [
        ("interpreter", "#!/usr/bin/python99\n", "no_interpreter"),
        ("windows", "#!/bin/sh\r\n", "carriage_return"),
        ("plain", "echo hello\n", "no_program"),
    ];
    for (name, text, _) in scripts {
        let file = folder.write(&format!("code/{name}"), text);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bare = Function::new("bare").runtime("command", json!(["python99"])).code("code");
    let of =
        |name: &str| Function::new(name).runtime("command", json!([format!("/code/{name}")])).code("code");
    let functions = scripts.iter().map(|(name, ..)| of(name)).chain([bare]);
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    for (name, _, fault) in scripts {
        local.wait_for(
            kind("program_unfit")
                .function(name)
                .field("program", format!("/code/{name}"))
                .field("fault", fault),
        );
    }
    local.wait_for(kind("program_unfit").function("bare").field("fault", "not_found").has("searched"));
}

#[test]
fn a_program_that_is_not_there_or_not_executable() {
    let folder = Folder::new();
    folder.write("code/data", "not a program");
    write_manifest(&folder, f());
    let local = Local::start(folder, &[]);
    let text = "The function cannot be started. Failed to start function instance. Error: the file /code/bootstrap is not exist";
    local.get("/").assert_platform_error(412, "FcCommonError", "CAFileNotFound", text);

    let folder = Folder::new();
    folder.write("code/data", "not a program");
    write_manifest(&folder, f().runtime("command", json!(["/code/data"])));
    let local = Local::start(folder, &[]);
    let text = "Function instance exited unexpectedly(code 13, message:permission denied) with start command '/code/data '.";
    local.get("/").assert_platform_error(412, "FcCommonError", "CAFilePermission", text);
    // The API's caller gets the same.
    local.invoke("", b"x").assert_platform_error(412, "FcCommonError", "CAFilePermission", text);
}

#[test]
fn a_program_that_ends_during_its_start() {
    let local = Local::scripted(f().var("SCRIPT_START", "exit:2"));
    let reply = local.get("/");
    let text = "Function instance exited unexpectedly(code 2, message:no such file or directory) with start command '/code/bootstrap '.\nLogs:\n";
    reply.assert_platform_error(412, "FcCommonError", "CAExited", text);
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.contains("going down") && message.contains("because the test wants it"), "{message}");
    local.wait_for(kind("stderr").text("because the test wants it"));

    // Not a program at all: the system's own error number is the exit code.
    let folder = Folder::new();
    folder.write("code/bootstrap", "\x7fELF nonsense");
    write_manifest(&folder, f());
    let local = Local::start(folder, &[]);
    local.get("/").assert_platform_error(
        412,
        "FcCommonError",
        "CAExited",
        "(code 8, message:exec format error)",
    );
}

#[test]
fn a_program_that_listens_on_127_0_0_1_is_out_of_reach() {
    let local = Local::scripted(f().var("SCRIPT_START", "loopback").local("startTimeout", 1));
    local.get("/").assert_platform_error(
        412,
        "FcCommonError",
        "FunctionNotStarted",
        "health check failed on port 9000",
    );
    let given = local.wait_for(printed("pid ")).number_after("listens on ");
    local.wait_for(kind("port_unreachable").field("port", given));
}

#[test]
fn the_port_of_a_debugger_is_not_advised_to_be_opened() {
    for (script, is_reachable) in [("debugger", true), ("debugger:loopback", false)] {
        let local = Local::scripted(f().var("SCRIPT_START", script));
        let debugger: u16 =
            local.wait_for(printed("debugger ")).number_after("debugger on ").try_into().unwrap();
        let told = local.wait_for(kind("port_unexpected").field("ports", json!([debugger])));
        assert_eq!(local.count(kind("port_unreachable")), 0);
        // The program opens its own port after that.
        drop(Conn::open(debugger));
        if is_reachable {
            local.get("/").assert_ok();
            assert_eq!(local.count(kind("port_unreachable")), 0);
        } else {
            local.wait_for(kind("port_unreachable").field("port", told["givenPort"].clone()));
        }
    }
}

#[test]
fn a_program_that_ignores_its_port_runs_once_on_the_declared_one() {
    let port = testkit::process::free_port();
    let fixed = f().concurrency(1).timeout(2).var("SCRIPT_START", &format!("fixed:{port}"));
    let local = Local::scripted(fixed.runtime("port", port).local("network", false));
    local.wait_for(kind("port_ignored").field("port", port));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    // Calls wait for it, as on the platform each would wait for an instance of its own.
    let mut calls: Vec<Conn> = (0..50).map(|_| Conn::open(local.function_port("f"))).collect();
    for call in &mut calls {
        call.send(&request("GET", "/pid", "", b""));
    }
    for call in &mut calls {
        let reply = call.answer("GET");
        assert_eq!((reply.status, reply.text()), (200, pid.to_string()));
    }
    drop(local);
    eventually("the program ends", || !is_running(pid));
}

#[test]
fn the_initializer_runs_before_the_first_request() {
    let hooked = f().hook("initializer", json!({"handler": "true", "timeout": 5}));
    let local = Local::scripted(hooked);
    let line = local.wait_for(printed("initialize 1-"));
    assert_eq!(line["request"], line.after("initialize "));
    // It was the first and is counted with this one.
    assert_eq!(local.get("/count").text(), "2");
}

#[test]
fn hooks_can_be_commands() {
    let shell = |line: &str| json!({"command": ["/bin/sh", "-c", line], "timeout": 5});
    let warmed = f().hook("initializer", shell("echo warmed up on $FC_SERVER_PORT"));
    let mut local =
        Local::scripted(warmed.hook("preStop", json!({"command": ["/bin/sh", "-c", "echo goodbye"]})));
    local.wait_for(printed("warmed up on "));
    assert_eq!(local.get("/").status, 200);
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(printed("goodbye"));
}

#[test]
fn an_instance_gets_the_platforms_environment_and_no_other() {
    let folder = Folder::new();
    folder.write(
        "code/bootstrap",
        "#!/bin/sh\nenv | sort | while read -r line; do echo \"env $line\"; done\necho \"folder $(pwd)\"\nexit 1\n",
    );
    write_manifest(&folder, f().memory(128).var("OWN", "value").var("API_TOKEN", "a-secret-value"));
    let local = Local::start(folder, &["--cold"]);
    let message = local.get("/").json()["Message"].as_str().unwrap().to_owned();
    let code = message.lines().find_map(|line| line.strip_prefix("folder ")).unwrap().to_owned();
    for line in [
        "FC_FUNCTION_NAME=f",
        "FC_FUNCTION_HANDLER=handler",
        "FC_FUNCTION_MEMORY_SIZE=128",
        "FC_REGION=cn-hangzhou",
        "FC_ACCOUNT_ID=1234567890123456",
        "FC_FUNCTION_VERSION=LATEST",
        "FC_VER_ID=LATEST",
        "FC_INSTANCE_ID=c-",
        "OWN=value",
        "API_TOKEN=******",
        "TZ=UTC",
        &format!("FC_FUNC_CODE_PATH={code}"),
    ] {
        assert!(message.contains(&format!("env {line}")), "{line} in {message}");
    }
    let port = |name: &str| {
        message.lines().find_map(|line| line.strip_prefix(&format!("env {name}="))).map(str::to_owned)
    };
    assert!(port("FC_SERVER_PORT").is_some_and(|port| port.parse::<u16>().is_ok()));
    assert_eq!(port("FC_SERVER_PORT"), port("FC_CUSTOM_LISTEN_PORT"));
    assert!(!message.contains("FC_LOCAL_TEST_SECRET"), "{message}");
}

#[test]
fn a_variable_that_is_passed_on_wins_over_its_default() {
    for (function, home) in [
        (f().local("passEnv", json!(["HOME"])), std::env::var("HOME").unwrap_or_else(|_| "/tmp".to_owned())),
        (f(), "/tmp".to_owned()),
    ] {
        let folder = Folder::new();
        folder.write("code/bootstrap", "#!/bin/sh\necho \"home=$HOME.\"\nexit 1\n");
        write_manifest(&folder, function);
        let local = Local::spawn(folder, &[]);
        local.wait_for(printed(&format!("home={home}.")));
    }
}

#[test]
fn a_program_that_does_not_listen_is_told_long_before_it_is_given_up() {
    let local = Local::scripted(f().var("SCRIPT_START", "never").local("startTimeout", 600));
    let event = local.wait_for(kind("instance_not_listening").function("f").has("givenPort"));
    assert_eq!(event["lastLine"], "not listening");
    assert_eq!(local.count(kind("instance_not_listening")), 1);
}

#[test]
fn the_shells_rust_backtrace_reaches_functions() {
    let folder = Folder::new();
    folder.write("code/bootstrap", "#!/bin/sh\necho \"backtrace $RUST_BACKTRACE\"\nexit 101\n");
    write_manifest(&folder, f());
    let local = Local::spawn_with(folder, ("RUST_BACKTRACE", "full"));
    assert_eq!(local.wait_for(printed("backtrace ")).text(), "backtrace full");
    local.wait_for(kind("instance_start_failed").field("exitCode", 101).saying("after a panic"));
}

#[test]
fn the_shells_target_folder_reaches_only_steps_that_read_it() {
    let with_steps = |name: &str, steps: &[&str]| {
        steps.iter().fold(Function::new(name), |function, step| function.step(step))
    };
    let folder = crate::harness::scripted();
    let echo = "env | grep CARGO_TARGET || echo none";
    let plain = with_steps("plain", &[&format!("echo plain; {echo}"), "echo from target/debug/app"]);
    let reading = with_steps(
        "reading",
        &[&format!("echo reading; {echo}; echo $CARGO_TARGET_DIR; ls target/ || true")],
    );
    write_manifest(&folder, Manifest::of([plain, reading]));
    let local = Local::spawn_with(folder, ("CARGO_TARGET_DIR", "/elsewhere"));
    local.wait_for(kind("build").function("plain").text("none"));
    local.wait_for(kind("build").function("reading").text("/elsewhere"));
    assert_eq!(local.count(kind("build").function("plain").text("/elsewhere")), 0);
}
