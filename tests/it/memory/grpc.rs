//! gRPC called in memory: errors and metadata, arounds, groups, state.

use fc_runtime::grpc::{Messages, WithMetadata};
use fc_runtime::{App, Error, HeaderName, HeaderValue, Result, StatusCode};
use tonic::{Code, Status};

use crate::apps::grpc::Text;

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

#[tokio::test]
async fn errors_are_statuses_that_hide_their_causes() {
    let client = App::new()
        .unary("/it.It/Fail", async |_, how: Text| -> Result<Text> {
            match &*how.text {
                "io" => Err(std::io::Error::other("password=123"))?,
                "status" => Err(Status::aborted("try again"))?,
                "details" => Err(Status::with_details(Code::NotFound, "gone", vec![1, 2, 3].into()))?,
                "hidden" => Err(Error::conflict("there is one").with_cause(Status::data_loss("secret"))),
                "header" => Err(Error::unavailable("later")
                    .with_header(HeaderName::from_static("retry-after"), HeaderValue::from_static("7"))),
                status => Err(Error::new(status.parse()?, "as asked")),
            }
        })
        .test_client();
    for (how, code, message) in [
        ("io", Code::Internal, "internal error"),
        ("status", Code::Aborted, "try again"),
        ("details", Code::NotFound, "gone"),
        ("hidden", Code::AlreadyExists, "there is one"),
        ("header", Code::Unavailable, "later"),
        ("400", Code::InvalidArgument, "as asked"),
        ("401", Code::Unauthenticated, "as asked"),
        ("403", Code::PermissionDenied, "as asked"),
        ("404", Code::NotFound, "as asked"),
        ("429", Code::ResourceExhausted, "as asked"),
        ("500", Code::Internal, "as asked"),
        ("503", Code::Unavailable, "as asked"),
        ("504", Code::DeadlineExceeded, "as asked"),
    ] {
        let answer = client.grpc("/it.It/Fail", [text(how)]).await;
        let status = answer.status();
        assert_eq!((status.code(), status.message()), (code, message), "{how}");
        assert!(answer.trailers().is_empty(), "there is nothing but a status");
        let is_fault = matches!(code, Code::Internal | Code::Unavailable | Code::DeadlineExceeded);
        assert_eq!(answer.headers().contains_key("x-fc-status"), is_fault, "{how}");
        if how == "header" {
            assert_eq!(answer.headers()["retry-after"], "7");
        }
        if how == "details" {
            assert_eq!(status.details(), [1, 2, 3]);
        }
    }
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let client = App::new()
        .unary("/it.It/One", async |ex, _: Text| {
            let told = ex.header("x-told").unwrap_or("nothing").to_owned();
            Ok(WithMetadata::new(text("one"))
                .with_header(HeaderName::from_static("x-heard"), HeaderValue::try_from(told)?)
                .with_trailer(HeaderName::from_static("x-last"), HeaderValue::from_static("word")))
        })
        .server_stream("/it.It/Many", async |_, _: Text| {
            let many = async_stream::try_stream! { yield text("many"); };
            Ok(WithMetadata::new(many)
                .with_header(HeaderName::from_static("x-first"), HeaderValue::from_static("word"))
                .with_trailer(HeaderName::from_static("x-last"), HeaderValue::from_static("word")))
        })
        .test_client();
    let one = client.grpc("/it.It/One", [text("")]).await;
    assert_eq!(
        (&one.headers()["x-heard"], &one.trailers()["x-last"]),
        (&"nothing".parse().unwrap(), &"word".parse().unwrap())
    );
    let many = client.grpc("/it.It/Many", [text("")]).await;
    assert_eq!(many.assert_code(Code::Ok).headers()["x-first"], "word");
    assert_eq!(many.trailers()["x-last"], "word");
    assert!(!many.headers().contains_key("x-last"));
}

/// How a call ended is said by the runtime alone.
#[tokio::test]
async fn metadata_is_no_status() {
    const NAMES: [HeaderName; 3] = [
        HeaderName::from_static("grpc-status"),
        HeaderName::from_static("grpc-message"),
        HeaderName::from_static("content-type"),
    ];
    let value = || HeaderValue::from_static("5");
    let client = App::new()
        .unary("/it.It/One", async move |_, _: Text| {
            let reply = NAMES.into_iter().fold(WithMetadata::new(text("one")), |reply, name| {
                reply
                    .with_header(name.clone(), value())
                    .with_trailer(name.clone(), value())
                    .with_trailer(name, value())
            });
            Ok(reply.with_trailer(HeaderName::from_static("x-last"), value()))
        })
        .server_stream("/it.It/Many", async move |_, when: Text| {
            let error =
                NAMES.into_iter().fold(Error::conflict("no"), |error, name| error.with_header(name, value()));
            if when.text == "early" {
                return Err(error);
            }
            Ok(async_stream::try_stream! {
                yield text("many");
                Err(error)?;
            })
        })
        .test_client();
    let one = client.grpc("/it.It/One", [text("")]).await;
    one.assert_code(Code::Ok);
    let mut trailers: Vec<_> = one.trailers().keys().map(HeaderName::as_str).collect();
    trailers.sort_unstable();
    assert_eq!((trailers, one.trailers().len()), (vec!["grpc-status", "x-last"], 2));
    assert!(!one.headers().contains_key("grpc-status"));
    assert_eq!(one.headers()["content-type"], "application/grpc");
    for when in ["early", "late"] {
        let many = client.grpc("/it.It/Many", [text(when)]).await;
        assert_eq!((many.status().code(), many.status().message()), (Code::AlreadyExists, "no"), "{when}");
        assert_eq!(many.headers().get_all("content-type").iter().collect::<Vec<_>>(), ["application/grpc"]);
    }
}

#[tokio::test]
async fn arounds_and_groups_hold_for_methods() {
    let client = App::with_state("shop")
        .unary("/it.It/Open", async |ex, _: Text| Ok(text(format!("{} {:?}", ex.state(), ex.value::<u32>()))))
        .unary("/it.It/Fail", async |_, _: Text| -> Result<Text> { Err(Error::not_found("no such item")) })
        .group("/", |closed| {
            closed
                .client_stream("/it.It/Closed", async |_, mut texts: Messages<Text>| {
                    let mut all = String::new();
                    while let Some(text) = texts.message().await? {
                        all += &text.text;
                    }
                    Ok(text(all))
                })
                .around(async |ex, next| {
                    if ex.header("x-key") != Some("open") {
                        return Err(Error::unauthorized("no key"));
                    }
                    Ok(next.run(ex).await)
                })
        })
        .around(async |mut ex, next| {
            ex.insert(7_u32);
            let reply = next.run(ex).await;
            let said = reply.error().map_or("well".to_owned(), |error| error.status().as_u16().to_string());
            reply.with_header("x-went", said)
        })
        .test_client();
    let open = client.grpc("/it.It/Open", [text("")]).await;
    assert_eq!(open.messages::<Text>()[0].text, "shop Some(7)");
    assert_eq!(open.headers()["x-went"], "well");
    let failed = client.grpc("/it.It/Fail", [text("")]).await;
    assert_eq!(failed.assert_code(Code::NotFound).headers()["x-went"], "404");
    let closed = client.grpc("/it.It/Closed", [text("a")]).await;
    closed.assert_code(Code::Unauthenticated);
}

/// What a mapping says of an error holds for statuses and for the errors of streams.
#[tokio::test]
async fn mapped_errors() {
    let client = App::new()
        .server_stream("/it.It/Sell", async |_, _: Text| {
            Ok(async_stream::try_stream! {
                yield text("first");
                Err("x".parse::<u8>().unwrap_err())?;
            })
        })
        .get("/stock", async |_| -> Result<StatusCode> { Err(Status::resource_exhausted("slowly"))? })
        .on_error(|_: &std::num::ParseIntError| Error::conflict("sold out"))
        .on_error(|status: &Status| fc_runtime::grpc::to_error(status))
        .test_client();
    let sold = client.grpc("/it.It/Sell", [text("")]).await;
    assert_eq!(sold.assert_code(Code::AlreadyExists).status().message(), "sold out");
    assert_eq!(sold.messages::<Text>().len(), 1);
    client.get("/stock").await.assert_status(429);
}

/// An around may have read the body, and the method has it still.
#[tokio::test]
async fn a_body_that_was_looked_at_is_still_there() {
    let client = App::new()
        .unary("/it.It/Echo", async |_, text: Text| Ok(text))
        .bidi("/it.It/Chat", async |_, texts: Messages<Text>| Ok(texts))
        .around(async |ex, next| {
            let length = ex.bytes().await?.len();
            Ok(next.run(ex).await.with_header("x-length", length.to_string()))
        })
        .test_client();
    let echo = client.grpc("/it.It/Echo", [text("tea")]).await;
    assert_eq!(
        (echo.messages::<Text>(), &echo.headers()["x-length"]),
        (vec![text("tea")], &"10".parse().unwrap())
    );
    let chat = client.grpc("/it.It/Chat", [text("tea"), text("salt")]).await;
    assert_eq!(chat.assert_code(Code::Ok).messages::<Text>(), [text("tea"), text("salt")]);
}

#[tokio::test]
async fn a_fallback_is_for_pages() {
    let client = App::new()
        .unary("/it.It/Echo", async |_, text: Text| Ok(text))
        .fallback(async |_| "a page")
        .test_client();
    client.get("/elsewhere").await.assert_text("a page");
    client.grpc("/it.It/Nope", [text("")]).await.assert_code(Code::Unimplemented);
}

#[tokio::test]
async fn a_reply_that_the_platform_would_not_pass_is_told() {
    let client = App::new()
        .unary("/it.It/Big", async |_, _: Text| Ok(text("x".repeat(6 * 1024 * 1024))))
        .test_client();
    let big = client.grpc("/it.It/Big", [text("")]).await;
    big.assert_code(Code::ResourceExhausted);
}
