//! A running shop, and the calls that tests make.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::mpsc;

/// The longest that a test waits for anything.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

pub struct Served {
    pub address: String,
    client: Client,
    dropped: mpsc::UnboundedReceiver<&'static str>,
    pub files: tempfile::TempDir,
}

impl Served {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, dropped) = mpsc::unbounded_channel();
        let files = tempfile::tempdir().unwrap();
        tokio::spawn(outside::app(tell, files.path()).serve(listener));
        let client = Client::builder().no_proxy().timeout(WAIT_MAX).build().unwrap();
        Self { address, client, dropped, files }
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path).send().await.unwrap()
    }

    pub async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    pub async fn order(&self, path: &str, order: Value) -> (u16, Value) {
        let body = order.to_string();
        let answer = self
            .call(Method::POST, path)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Opens a connection of its own, asks, and leaves once `what` is known to have begun.
    pub async fn leave(&mut self, path: &str, what: &'static str) {
        use tokio::io::AsyncWriteExt as _;
        let before = self.counter("cancelled").await;
        let mut socket = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n").as_bytes()).await.unwrap();
        self.until("in_flight", |in_flight| in_flight >= 2).await;
        drop(socket);
        let told = tokio::time::timeout(WAIT_MAX, self.dropped.recv()).await.unwrap();
        assert_eq!(told, Some(what));
        self.until("cancelled", |cancelled| cancelled == before + 1).await;
    }

    pub async fn counter(&self, name: &str) -> u64 {
        self.get("/counters").await.json::<Value>().await.unwrap()[name].as_u64().unwrap()
    }

    pub async fn until(&self, name: &str, is_there: impl Fn(u64) -> bool) {
        let waiting = async {
            while !is_there(self.counter(name).await) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT_MAX, waiting).await.unwrap_or_else(|_| panic!("{name} did not come"));
    }
}
