//! The program with a bucket in place of a folder.

mod bucket;

use testkit::h1::{Conn, exchange, request};
use testkit::{Launch, Program, eventually};

use bucket::Bucket;

const ID: &str = "0123456789abcdef";
const KEY: &str = "0123456789abcdef.pdf";

fn start(bucket: &Bucket) -> (Program, u16) {
    let launch = Launch::new(env!("CARGO_BIN_EXE_upload")).var("http_proxy", bucket.as_proxy());
    let launch = launch.var("OSS_BUCKET", "my-bucket").var("OSS_ENDPOINT", "http://oss.example.com");
    let launch =
        launch.var("ALIBABA_CLOUD_ACCESS_KEY_ID", "id").var("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush");
    launch.var("ALIBABA_CLOUD_SECURITY_TOKEN", "token").start_on_port("FC_CUSTOM_LISTEN_PORT")
}

fn file() -> Vec<u8> {
    b"%PDF-1.7".iter().copied().chain((0..10_000_000).map(|at: u32| (at % 251) as u8)).collect()
}

fn form() -> Vec<u8> {
    let head = b"--xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"tea.pdf\"\r\n\r\n";
    let body = [head, &*file(), b"\r\n--xyz--\r\n"].concat();
    request("POST", &format!("/uploads/{ID}"), "content-type: multipart/form-data; boundary=xyz\r\n", &body)
}

#[test]
fn a_file_is_an_object_once_it_is_whole() {
    let bucket = Bucket::start();
    let (program, port) = start(&bucket);
    let made = exchange(port, &form());
    assert_eq!((made.status, &made.json()["bytes"]), (201, &10_000_008.into()), "{made:?}");
    assert!(bucket.object(KEY) == Some(file()), "the same bytes");
    assert_eq!(bucket.uploads(), (0, 1));
    let given = exchange(port, &request("GET", &format!("/files/{KEY}"), "", b""));
    assert!((given.status, given.body) == (200, file()), "the same bytes");
    exchange(port, &form()).assert_problem(409);
    assert_eq!((bucket.unsigned(), program.out().text().contains("hush")), (0, false));
}

#[test]
fn an_upload_that_breaks_off_is_no_object() {
    let bucket = Bucket::start();
    let (mut program, port) = start(&bucket);
    let whole = form();
    let half = || {
        let mut conn = Conn::open(port);
        conn.send(&whole[..6_000_000]);
        conn
    };
    // The client leaves: what it has sent is removed.
    let conn = half();
    eventually("parts are there", || bucket.uploads().0 == 1);
    drop(conn);
    eventually("no parts are there", || bucket.uploads() == (0, 1));
    // The instance is killed: parts stay, which the bucket's rule removes, and no object.
    let _conn = half();
    eventually("parts are there", || bucket.uploads() == (1, 2));
    program.kill();
    assert_eq!(bucket.objects(), 0);
}
