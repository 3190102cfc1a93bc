//! Services and layers of tower, in memory: what does not need a socket.

use std::future::{Ready, ready};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use fc_runtime::http::{Request, Response};
use fc_runtime::tower::Inner;
use fc_runtime::{App, AppErrors, BoxError, Bytes, Error, Exchange, Payload, Sse, at};
use tower_layer::{Layer, layer_fn};
use tower_service::Service;

use crate::apps::grpc::Text;

/// Answers by a function. Counts how often it was made ready.
#[derive(Clone)]
struct Answers<F>(F, Arc<AtomicU32>);

impl<F, B> Service<Request<B>> for Answers<F>
where
    F: Fn(Request<B>) -> Result<Response<String>, BoxError>,
{
    type Response = Response<http_body_util::Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready((self.0)(request).map(|response| response.map(Into::into)))
    }
}

fn answers<F>(answer: F) -> Answers<F>
where
    F: Fn(Request<Payload>) -> Result<Response<String>, BoxError> + Clone + Send + 'static,
{
    Answers(answer, Arc::default())
}

/// Changes the request before the routes see it.
#[derive(Clone)]
struct Changes(Inner<()>, fn(&mut Request<Payload>));

impl Service<Request<Payload>> for Changes {
    type Response = <Inner<()> as Service<Request<Payload>>>::Response;
    type Error = <Inner<()> as Service<Request<Payload>>>::Error;
    type Future = <Inner<()> as Service<Request<Payload>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Payload>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request<Payload>) -> Self::Future {
        (self.1)(&mut request);
        self.0.call(request)
    }
}

fn changes(change: fn(&mut Request<Payload>)) -> impl Layer<Inner<()>, Service = Changes> {
    layer_fn(move |inner| Changes(inner, change))
}

#[tokio::test]
async fn a_service_sees_what_is_below_its_path() {
    let service = answers(|request| Ok(Response::new(format!("{} {}", request.method(), request.uri()))));
    let ready = Arc::clone(&service.1);
    let client = App::new()
        .get("/api/own", async |_| "own")
        .mount("/api", service.clone())
        .group("/users/{user}", |group| group.mount("/files", service.clone()))
        .mount("/", service)
        .test_client();
    for (target, expected) in [
        ("/api", "GET /"),
        ("/api/", "GET /"),
        ("/api/x/y?z=1", "GET /x/y?z=1"),
        ("/api/own", "own"),
        ("/users/7/files", "GET /"),
        ("/users/7/files/a%20b", "GET /a%20b"),
        ("/elsewhere", "GET /elsewhere"),
        ("/", "GET /"),
    ] {
        client.get(target).await.assert_status(200).assert_text(expected);
    }
    client.post("/api/x").await.assert_text("POST /x");
    client.call(fc_runtime::Method::OPTIONS, "/api/x").await.assert_text("OPTIONS /x");
    assert_eq!(ready.load(Ordering::Relaxed), 9, "every call was made ready once");
}

#[tokio::test]
async fn errors_of_services_are_replies_and_are_mapped() {
    #[derive(Debug)]
    struct SoldOut;
    impl std::fmt::Display for SoldOut {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("none left")
        }
    }
    impl std::error::Error for SoldOut {}
    let client = App::new()
        .mount("/hidden", answers(|_| Err("password=123".into())))
        .mount("/chosen", answers(|_| Err(Error::conflict("sold out").into_std().into())))
        .mount("/mapped", answers(|_| Err(SoldOut.into())))
        .mount("/panics", answers(|_| panic!("on purpose")))
        .on_error(|_: &SoldOut| Error::conflict("mapped"))
        .test_client();
    for (path, status, detail) in [
        ("/hidden", 500, "internal error"),
        ("/chosen", 409, "sold out"),
        ("/mapped", 409, "mapped"),
        ("/panics", 500, "internal error"),
    ] {
        let problem: serde_json::Value = client.get(path).await.assert_status(status).json();
        assert_eq!(problem["detail"], detail, "{path}");
    }
}

#[tokio::test]
async fn handlers_see_what_a_layer_has_changed() {
    let change = |request: &mut Request<Payload>| {
        request.headers_mut().insert("x-user", "Ada".parse().unwrap());
        request.headers_mut().remove("content-encoding");
        request.extensions_mut().insert(7_u32);
    };
    let client = App::new()
        .layered(changes(change), |group| {
            group.post("/{id}", async |ex| {
                let id: String = ex.param("id")?;
                let (user, number) = (ex.header("x-user").unwrap_or("none"), ex.value::<u32>());
                Ok(format!("{id} {user} {number:?} {} {}", ex.pattern(), ex.text().await?))
            })
        })
        .around(async |mut ex, next| {
            ex.insert("from the app");
            next.run(ex).await
        })
        .test_client();
    let answer = client.post("/tea").header("content-encoding", "gzip").body("body").await;
    answer.assert_status(200).assert_text("tea Ada Some(7) /{id} body");
}

/// The layer is outside of the group's middleware, and inside of the app's.
#[tokio::test]
async fn a_layer_stands_between_the_middleware_of_app_and_group() {
    async fn mark(ex: Exchange, next: fc_runtime::Next) -> fc_runtime::Reply {
        let seen = format!("{}", ex.headers().contains_key("x-layer"));
        next.run(ex).await.with_added_header("x-seen", seen)
    }
    let change = |request: &mut Request<Payload>| {
        request.headers_mut().insert("x-layer", "1".parse().unwrap());
    };
    let client = App::new()
        .layered(changes(change), |group| group.get("/", async |_| "in").around(mark))
        .around(mark)
        .test_client();
    let answer = client.get("/").await;
    let seen: Vec<_> = answer.headers.get_all("x-seen").iter().collect();
    assert_eq!(seen, ["true", "false"]);
}

#[tokio::test]
async fn a_layer_that_loses_the_request_is_told_so() {
    let client = App::new()
        .layered(changes(|request| request.extensions_mut().clear()), |group| {
            group.get("/", async |_| "never")
        })
        .test_client();
    client.get("/").await.assert_status(500);
}

#[tokio::test]
async fn streams_and_events_come_through_a_layer() {
    let client = App::new()
        .layered(changes(|_| ()), |group| {
            group
                .get("/events", async |_| Sse::new(async_stream::stream! { yield "a"; yield "b"; }))
                .get("/text", async |_| "text")
                .post("/echo", async |ex| fc_runtime::Reply::stream(ex.body()))
                .get("/gone", async |_| Err::<&str, _>(Error::conflict("sold out").with_code("sold_out")))
        })
        .test_client();
    client.get("/events").await.assert_text("data: a\n\ndata: b\n\n");
    client.get("/text").await.assert_text("text").assert_header("content-type", "text/plain; charset=utf-8");
    client.post("/echo").body("tea").await.assert_text("tea");
    let gone: serde_json::Value = client.get("/gone").await.assert_status(409).json();
    assert_eq!((&gone["code"], &gone["detail"]), (&"sold_out".into(), &"sold out".into()));
    let head = client.call(fc_runtime::Method::HEAD, "/text").await;
    head.assert_status(200).assert_text("").assert_header("content-length", "4");
}

/// A body that is longer than its service has said is sent as long as it was said: a client would take the rest for the
/// next reply.
#[tokio::test]
async fn a_reply_is_no_longer_than_was_said() {
    /// Pieces of this size without end, and no length.
    struct Endless(usize);

    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from(vec![b'x'; self.0])))))
        }
    }

    #[derive(Clone)]
    struct Says(usize, usize);

    impl Service<Request<Payload>> for Says {
        type Response = Response<Endless>;
        type Error = BoxError;
        type Future = Ready<Result<Response<Endless>, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Payload>) -> Self::Future {
            let said = Response::builder().header("content-length", self.0);
            ready(Ok(said.body(Endless(self.1)).unwrap()))
        }
    }

    for (said, piece) in [(6, 4), (4, 6), (70_000, 100_000), (200_000, 150_000)] {
        let client = App::new().mount("/said", Says(said, piece)).test_client();
        assert_eq!(client.get("/said").await.assert_status(200).body.len(), said, "{said} of {piece}");
    }
}

/// Preflights come to the layer, and an `OPTIONS` of the author's stays.
#[tokio::test]
async fn options_pass_through_a_layer() {
    let change = |request: &mut Request<Payload>| {
        request.headers_mut().insert("x-layer", "1".parse().unwrap());
    };
    let client = App::new()
        .layered(changes(change), |group| {
            group
                .get("/a", async |_| "a")
                .post("/a", async |_| "a")
                .get("/own", async |_| "own")
                .options("/own", async |ex| ex.header("x-layer").unwrap_or("none").to_owned())
        })
        .put("/a", async |_| "outside")
        .any("/own", async |_| "any")
        .test_client();
    let all = client.call(fc_runtime::Method::OPTIONS, "/a").await;
    all.assert_status(204).assert_header("allow", "GET, HEAD, POST, PUT, OPTIONS");
    client.call(fc_runtime::Method::OPTIONS, "/own").await.assert_text("1");
    client.call(fc_runtime::Method::DELETE, "/own").await.assert_text("any");
}

#[tokio::test]
async fn a_grpc_method_in_a_layer_is_a_mistake() {
    let app = App::new().layered(changes(|_| ()), |group| {
        group.unary("/it.It/One", async |_, text: Text| Ok(text)).get("not a path", async |_| "never")
    });
    let error = app.serve(TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap_err();
    let mistakes = error.find_cause::<AppErrors>().unwrap().to_string();
    assert!(mistakes.starts_with("the app has 2 mistakes\n"), "{mistakes}");
    assert!(mistakes.contains("a gRPC method cannot stand in a layer of tower"), "{mistakes}");
}

#[tokio::test]
async fn settings_of_a_place_hold_for_a_service() {
    #[derive(Clone)]
    struct Never;
    impl Service<Request<Payload>> for Never {
        type Response = Response<http_body_util::Empty<Bytes>>;
        type Error = BoxError;
        type Future = std::future::Pending<Result<Self::Response, BoxError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Payload>) -> Self::Future {
            std::future::pending()
        }
    }
    let place = at("/never").time_limit(std::time::Duration::from_millis(20));
    let client = App::new().mount(place, Never).test_client();
    client.get("/never").await.assert_status(504);
    client.get("/never/below").await.assert_status(504);
}

#[tokio::test]
async fn an_app_is_a_service() {
    let app = App::new().post("/", async |ex| Ok(ex.text().await?)).into_service().await.unwrap();
    // An app in an app: the body goes through both.
    let client = App::new().mount("/inner", app).test_client();
    client.post("/inner").body("tea").await.assert_status(200).assert_text("tea");
    client.get("/inner").await.assert_status(405);
    client.get("/inner/none").await.assert_status(404);
}
