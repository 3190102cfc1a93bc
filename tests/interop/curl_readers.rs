//! curl as people use it with files, cookies, forms and compressed replies, in both protocols.

use std::process::Command;

use testkit::Folder;

use crate::support::{Launch, Server};

const PROTOCOLS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];

fn start(folder: &Folder) -> Server {
    folder.write("site/a.txt", "tea and salt");
    let bytes: Vec<u8> = (0..100_000u64).flat_map(u64::to_be_bytes).collect();
    std::fs::write(folder.file("site/long.bin"), bytes).unwrap();
    Launch::app("readers").var("IT_FOLDER", folder.file("site").to_str().unwrap()).start()
}

/// What curl prints: the body, and what `--write-out` asks for.
#[track_caller]
fn curl(protocol: &str, server: &Server, path: &str, options: &[&str]) -> Vec<u8> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "30", protocol]).args(options);
    let done =
        curl.arg(format!("http://localhost:{}{path}", server.port)).output().expect("curl is installed");
    assert!(done.status.success(), "{path}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn a_download_is_resumed_and_asked_for_again() {
    let folder = Folder::new();
    let server = start(&folder);
    let whole = std::fs::read(folder.file("site/long.bin")).unwrap();
    for protocol in PROTOCOLS {
        let (part, etag) = (folder.file("part"), folder.file("etag"));
        std::fs::write(&part, &whole[..123_456]).unwrap();
        let to = ["--continue-at", "-", "--output", part.to_str().unwrap()];
        curl(protocol, &server, "/files/long.bin", &to);
        assert!(std::fs::read(&part).unwrap() == whole, "{protocol}");
        assert_eq!(curl(protocol, &server, "/files/long.bin", &["--range", "-8"]), whole[whole.len() - 8..]);
        let (etag, code) = (etag.to_str().unwrap(), ["--write-out", "%{http_code}"]);
        curl(protocol, &server, "/files/a.txt", &["--etag-save", etag]);
        let again = curl(protocol, &server, "/files/a.txt", &[&code[..], &["--etag-compare", etag]].concat());
        assert_eq!(text(again), "304");
        let a = folder.file("site/a.txt");
        let since = ["--time-cond", a.to_str().unwrap()];
        assert_eq!(text(curl(protocol, &server, "/files/a.txt", &[&code[..], &since].concat())), "304");
    }
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn forms_with_files_cookies_and_compressed_replies() {
    let folder = Folder::new();
    let server = start(&folder);
    let file = folder.file("site/long.bin");
    for protocol in PROTOCOLS {
        let upload = format!("file=@{};filename=a \"b\".bin", file.display());
        let told =
            text(curl(protocol, &server, "/multipart/parts", &["--form", "title=größe", "--form", &upload]));
        assert!(told.contains("title=größe") && told.contains("800000 bytes"), "{told}");
        assert!(told.contains("a \\\"b\\\".bin"), "{told}");
        let jar = folder.file("jar");
        let jar = jar.to_str().unwrap();
        curl(protocol, &server, "/login", &["--cookie-jar", jar]);
        assert_eq!(text(curl(protocol, &server, "/user", &["--cookie", jar])), "7");
        curl(protocol, &server, "/logout", &["--cookie", jar, "--cookie-jar", jar]);
        assert_eq!(text(curl(protocol, &server, "/user", &["--cookie", jar])), "none");
        let plain = text(curl(protocol, &server, "/compressed/large", &["--compressed"]));
        assert_eq!(plain, "tea and salt, ".repeat(20_000));
    }
}
