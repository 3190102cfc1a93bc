//! The shop as a program: its lines, its spans at a collector, its metrics.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::{Served, WAIT_MAX};

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A collector that takes each export. Gives their bytes.
fn collector() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, exports) = mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut out, mut socket) = {
                let socket = socket.unwrap();
                (socket.try_clone().unwrap(), BufReader::new(socket))
            };
            let mut length = 0;
            for line in socket.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                if let Some(own) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = own.parse().unwrap();
                }
            }
            let mut export = vec![0; length];
            socket.read_exact(&mut export).unwrap();
            out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if tell.send(export).is_err() {
                return;
            }
        }
    });
    (port, exports)
}

/// One call. Gives the reply's text.
fn ask(port: u16, request: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(WAIT_MAX)).unwrap();
    socket.write_all(format!("{request}\r\nhost: shop\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn a_request_is_lines_and_a_span_of_the_callers_trace() {
    let ((collector, exports), port) = (collector(), free_port());
    let mut program = Command::new(env!("CARGO_BIN_EXE_outside"))
        .env("FC_SERVER_PORT", port.to_string())
        .env("FC_LOG", "info,sqlx=warn")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{collector}"))
        .stdout(Stdio::piped())
        .spawn()
        .map(Program)
        .unwrap();
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < WAIT_MAX, "the program does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    for header in [format!("traceparent: 00-{TRACE}-{SPAN}-01"), format!("b3: {TRACE}-{SPAN}-1")] {
        let reply = ask(port, &format!("GET /sell/tea HTTP/1.1\r\n{header}"));
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        let export = exports.recv_timeout(WAIT_MAX).unwrap();
        let has = |digits: &str| {
            let bytes: Vec<u8> = (0..digits.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
                .collect();
            export.windows(bytes.len()).any(|part| part == bytes)
        };
        assert!(has(TRACE) && has(SPAN), "the caller's trace goes on");
        for part in ["http.request.method", "http.route", "sale"] {
            assert!(export.windows(part.len()).any(|own| own == part.as_bytes()), "{part}");
        }
    }

    program.0.kill().unwrap();
    let lines = BufReader::new(program.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
    let sold = lines.iter().find(|line| line["message"] == "sold").unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&sold["spans"], &sold["paid"]), (&json!([{"name": "sale", "item": "tea"}]), &json!(true)));
}

#[tokio::test]
async fn counters_and_histograms_are_a_route() {
    let shop = Served::start().await;
    for item in ["tea", "tea", "salt"] {
        assert_eq!(shop.text(&format!("/sell/{item}")).await, item);
    }
    let text = shop.text("/metrics").await;
    for line in [
        "shop_sold_total{item=\"tea\"} 2",
        "shop_sold_total{item=\"salt\"} 1",
        "shop_weight_count 3",
        "shop_weight_sum 1.5",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in {text}");
    }
    assert!(text.contains("http_route=\"/sell/{item}\""), "{text}");
}
