//! The two programs as they are deployed, on both databases, by requests over sockets.

mod relay;

use serde_json::{Value, json};
use testkit::h1::{Conn, exchange, request};
use testkit::postgres::Postgres;
use testkit::{Answer, Folder, Launch, Program};

const LIST: &str = env!("CARGO_BIN_EXE_catalogue-list");
const ITEM: &str = env!("CARGO_BIN_EXE_catalogue-item");

/// A database, and how the programs are told of it.
enum Database {
    Sqlite(Folder),
    Postgres(Postgres),
}

impl Database {
    fn both() -> [Self; 2] {
        [Database::Sqlite(Folder::new()), Database::Postgres(Postgres::start())]
    }

    fn launch(&self, program: &str) -> Launch {
        match self {
            Database::Sqlite(folder) => {
                Launch::new(program).var("SQLITE_FILE", folder.file("catalogue.sqlite"))
            }
            Database::Postgres(postgres) => Launch::new(program).var("DATABASE_URL", postgres.url()),
        }
    }
}

fn start(launch: &Launch) -> (Program, u16) {
    launch.start_on_port("FC_CUSTOM_LISTEN_PORT")
}

fn get(port: u16, target: &str) -> Answer {
    exchange(port, &request("GET", target, "", b""))
}

fn put(port: u16, id: &str, condition: &str, content: &Value) -> Answer {
    let headers = format!("content-type: application/json\r\n{condition}");
    exchange(port, &request("PUT", &format!("/items/{id}"), &headers, content.to_string().as_bytes()))
}

const NEW: &str = "if-none-match: *\r\n";

fn tea() -> Value {
    json!({"name": "Tea", "category": "drinks", "price": 450})
}

#[test]
fn an_item_is_made_shown_and_changed_by_those_who_have_seen_it() {
    for database in Database::both() {
        let (_program, port) = start(&database.launch(ITEM));
        get(port, "/items/tea").assert_problem(404);
        let made = put(port, "tea", NEW, &tea());
        assert_eq!((made.status, made.header("location")), (201, Some("/items/tea")));
        assert_eq!(made.header("etag"), Some("\"1\""));
        let whole = json!({"id": "tea", "name": "Tea", "category": "drinks", "price": 450, "version": 1});
        assert_eq!(made.json(), whole);
        // Whoever did not hear the answer asks again.
        assert_eq!(put(port, "tea", NEW, &tea()).json(), whole);
        let other = json!({"name": "Other tea", "category": "drinks", "price": 450});
        put(port, "tea", NEW, &other).assert_problem(412);

        let shown = get(port, "/items/tea");
        assert_eq!((shown.json(), shown.header("etag")), (whole, Some("\"1\"")));
        let known = exchange(port, &request("GET", "/items/tea", "if-none-match: \"1\"\r\n", b""));
        assert_eq!((known.status, known.body), (304, vec![]));

        let dearer = json!({"name": "Tea", "category": "drinks", "price": 500});
        put(port, "tea", "", &dearer).assert_problem(428);
        put(port, "tea", "if-match: \"1\"\r\nif-none-match: *\r\n", &dearer).assert_problem(400);
        let changed = put(port, "tea", "if-match: \"7\", \"1\"\r\n", &dearer);
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
        let again = put(port, "tea", "if-match: \"1\"\r\n", &dearer);
        assert_eq!((again.status, again.json()["version"].as_i64()), (200, Some(2)));
        // The second of two who saw version 1.
        let late = put(port, "tea", "if-match: \"1\"\r\n", &tea());
        assert_eq!(late.assert_problem(412)["version"], 2);
        assert_eq!(late.header("etag"), Some("\"2\""));
        put(port, "tea", "if-match: \"another\"\r\n", &tea()).assert_problem(412);
        assert_eq!(get(port, "/items/tea").json()["price"], 500);
        assert_eq!(put(port, "tea", "if-match: *\r\n", &tea()).json()["version"], 3);
        put(port, "coffee", "if-match: *\r\n", &tea()).assert_problem(404);
        put(port, "coffee", "if-match: \"1\"\r\n", &tea()).assert_problem(404);

        let wrong =
            put(port, "cup", NEW, &json!({"name": "", "category": "c", "price": -1})).assert_problem(422);
        let pointers = [&wrong["errors"][0]["pointer"], &wrong["errors"][1]["pointer"]];
        assert_eq!(pointers, ["#/name", "#/price"]);
        put(port, "Cup", NEW, &tea()).assert_problem(400);
        get(port, "/readyz").assert_status(200);
        // It is the other function's.
        get(port, "/items").assert_problem(404);
    }
}

/// Follows the addresses of the next page, and gives the ids of each.
fn pages(port: u16, first: &str) -> Vec<Vec<String>> {
    let (mut next, mut pages) = (Some(first.to_owned()), Vec::new());
    while let Some(target) = next {
        let answer = get(port, &target);
        answer.assert_status(200);
        let page = answer.json();
        let ids =
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        pages.push(ids.collect());
        next = page["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        assert_eq!(answer.header("link"), link.as_deref());
    }
    pages
}

#[test]
fn the_list_comes_page_by_page_though_items_are_added_meanwhile() {
    for database in Database::both() {
        let (_items, items) = start(&database.launch(ITEM));
        let (_list, list) = start(&database.launch(LIST));
        assert_eq!(get(list, "/items").json(), json!({"items": [], "next": null}));
        // The order of bytes, which is not the one of all languages.
        for (id, category) in [("a-1", "x"), ("a1", "x y&z"), ("b", "x"), ("c", "x y&z"), ("0", "x")] {
            put(items, id, NEW, &json!({"name": id, "category": category, "price": 1})).assert_status(201);
        }
        assert_eq!(pages(list, "/items?limit=2"), [vec!["0", "a-1"], vec!["a1", "b"], vec!["c"]]);
        assert_eq!(pages(list, "/items?limit=5"), [["0", "a-1", "a1", "b", "c"]]);
        assert_eq!(pages(list, "/items?limit=1&category=x%20y%26z"), [["a1"], ["c"]]);
        let next = get(list, "/items?limit=2").json()["next"].as_str().unwrap().to_owned();
        put(items, "00", NEW, &tea()).assert_status(201);
        assert_eq!(pages(list, &next), [vec!["a1", "b"], vec!["c"]]);
        for wrong in ["limit=0", "limit=101", "after=%27"] {
            let refused = get(list, &format!("/items?{wrong}"));
            assert_eq!(refused.status, 422, "{wrong}: {refused:?}");
        }
        get(list, "/items?limit=many").assert_problem(400);
        get(list, "/items/b").assert_problem(404);
    }
}

#[test]
fn of_changes_at_a_time_one_wins() {
    for database in Database::both() {
        let (_program, port) = start(&database.launch(ITEM));
        put(port, "tea", NEW, &tea()).assert_status(201);
        let changes = (0..8).map(|price| {
            std::thread::spawn(move || {
                let content = json!({"name": "Tea", "category": "drinks", "price": price});
                put(port, "tea", "if-match: \"1\"\r\n", &content).status
            })
        });
        let changes: Vec<_> = changes.collect();
        let mut statuses: Vec<u16> = changes.into_iter().map(|change| change.join().unwrap()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
        assert_eq!(get(port, "/items/tea").json()["version"], 2);
    }
}

#[test]
fn instances_that_start_at_a_time_make_the_tables_once() {
    // A file more than once: its starts seldom meet.
    let files = (0..5).map(|_| Database::Sqlite(Folder::new()));
    for database in Database::both().into_iter().chain(files) {
        let starts: Vec<_> = [LIST, ITEM, LIST, ITEM, LIST, ITEM]
            .map(|program| {
                let launch = database.launch(program);
                std::thread::spawn(move || start(&launch))
            })
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect();
        for (_, port) in &starts {
            get(*port, "/readyz").assert_status(200);
        }
    }
}

#[test]
fn an_instance_of_the_program_before_starts_on_the_tables_of_the_next_one() {
    let postgres = Postgres::start();
    let launch = Launch::new(ITEM).var("DATABASE_URL", postgres.url());
    drop(start(&launch));
    postgres.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  VALUES (9999, 'later', true, '', 0)",
    );
    let (_program, port) = start(&launch);
    put(port, "tea", NEW, &tea()).assert_status(201);
}

/// Several connections of the pool, in use at a time: four requests that wait for a lock.
fn use_four(port: u16, postgres: &Postgres) {
    std::thread::scope(|scope| {
        scope.spawn(|| postgres.try_sql("BEGIN; LOCK TABLE items; SELECT pg_sleep(60)"));
        let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
        testkit::eventually("the table is locked", || postgres.sql(locks) != "0");
        let mut waiting: Vec<Conn> = (0..4).map(|_| Conn::open(port)).collect();
        for conn in &mut waiting {
            conn.send(&request("GET", "/items/tea", "", b""));
        }
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        testkit::eventually("all four wait", || postgres.sql(waits) == "4");
        postgres.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
        for conn in &mut waiting {
            conn.answer("GET").assert_status(200);
        }
    });
}

#[test]
fn a_pool_outlives_a_freeze_in_which_its_connections_die() {
    let postgres = Postgres::start();
    let relay = relay::Relay::start(postgres.port());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", relay.port());
    let (program, port) = start(&Launch::new(ITEM).var("DATABASE_URL", url));
    put(port, "tea", NEW, &tea()).assert_status(201);
    let freeze = |meanwhile: &dyn Fn()| {
        use_four(port, &postgres);
        // As soon as the last request is answered, as the platform does.
        program.signal("STOP");
        meanwhile();
        // A freeze is a time: longer than the pause that the pool takes for one.
        let begun = std::time::Instant::now();
        testkit::eventually("the freeze is long enough", || begun.elapsed().as_millis() > 1500);
        program.signal("CONT");
        for _ in 0..12 {
            get(port, "/items/tea").assert_status(200);
        }
    };
    // The other end says good-bye, which nobody hears.
    freeze(&|| {
        let clients = "backend_type = 'client backend' AND pid <> pg_backend_pid()";
        postgres.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {clients}"));
    });
    // What lies between forgets the connections, and says nothing.
    freeze(&|| relay.forget());
}

#[test]
fn a_database_that_is_away_is_told_and_comes_back() {
    let postgres = Postgres::start();
    let relay = relay::Relay::start(postgres.port());
    let url = format!("postgres://postgres:hush@127.0.0.1:{}/postgres", relay.port());
    let (program, port) = start(&Launch::new(LIST).var("DATABASE_URL", url));
    get(port, "/readyz").assert_status(200);
    relay.refuse(true);
    let away = get(port, "/items");
    away.assert_problem(503);
    assert_eq!(away.header("retry-after"), Some("1"));
    testkit::eventually("it is not ready", || get(port, "/readyz").status == 503);
    // The process is well, and no reason to end it.
    get(port, "/healthz").assert_status(200);
    relay.refuse(false);
    testkit::eventually("it is ready", || get(port, "/readyz").status == 200);
    get(port, "/items").assert_status(200);
    let told = program.out().text() + &program.stderr();
    assert!(!told.contains("hush"), "{told}");
}
