//! The client against a server of the test's own, which sees the bytes and says what it was told to say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the server's tasks end with the test")]

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fc_client::{Client, Error, TaskState};
use fc_runtime::{App, Credentials, Instance};
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Method};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request as it came.
#[derive(Debug, Clone, Default)]
struct Asked {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
enum Does {
    Answers(String),
    /// The second part waits until the test asks for it.
    AnswersInTwo(String, Arc<Notify>, String),
    Closes,
    StaysSilent,
}

fn answer(head: &str, body: &str) -> Does {
    Does::Answers(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// A server that does one thing after the other, and the last thing again and again.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn start(script: impl IntoIterator<Item = Does>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, script) = (Arc::default(), Arc::new(script.into_iter().collect::<Vec<_>>()));
        let server = Server { port, asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&asked), Arc::clone(&script)));
            }
        });
        server
    }

    fn instance(&self) -> Instance {
        Instance::from_vars([
            ("FC_ENDPOINT", format!("http://127.0.0.1:{}", self.port).as_str()),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "token"),
        ])
    }

    fn client(&self) -> Client {
        Client::new(&self.instance()).unwrap()
    }

    fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(socket: TcpStream, asked: Arc<Mutex<Vec<Asked>>>, script: Arc<Vec<Does>>) {
    let mut socket = BufReader::new(socket);
    while let Some(request) = read(&mut socket).await {
        let does = {
            let mut asked = asked.lock().unwrap();
            asked.push(request);
            script[(asked.len() - 1).min(script.len() - 1)].clone()
        };
        match does {
            Does::Answers(text) => socket.write_all(text.as_bytes()).await.unwrap(),
            Does::AnswersInTwo(first, go_on, second) => {
                socket.write_all(first.as_bytes()).await.unwrap();
                go_on.notified().await;
                socket.write_all(second.as_bytes()).await.unwrap();
            }
            Does::Closes => return,
            Does::StaysSilent => std::future::pending().await,
        }
    }
}

async fn line(socket: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = socket.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

async fn read(socket: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut asked = Asked { line: line(socket).await?, ..Asked::default() };
    loop {
        let header = line(socket).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if asked.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&line(socket).await?, 16).unwrap();
            let mut piece = vec![0; size];
            socket.read_exact(&mut piece).await.ok()?;
            asked.body.extend(piece);
            line(socket).await?;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
        asked.body.resize(length, 0);
        socket.read_exact(&mut asked.body).await.ok()?;
    }
    Some(asked)
}

/// A stream of these pieces.
struct Given(std::vec::IntoIter<Bytes>);

impl Stream for Given {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

const TAKEN: &str = "202 Accepted\r\nx-fc-request-id: 1-a";

#[tokio::test]
async fn a_call_is_signed_and_its_reply_is_read() {
    let server =
        Server::start([answer("200 OK\r\nx-fc-request-id: 1-a\r\nx-fc-log-result: bG9n", "[1,2]")]).await;
    let client = server.client();
    let call = client.invoke("price").qualifier("pr od").json(&[7]).with_log();
    let reply = call.send().await.unwrap();
    assert_eq!((reply.request_id(), reply.log_base64(), reply.status().as_u16()), ("1-a", Some("bG9n"), 200));
    assert_eq!(reply.json::<Vec<u8>>().await.unwrap(), [1, 2]);

    let [asked] = &server.asked()[..] else { panic!("{:?}", server.asked()) };
    assert_eq!(asked.line, "POST /2023-03-30/functions/price/invocations?qualifier=pr%20od HTTP/1.1");
    assert_eq!(asked.body, b"[7]");
    assert_eq!(asked.header("host").unwrap(), format!("127.0.0.1:{}", server.port));
    let hash = "589ffd3acf522ae81192579f297589e93b0c41f748b224d1b4bb5c857a2f70cb";
    assert_eq!(asked.header("x-acs-content-sha256"), Some(hash));
    assert_eq!(asked.header("x-acs-security-token"), Some("token"));
    let names = "content-type;host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version";
    let form = format!("ACS3-HMAC-SHA256 Credential=STS.id,SignedHeaders={names},Signature=");
    assert!(asked.header("authorization").unwrap().starts_with(&form), "{asked:?}");
}

#[tokio::test]
async fn a_failure_of_the_function_has_its_payload() {
    for status in ["200 OK", "502 Bad Gateway"] {
        let head = format!("{status}\r\nx-fc-error-type: UnhandledInvocationError\r\nx-fc-request-id: 1-a");
        let server = Server::start([answer(&head, r#"{"errorMessage":"no"}"#)]).await;
        let client = server.client();
        for reply in
            [client.invoke("f").send().await, client.request(Method::POST, server.url("/")).send().await]
        {
            match reply {
                Err(Error::Function { error_type, payload, request_id, .. }) => {
                    assert_eq!(
                        (error_type.as_str(), request_id.as_str()),
                        ("UnhandledInvocationError", "1-a")
                    );
                    assert_eq!(payload, r#"{"errorMessage":"no"}"#);
                }
                other => panic!("{status}: {other:?}"),
            }
        }
        assert_eq!(server.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_has_the_platforms_words() {
    for (body, id) in [
        (r#"{"Code":"FunctionNotFound","Message":"no f","RequestId":"1-b"}"#, "1-b"),
        (r#"{"ErrorCode":"FunctionNotFound","ErrorMessage":"no f"}"#, ""),
    ] {
        let server = Server::start([answer("404 Not Found\r\nx-fc-error-type: FcCommonError", body)]).await;
        match server.client().invoke("f").send().await {
            Err(Error::Refused { status, code, message, request_id, .. }) => {
                assert_eq!(
                    (status.as_u16(), code.as_str(), message.as_str()),
                    (404, "FunctionNotFound", "no f")
                );
                assert_eq!(request_id, id);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.asked().len(), 1);
    }
    // What is not JSON keeps its status.
    let server = Server::start([answer("413 Too Large", "<html>")]).await;
    let error = server.client().invoke("f").send().await.unwrap_err();
    assert_eq!(error.to_string(), "the call was refused with 413 Payload Too Large");
}

#[tokio::test]
async fn a_redirect_is_no_success_of_the_api() {
    let moved = answer("307 Temporary Redirect\r\nlocation: /elsewhere", "<p>moved");
    let server = Server::start([moved.clone()]).await;
    let error = server.client().invoke("f").send().await.unwrap_err();
    assert_eq!(error.to_string(), "the call was refused with 307 Temporary Redirect");
    let error = server.client().invoke("f").send_async().await.unwrap_err();
    assert_eq!(error.to_string(), "the call was refused with 307 Temporary Redirect");
    // The signature is for the address that was asked, and none is sent elsewhere.
    assert_eq!(server.asked().len(), 2);

    // That of a function is its own word.
    let server = Server::start([moved]).await;
    let reply = server.client().request(Method::GET, server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.asked().len()), (307, 1));
}

#[tokio::test]
async fn a_refusal_before_anything_ran_is_repeated() {
    let (full, later) =
        (answer("429 Too Many Requests", ""), answer("503 Service Unavailable\r\nretry-after: 0", ""));
    let server = Server::start([full.clone(), later, answer("200 OK", "done")]).await;
    let reply = server.client().invoke("f").payload("event").send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "done");
    let asked = server.asked();
    assert_eq!(asked.iter().map(|asked| asked.body.as_slice()).collect::<Vec<_>>(), [b"event"; 3]);
    let nonce = |at: usize| asked[at].header("x-acs-signature-nonce").unwrap().to_owned();
    assert!(nonce(0) != nonce(1) && nonce(1) != nonce(2));

    let server = Server::start([full]).await;
    let client = server.client().with_retries(2);
    assert!(matches!(client.invoke("f").send().await, Err(Error::Refused { status, .. }) if status == 429));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn the_status_of_a_function_is_its_own_word() {
    let own = answer("503 Service Unavailable", "closed on Sundays");
    let server = Server::start([own.clone()]).await;
    let reply = server.client().request(Method::GET, server.url("/shop?day=7")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.text().await.unwrap().as_str()), (503, "closed on Sundays"));
    assert_eq!(server.asked().len(), 1);

    let platforms = answer("503 Service Unavailable\r\nx-fc-error-type: FcCommonError", "");
    let server = Server::start([platforms, answer("204 No Content", "")]).await;
    let reply = server.client().request(Method::POST, server.url("/")).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), server.asked().len()), (204, 2));
}

#[tokio::test]
async fn a_broken_connection_is_repeated_where_that_is_safe() {
    let server = Server::start([Does::Closes, answer("200 OK", "")]).await;
    let error = server.client().invoke("f").send().await.unwrap_err();
    assert!(matches!(error, Error::Connection { is_sent: true, .. }), "{error}");
    assert_eq!(server.asked().len(), 1);

    let server = Server::start([Does::Closes, answer("200 OK", "")]).await;
    server.client().invoke("f").idempotent().send().await.unwrap();
    assert_eq!(server.asked().len(), 2);

    let server = Server::start([Does::Closes, answer(TAKEN, "")]).await;
    let error = server.client().request(Method::PUT, server.url("/")).send_async().await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");

    // Nothing listens there, so nothing was sent: each try is safe.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = server.client().with_endpoint(&format!("http://{free}")).unwrap();
    let error = client.invoke("f").send().await.unwrap_err();
    assert!(matches!(error, Error::Connection { is_sent: false, .. }), "{error}");
}

#[tokio::test]
async fn a_task_that_arrived_before_its_connection_broke_is_no_duplicate() {
    let exists =
        answer("409 Conflict\r\nx-fc-request-id: 1-b", r#"{"Code":"StatefulAsyncInvocationAlreadyExists"}"#);
    let server = Server::start([Does::Closes, exists.clone()]).await;
    let accepted = server.client().invoke("f").send_as_task("order-7").await.unwrap();
    assert_eq!(accepted.task_id.as_deref(), Some("order-7"));
    assert_eq!(server.asked().len(), 2);

    let server = Server::start([exists]).await;
    for error in [
        server.client().invoke("f").send_as_task("order-7").await.unwrap_err(),
        server.client().request(Method::POST, server.url("/")).send_as_task("order-7").await.unwrap_err(),
    ] {
        assert!(matches!(&error, Error::DuplicateTask { id, .. } if id == "order-7"), "{error}");
        assert_eq!(error.request_id(), Some("1-b"));
    }
}

#[tokio::test]
async fn asynchronous_calls_say_so() {
    let server = Server::start([answer(&format!("{TAKEN}\r\nx-fc-async-task-id: t"), "")]).await;
    let client = server.client();
    let delay = Duration::from_secs(5);
    let accepted = client.invoke("f").payload("x").delay(delay).send_async().await.unwrap();
    assert_eq!((accepted.request_id.as_str(), accepted.task_id.as_deref()), ("1-a", Some("t")));
    client.request(Method::PATCH, server.url("/jobs?a=1")).body("y").send_as_task("t").await.unwrap();
    let asked = server.asked();
    for asked in &asked {
        assert_eq!(asked.header("x-fc-invocation-type"), Some("Async"));
    }
    assert_eq!(
        (asked[0].header("x-fc-async-delay"), asked[0].header("x-fc-async-task-id")),
        (Some("5"), None)
    );
    assert_eq!(
        (asked[1].line.as_str(), asked[1].header("x-fc-async-task-id")),
        ("PATCH /jobs?a=1 HTTP/1.1", Some("t"))
    );

    let invalid = |error: Result<_, Error>, text: &str| {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }) && error.to_string().contains(text), "{error}");
    };
    invalid(client.invoke("f").delay(Duration::from_millis(1500)).send_async().await, "whole seconds");
    invalid(client.invoke("f").delay(Duration::from_secs(3601)).send_async().await, "1 to 3600");
    invalid(client.invoke("f").send_as_task("7").await, "`7` is no id of a task");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let server = Server::start([Does::Answers(reply.to_owned())]).await;
    let client = server.client();
    let pieces = vec![Bytes::from_static(b"one "), Bytes::from_static(b"two")];
    let call = client.request(Method::POST, server.url("/up")).stream(Given(pieces.into_iter()));
    let mut reply = call.send().await.unwrap();
    let mut body = Vec::new();
    while let Some(piece) = reply.chunk().await.unwrap() {
        body.extend(piece);
    }
    assert_eq!(body, b"abcdef");
    assert_eq!(server.asked()[0].body, b"one two");

    let mut stream = client.request(Method::GET, server.url("/down")).send().await.unwrap().into_stream();
    let mut body = Vec::new();
    while let Some(piece) = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        body.extend(piece.unwrap());
    }
    assert_eq!(body, b"abcdef");
}

#[tokio::test]
async fn a_reply_outlives_its_client() {
    let go_on = Arc::new(Notify::new());
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc".to_owned();
    let server = Server::start([Does::AnswersInTwo(head, Arc::clone(&go_on), "def".to_owned())]).await;
    let client = server.client();
    let mut reply = client.request(Method::GET, server.url("/")).send().await.unwrap();
    drop(client);
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "abc");
    go_on.notify_one();
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "def");
    assert!(reply.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn a_call_ends_with_its_time() {
    let limit = Duration::from_millis(50);
    let server = Server::start([Does::StaysSilent]).await;
    let error = server.client().with_time_limit(limit).invoke("f").send().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { limit: told, .. } if told == limit), "{error}");

    // A pause that would exceed the limit is not waited for, and the refusal is told.
    let server = Server::start([answer("429 Too Many Requests\r\nretry-after: 9", "")]).await;
    let error = server.client().invoke("f").time_limit(limit).send().await.unwrap_err();
    assert!(matches!(error, Error::Refused { status, .. } if status == 429), "{error}");

    // The longest time is none that a clock cannot add.
    let server = Server::start([answer("200 OK", "abc")]).await;
    let reply = server.client().with_time_limit(Duration::MAX).invoke("f").send().await.unwrap();
    let mut stream = reply.into_stream();
    let first = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    assert_eq!(first.unwrap().unwrap(), "abc");

    // A body that stands still is cut, and the end of its stream follows.
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc".to_owned();
    let server = Server::start([Does::Answers(half)]).await;
    let client = server.client().with_time_limit(limit);
    let error = client.invoke("f").send().await.unwrap().bytes().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let mut stream = client.invoke("f").send().await.unwrap().into_stream();
    let mut next = async || std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    assert_eq!(next().await.unwrap().unwrap(), "abc");
    assert!(matches!(next().await, Some(Err(Error::TimedOut { .. }))));
    assert!(next().await.is_none());
}

#[tokio::test]
async fn without_credentials_only_this_machine_is_called() {
    let server = Server::start([answer("200 OK", "")]).await;
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let bare = Client::new(&Instance::from_vars([("FC_ENDPOINT", endpoint.as_str())])).unwrap();
    bare.invoke("f").send().await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), None);
    let signed = bare.request(Method::GET, server.url("/")).signed().send().await;
    assert!(matches!(signed, Err(Error::NoCredentials)), "{signed:?}");

    let cloud = Instance::from_vars([("FC_ACCOUNT_ID", "1"), ("FC_REGION", "cn-hangzhou")]);
    let client = Client::new(&cloud).unwrap();
    assert_eq!(client.endpoint(), "https://1.cn-hangzhou.fc.aliyuncs.com");
    assert!(matches!(client.invoke("f").send().await, Err(Error::NoCredentials)));
    assert!(Client::new(&Instance::from_vars([("FC_REGION", "cn-hangzhou")])).is_err());
    for endpoint in ["ftp://a", "a", "https://a/path", "https://a?q", "https://u:p@a", ""] {
        assert!(client.clone().with_endpoint(endpoint).is_err(), "{endpoint}");
    }
}

#[tokio::test]
async fn credentials_are_asked_for_at_each_try() {
    let server = Server::start([answer("429 Too Many Requests", ""), answer("200 OK", "")]).await;
    let count = Mutex::new(0);
    let client = server.client().with_credentials_from(move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        Some(Credentials::new(format!("id{count}"), "hush", ""))
    });
    client.invoke("f").send().await.unwrap();
    let ids: Vec<bool> = server
        .asked()
        .iter()
        .zip(["id1", "id2"])
        .map(|(asked, id)| asked.header("authorization").unwrap().contains(&format!("Credential={id},")))
        .collect();
    assert_eq!(ids, [true, true]);
}

#[tokio::test]
async fn the_credentials_of_a_call_are_used_for_its_calls() {
    let server = Server::start([answer("200 OK", "")]).await;
    let client = server.client();
    let app = App::with_state(client).get("/", async |ex| {
        let client = ex.state().for_call(&ex.invocation());
        client.invoke("f").send().await.map_err(|error| fc_runtime::Error::new(502, error.to_string()))?;
        Ok("called")
    });
    let test = app.trust_platform(true).test_client();
    test.get("/").await.assert_text("called");
    let call =
        test.get("/").header("x-fc-access-key-id", "STS.fresh").header("x-fc-access-key-secret", "hush");
    call.header("x-fc-security-token", "new").await.assert_text("called");
    let asked = server.asked();
    assert!(asked[0].header("authorization").unwrap().contains("Credential=STS.id,"));
    assert!(asked[1].header("authorization").unwrap().contains("Credential=STS.fresh,"));
    assert_eq!(asked[1].header("x-acs-security-token"), Some("new"));
}

#[tokio::test]
async fn tasks_are_listed_read_and_stopped() {
    let task = r#"{"taskId":"t","status":"Running","requestId":"1-a","endTime":0,"startedTime":5,"alreadyRetriedTimes":1,
        "events":[{"eventId":1,"status":"Enqueued","timestamp":4,"eventDetail":""},{"status":"Dreaming"}],"more":1}"#;
    let page = format!(r#"{{"tasks":[{task}],"nextToken":"n"}}"#);
    let missing = r#"{"Code":"StatefulAsyncInvocationNotFound","Message":"none","RequestId":"1"}"#;
    let script = [
        answer("200 OK", task),
        answer("200 OK", &page),
        answer("200 OK", "{}"),
        answer("404 Not Found", missing),
    ];
    let server = Server::start(script).await;
    let client = server.client();
    let tasks = client.tasks("f").qualifier("prod");
    let task = tasks.get("t").await.unwrap();
    assert_eq!(
        (task.state, task.started_time, task.retries, task.events.len()),
        (TaskState::Running, 5, 1, 2)
    );
    assert_eq!(task.events[1].state, TaskState::Unknown);
    let list = tasks.list().prefix("a b").state(TaskState::Running).started_from(1).started_until(9);
    let page = list.oldest_first().with_payloads().limit(5).limit(7).page("x=").await.unwrap();
    assert_eq!((page.tasks.len(), page.next_token.as_str()), (1, "n"));
    tasks.stop("t").await.unwrap();
    let error = tasks.get("none").await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { code, .. } if code == "StatefulAsyncInvocationNotFound"),
        "{error}"
    );
    let lines: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
    let path = "/2023-03-30/functions/f/async-tasks";
    assert_eq!(lines[0], format!("GET {path}/t?qualifier=prod HTTP/1.1"));
    assert_eq!(
        lines[1],
        format!(
            "GET {path}?qualifier=prod&prefix=a%20b&status=Running&startedTimeBegin=1&startedTimeEnd=9&sortOrderByTime=asc&includePayload=true&limit=7&nextToken=x%3D HTTP/1.1"
        )
    );
    assert_eq!(lines[2], format!("PUT {path}/t/stop?qualifier=prod HTTP/1.1"));
}

#[tokio::test]
async fn no_secret_is_shown() {
    let server = Server::start([Does::Closes]).await;
    let client = server.client();
    let call = client.request(Method::GET, server.url("/"));
    let call = call.header(HeaderName::from_static("x-a"), HeaderValue::from_static("b")).signed();
    let shown = format!("{client:?} {call:?} {:?}", client.invoke("f"));
    let error = call.send().await.unwrap_err();
    let bad = client.clone().with_credentials(Credentials::new("id", "hush", "hu\nshed"));
    let refused = bad.invoke("f").send().await.unwrap_err();
    for text in [shown, format!("{error:?} {error}"), format!("{refused:?} {refused}")] {
        assert!(!text.contains("hush") && !text.contains("shed"), "{text}");
    }
}
