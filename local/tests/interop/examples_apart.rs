//! The examples about asynchronous work, which are workspaces of their own, behind fc-local: with the real ffmpeg, and a
//! real database.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use testkit::events::{Events, kind};
use testkit::h1::{exchange, request};
use testkit::process::{below, is_running};
use testkit::{Folder, Launch, until};

use super::{root, succeed};
use crate::harness::{Local, program};

/// A program of one of the examples. `.ci/run interop` builds them.
pub(super) fn built(name: &str) -> PathBuf {
    let program = root().join("target/apart/debug").join(name);
    assert!(program.exists(), "{} is absent: run `.ci/run interop`", program.display());
    program
}

/// A project with the manifest of an example as it is, but for the folder, the builds and the ports.
pub(super) fn project(example: &str, programs: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    let manifest = std::fs::read_to_string(root().join("examples").join(example).join("s.yaml")).unwrap();
    folder.write("s.yaml", &manifest.replace("${env('PWD')}", folder.path().to_str().unwrap()));
    for (program, code) in programs {
        folder.link(&format!("{code}/bootstrap"), built(program).to_str().unwrap());
    }
    folder
}

/// Waits for a line of an instance that has all these texts.
#[track_caller]
fn line(local: &Local, function: &str, texts: &[&str]) {
    let wanted = kind("stdout").function(function);
    local.wait_for(texts.iter().fold(wanted, |wanted, text| wanted.saying(text)));
}

/// Makes a video of some seconds.
fn video(file: &std::path::Path, seconds: u32) {
    let source = format!("testsrc=size=320x240:rate=25:duration={seconds}");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-f", "lavfi", "-i", &source, "-preset", "ultrafast"]).arg(file);
    succeed(&mut ffmpeg);
}

fn curl(port: u16, task: &str, job: &Value) -> String {
    let mut curl = Command::new("curl");
    // As the article has it, apart from the host.
    curl.args(["-v", "-s", "-H", "X-Fc-Invocation-Type: Async", "-H", "Content-Type: application/json"]);
    curl.args(["-H", &format!("X-Fc-Async-Task-Id: {task}"), "-d", &job.to_string(), "-X", "POST"]);
    let output = curl.arg(format!("http://127.0.0.1:{port}")).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn task(local: &Local, id: &str, state: &str) -> Value {
    let target = format!("/2023-03-30/functions/transcode/async-tasks/{id}");
    until(&format!("task {id} is {state}"), || {
        let task = exchange(local.main_port(), &request("GET", &target, "", b"")).json();
        Some(task).filter(|task| task["status"] == state)
    })
}

#[test]
#[ignore = "needs ffmpeg, curl and the built example: .ci/run runs it with --ignored"]
fn a_video_is_transcoded_through_the_whole_chain() {
    let names = ["transcode", "dest-succ", "dest-fail"];
    let programs = names.map(|name| (name, format!("dist/{name}")));
    let programs: Vec<(&str, &str)> = programs.iter().map(|(name, code)| (*name, code.as_str())).collect();
    let folder = project("http-video-transcode", &programs);
    let bucket = folder.path().join("storage/my-bucket");
    std::fs::create_dir_all(&bucket).unwrap();
    video(&bucket.join("480P.mp4"), 2);
    video(&bucket.join("long.mp4"), 600);
    let local = Local::start(folder, &["--no-build"]);
    let port = local.function_port("transcode");
    local.wait_for(kind("ready").function("dest-fail"));

    let job = |object: &str, format: &str| json!({"bucket": "my-bucket", "object": object, "output_dir": "a", "dst_format": format});
    let accepted = curl(port, "good", &job("480P.mp4", "mov"));
    assert!(accepted.contains("< HTTP/1.1 202 Accepted"), "{accepted}");
    assert!(accepted.to_ascii_lowercase().contains("< x-fc-request-id: 1-"), "{accepted}");
    task(&local, "good", "Succeeded");
    line(&local, "dest-succ", &["dest-succ: ", "a/480P.mov", "in 1 calls"]);
    let made = bucket.join("a/480P.mov");
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_entries", "format=format_name,duration", "-of", "csv=p=0"]).arg(&made);
    let probed = succeed(&mut probe);
    assert!(probed.contains("mov") && probed.contains("2.0"), "{probed}");

    // The same job once more finds what is made, and touches nothing.
    let before = std::fs::metadata(&made).unwrap().modified().unwrap();
    curl(port, "again", &job("480P.mp4", "mov"));
    task(&local, "again", "Succeeded");
    line(&local, "transcode", &["a/480P.mov is there already"]);
    assert_eq!(std::fs::metadata(&made).unwrap().modified().unwrap(), before);
    // The id of a task is taken once.
    assert!(curl(port, "good", &job("480P.mp4", "mkv")).contains("< HTTP/1.1 409 "));

    // A failure is repeated, and lands in `dest-fail`.
    curl(port, "bad", &job("none.mp4", "mov"));
    let failed = task(&local, "bad", "Failed");
    assert_eq!(failed["alreadyRetriedTimes"], 1, "{failed}");
    line(&local, "dest-fail", &["dest-fail: ", "none.mp4", "there is no object"]);

    // A stop ends ffmpeg, and leaves no half video.
    curl(port, "long", &job("long.mp4", "webm"));
    line(&local, "transcode", &["transcoded ", " s of 600.0 s"]);
    let ffmpegs = || {
        let command = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_own = |pid: &u32| is_running(*pid) && command(pid).contains("target.webm");
        below(local.pid()).iter().filter(|pid| is_own(pid)).count()
    };
    assert_eq!(ffmpegs(), 1);
    let mut stop = Command::new(program());
    stop.arg("--template").arg(local.folder.file("s.yaml")).args(["tasks", "stop", "transcode", "long"]);
    succeed(stop.args(["--port", &local.main_port().to_string()]));
    until("ffmpeg has ended", || (ffmpegs() == 0).then_some(()));
    task(&local, "long", "Stopped");
    line(&local, "dest-fail", &["dest-fail: ", "long.mp4"]);
    let mut left: Vec<String> = std::fs::read_dir(bucket.join("a"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["480P.mov"]);
    assert_eq!(std::fs::read_dir(bucket.join(".parts")).unwrap().count(), 0);
}

/// The path of a task, for the API.
fn order_task(id: &str) -> String {
    format!("/2023-03-30/functions/orders/async-tasks/order-{id}")
}

fn order(port: u16, id: &str, item: &str, quantity: u32) -> testkit::Answer {
    let order = json!({"id": id, "item": item, "quantity": quantity}).to_string();
    exchange(port, &request("POST", "/orders", "content-type: application/json\r\n", order.as_bytes()))
}

fn stock(port: u16) -> String {
    exchange(port, &request("GET", "/stock/tea", "", b"")).text()
}

#[test]
#[ignore = "needs the built example: .ci/run runs it with --ignored"]
fn an_order_is_checked_handed_over_and_carried_out_once() {
    let local = Local::start(project("orders", &[("orders", "dist")]), &["--no-build"]);
    let port = local.function_port("orders");
    assert_eq!(order(port, "a", "tea", 0).status, 422);
    assert_eq!(order(port, "a", "sofa", 1).status, 404);
    let taken = order(port, "a", "tea", 30);
    assert_eq!((taken.status, taken.json()), (202, json!({"task": "order-a", "already": false})));
    until("the order is carried out", || (stock(port) == "70").then_some(()));
    assert_eq!(order(port, "a", "tea", 30).json(), json!({"task": "order-a", "already": true}));
    let task = until("the task has ended", || {
        let task = exchange(local.main_port(), &request("GET", &order_task("a"), "", b"")).json();
        Some(task).filter(|task| task["status"] == "Succeeded")
    });
    assert_eq!(task["returnPayload"], "70");
    assert_eq!(stock(port), "70");
}

#[test]
#[ignore = "needs the built example: .ci/run runs it with --ignored"]
fn a_function_calls_with_the_credentials_that_it_was_given() {
    let start = |has_credentials: bool| {
        let folder = project("orders", &[("orders", "dist")]);
        let credentials = if has_credentials { "environment" } else { "none" };
        folder.write(
            "s.yaml",
            &format!("{}\nx-local: {{credentials: {credentials}}}\n", folder.text("s.yaml")),
        );
        let launch = Launch::new(program()).args(["--template"]).args([folder.file("s.yaml")]);
        let launch = launch.args(["dev", "--json", "--no-build", "--port", "0", "--require-signature"]);
        // The key of the project is the one that the function has, as a role's temporary key is in the cloud.
        let launch =
            [("ACCESS_KEY_ID", "STS.id"), ("ACCESS_KEY_SECRET", "hush"), ("SECURITY_TOKEN", "token")]
                .into_iter()
                .fold(launch, |launch, (name, value)| {
                    launch
                        .var(&format!("FC_LOCAL_{name}"), value)
                        .var(&format!("ALIBABA_CLOUD_{name}"), value)
                });
        let program = launch.start();
        let events = Events::of(program.out());
        let ready = events.wait_for(kind("ready"));
        let url = ready["portUrl"].as_str().unwrap().trim_end_matches('/').to_owned();
        (folder, program, url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap())
    };
    let (_folder, _program, port) = start(true);
    assert_eq!(order(port, "a", "tea", 30).status, 202);
    until("the order is carried out", || (stock(port) == "70").then_some(()));
    let (_folder, _program, port) = start(false);
    assert_eq!(order(port, "a", "tea", 30).status, 503);
}
