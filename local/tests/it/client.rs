//! `fc-client`, which needs nothing else against fc-local than the endpoint that fc-local names.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fc_client::{Client, Error, TaskState};
use fc_runtime::Instance;
use futures_core::Stream;
use http::Method;
use serde_json::json;
use testkit::events::kind;

use crate::harness::{Local, f};

/// The pieces of a body.
struct Pieces(std::vec::IntoIter<Bytes>);

impl Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn client(local: &Local) -> Client {
    let endpoint = format!("http://127.0.0.1:{}", local.main_port());
    Client::new(&Instance::from_vars([("FC_ENDPOINT", endpoint)])).unwrap()
}

fn in_task_mode() -> Local {
    let config = json!({ "asyncTask": true, "maxAsyncRetryAttempts": 0 });
    Local::scripted(f().prop("asyncInvokeConfig", config))
}

#[test]
fn functions_are_called_by_name_and_by_address() {
    let local = Local::scripted(f());
    let (client, url) = (client(&local), format!("http://127.0.0.1:{}", local.function_port("f")));
    run(async {
        let reply = client.invoke("f").payload("hello").with_log().send().await.unwrap();
        assert!(reply.request_id().starts_with("1-") && reply.log_base64().is_some());
        assert_eq!(reply.text().await.unwrap(), "HELLO");
        match client.invoke("f").payload("fail").send().await {
            Err(Error::Function { error_type, payload, .. }) => {
                assert_eq!(error_type, "UnhandledInvocationError");
                assert_eq!(payload, r#"{"errorMessage":"as asked"}"#);
            }
            other => panic!("{other:?}"),
        }
        match client.invoke("g").send().await {
            Err(Error::Refused { status, code, .. }) => {
                assert_eq!((status.as_u16(), code.as_str()), (404, "FunctionNotFound"));
            }
            other => panic!("{other:?}"),
        }
        let refused = client.invoke("f").qualifier("prod").send().await.unwrap_err();
        assert!(matches!(&refused, Error::Refused { code, .. } if code == "AliasNotFound"), "{refused}");

        // Both ways piece by piece.
        let pieces = vec![Bytes::from_static(b"one "), Bytes::from_static(b"two")];
        let call = client.request(Method::POST, format!("{url}/echo")).stream(Pieces(pieces.into_iter()));
        let mut reply = call.send().await.unwrap();
        let mut body = Vec::new();
        while let Some(piece) = reply.chunk().await.unwrap() {
            body.extend(piece);
        }
        assert_eq!(body, b"one two");
    });
}

#[test]
fn over_tls_the_local_authority_has_to_be_trusted() {
    let local = in_task_mode();
    let file = local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
    let certificate = std::fs::read(file).unwrap();
    let client = client(&local).with_endpoint(&format!("https://localhost:{}", local.main_port())).unwrap();
    assert!(client.clone().with_authority(b"no certificate").is_err());
    run(async {
        let error = client.invoke("f").payload("hello").send().await.unwrap_err();
        assert!(matches!(error, Error::Connection { .. }), "{error:?}");
        let client = client.with_authority(&certificate).unwrap();
        let reply = client.invoke("f").payload("hello").send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "HELLO");
        client.invoke("f").payload("hello").send_as_task("mine").await.unwrap();
        assert_eq!(client.tasks("f").get("mine").await.unwrap().task_id, "mine");
        let url = format!("https://localhost:{}/echo", local.function_port("f"));
        let reply = client.request(Method::POST, url).body("both ways").send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "both ways");
    });
}

#[test]
fn tasks_are_started_followed_and_stopped() {
    let local = in_task_mode();
    let client = client(&local);
    run(async {
        let accepted = client.invoke("f").payload("hello").send_as_task("done").await.unwrap();
        assert_eq!(accepted.task_id.as_deref(), Some("done"));
        let duplicate = client.invoke("f").send_as_task("done").await.unwrap_err();
        assert!(matches!(&duplicate, Error::DuplicateTask { id, .. } if id == "done"), "{duplicate}");
        let url = format!("http://127.0.0.1:{}/name", local.function_port("f"));
        let duplicate = client.request(Method::POST, url).send_as_task("done").await.unwrap_err();
        assert!(matches!(duplicate, Error::DuplicateTask { .. }), "{duplicate}");

        let tasks = client.tasks("f");
        let ended = async |id: &str| loop {
            let task = tasks.get(id).await.unwrap();
            if task.state.is_final() {
                return task;
            }
            tokio::task::yield_now().await;
        };
        let bounded = |wait| tokio::time::timeout(testkit::PATIENCE, wait);
        let task = bounded(ended("done")).await.unwrap();
        assert_eq!((task.state, &task.request_id), (TaskState::Succeeded, &accepted.request_id));
        assert!(task.events.iter().any(|event| event.state == TaskState::Running), "{task:?}");

        let later = Duration::from_secs(3600);
        client.invoke("f").delay(later).send_as_task("later").await.unwrap();
        tasks.stop("later").await.unwrap();
        assert_eq!(bounded(ended("later")).await.unwrap().state, TaskState::Stopped);
        let late = tasks.stop("done").await.unwrap_err();
        assert!(
            matches!(&late, Error::Refused { status, code, .. }
                if status.as_u16() == 412 && code == "StatefulAsyncInvocationAlreadyCompleted"),
            "{late}"
        );
        let none = tasks.get("none").await.unwrap_err();
        assert!(
            matches!(&none, Error::Refused { code, .. } if code == "StatefulAsyncInvocationNotFound"),
            "{none}"
        );
        let page = tasks.list().oldest_first().limit(1).page("").await.unwrap();
        assert_eq!(page.tasks[0].task_id, "done");
        let page = tasks.list().oldest_first().limit(1).with_payloads().page(&page.next_token).await.unwrap();
        assert_eq!(page.tasks[0].task_id, "later");
        let stopped = tasks.list().state(TaskState::Stopped).prefix("la").page("").await.unwrap();
        assert_eq!((stopped.tasks.len(), stopped.next_token.as_str()), (1, ""));
    });
}
