//! Initialization: once, before the first request, by whoever comes first; and the other hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fc_runtime::testing::Client;
use fc_runtime::{App, Error, Hook, Instance};
use tokio::sync::Notify;
use tokio::task::JoinSet;

type Count = Arc<AtomicUsize>;

/// An app whose initializer counts itself, and fails as often as `failures` says.
fn counting(failures: usize) -> (Client<Count>, Count) {
    let count = Count::default();
    let app = App::with_state(Arc::clone(&count))
        .on_initialize(async move |hook: Hook<Count>| {
            // Others come in meanwhile.
            tokio::task::yield_now().await;
            let before = hook.state().fetch_add(1, Ordering::SeqCst);
            if before < failures { Err(Error::unavailable("no database")) } else { Ok(()) }
        })
        .get("/", async |ex| ex.state().load(Ordering::SeqCst).to_string())
        .event(async |event| event.state().load(Ordering::SeqCst).to_string());
    (app.test_client(), count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_first_requests_initialize_once() {
    let (client, count) = counting(0);
    let client = Arc::new(client);
    let mut asked = JoinSet::new();
    for at in 0..50 {
        let client = Arc::clone(&client);
        asked.spawn(async move {
            match at % 3 {
                0 => client.post("/initialize").await,
                1 => client.invoke("x").await,
                _ => client.get("/").await,
            }
        });
    }
    for answer in asked.join_all().await {
        answer.assert_status(200);
        assert!(matches!(&*answer.text(), "" | "1"), "it was done before: {answer:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_hook_answers_404_and_the_next_tries_again() {
    let (client, count) = counting(2);
    let answer = client.post("/initialize").header("x-fc-control-path", "/initialize").await;
    // After a 5xx the platform restarts the instance, for ever if it fails again.
    answer.assert_status(404);
    assert!(answer.text().contains("no database"), "{}", answer.text());
    client.post("/initialize").await.assert_status(404);
    client.post("/initialize").await.assert_status(200);
    client.post("/initialize").await.assert_status(200);
    client.get("/").await.assert_text("3");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_that_finds_initialization_failing_gets_503_and_the_next_tries_again() {
    let (client, _) = counting(1);
    client.get("/").await.assert_status(503);
    client.get("/").await.assert_status(200).assert_text("2");
}

#[tokio::test]
async fn a_panicking_initializer_is_a_failed_one() {
    let app = App::new()
        .on_initialize(async |_| -> fc_runtime::Result { panic!("hush") })
        .get("/", async |_| "never");
    let client = app.test_client();
    let answer = client.post("/initialize").await;
    answer.assert_status(404);
    assert!(!answer.text().contains("hush"), "{}", answer.text());
    assert!(client.get("/").await.status.is_server_error());
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_it() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hook = (Arc::clone(&entered), Arc::clone(&go));
    let app = App::new()
        .on_initialize(async move |_| {
            hook.0.notify_one();
            hook.1.notified().await;
        })
        .get("/", async |_| "served");
    let client = app.test_client();
    tokio::select! {
        answer = client.get("/") => panic!("nobody let it go: {answer:?}"),
        () = entered.notified() => {}
    }
    go.notify_one();
    client.get("/").await.assert_status(200).assert_text("served");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_it_is_bounded() {
    let app = App::new()
        .initialize_wait(Duration::from_secs(3))
        .on_initialize(async |_| std::future::pending::<()>().await)
        .get("/", async |_| "never");
    let client = Arc::new(app.test_client());
    let (first, second) = (Arc::clone(&client), client);
    let mut asked = JoinSet::new();
    asked.spawn(async move { first.get("/").await });
    asked.spawn(async move { second.get("/").await });
    // Of the paused clock: it costs nothing, and ends a wait that has no bound of its own.
    let bound = Duration::from_secs(60);
    let answers = tokio::time::timeout(bound, asked.join_all()).await.expect("nobody waits for ever");
    for answer in answers {
        answer.assert_status(503);
    }
}

#[tokio::test]
async fn hooks_run_in_order_and_serving_goes_on() {
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let say = |word: &'static str| {
        let steps = Arc::clone(&steps);
        async move |_: Hook| steps.lock().unwrap().push(word)
    };
    let client = App::new()
        .on_initialize(say("initialize"))
        .on_initialize(say("initialize too"))
        .on_pre_freeze(say("freeze"))
        .on_pre_stop(say("stop"))
        .on_pre_stop(say("stop too"))
        .get("/", async |_| "served")
        .test_client();
    client.post("/initialize").await.assert_status(200);
    client.get("/pre-freeze").await.assert_status(200);
    client.get("/pre-stop").await.assert_status(200);
    assert_eq!(*steps.lock().unwrap(), ["initialize", "initialize too", "freeze", "stop", "stop too"]);
    client.get("/").await.assert_status(200).assert_text("served");
}

#[tokio::test(start_paused = true)]
async fn pre_stop_hooks_have_a_budget_and_a_failure_is_404() {
    let app = App::new()
        .pre_stop_budget(Duration::from_secs(1))
        .on_pre_stop(async |_| std::future::pending::<()>().await);
    app.test_client().get("/pre-stop").await.assert_status(404);
    let app = App::new().on_pre_stop(async |_| Err(Error::internal("disk")));
    let answer = app.test_client().get("/pre-stop").await;
    answer.assert_status(404);
    assert!(!answer.text().contains("disk"), "{}", answer.text());
}

#[tokio::test]
async fn outside_the_platform_it_runs_before_the_first_request_all_the_same() {
    let (client, count) = counting(0);
    let client = client.with_instance(Instance::from_vars([("HOME", "/")]));
    client.post("/initialize").await.assert_status(404);
    client.get("/").await.assert_text("1");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn state_is_opened_with_the_environment() {
    let app = App::with_state_from(async |instance| Ok(instance.var("DATABASE_URL")?))
        .get("/", async |ex| ex.state().clone());
    let client = app.test_client().with_instance(Instance::from_vars([("DATABASE_URL", "db://x")]));
    client.get("/").await.assert_text("db://x");
}
