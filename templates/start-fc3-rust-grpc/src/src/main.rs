//! A gRPC service, with health, reflection and gRPC-Web, and HTTP on the same port.

use fc_runtime::{App, Cors, Error, Result};

use proto::{HelloReply, HelloRequest};

mod proto {
    tonic::include_proto!("greeter");
}

fn main() -> Result {
    app().run()
}

fn app() -> App {
    App::new()
        .get("/", async |_| "greeter.Greeter, by gRPC at this port\n")
        .unary("/greeter.Greeter/SayHello", async |_, request: HelloRequest| {
            if request.name.is_empty() {
                return Err(Error::bad_request("a name, please"));
            }
            Ok(hello("Hello", &request.name))
        })
        .server_stream("/greeter.Greeter/SayHellos", async |_, request: HelloRequest| {
            Ok(async_stream::try_stream! {
                for greeting in ["Hello", "Bonjour", "你好"] {
                    yield hello(greeting, &request.name);
                }
            })
        })
        .grpc_health()
        .grpc_reflection(tonic::include_file_descriptor_set!("descriptors"))
        // Pages call it by gRPC-Web.
        .cors(Cors::allow_any())
}

fn hello(greeting: &str, name: &str) -> HelloReply {
    HelloReply { message: format!("{greeting}, {name}!") }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn greetings() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            let request = || [HelloRequest { name: "tea".to_owned() }];
            let answer = client.grpc("/greeter.Greeter/SayHello", request()).await;
            assert_eq!(answer.messages::<HelloReply>()[0].message, "Hello, tea!");
            let all = client.grpc("/greeter.Greeter/SayHellos", request()).await;
            assert_eq!(all.messages::<HelloReply>().len(), 3);
            let nobody = client.grpc("/greeter.Greeter/SayHello", [HelloRequest::default()]).await;
            nobody.assert_code(Code::InvalidArgument);
        });
    }
}
