//! The four kinds of methods as closures, with health and reflection.

use fc_runtime::grpc::Messages;
use fc_runtime::platform::limits::MESSAGE_MAX;
use fc_runtime::{App, Cors, Error, Result};

use proto::{HelloReply, HelloRequest};

mod proto;

fn main() -> Result {
    App::new()
        .unary("/greeter.Greeter/SayHello", async |_, request: HelloRequest| {
            if request.name.is_empty() {
                return Err(Error::bad_request("a name, please"));
            }
            Ok(hello(&request.name))
        })
        .server_stream("/greeter.Greeter/SayHellos", async |_, request: HelloRequest| {
            Ok(async_stream::try_stream! {
                for greeting in ["Hello", "Bonjour", "你好"] {
                    yield HelloReply { message: format!("{greeting} {}", request.name) };
                }
            })
        })
        .client_stream("/greeter.Greeter/Collect", async |_, mut requests: Messages<HelloRequest>| {
            let mut names: Option<String> = None;
            while let Some(request) = requests.message().await? {
                names = Some(match names {
                    None => request.name,
                    Some(names) => names + ", " + &request.name,
                });
                // What a handler keeps is its own to bound, here by what a reply may hold: a client may send messages for
                // as long as the call lasts.
                if names.as_ref().is_some_and(|names| names.len() > MESSAGE_MAX) {
                    return Err(Error::new(413, "these are too many names"));
                }
            }
            Ok(hello(&names.unwrap_or_default()))
        })
        .bidi("/greeter.Greeter/Chat", async |_, mut requests: Messages<HelloRequest>| {
            Ok(async_stream::try_stream! {
                while let Some(request) = requests.message().await? {
                    yield hello(&request.name);
                }
            })
        })
        .grpc_health()
        .grpc_reflection(proto::DESCRIPTORS)
        // Pages call it by gRPC-Web.
        .cors(Cors::allow_any())
        .run()
}

fn hello(name: &str) -> HelloReply {
    HelloReply { message: format!("Hello {name}") }
}
