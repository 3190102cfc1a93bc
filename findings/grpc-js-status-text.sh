#!/usr/bin/env bash
# The text of a status that tonic sends arrives in Node.js with `%3F` and `%23` where the server wrote `?` and `#`.
#
# Packages: crates tonic 0.14.9; npm @grpc/grpc-js 1.14.7; PyPI grpcio 1.85.3 to compare.
# One would swear: two widely used implementations of gRPC agree on the text of a status, since the escapes of `grpc-message` are in the specification.
# Behaviour: tonic escapes more than gRPC asks for, among others ` "#<>?{}` and the space. grpc-js decodes with `decodeURI`, which leaves the
# escapes of what is reserved in a URI: those of `#` and `?` stay in the text. grpcio decodes all.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `grpc-message` is written anew with the escapes that gRPC requires and no others, for generated services of tonic too, so
# that Node.js shows the text. A server of tonic alone keeps `?` and `#` out of its texts.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
python3 -m venv python
python/bin/pip install --quiet grpcio==1.85.3
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "status"
version = "0.0.0"
edition = "2021"

[dependencies]
http = "1"
tokio = { version = "1", features = ["macros", "net", "rt"] }
tokio-stream = { version = "0.1", features = ["net"] }
tonic = { version = "=0.14.9", default-features = false, features = ["router", "server"] }
tower = { version = "0.5", features = ["util"] }
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::Status;

#[derive(Clone)]
struct Refuses;

impl NamedService for Refuses {
    const NAME: &'static str = "shop.Orders";
}

impl Service<http::Request<Body>> for Refuses {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        let status = Status::invalid_argument("no order #7, did you mean order {8}? 50% of \u{fc}s do");
        std::future::ready(Ok(status.into_http()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tonic::transport::Server::builder().add_service(Refuses).serve_with_incoming(incoming).await.unwrap();
}
RUST
cat > ask.mjs <<'JS'
import grpc from '@grpc/grpc-js'

const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure())
const plain = (bytes) => bytes
client.makeUnaryRequest('/shop.Orders/Get', plain, plain, Buffer.alloc(0), (error) => {
  console.log(`grpc-js: ${error.details}`)
  client.close()
})
JS
cat > ask.py <<'PY'
import sys

import grpc

with grpc.insecure_channel(f'127.0.0.1:{sys.argv[1]}') as channel:
    try:
        channel.unary_unary('/shop.Orders/Get')(b'', timeout=10)
    except grpc.RpcError as error:
        print(f'grpcio: {error.details()}')
PY
seen='grpc-js: no order %237, did you mean order {8}%3F 50% of üs do
grpcio: no order #7, did you mean order {8}? 50% of üs do'
sed -i 's/features = \["router", "server"\]/features = ["codegen", "router", "server", "transport"]/' Cargo.toml
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 300 cargo build --quiet
target/debug/status > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
got=$(timeout 20 node ask.mjs "$(cat port)"; timeout 20 python/bin/python ask.py "$(cat port)")
diff <(echo "$seen") <(echo "$got")
echo "as described"
