//! A stream without an end hears of a pre-stop, ends, and the app keeps serving.

use std::pin::pin;

use fc_runtime::{App, Method, Reply};

#[tokio::test]
async fn an_endless_stream_ends_at_pre_stop() {
    let client = App::new()
        .trust_platform(true)
        .get("/endless", async |ex| {
            Reply::stream(async_stream::stream! {
                let mut stop = pin!(ex.stop_notice());
                yield Ok("begin".into());
                (&mut stop).await;
                yield Ok(" end".into());
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
