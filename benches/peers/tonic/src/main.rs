//! The greeter on tonic's own server, as its documentation writes it.

use std::io;
use std::pin::Pin;

use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{HelloReply, HelloRequest};

mod greeter {
    #![allow(
        clippy::allow_attributes_without_reason,
        clippy::pedantic,
        unreachable_pub,
        unused_qualifications,
        reason = "generated"
    )]
    tonic::include_proto!("greeter");
}

fn main() -> io::Result<()> {
    executor::serve(async |listener| {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder().add_service(GreeterServer::new(Service));
        server.serve_with_incoming(incoming).await.map_err(io::Error::other)
    })
}

struct Service;

type Replies = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;

#[tonic::async_trait]
impl Greeter for Service {
    type SayHellosStream = Replies;
    type ChatStream = Replies;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(hello(&request.into_inner().name)))
    }

    /// A number is how many.
    async fn say_hellos(&self, request: Request<HelloRequest>) -> Result<Response<Replies>, Status> {
        let name = request.into_inner().name;
        let count = name.parse().unwrap_or(3_u32);
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for _ in 0..count {
                yield hello(&name);
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
        Ok(Response::new(HelloReply { message: names.join(", ") }))
    }

    async fn chat(&self, request: Request<Streaming<HelloRequest>>) -> Result<Response<Replies>, Status> {
        let replies = request.into_inner().map(|request| Ok(HelloReply { message: request?.name }));
        Ok(Response::new(Box::pin(replies)))
    }
}

fn hello(name: &str) -> HelloReply {
    HelloReply { message: format!("Hello {name}") }
}
