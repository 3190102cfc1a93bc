//! The program as it is deployed, on a folder: whole files, and those that break off.

use std::time::{Duration, SystemTime};

use testkit::h1::{Conn, exchange, request};
use testkit::{Answer, Folder, Launch, Program, eventually};

const MIB: usize = 1024 * 1024;

fn start(folder: &Folder) -> (Program, u16) {
    let launch = Launch::new(env!("CARGO_BIN_EXE_upload")).var("STORAGE_DIR", folder.file("storage"));
    launch.start_on_port("FC_CUSTOM_LISTEN_PORT")
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

/// What is no part of a PNG, but begins as one.
fn png(bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend((png.len()..bytes).map(|at| u8::try_from(at % 251).unwrap()));
    png
}

/// A form with a file, as browsers send it.
fn form(id: &str, file: &[u8]) -> Vec<u8> {
    let head = "--xyz\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\ntea\r\n--xyz\r\n\
                content-disposition: form-data; name=\"file\"; filename=\"../tea.png\"\r\ncontent-type: image/png\r\n\r\n";
    let body = [head.as_bytes(), file, b"\r\n--xyz--\r\n"].concat();
    request("POST", &format!("/uploads/{id}"), "content-type: multipart/form-data; boundary=xyz\r\n", &body)
}

fn get(port: u16, target: &str) -> Answer {
    exchange(port, &request("GET", target, "", b""))
}

/// The names in the storage, without the folder of parts, and how many parts there are.
fn stored(folder: &Folder) -> (Vec<String>, usize) {
    let names = |path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let names_of = |path| names(path).map(|entry| entry.file_name().into_string().unwrap());
    let mut files: Vec<String> =
        names_of(folder.file("storage")).filter(|name| !name.starts_with('.')).collect();
    files.sort();
    (files, names(folder.file("storage/.parts")).count())
}

#[test]
fn a_file_of_32_mb_is_stored_whole_and_watched() {
    let folder = Folder::new();
    let (_program, port) = start(&folder);
    let (id, file) = (id(1), png(32_000_000));
    let mut page = Conn::open(port);
    page.send(&request("GET", &format!("/uploads/{id}/progress"), "", b""));
    page.answer_head().assert_status(200).assert_header("content-type", "text/event-stream");
    page.until_text("{\"state\":\"waiting\"}");
    let made = exchange(port, &form(&id, &file));
    let location = format!("/files/{id}.png");
    assert_eq!((made.status, made.header("location")), (201, Some(&*location)), "{made:?}");
    assert_eq!(made.json()["bytes"], 32_000_000);
    let told = page.until_text("\"bytes\":32000000}");
    assert!(told.contains("{\"state\":\"receiving\",\"received\":"), "{told}");
    assert!(told.contains("\"total\":32000"), "{told}");
    assert!(told.contains(&format!("{{\"state\":\"done\",\"location\":\"{location}\"")), "{told}");

    let given = get(port, &location);
    given.assert_status(200).assert_header("content-type", "image/png");
    given.assert_header("content-disposition", &format!("attachment; filename=\"{id}.png\""));
    assert!(given.body == file, "the same bytes");
    assert_eq!(stored(&folder), (vec![format!("{id}.png")], 0));
    // The same upload once more.
    exchange(port, &form(&id, &file)).assert_problem(409);
}

#[test]
fn memory_does_not_grow_with_the_files() {
    let folder = Folder::new();
    let (program, port) = start(&folder);
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    };
    let file = png(31 * MIB);
    let file = &file;
    std::thread::scope(|scope| {
        let uploads =
            (0..4).map(|upload| scope.spawn(move || exchange(port, &form(&id(upload), file)).status));
        let uploads: Vec<_> = uploads.collect();
        assert_eq!(uploads.into_iter().map(|upload| upload.join().unwrap()).collect::<Vec<_>>(), [201; 4]);
    });
    assert_eq!(stored(&folder).0.len(), 4);
    assert!(peak() < 64, "{} MiB at the peak, for 4 files of 31 MiB", peak());
}

#[test]
fn nothing_is_kept_of_a_file_whose_client_leaves() {
    let folder = Folder::new();
    let (program, port) = start(&folder);
    let whole = form(&id(1), &png(16 * MIB));
    let mut page = Conn::open(port);
    page.send(&request("GET", &format!("/uploads/{}/progress", id(1)), "", b""));
    page.answer_head().assert_status(200);
    let mut conn = Conn::open(port);
    conn.send(&whole[..8 * MIB]);
    eventually("a part is written", || stored(&folder).1 == 1);
    drop(conn);
    eventually("the part is gone", || stored(&folder).1 == 0);
    assert!(page.until_text("\"failed\"").contains("receiving"));
    assert_eq!(stored(&folder).0, Vec::<String>::new());
    eventually("it is recorded", || program.out().text().contains("\"status\":499"));
    // The same upload from its beginning.
    exchange(port, &whole).assert_status(201);
}

#[test]
fn a_killed_instance_leaves_no_half_file() {
    let folder = Folder::new();
    let (mut program, port) = start(&folder);
    let whole = form(&id(1), &png(16 * MIB));
    let mut conn = Conn::open(port);
    conn.send(&whole[..8 * MIB]);
    eventually("a part is written", || stored(&folder).1 == 1);
    program.kill();
    assert_eq!(stored(&folder), (vec![], 1));
    // The next instance leaves it alone while another one may be writing it.
    let (_second, port) = start(&folder);
    assert_eq!(stored(&folder).1, 1);
    exchange(port, &whole).assert_status(201);
    let part = std::fs::read_dir(folder.file("storage/.parts")).unwrap().next().unwrap().unwrap();
    let part = std::fs::File::options().write(true).open(part.path()).unwrap();
    part.set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
    let (_third, port) = start(&folder);
    assert_eq!(stored(&folder), (vec![format!("{}.png", id(1))], 0));
    get(port, &format!("/files/{}.png", id(1))).assert_status(200);
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_reason() {
    let folder = Folder::new();
    let (_program, port) = start(&folder);
    let refused = |status: u16, bytes: &[u8], part: &str| {
        let problem = exchange(port, bytes).assert_problem(status);
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    };
    refused(
        415,
        &form(&id(1), b"<html>a page that says it is a picture</html>"),
        "none of JPEG, MP4, PDF, PNG",
    );
    refused(415, &form(&id(1), b""), "none of");
    refused(413, &form(&id(1), &png(32 * MIB)), "33554432");
    refused(400, &form("tea", &png(100)), "hexadecimal");
    refused(
        415,
        &request("POST", &format!("/uploads/{}", id(1)), "content-type: image/png\r\n", &png(100)),
        "multipart",
    );
    let kind = "content-type: multipart/form-data; boundary=xyz\r\n";
    let none =
        b"--xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--xyz--\r\n";
    refused(422, &request("POST", &format!("/uploads/{}", id(1)), kind, none), "choose one");
    let file =
        "--xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%PDF-1.7 and more";
    let two = format!("{file}\r\n{file}\r\n--xyz--\r\n");
    refused(422, &request("POST", &format!("/uploads/{}", id(1)), kind, two.as_bytes()), "one file");
    refused(400, &request("POST", &format!("/uploads/{}", id(1)), kind, file.as_bytes()), "form");
    for name in ["none.png", "..%2f..%2fetc%2fpasswd", ".parts", "%2e%2e.png"] {
        get(port, &format!("/files/{name}")).assert_problem(404);
    }
    eventually("nothing is kept", || stored(&folder) == (vec![], 0));
}

#[test]
fn the_page_may_load_nothing_from_elsewhere() {
    let folder = Folder::new();
    let (_program, port) = start(&folder);
    for (path, kind) in [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")] {
        let page = get(port, path);
        assert!(page.header("content-type").unwrap().starts_with(kind));
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'; script-src 'self'")
        );
        page.assert_header("x-content-type-options", "nosniff");
        assert!(!page.text().contains("<script>") && !page.text().contains("style="));
    }
    get(port, "/readyz").assert_status(200);
}
