//! Time limits, deadlines, and clients that leave, without a clock to wait for.

use std::sync::Arc;
use std::time::Duration;

use fc_runtime::{App, Cors, HangUp, HangUpPolicy, Method, at};
use tokio::sync::{Notify, mpsc};

#[tokio::test(start_paused = true)]
async fn beyond_its_limit_a_handler_is_answered_for_with_504() {
    let forever = async |_| std::future::pending::<&str>().await;
    let client = App::new()
        .time_limit(Duration::from_secs(60))
        .get("/app", forever)
        .get(at("/cancel").time_limit(Duration::from_secs(5)), forever)
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish).time_limit(Duration::from_secs(5)), forever)
        .get("/quick", async |_| "quick")
        .test_client();
    for path in ["/app", "/cancel", "/finish"] {
        let answer = client.get(path).await;
        answer.assert_status(504).assert_header("content-type", "application/problem+json");
        answer.assert_header("x-fc-status", "404");
    }
    client.get("/quick").await.assert_status(200);
}

/// The platform cuts at its deadline; the function's own answer comes before.
#[tokio::test(start_paused = true)]
async fn the_platforms_deadline_is_a_limit_too() {
    let client = App::new().get("/", async |_| std::future::pending::<&str>().await).test_client();
    let answer = tokio::time::timeout(
        Duration::from_secs(3),
        client.get("/").header("x-fc-function-timeout", "3").into_future(),
    );
    answer.await.expect("an answer before the platform cuts").assert_status(504);
}

struct Told(&'static str, mpsc::UnboundedSender<&'static str>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.1.send(self.0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_handler_unless_it_finishes() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        async move |_| {
            let mut guard = Told("dropped", tell.clone());
            entered.notify_one();
            go.notified().await;
            guard.0 = "finished";
        }
    };
    let client = App::new()
        .get("/cancel", {
            let handler = handler.clone();
            async move |ex: fc_runtime::Exchange| {
                handler(ex).await;
                "done"
            }
        })
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish), async move |ex: fc_runtime::Exchange| {
            handler(ex).await;
            "done"
        })
        .test_client();
    for (path, expected) in [("/cancel", "dropped"), ("/finish", "finished")] {
        tokio::select! {
            answer = client.get(path) => panic!("nobody let it go: {answer:?}"),
            () = entered.notified() => {}
        }
        if expected == "finished" {
            go.notify_one();
        }
        assert_eq!(told.recv().await, Some(expected), "{path}");
    }
}

#[tokio::test]
async fn whoever_asked_learns_that_the_client_left() {
    let (tell, mut told) = mpsc::unbounded_channel::<HangUp>();
    let client = App::new()
        .get("/leave", async move |ex: fc_runtime::Exchange| {
            tell.send(ex.hang_up()).unwrap();
            std::future::pending::<&str>().await
        })
        .test_client();
    let hang_up = tokio::select! {
        answer = client.get("/leave") => panic!("it never answers: {answer:?}"),
        hang_up = told.recv() => hang_up.unwrap(),
    };
    assert!(hang_up.is_gone());
    hang_up.await;
}

#[tokio::test]
async fn counters_tell_the_ends_apart() {
    let entered = Arc::new(Notify::new());
    let client = App::new()
        .get("/leave", {
            let entered = Arc::clone(&entered);
            async move |_| {
                entered.notify_one();
                std::future::pending::<&str>().await
            }
        })
        .get("/panic", async |_| -> &'static str { panic!("asked to") })
        .get("/counters", async |ex| fc_runtime::Json(ex.counters()))
        .event(async |_| ())
        .test_client();
    tokio::select! {
        answer = client.get("/leave") => panic!("it never answers: {answer:?}"),
        () = entered.notified() => {}
    }
    client.get("/panic").await.assert_status(500);
    client.invoke("x").await.assert_status(200);
    client.get("/pre-stop").await.assert_status(200);
    client.get("/healthz").await.assert_status(200);
    client.get("/counters").await.assert_json(serde_json::json!({
        "in_flight": 1, "finished": 2, "cancelled": 1, "panicked": 1, "cut": 0, "refused_for_memory": 0, "invoked": 1,
        "initialized": true, "pre_stopped": true,
    }));
}

/// The app's fallback answers below a group too, and there under the group's policy.
#[tokio::test]
async fn a_fallback_has_the_cors_policy_of_the_group_that_it_answers_in() {
    let client = App::new()
        .cors(Cors::allow("https://app.example"))
        .group(at("/api").cors(Cors::allow("https://api.example")), |api| {
            api.get("/items", async |_| "items")
        })
        .fallback(async |ex| (404, ex.path().to_owned()))
        .around(async |ex, next| next.run(ex).await.with_header("x-around", "yes"))
        .test_client();
    for (path, told) in [
        ("/api/items", "https://api.example"),
        ("/api/other", "https://api.example"),
        ("/other", "https://app.example"),
    ] {
        let reply = client.get(path).header("origin", "https://evil.example").await;
        reply.assert_header("access-control-allow-origin", told).assert_header("x-around", "yes");
        let preflight = client
            .call(Method::OPTIONS, path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "GET");
        preflight.await.assert_status(204).assert_header("access-control-allow-origin", told);
    }
    client.get("/api/other").await.assert_status(404).assert_text("/api/other");
}
