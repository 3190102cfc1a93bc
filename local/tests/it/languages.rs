//! Programs as they are published: with the platform's paths, ports of their own, layers, and slips that a server of any
//! language can have.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::h1::{Conn, request};
use testkit::manifest::{Function, Manifest};
use testkit::process::{free_port, is_running};
use testkit::{Folder, eventually};

use crate::harness::{Local, SCRIPTED, f, write_manifest};

/// A folder whose bootstrap runs `lines` of a shell, and then becomes the scripted function.
fn shell(lines: &str) -> Folder {
    let folder = Folder::new();
    folder.link("code/program", SCRIPTED);
    script(&folder, "code/bootstrap", &format!("{lines}\nexec \"$FC_FUNC_CODE_PATH/program\""));
    folder
}

fn script(folder: &Folder, name: &str, lines: &str) {
    let file = folder.write(name, &format!("#!/bin/sh\n{lines}\n"));
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn start(folder: Folder, manifest: impl Into<Manifest>) -> Local {
    write_manifest(&folder, manifest);
    Local::start(folder, &[])
}

/// Where instances can have mounts. Elsewhere the paths are translated, which other tests show.
fn has_mounts(local: &Local) -> bool {
    local.count(kind("folders_translated")) == 0
}

#[test]
fn the_code_is_at_code_and_tmp_is_the_instances_own() {
    let others = Folder::new();
    let folder = shell(&format!(
        "cat /code/data; echo in $(pwd), code $FC_FUNC_CODE_PATH, lib $LIB; test -e {} || echo hidden; \
         test -e /tmp/one || echo empty; echo one > /tmp/one; echo user $(id -u); \
         test -r /proc/self/status -a -c /dev/null -a -d /sys/class && echo system",
        others.path().display()
    ));
    folder.write("code/data", "read by its own path\n");
    let local = start(folder, f().concurrency(1).var("LIB", "/code/lib:/opt/lib"));
    if !has_mounts(&local) {
        return;
    }
    for line in ["read by its own path", "in /code, code /code, lib /code/lib:/opt/lib", "empty", "system"] {
        local.wait_for(printed(line));
    }
    local.wait_for(kind("stdout").text(&format!("user {}", own_user())));
    if others.path().starts_with("/tmp") {
        local.wait_for(printed("hidden"));
    }
    // A second instance does not see the file of the first.
    let mut busy = Conn::open(local.function_port("f"));
    busy.send(&request("GET", "/sleep?ms=60000", "", b""));
    local.wait_for(printed("asleep"));
    local.get("/").assert_ok();
    local.wait_for_nth(2, printed("empty"));
    let pid = process(&local);
    assert!(!std::path::Path::new("/code/data").exists(), "the machine sees nothing of it");
    drop(local);
    eventually("the program ends", || !is_running(pid));
}

/// The process of the first instance.
fn process(local: &Local) -> u32 {
    local.wait_for(kind("instance_started"))["processId"].as_u64().unwrap().try_into().unwrap()
}

fn own_user() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid()
}

#[test]
fn a_hook_sees_the_files_of_its_instance() {
    let hook = |line: &str| json!({"command": ["/bin/sh", "-c", line], "timeout": 5});
    let folder = shell("echo by the program > /tmp/said");
    let function = f()
        .hook("initializer", hook("cat /tmp/said; ls /code; echo by the hook > /tmp/heard"))
        .hook("preStop", hook("cat /tmp/heard"));
    let mut local = start(folder, function);
    if !has_mounts(&local) {
        return;
    }
    local.get("/").assert_ok();
    for line in ["by the program", "bootstrap"] {
        local.wait_for(printed(line));
    }
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(printed("by the hook"));
}

#[test]
fn without_mounts_paths_are_translated_in_commands_and_variables() {
    let folder = Folder::new();
    folder.link("code/program", SCRIPTED);
    folder.write("code/data", "read by a translated path\n");
    folder.write("layer/lib/part", "read from a layer\n");
    let line =
        "cat /code/data; cat $PART; echo is at $FC_FUNC_CODE_PATH; echo other $OTHER; exec /code/program";
    let function = f()
        .runtime("command", json!(["/bin/sh", "-c", line]))
        .var("PART", "/opt/lib/part")
        .var("OTHER", "https://example.com/code /my/code")
        .local("layers", json!(["layer"]))
        .local("mounts", false);
    let local = start(folder, function);
    for line in ["read by a translated path", "read from a layer", "other https://example.com/code /my/code"]
    {
        local.wait_for(printed(line));
    }
    let at = local.wait_for(printed("is at ")).after("is at ").to_owned();
    assert!(at.contains("fc-local-") && at.starts_with('/'), "{at}");
    local.get("/").assert_ok();
}

#[test]
fn layers_are_at_opt_beside_what_this_machine_has_there() {
    let folder = shell("cat /opt/lib/part; echo $(ls /opt)");
    folder.write("layer/lib/part", "read from a layer\n");
    let layers = json!(["acs:fc:cn-hangzhou:official:layers/Python310/versions/3"]);
    let local = start(folder, f().prop("layers", layers).local("layers", json!(["layer"])));
    assert_eq!(local.count(kind("manifest_note").saying("layers")), 0);
    if !has_mounts(&local) {
        return;
    }
    local.wait_for(printed("read from a layer"));
    local.get("/").assert_ok();
    for name in std::fs::read_dir("/opt").into_iter().flatten().flatten().map(|entry| entry.file_name()) {
        local.wait_for(kind("stdout").saying(name.to_str().unwrap()));
    }
    // A layer that cannot be read keeps the former code.
    local.folder.write("s.yaml", &Manifest::from(f().local("layers", json!(["none"]))).to_string());
    local.wait_for(kind("code_missing").saying("layer "));
    local.get("/").assert_ok();
}

#[test]
fn layers_that_are_not_here_are_named_in_each_failure() {
    let folder = Folder::new();
    script(&folder, "code/bootstrap", "exec /opt/none/such");
    let name = "acs:fc:cn-hangzhou:official:layers/Python310/versions/3";
    let local = start(folder, f().prop("layers", json!([name])));
    local.wait_for(kind("manifest_note").saying("x-local.layers"));
    local.get("/").assert_status(412);
    local.wait_for(kind("layers_missing").field("layers", json!([name])));
}

/// A program of the test, in a folder of the search path of `fc-local`.
fn with_tool(function: Function, code: &str) -> Local {
    let folder = Folder::new();
    script(&folder, "tools/fct-tool", "exec \"$FC_FUNC_CODE_PATH/program\"");
    folder.link("code/program", SCRIPTED);
    script(&folder, "code/bootstrap", code);
    write_manifest(&folder, function);
    let path = format!("{}:{}", folder.file("tools").display(), std::env::var("PATH").unwrap());
    let local = Local::spawn_with(folder, ("PATH", &path));
    local.wait_for(kind("ready"));
    local
}

#[test]
fn a_program_that_the_manifests_path_hides_is_told_with_its_place() {
    let path = "/var/fc/lang/none/bin:/usr/bin:/bin";
    let hidden = |code: &str, function: Function| {
        let local = with_tool(function, code);
        local.get("/").assert_status(412);
        let event = local.wait_for(kind("program_hidden").field("program", "fct-tool"));
        assert_eq!(event["found"], json!(local.folder.file("tools/fct-tool")));
        let searched = ["/var/fc/lang/none/bin/fct-tool", "/usr/bin/fct-tool", "/bin/fct-tool"];
        assert_eq!(event["searched"], json!(searched));
    };
    hidden("", f().runtime("command", json!(["fct-tool"])).var("PATH", path));
    hidden("exec fct-tool", f().var("PATH", path));
    hidden("exec /usr/bin/env fct-tool", f().var("PATH", path));
    // Where the manifest sets no path, this machine's own is used.
    let local = with_tool(f().runtime("command", json!(["fct-tool"])), "");
    local.get("/").assert_ok();
    assert_eq!(local.count(kind("program_hidden")), 0);
}

#[test]
fn the_interpreters_of_the_platforms_image_are_this_machines() {
    let folder = Folder::new();
    folder.link("code/program", SCRIPTED);
    script(&folder, "tools/node", "echo node of this machine; exec \"$FC_FUNC_CODE_PATH/program\"");
    script(&folder, "code/bootstrap", "exec node");
    let path = format!("{}:{}", folder.file("tools").display(), std::env::var("PATH").unwrap());
    for mounts in [true, false] {
        let function = f().var("PATH", "/var/fc/lang/nodejs18/bin:/usr/bin:/bin").local("mounts", mounts);
        write_manifest(&folder, function);
        let copy = Folder::new();
        for name in ["s.yaml", "code/bootstrap", "tools/node"] {
            let to = copy.write(name, &folder.text(name));
            std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        copy.link("code/program", SCRIPTED);
        let local = Local::spawn_with(copy, ("PATH", &path));
        let mapped = local.wait_for(kind("interpreter_mapped").field("folder", "/var/fc/lang/nodejs18"));
        assert_eq!(mapped["program"], json!(folder.file("tools/node")));
        local.wait_for(kind("ready"));
        local.get("/").assert_ok();
        local.wait_for(printed("node of this machine"));
    }
}

/// A function that keeps to a port of this machine.
fn fixed(name: &str, port: u16) -> Function {
    let function = Function::new(name).runtime("port", port).var("SCRIPT_START", &format!("fixed:{port}"));
    function.local("network", false)
}

#[test]
fn a_port_that_somebody_holds_is_told_with_its_holder() {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let local = Local::scripted(fixed("f", port));
    local.get("/").assert_status(412);
    let held = local.wait_for(kind("port_held").field("port", port));
    assert_eq!((&held["processId"], &held["holder"]), (&json!(std::process::id()), &json!(null)));
    drop(listener);
    // The next call finds the port free.
    local.get("/").assert_ok();
}

#[test]
fn two_functions_with_one_port_are_told_what_to_do() {
    let port = free_port();
    let local = Local::scripted(Manifest::of([fixed("a", port), fixed("b", port)]));
    let held = local.wait_for(kind("port_held").field("port", port));
    let (holder, other) = if held["function"] == "b" { ("a", "b") } else { ("b", "a") };
    assert_eq!((&held["holder"], &held["function"]), (&json!(holder), &json!(other)));
    assert!(held.text().contains("give one another port"), "{held}");
}

#[test]
fn without_the_tool_for_networks_calls_wait_and_one_line_says_what_would_help() {
    let folder = Folder::new();
    folder.link("code/bootstrap", SCRIPTED);
    let port = free_port();
    let function = |name: &str, port: u16| fixed(name, port).local("network", true).concurrency(1);
    write_manifest(&folder, Manifest::of([function("f", port), function("g", free_port())]));
    let local = Local::spawn_with(folder, ("PATH", "/none-such"));
    local.wait_for(kind("networks_unavailable").saying("pasta"));
    local.wait_for(kind("port_ignored").field("port", port));
    let mut calls: Vec<Conn> = (0..20).map(|_| Conn::open(local.function_port("f"))).collect();
    for call in &mut calls {
        call.send(&request("GET", "/pid", "", b""));
    }
    let first = calls[0].answer("GET").text();
    assert!(calls[1..].iter_mut().all(|call| call.answer("GET").text() == first));
    local.wait_for(kind("port_ignored").function("g"));
    assert_eq!(local.count(kind("networks_unavailable")), 1);
}

#[test]
fn a_program_that_had_to_be_killed_is_said_so() {
    let folder = Folder::new();
    folder.link("code/program", SCRIPTED);
    script(&folder, "code/bootstrap", "trap '' TERM; /code/program & while true; do sleep 1; done");
    let function = f().runtime(
        "command",
        json!(["/bin/sh", "-c", "trap '' TERM; /code/program & while true; do sleep 1; done"]),
    );
    let mut local = start(folder, function.local("stopTimeout", 0.1));
    local.get("/").assert_ok();
    let pid = process(&local);
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(kind("instance_killed").field("processId", pid).field("ms", 100.0));
    eventually("the program ends", || !is_running(pid));
}

#[test]
fn a_download_that_its_client_abandons_is_a_499() {
    let local = Local::scripted(f());
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(&request("GET", "/big?bytes=30000000", "", b""));
    let head = conn.answer_head();
    assert_eq!((head.status, head.header("content-length")), (200, Some("30000000")));
    conn.reset();
    local.wait_for(kind("request").status(499).field("path", "/big"));
    // Taken to its end it is as before.
    let reply = local.get("/big?bytes=30000000");
    assert_eq!((reply.status, reply.body.len()), (200, 30_000_000));
    local.wait_for(kind("request").status(200).field("path", "/big"));
}

#[test]
fn a_server_that_closes_kept_connections_is_warned_of_once() {
    let local = Local::scripted(f());
    for _ in 0..4 {
        local.get("/closing").assert_ok();
    }
    local.wait_for(kind("connection_closed_early").has("withinMs"));
    local.get("/").assert_ok();
    assert_eq!(local.count(kind("connection_closed_early")), 1);
    // The platform's own rule for a connection that closes under a call.
    let local = Local::scripted(f());
    for _ in 0..2 {
        local.get("/close-reused").assert_ok();
    }
    local.wait_for(kind("connection_closed_early"));
    // One that says so before is free to.
    let local = Local::scripted(f());
    for _ in 0..3 {
        local.get("/refused-closed").assert_status(401);
    }
    assert_eq!(local.count(kind("connection_closed_early")), 0);
}

#[test]
fn a_server_that_answers_http_1_0_is_warned_of_once() {
    let local = Local::scripted(f());
    for _ in 0..3 {
        local.get("/http10").assert_ok();
    }
    local.wait_for(kind("answers_http_1_0"));
    assert_eq!(local.count(kind("answers_http_1_0")), 1);
}

#[test]
fn a_build_of_this_machines_own_replaces_the_tools() {
    let folder = Folder::new();
    folder.write(
        "s.yaml",
        &Manifest::from(f().step("false").local("build", json!(["mkdir -p code", "touch code/built"])))
            .to_string(),
    );
    let local = Local::start(folder, &[]);
    assert_eq!(local.count(kind("build_started")), 2);
    assert!(local.folder.file("code/built").exists());
    assert_eq!(local.count(kind("build_failed")), 0);
}

#[test]
fn a_tmp_that_holds_too_much_is_said_so() {
    let folder = shell("fallocate -l 530M /tmp/much");
    let local = start(folder, f().memory(2048));
    if !has_mounts(&local) {
        return;
    }
    let event = local.wait_for(kind("disk_exceeded").field("limitMiB", 512));
    assert!(event["bytes"].as_u64().unwrap() > 512 * 1024 * 1024, "{event}");
}
