//! The in-memory client: methods, clients that leave, sockets, hooks, freezes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fc_runtime::testing::{self, freeze};
use fc_runtime::{App, HangUpPolicy, Json, Message, at};
use tokio::sync::Notify;
use tokio::task::JoinSet;

#[test]
fn every_method_has_its_builder() {
    testing::run(async {
        let client = App::new().any("/", async |ex| ex.method().to_string()).test_client();
        for (call, method) in [
            (client.get("/"), "GET"),
            (client.post("/"), "POST"),
            (client.put("/"), "PUT"),
            (client.patch("/"), "PATCH"),
            (client.delete("/"), "DELETE"),
        ] {
            call.await.assert_text(method);
        }
    });
}

struct Seen {
    begun: Notify,
    dropped: AtomicU32,
    finished: Notify,
}

/// A handler that is dropped leaves its mark.
struct Guard(Arc<Seen>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_client_that_leaves_is_a_499() {
    testing::run(async {
        let seen = Seen { begun: Notify::new(), dropped: AtomicU32::new(0), finished: Notify::new() };
        let client = App::with_state(seen)
            .get("/slow", async |ex| {
                let _guard = Guard(ex.state_arc());
                ex.state().begun.notify_one();
                std::future::pending::<&str>().await
            })
            .post(at("/finish").hang_up_policy(HangUpPolicy::Finish), async |ex| {
                ex.state().begun.notify_one();
                ex.hang_up().await;
                ex.state().finished.notify_one();
                "done"
            })
            .get("/state", async |ex| ex.state().dropped.load(Ordering::Relaxed).to_string())
            .get("/wait/begun", async |ex| {
                ex.state().begun.notified().await;
                "so"
            })
            .get("/wait/finished", async |ex| {
                ex.state().finished.notified().await;
                "so"
            })
            .test_client();
        let wait = async |what: &str| drop(client.get(&format!("/wait/{what}")).await);
        assert!(client.get("/slow").leave_when(wait("begun")).await.is_none());
        client.get("/state").await.assert_text("1");
        assert_eq!(client.counters().await.cancelled, 1);
        assert!(client.post("/finish").leave_when(wait("begun")).await.is_none());
        wait("finished").await;
        assert_eq!(client.counters().await.cancelled, 2);
        // One that is answered first has not left.
        let answer = client.get("/state").leave_when(std::future::pending()).await.unwrap();
        assert_eq!(answer.status, 200);
    });
}

#[test]
fn sockets_need_no_port() {
    testing::run(async {
        let ended = Arc::new(Notify::new());
        let client = App::with_state(Arc::clone(&ended))
            .get("/echo", async |ex| {
                ex.websocket(async |mut socket| {
                    while let Some(message) = socket.next().await {
                        match message?.as_text() {
                            Some("fail") => return Err(fc_runtime::Error::conflict("as asked")),
                            Some(text) => socket.send(text.to_uppercase()).await?,
                            None => socket.send(Message::from(vec![1, 2])).await?,
                        }
                    }
                    socket.state().notify_one();
                    Ok(())
                })
            })
            .get("/plain", async |_| "no socket")
            .test_client();
        let mut socket = client.get("/echo").websocket().await.unwrap();
        socket.send("tea").await;
        assert_eq!(socket.next().await.unwrap().as_text(), Some("TEA"));
        socket.send(vec![0; 100_000]).await;
        assert_eq!(socket.next().await.unwrap().as_bytes(), [1, 2]);
        assert_eq!(client.counters().await.in_flight, 1);
        assert_eq!(socket.close().await.unwrap().code, 1000);
        ended.notified().await;
        let mut failing = client.get("/echo").websocket().await.unwrap();
        failing.send("fail").await;
        assert!(failing.next().await.is_none());
        let close = failing.closed().unwrap();
        assert_eq!((close.code, close.reason.as_ref()), (1011, "as asked"));
        // A client that vanishes.
        drop(client.get("/echo").websocket().await.unwrap());
        ended.notified().await;
        until(async || client.counters().await.cancelled == 1).await;
        client.get("/plain").websocket().await.unwrap_err().assert_text("no socket");
        client.get("/nothing").websocket().await.unwrap_err().assert_status(404);
    });
}

/// Waits until it is so, for a second at most.
async fn until(is_so: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never became so");
}

#[test]
fn hooks_are_called_as_the_platform_calls_them() {
    testing::run(async {
        let client = App::with_state(AtomicU32::new(0))
            .on_pre_stop(async |hook| hook.state().store(1, Ordering::Relaxed))
            .on_pre_freeze(async |hook| {
                hook.state().store(hook.state().load(Ordering::Relaxed) + 10, Ordering::Relaxed);
            })
            .get("/", async |ex| ex.state().load(Ordering::Relaxed).to_string())
            .test_client();
        client.pre_stop().await.assert_status(200);
        client.pre_freeze().await.assert_status(200);
        client.get("/").await.assert_text("11");
        assert!(client.counters().await.pre_stopped);
    });
}

/// What was to happen during the freeze happens after it, and a limit that passed meanwhile has passed.
#[test]
fn nothing_runs_during_a_freeze() {
    testing::run(async {
        let ticks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&ticks);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(10));
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                every.tick().await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        until(async || ticks.load(Ordering::Relaxed) == 1).await;
        let before = ticks.load(Ordering::Relaxed);
        freeze(Duration::from_secs(3600)).await;
        until(async || ticks.load(Ordering::Relaxed) > 1).await;
        assert_eq!((before, ticks.load(Ordering::Relaxed)), (1, 2), "360 ticks were missed");
        let begun = Arc::new(Notify::new());
        let client = App::with_state(Arc::clone(&begun))
            .get(at("/slow").time_limit(Duration::from_secs(60)), async |ex| {
                ex.state().notify_one();
                tokio::time::sleep(Duration::from_secs(7200)).await;
                Json("late")
            })
            .test_client();
        let thawed = async {
            begun.notified().await;
            freeze(Duration::from_secs(3600)).await;
        };
        let (answer, ()) = tokio::join!(async { client.get("/slow").await }, thawed);
        answer.assert_status(504);
    });
}
