//! Functions that are images. A script stands for podman: the images are files, and a container is the scripted function.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::manifest::Function;
use testkit::process::{is_running, signal};
use testkit::{Folder, eventually};

use crate::harness::{Local, SCRIPTED, f, write_manifest};

/// What podman does as far as fc-local asks it to. It keeps what it was asked in `log`.
const PODMAN: &str = r#"#!/bin/sh
state=$(cd "$(dirname "$0")" && pwd)/state
echo "$*" >> "$state/log"
for last; do :; done
case "$1 $2" in
"image inspect")
    if [ -f "$state/image-$last" ]; then cat "$state/image-$last"; else echo "Error: $last: image not known" >&2; exit 125; fi ;;
"ps "*)
    for file in "$state"/container-*; do [ -e "$file" ] && echo "${file##*/container-}"; done ;;
"inspect "*)
    case $3 in
    *Pid*) cat "$state/container-$last" ;;
    *OOM*) [ -e "$state/oom" ] && echo true || echo false ;;
    esac ;;
"kill "*) kill -"$3" "$(cat "$state/container-$last")" ;;
"rm "*)
    pid=$(cat "$state/container-$last" 2>/dev/null) && rm -f "$state/container-$last"
    [ -n "$pid" ] && [ "$pid" != 0 ] && kill -KILL "$pid" 2>/dev/null
    exit 0 ;;
"exec "*) shift 2; exec "$@" ;;
"run "*)
    shift
    while :; do
        case $1 in
        --name) name=$2; shift 2 ;;
        --publish) port=${2%:*}; port=${port##*:}; shift 2 ;;
        --env-file) file=$2; shift 2 ;;
        --env) passed="$2=$(printenv "$2")"; shift 2 ;;
        --*=*) shift ;;
        --*) shift 2 ;;
        *) break ;;
        esac
    done
    set --
    while IFS= read -r line; do set -- "$@" "$line"; done < "$file"
    # A real container has the declared port in its own network, and this machine's leads there.
    env -i "$@" ${passed:+"$passed"} "FC_CUSTOM_LISTEN_PORT=$port" PROGRAM &
    pid=$!
    echo $pid > "$state/container-$name"
    wait $pid
    exit $? ;;
esac
"#;

/// A folder with the engine, which has the image `shop:1`.
fn with_engine() -> Folder {
    let folder = Folder::new();
    let engine = folder.write("bin/podman", &PODMAN.replace("PROGRAM", SCRIPTED));
    std::fs::set_permissions(engine, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.write("bin/state/image-shop:1", "0123abcd\n");
    folder.write("bin/state/log", "");
    folder
}

fn image(name: &str) -> Function {
    let config = json!({"image": name, "port": 9000, "entrypoint": ["/app", "serve"], "command": ["--all"]});
    f().prop("runtime", "custom-container").prop("customContainerConfig", config).prop("cpu", 0.25)
}

fn start(folder: Folder, function: Function) -> Local {
    write_manifest(&folder, function);
    let path = format!("{}:/usr/bin:/bin", folder.file("bin").display());
    Local::spawn_with(folder, ("PATH", &path))
}

fn asked(local: &Local) -> String {
    local.folder.text("bin/state/log")
}

fn containers(local: &Local) -> usize {
    let state = std::fs::read_dir(local.folder.file("bin/state")).unwrap().flatten();
    state.filter(|entry| entry.file_name().to_string_lossy().starts_with("container-")).count()
}

#[test]
fn a_container_lives_as_a_process_does() {
    let hook = json!({"command": ["sh", "-c", "echo within /code/x"]});
    let function = image("shop:1")
        .memory(256)
        .var("SCRIPT_NAME", "a \"name\" with $signs")
        .var("LINES", "one\ntwo")
        // Where the platform's folders are replaced, those of an image are not.
        .local("mounts", false)
        .var("DATA", "/code/data")
        .hook("initializer", hook)
        .hook("preStop", json!({"handler": "on"}));
    let mut local = start(with_engine(), function);
    local.get("/name").assert_text("a \"name\" with $signs");
    local.wait_for(printed("within /code/x"));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let has = |variable: &str| environment.split('\0').any(|own| own == variable);
    assert!(
        has("LINES=one\ntwo")
            && has("DATA=/code/data")
            && has("FC_SERVER_PORT=9000")
            && has("FC_FUNCTION_NAME=f"),
        "{environment}"
    );
    for name in ["PATH=", "FC_ENDPOINT=", "FC_FUNC_CODE_PATH="] {
        assert!(!environment.split('\0').any(|own| own.starts_with(name)), "{name} in {environment}");
    }
    let run = asked(&local).lines().find(|line| line.starts_with("run ")).unwrap().to_owned();
    for part in [
        "--sig-proxy=false",
        "--name fc-local-",
        "--label fc-local=",
        "--log-driver none --stop-timeout 0 --publish 127.0.0.2:",
        ":9000 --memory 256m --memory-swap 256m --cpus 0.25",
        // The image is what its name led to.
        "--env LINES --entrypoint /app 0123abcd serve --all",
    ] {
        assert!(run.contains(part), "`{part}` in {run}");
    }
    assert!(!run.contains("signs"), "no value is an argument, which everybody sees: {run}");
    let file = run.split_once("--env-file ").unwrap().1.split(' ').next().unwrap();
    assert!(!std::path::Path::new(file).exists(), "the variables are read, and the file is gone");
    assert_eq!(local.interrupt(), Some(0));
    assert!(local.matching(kind("instance_stopped")).len() == 1, "{:?}", local.all());
    local.wait_for(printed("pre-stop"));
    let log = asked(&local);
    assert!(
        log.contains("kill --signal TERM fc-local-") && log.contains("rm --force --volumes fc-local-"),
        "{log}"
    );
    assert!(containers(&local) == 0 && !is_running(pid));
}

#[test]
fn no_container_survives_fc_local() {
    let folder = with_engine();
    // Of a killed fc-local, whose guards were killed too, and of somebody else.
    folder.write("bin/state/container-fc-local-4194305-c-1", "0");
    folder.write("bin/state/container-shop", "0");
    let mut local = start(folder, image("shop:1"));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    assert!(asked(&local).contains("rm --force --volumes fc-local-4194305-c-1\n"));
    assert_eq!(containers(&local), 2);
    signal(local.pid(), "KILL");
    local.program.wait();
    eventually("the guard removes the container", || containers(&local) == 1 && !is_running(pid));
    assert!(!asked(&local).contains("--volumes shop"), "what is not fc-local's is left alone");
}

#[test]
fn a_container_that_ends_by_itself_is_removed_and_replaced() {
    let local = start(with_engine(), image("shop:1"));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    local.get("/exit?code=3");
    local.wait_for(kind("instance_ended").field("exitCode", 3));
    eventually("it is removed", || containers(&local) == 0);
    // The engine's kernel kills at the memory limit.
    local.folder.write("bin/state/oom", "");
    assert_ne!(local.get("/pid").text(), pid.to_string());
    local.get("/exit?code=137");
    local.wait_for(kind("instance_over_memory"));
}

#[test]
fn an_image_or_an_engine_that_is_not_there_is_told() {
    let local = start(with_engine(), image("shop:2"));
    let told = local.wait_for(kind("image_missing").field("image", "shop:2"));
    assert!(told.text().contains("image not known; build it") && told.text().contains("podman pull shop:2"));
    let folder = Folder::new();
    write_manifest(&folder, image("shop:1"));
    let local = Local::spawn_with(folder, ("PATH", "/nowhere"));
    let told = local.wait_for(kind("image_missing"));
    assert!(told.text().contains("neither podman nor docker") && told.text().contains("x-local.command"));
}

#[test]
fn a_command_stands_for_an_image() {
    let folder = Folder::new();
    folder.link("app/server", SCRIPTED);
    let function = image("shop:1").local("command", json!(["./server"])).local("code", "app");
    let function = function.var("SCRIPT_NAME", "plain");
    write_manifest(&folder, function);
    let local = Local::spawn_with(folder, ("PATH", "/usr/bin:/bin"));
    local.get("/name").assert_text("plain");
}
