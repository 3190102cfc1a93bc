//! The test service as a type that implements the generated trait.

use std::pin::Pin;
use std::task::{Context, Poll};

use fc_runtime::http::HeaderMap;
use fc_runtime::{App, Exchange, Result, grpc};
use futures_core::Stream;
use grpc_interop::test_service_server::{TestService, TestServiceServer};
use grpc_interop::{
    DESCRIPTORS, ECHO_INITIAL, ECHO_TRAILING, Empty, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
    StreamingOutputCallResponse, check_compressed, end_with, pause, payload, total,
};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

fn main() -> Result {
    let service = TestServiceServer::new(Service).accept_compressed(Gzip).send_compressed(Gzip);
    App::new().grpc(service).grpc_health().grpc_reflection(DESCRIPTORS).run()
}

struct Service;

type Replies = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

#[tonic::async_trait]
impl TestService for Service {
    type StreamingOutputCallStream = Replies;
    type FullDuplexCallStream = Trailed;
    type HalfDuplexCallStream = Replies;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let headers = headers(&request)?;
        let request = request.into_inner();
        check_compressed(request.expect_compressed, &headers)?;
        end_with(request.response_status.as_ref())?;
        let mut reply = Response::new(SimpleResponse { payload: Some(payload(request.response_size)?) });
        echo_initial(&headers, reply.metadata_mut());
        if !request.response_compressed.is_some_and(|wanted| wanted.value) {
            reply.disable_compression();
        }
        Ok(reply)
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Replies>, Status> {
        let request = request.into_inner();
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for reply in &request.response_parameters {
                pause(reply).await;
                yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
            }
            end_with(request.response_status.as_ref())?;
        })))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let headers = headers(&request)?;
        let mut requests = request.into_inner();
        let mut sizes = 0;
        while let Some(request) = requests.message().await? {
            check_compressed(request.expect_compressed, &headers)?;
            sizes += request.payload.map_or(0, |payload| payload.body.len());
        }
        Ok(Response::new(total(sizes)))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Trailed>, Status> {
        let headers = headers(&request)?;
        let mut requests = request.into_inner();
        let replies: Replies = Box::pin(async_stream::try_stream! {
            while let Some(request) = requests.message().await? {
                for reply in &request.response_parameters {
                    pause(reply).await;
                    yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
                }
                end_with(request.response_status.as_ref())?;
            }
        });
        let mut reply = Response::new(Trailed { replies, trailers: trailers(&headers) });
        echo_initial(&headers, reply.metadata_mut());
        Ok(reply)
    }

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let mut requests = request.into_inner();
        let mut wanted = Vec::new();
        while let Some(request) = requests.message().await? {
            wanted.extend(request.response_parameters);
        }
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for reply in wanted {
                yield StreamingOutputCallResponse { payload: Some(payload(reply.size)?) };
            }
        })))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("left out"))
    }
}

fn headers<T>(request: &Request<T>) -> Result<HeaderMap, Status> {
    let ex: std::sync::Arc<Exchange> = grpc::exchange(request)?;
    Ok(ex.headers().clone())
}

fn echo_initial(headers: &HeaderMap, reply: &mut MetadataMap) {
    if let Some(value) = headers.get(ECHO_INITIAL).and_then(|value| value.to_str().ok()?.parse().ok()) {
        reply.insert("x-grpc-test-echo-initial", value);
    }
}

/// The trailers that the client wants back. A generated service sends trailers only with an error, and OK is one here.
fn trailers(headers: &HeaderMap) -> Option<HeaderMap> {
    let value = headers.get(ECHO_TRAILING)?;
    Some(HeaderMap::from_iter([(ECHO_TRAILING, value.clone())]))
}

/// Replies, and then OK with trailers.
struct Trailed {
    replies: Replies,
    trailers: Option<HeaderMap>,
}

impl Stream for Trailed {
    type Item = Result<StreamingOutputCallResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.replies.as_mut().poll_next(cx);
        if let Poll::Ready(None) = next
            && let Some(trailers) = self.trailers.take()
        {
            let metadata = MetadataMap::from_headers(trailers);
            return Poll::Ready(Some(Err(Status::with_metadata(tonic::Code::Ok, "", metadata))));
        }
        next
    }
}
