//! A stream without an end hears of a pre-stop, ends, and the app keeps serving.

use std::future::{IntoFuture, poll_fn};
use std::pin::pin;
use std::sync::OnceLock;

use fc_runtime::testing::Client;
use fc_runtime::{App, Method, Reply};
use tonic::Code;

use crate::apps::grpc::Text;

#[tokio::test]
async fn an_endless_stream_ends_at_pre_stop() {
    let client = App::new()
        .trust_platform(true)
        .get("/endless", async |ex| {
            Reply::stream(async_stream::stream! {
                let mut stop = pin!(ex.stop_notice());
                yield "begin";
                (&mut stop).await;
                yield " end";
            })
        })
        .test_client();
    let stream = async { client.get("/endless").await };
    let pre_stop = async {
        // The stream has begun before the platform calls: both are polled in this order by `join!`.
        tokio::task::yield_now().await;
        client.call(Method::GET, "/pre-stop").await
    };
    let (stream, pre_stop) = tokio::join!(stream, pre_stop);
    pre_stop.assert_status(200);
    stream.assert_status(200).assert_text("begin end");
    client.get("/nothing").await.assert_status(404);
}

/// The stop is announced while the stream is asked for more, behind its own look at the notice.
#[tokio::test]
async fn a_stream_says_goodbye_whenever_the_stop_comes() {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let text = |text: &str| Text { text: text.to_owned() };
    let polite = App::new().trust_platform(true).server_stream("/it.It/Polite", async move |ex, _: Text| {
        let pre_stop = CLIENT.get().expect("a client").call(Method::GET, "/pre-stop");
        let mut pre_stop = Some(pre_stop.into_future());
        Ok(async_stream::try_stream! {
            yield text("tick");
            let mut stop = pin!(ex.stop_notice());
            poll_fn(|cx| {
                let heard = stop.as_mut().poll(cx);
                if let Some(mut pre_stop) = pre_stop.take() {
                    assert!(heard.is_pending());
                    let _ = pre_stop.as_mut().poll(cx);
                }
                heard
            })
            .await;
            yield text("bye");
        })
    });
    let client = CLIENT.get_or_init(|| polite.test_client());
    let answer = client.grpc("/it.It/Polite", [text("")]).await;
    assert_eq!(answer.messages::<Text>(), [text("tick"), text("bye")]);
    answer.assert_code(Code::Ok);
}
