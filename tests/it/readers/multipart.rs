//! Forms with files.

use serde_json::json;
use testkit::{Folder, h2, until};

use crate::support::{Ask, Launch, Server};

const TYPE: (&str, &str) = ("content-type", "multipart/form-data; boundary=\"x y\"");

/// A form of parts, each with the parameters of its disposition, further headers and its content.
fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (parameters, headers, content) in parts {
        let head = format!("--x y\r\nContent-Disposition: form-data; {parameters}\r\n{headers}\r\n");
        form.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    form.extend(b"--x y--\r\n");
    form
}

fn post(path: &str, body: Vec<u8>) -> Ask {
    Ask::post(path, body).header(TYPE.0, TYPE.1)
}

#[test]
fn texts_and_files_are_read_over_both_protocols() {
    let server = Server::app("readers");
    let photo: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_be_bytes).collect();
    let sum: u64 = photo.iter().map(|byte| u64::from(*byte)).sum();
    let body = form(&[
        ("name=\"title\"", "", "größe\r\n--x".as_bytes()),
        ("name=\"latin\"", "Content-Type: text/plain; charset=iso-8859-1\r\n", b"\xe4"),
        ("name=\"octets\"", "Content-Type: application/octet-stream\r\n", b"no file"),
        ("name=\"base64\"", "Content-Transfer-Encoding: base64\r\n", b"aGk="),
        ("name=\"photo\"; filename=\"a b.jpg\"", "Content-Type: image/jpeg\r\n", &photo),
        ("name=photo; filename=a.txt; filename*=utf-8''%C3%A4.txt", "", b"1"),
        ("name=\"none\"; filename=\"\"", "Content-Type: application/octet-stream\r\n", b""),
    ]);
    let expected = json!([
        "title=größe\r\n--x",
        "latin=ä",
        "octets=no file",
        "base64=aGk=",
        format!("photo: a b.jpg, image/jpeg, 12000000 bytes, sum {sum}, left false"),
        "photo: ä.txt, none, 1 bytes, sum 49, left false",
        "none: , application/octet-stream, 0 bytes, sum 0, left false",
    ]);
    let ask = post("/multipart/parts", body);
    assert_eq!(server.ask(&ask).assert_status(200).json(), expected);
    assert_eq!(server.ask(&ask.clone().in_chunks()).assert_status(200).json(), expected);
    assert_eq!(h2::Conn::open(server.port).ask(&ask).assert_status(200).json(), expected);
}

#[test]
fn limits_are_kept() {
    let server = Server::app("readers");
    let of = |lengths: &[usize]| {
        let contents: Vec<Vec<u8>> = lengths.iter().map(|length| vec![b'a'; *length]).collect();
        let parts: Vec<_> = contents.iter().map(|content| ("name=a", "", &content[..])).collect();
        post("/multipart/bytes", form(&parts))
    };
    assert_eq!(
        server.ask(&of(&[1024 * 1024, 0, 70_000])).assert_status(200).json(),
        json!([1_048_576, 0, 70_000])
    );
    assert_eq!(server.ask(&of(&[1, 1, 1, 1])).assert_problem(413)["limit"], 3);
    assert_eq!(server.ask(&of(&[1024 * 1024 + 1])).assert_problem(413)["limit"], 1_048_576);
    // The body limit of the place, announced and not.
    let large = of(&[1024 * 1024, 1024 * 1024]);
    assert_eq!(server.ask(&large).assert_problem(413)["limit"], 2_097_152);
    assert_eq!(server.ask(&large.in_chunks()).assert_problem(413)["limit"], 2_097_152);
    let head = format!("X-Long: {}\r\n", "a".repeat(9000));
    server.ask(&post("/multipart/bytes", form(&[("name=a", &head, b"1")]))).assert_problem(400);
    let line = "X: y\r\n".repeat(40);
    server.ask(&post("/multipart/bytes", form(&[("name=a", &line, b"1")]))).assert_problem(400);
}

#[test]
fn what_is_no_form_is_refused() {
    let server = Server::app("readers");
    let whole = form(&[("name=a", "", b"1")]);
    for (content_type, body, status, part) in [
        ("application/json", &whole[..], 415, "multipart/form-data"),
        ("multipart/mixed; boundary=x", &whole, 415, "multipart/form-data"),
        ("multipart/form-data", &whole, 400, "boundary"),
        ("multipart/form-data; boundary=\"x y \"", &whole, 400, "boundary"),
        (TYPE.1, &whole[..whole.len() - 6], 400, "ends before its last boundary"),
        (TYPE.1, b"", 400, "ends before its last boundary"),
        (TYPE.1, b"--x y\r\nno colon\r\n\r\n1\r\n--x y--", 400, "no colon"),
        (TYPE.1, b"--x y\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x y--", 400, "no name"),
    ] {
        let ask = Ask::post("/multipart/bytes", body).header("content-type", content_type);
        let problem = server.ask(&ask).assert_problem(status);
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
}

#[test]
fn what_handlers_keep_counts_as_memory_for_clients() {
    let server = Launch::app("readers").var("FC_FUNCTION_MEMORY_SIZE", "64").start();
    let content = vec![b'a'; 10 * 1024 * 1024];
    let of =
        |count: usize| post("/multipart/held", form(&vec![("name=a; filename=b", "", &content[..]); count]));
    server.ask(&of(1)).assert_status(200).assert_text("1");
    server.ask(&of(2)).assert_header("retry-after", "1").assert_problem(503);
    // What was kept is given back.
    server.ask(&of(1)).assert_status(200);
}

#[test]
fn an_upload_whose_client_leaves_leaves_no_file() {
    let folder = Folder::new();
    folder.write("a.txt", "tea");
    let server = Launch::app("readers").var("IT_FOLDER", folder.path().to_str().unwrap()).start();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut conn = server.connect();
    let head = format!(
        "POST /multipart/left HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Length: 2000000\r\n\r\n",
        TYPE.1
    );
    conn.send(head.as_bytes());
    let body = form(&[("name=a; filename=b", "", &vec![b'a'; 1_000_000])]);
    conn.send(&body[..500_000]);
    until("the file to be there", || (files() == 2).then_some(()));
    conn.reset();
    server.until_counter("cancelled", 1);
    until("the file to be gone", || (files() == 1).then_some(()));
}
