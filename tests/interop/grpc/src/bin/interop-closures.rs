//! The test service as closures.

use fc_runtime::grpc::{Messages, WithMetadata};
use fc_runtime::{App, Exchange, HeaderName, HeaderValue, Result};
use grpc_interop::{
    DESCRIPTORS, ECHO_INITIAL, ECHO_TRAILING, Empty, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingOutputCallRequest, StreamingOutputCallResponse, check_compressed,
    end_with, pause, payload, total,
};

fn main() -> Result {
    App::new()
        .unary("/grpc.testing.TestService/EmptyCall", async |_, _: Empty| Ok(Empty {}))
        .unary("/grpc.testing.TestService/UnaryCall", async |ex, request: SimpleRequest| {
            check_compressed(request.expect_compressed, ex.headers())?;
            end_with(request.response_status.as_ref())?;
            let payload = Some(payload(request.response_size)?);
            Ok(echoed(&ex, SimpleResponse { payload }))
        })
        .server_stream(
            "/grpc.testing.TestService/StreamingOutputCall",
            async |_, request: StreamingOutputCallRequest| {
                Ok(async_stream::try_stream! {
                    for reply in &request.response_parameters {
                        pause(reply).await;
                        yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
                    }
                    end_with(request.response_status.as_ref())?;
                })
            },
        )
        .client_stream(
            "/grpc.testing.TestService/StreamingInputCall",
            async |ex, mut requests: Messages<StreamingInputCallRequest>| {
                let mut sizes = 0;
                while let Some(request) = requests.message().await? {
                    check_compressed(request.expect_compressed, ex.headers())?;
                    sizes += request.payload.map_or(0, |payload| payload.body.len());
                }
                Ok(total(sizes))
            },
        )
        .bidi(
            "/grpc.testing.TestService/FullDuplexCall",
            async |ex, mut requests: Messages<StreamingOutputCallRequest>| {
                let replies = async_stream::try_stream! {
                    while let Some(request) = requests.message().await? {
                        for reply in &request.response_parameters {
                            pause(reply).await;
                            yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
                        }
                        end_with(request.response_status.as_ref())?;
                    }
                };
                Ok(echoed(&ex, replies))
            },
        )
        .bidi(
            "/grpc.testing.TestService/HalfDuplexCall",
            async |_, mut requests: Messages<StreamingOutputCallRequest>| {
                let mut wanted = Vec::new();
                while let Some(request) = requests.message().await? {
                    wanted.extend(request.response_parameters);
                }
                Ok(async_stream::try_stream! {
                    for reply in wanted {
                        yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
                    }
                })
            },
        )
        .grpc_health()
        .grpc_reflection(DESCRIPTORS)
        .run()
}

/// The reply with the metadata that the client wants back.
fn echoed<T>(ex: &Exchange, reply: T) -> WithMetadata<T> {
    let found = |name: HeaderName| -> Option<(HeaderName, HeaderValue)> {
        ex.headers().get(&name).map(|value| (name, value.clone()))
    };
    let mut reply = WithMetadata::new(reply);
    if let Some((name, value)) = found(ECHO_INITIAL) {
        reply = reply.with_header(name, value);
    }
    if let Some((name, value)) = found(ECHO_TRAILING) {
        reply = reply.with_trailer(name, value);
    }
    reply
}
