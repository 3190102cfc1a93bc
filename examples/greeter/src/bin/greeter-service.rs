//! The same as a type that implements the generated trait, for services that exist already.

use std::pin::Pin;

use fc_runtime::{App, Error, Result, grpc};
use futures_core::Stream;
use tonic::{Request, Response, Status, Streaming};

use proto::greeter_server::{Greeter, GreeterServer};
use proto::{HelloReply, HelloRequest};

#[path = "../proto.rs"]
mod proto;

/// The state, which the service finds by its request.
struct House {
    greeting: &'static str,
}

fn main() -> Result {
    App::with_state(House { greeting: "Hello" })
        .grpc(GreeterServer::new(Service))
        .grpc_health()
        .grpc_reflection(proto::DESCRIPTORS)
        .get("/", async |ex| ex.state().greeting)
        .run()
}

struct Service;

type Replies = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;

#[tonic::async_trait]
impl Greeter for Service {
    type SayHellosStream = Replies;
    type ChatStream = Replies;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let ex = grpc::exchange::<House, _>(&request)?;
        let name = request.into_inner().name;
        if name.is_empty() {
            return Err(Error::bad_request("a name, please").into());
        }
        Ok(Response::new(HelloReply { message: format!("{} {name}", ex.state().greeting) }))
    }

    async fn say_hellos(&self, request: Request<HelloRequest>) -> Result<Response<Replies>, Status> {
        let name = request.into_inner().name;
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for greeting in ["Hello", "Bonjour", "你好"] {
                yield HelloReply { message: format!("{greeting} {name}") };
            }
        })))
    }

    async fn collect(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>, Status> {
        let mut requests = request.into_inner();
        let mut names = Vec::new();
        while let Some(request) = requests.message().await? {
            names.push(request.name);
        }
        Ok(Response::new(hello(&names.join(", "))))
    }

    async fn chat(&self, request: Request<Streaming<HelloRequest>>) -> Result<Response<Replies>, Status> {
        let mut requests = request.into_inner();
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            while let Some(request) = requests.message().await? {
                yield hello(&request.name);
            }
        })))
    }
}

fn hello(name: &str) -> HelloReply {
    HelloReply { message: format!("Hello {name}") }
}
