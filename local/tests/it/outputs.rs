//! Builds that write beside their sources, and files that no build reads.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::Folder;
use testkit::events::kind;
use testkit::manifest::{Function, Manifest};

use crate::harness::{Local, SCRIPTED, f, write_manifest};

/// Puts a program into `code` that is called by the word in the file `built` beside it.
fn program(folder: &Folder, code: &str) {
    folder.link(&format!("{code}/program"), SCRIPTED);
    let text =
        "#!/bin/sh\nSCRIPT_NAME=$(cat \"$FC_FUNC_CODE_PATH/built\") exec \"$FC_FUNC_CODE_PATH/program\"\n";
    let file = folder.write(&format!("{code}/bootstrap"), text);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_edit_beside_what_the_build_writes_is_noticed_and_the_build_does_not_loop() {
    let folder = Folder::new();
    program(&folder, "code");
    folder.write("code/word", "one");
    folder.write("code/package-lock.json", "{}");
    // As an installer does: a product, a lock file that is written each time, and a folder of packages.
    let step = "cd code && cp word built && date +%N >> package-lock.json && mkdir -p node_modules && date > node_modules/x";
    write_manifest(&folder, f().step(step));
    let local = Local::start(folder, &[]);
    let watched = local.wait_for(kind("watching").field("builds", true));
    assert_eq!(watched["folders"], json!([local.folder.path()]));
    assert_eq!(local.get("/name").text(), "one");
    for (number, word) in ["two", "three", "four"].into_iter().enumerate() {
        local.folder.write("code/word", word);
        local.wait_for_nth(number + 1, kind("swapped"));
        assert_eq!(local.get("/name").text(), word);
    }
    assert_eq!(local.count(kind("build_started")), 4, "one build for each edit");
    assert_eq!(local.count(kind("watching")), 1);
}

#[test]
fn only_the_functions_whose_code_changes_are_swapped() {
    let folder = Folder::new();
    let function = |name: &str| {
        program(&folder, name);
        folder.write(&format!("{name}/word"), "one");
        Function::new(name).code(&format!("./{name}")).step(&format!("cp {name}/word {name}/built"))
    };
    let manifest = Manifest::of([function("a"), function("b")]);
    write_manifest(&folder, manifest);
    let local = Local::start(folder, &[]);
    local.wait_for_nth(2, kind("ready"));
    local.wait_for_nth(2, kind("instance_started"));
    for (number, word) in ["two", "three"].into_iter().enumerate() {
        local.folder.write("a/word", word);
        local.wait_for_nth(number + 1, kind("swapped").function("a"));
    }
    assert_eq!(local.count(kind("swapped").function("b")), 0, "its build makes the same");
}

/// A server of the standard library alone, which answers with a word.
const SERVER: &str = r#"
mod word;
use std::io::{Read, Write};
fn main() {
    let port: u16 = std::env::var("FC_SERVER_PORT").unwrap().parse().unwrap();
    for stream in std::net::TcpListener::bind(("0.0.0.0", port)).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let word = word::WORD;
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{word}", word.len());
    }
}
"#;

#[test]
fn a_file_that_no_build_reads_starts_none() {
    let folder = Folder::new();
    folder.write(
        "Cargo.toml",
        "[package]\nname = \"served\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    folder.write("src/main.rs", SERVER);
    folder.write("src/word.rs", "pub const WORD: &str = \"one\";\n");
    folder.write("page/notes.html", "one");
    folder.write("g/file", "one");
    let step = "cargo build --quiet --offline && mkdir -p code && cp target/debug/served code/bootstrap";
    write_manifest(&folder, Manifest::of([f().step(step), Function::new("g").code("./g")]));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("ready").function("g"));
    local.wait_for(kind("watching").function("g"));
    assert_eq!(local.get("/").text(), "one");
    for (number, file) in ["page/notes.html", "src/unused.rs", "examples/other.rs"].into_iter().enumerate() {
        local.folder.write(file, "two");
        // Whoever sees this change has seen the one before.
        local.folder.write("g/file", file);
        local.wait_for_nth(number + 1, kind("swapped").function("g"));
    }
    local.folder.write("src/word.rs", "pub const WORD: &str = \"two\";\n");
    local.wait_for(kind("swapped").function("f"));
    assert_eq!(local.get("/").text(), "two");
    assert_eq!(local.count(kind("build_started")), 2);
    // What cargo reads without a note does.
    local.folder.write("Cargo.toml", &format!("{}\n# edited\n", local.folder.text("Cargo.toml")));
    local.wait_for_nth(3, kind("build_started"));
}
