//! The example `catalogue` behind fc-local: two functions of one package and one database, in a file and in PostgreSQL, while
//! instances are killed and frozen.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use testkit::Answer;
use testkit::events::kind;
use testkit::h1::exchange;
use testkit::postgres::Postgres;
use testkit::process::{is_running, signal};

use super::examples_apart::project;
use super::succeed;
use crate::harness::Local;

const HOST: &str = "catalogue.example.com";

fn start(database: &str, more: &str) -> Local {
    let folder = project(
        "catalogue",
        &[("catalogue-list", "dist/catalogue-list"), ("catalogue-item", "dist/catalogue-item")],
    );
    let manifest = folder.text("s.yaml").replace("${env('DATABASE_URL', '')}", database);
    folder.write("s.yaml", &(manifest + more));
    let local = Local::start(folder, &["--no-build"]);
    for function in ["catalogue-list", "catalogue-item"] {
        local.wait_for(kind("ready").function(function));
    }
    local
}

fn ask(local: &Local, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {length}\r\n{headers}\r\n");
    exchange(local.main_port(), (head + body).as_bytes())
}

fn make(local: &Local, id: &str) -> Answer {
    let content = json!({"name": id, "category": "c", "price": 1}).to_string();
    ask(
        local,
        "PUT",
        &format!("/items/{id}"),
        "content-type: application/json\r\nif-none-match: *\r\n",
        &content,
    )
}

/// The ids of all items, page by page.
fn listed(local: &Local) -> Vec<String> {
    let (mut next, mut ids) = (Some("/items?limit=50".to_owned()), Vec::new());
    while let Some(target) = next {
        let page = ask(local, "GET", &target, "", "");
        page.assert_status(200);
        let page: Value = page.json();
        let items = page["items"].as_array().unwrap().iter();
        ids.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(str::to_owned);
    }
    ids
}

/// The processes of the instances of a function that run.
fn instances(local: &Local, function: &str) -> Vec<u32> {
    let started = local.matching(kind("instance_started").function(function));
    let processes = started.iter().map(|event| u32::try_from(event["processId"].as_u64().unwrap()).unwrap());
    processes.filter(|pid| is_running(*pid)).collect()
}

fn items_outlive_instances(local: &Local) {
    let before = local.count(kind("request").function("catalogue-list"));
    let kills = AtomicUsize::new(0);
    let made: Vec<String> = std::thread::scope(|scope| {
        let makers = (0..4).map(|maker| {
            let kills = &kills;
            scope.spawn(move || {
                let one = |item: usize| {
                    // However slow the killer is, items are left for each instance.
                    testkit::eventually("an instance is killed", || {
                        kills.load(Ordering::SeqCst) >= item / 10
                    });
                    let id = format!("item-{maker}-{item}");
                    // As clients do: what was not answered is asked again.
                    testkit::eventually("the item is made", || make(local, &id).status == 201);
                    id
                };
                (0..40).map(one).collect::<Vec<_>>()
            })
        });
        let makers: Vec<_> = makers.collect();
        let mut killed = Vec::new();
        for count in [20, 60, 100] {
            testkit::eventually("more items are made", || {
                local.count(kind("request").function("catalogue-item").status(201)) > count
            });
            // One that was killed may seem to run for a moment.
            let next = || instances(local, "catalogue-item").into_iter().find(|pid| !killed.contains(pid));
            let next = testkit::until("an instance", next);
            signal(next, "KILL");
            killed.push(next);
            kills.fetch_add(1, Ordering::SeqCst);
        }
        makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect()
    });
    let ids = listed(local);
    assert_eq!(ids.len(), 160, "each is listed once");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>(), made.iter().collect());

    // The calls of each function are its own.
    let requests = |function: &str| local.matching(kind("request").function(function));
    let paths = |function: &str| {
        let requests = requests(function);
        requests.iter().map(|request| request["path"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    testkit::eventually("all calls are told", || {
        requests("catalogue-list").len() >= before + 4 && requests("catalogue-item").len() >= 160
    });
    assert_eq!(requests("catalogue-list").len(), before + 4);
    assert_eq!(paths("catalogue-list"), BTreeSet::from(["/items".to_owned()]));
    assert!(paths("catalogue-item").iter().all(|path| path.starts_with("/items/")));
}

#[test]
#[ignore = "needs curl and the built example: .ci/run runs it with --ignored"]
fn items_in_a_file_outlive_the_instances_that_made_them() {
    let local = start("", "");
    // The command of the readme.
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "-H", "Host: catalogue.example.com"]);
    curl.arg(format!("http://127.0.0.1:{}/items", local.main_port()));
    assert_eq!(succeed(&mut curl), "{\"items\":[],\"next\":null}");
    local.wait_for(kind("request").function("catalogue-list"));
    ask(&local, "DELETE", "/items/tea", "", "").assert_status(403);
    items_outlive_instances(&local);
}

#[test]
#[ignore = "needs PostgreSQL and the built example: .ci/run runs it with --ignored"]
fn items_in_postgresql_outlive_the_instances_that_made_them() {
    let postgres = Postgres::start();
    let local = start(&postgres.url(), "");
    items_outlive_instances(&local);
    assert_eq!(postgres.sql("SELECT count(*) FROM items"), "160");
}

#[test]
#[ignore = "needs PostgreSQL and the built example: .ci/run runs it with --ignored"]
fn connections_that_die_in_a_freeze_are_no_errors() {
    let postgres = Postgres::start();
    let local = start(&postgres.url(), "\nx-local: {freeze: true}\n");
    make(&local, "tea").assert_status(201);
    let is_frozen = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    for _ in 0..2 {
        testkit::eventually("the instance is frozen", || {
            instances(&local, "catalogue-item").into_iter().all(is_frozen)
        });
        let others = "backend_type = 'client backend' AND pid <> pg_backend_pid()";
        postgres.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"));
        let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE {others}");
        testkit::eventually("the connections are gone", || postgres.sql(&gone) == "0");
        // Longer than the pause that the pool takes for a freeze.
        let begun = Instant::now();
        testkit::eventually("the freeze is long enough", || begun.elapsed().as_millis() > 1500);
        let shown = ask(&local, "GET", "/items/tea", "", "");
        assert_eq!((shown.status, &shown.json()["name"]), (200, &json!("tea")));
    }
    // The same process all the time.
    assert_eq!(local.count(kind("instance_started").function("catalogue-item")), 1);
}
