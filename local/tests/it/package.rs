//! `fc-local package`, `symbolize` and `new`, as far as they need no compiler.

use testkit::program::Ended;
use testkit::{Folder, Launch};

use crate::harness::{f, program, scripted, write_manifest};

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    Launch::new(program()).args(arguments).folder(folder.path()).run()
}

#[test]
fn a_program_that_is_too_new_for_the_image_is_refused() {
    let folder = scripted();
    write_manifest(&folder, f().prop("runtime", "custom"));
    // A copy in place of the link, since a link would lead out of the package.
    let built = std::fs::read(folder.file("code/bootstrap")).unwrap();
    std::fs::remove_file(folder.file("code/bootstrap")).unwrap();
    std::fs::write(folder.file("code/bootstrap"), built).unwrap();
    let output = run(&folder, &["package", "--no-build", "--output", "out"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(
        output.err.contains("error: it needs glibc 2.") && output.err.contains("Debian 9 has 2.24"),
        "{}",
        output.err
    );
    assert!(folder.file("out/f/code.zip").is_file());
}

#[test]
fn what_is_there_is_packed_alike_each_time_and_started() {
    let folder = Folder::new();
    write_manifest(&folder, f());
    folder.write("code/bootstrap", "#!/bin/sh\necho no server here\nexit 3\n");
    folder.write("code/.fcignore", "*.log\n");
    folder.write("code/left-out.log", "x");
    let zip = |name: &str| {
        let output = run(&folder, &["package", "f", "--no-build", "--no-start", "--output", name]);
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{}", output.out);
        std::fs::read(folder.file(name).join("f/code.zip")).unwrap()
    };
    let first = zip("one");
    assert_eq!(first, zip("two"));
    let has = |part: &[u8]| first.windows(part.len()).any(|own| own == part);
    assert!(has(b"bootstrap") && !has(b"left-out.log"));
    let output = run(&folder, &["package", "--no-build", "--output", "one"]);
    assert_eq!(output.code, Some(1), "{}", output.out);
    assert!(
        output.err.contains("it does not start") && output.err.contains("| no server here"),
        "{}",
        output.err
    );
    let output = run(&folder, &["package", "g"]);
    assert!(output.code == Some(1) && output.err.contains("there is no function `g`"), "{}", output.err);
    let output = run(&folder, &["package"]);
    assert!(output.code == Some(1) && output.err.contains("has no Cargo.toml"), "{}", output.err);
}

#[test]
fn what_is_missing_is_said_with_the_lines_that_install_it() {
    let folder = Folder::new();
    write_manifest(&folder, f().prop("runtime", "custom"));
    folder.write(
        "Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    folder.write("src/main.rs", "fn main() {}\n");
    // Cargo alone is on the search path, and the home folder is empty.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let bin = std::path::Path::new(&cargo).parent().unwrap().to_owned();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let launch = Launch::new(program()).args(["package"]).folder(folder.path());
    let output = launch.var("PATH", path).var("HOME", folder.path()).run();
    assert_eq!(output.code, Some(1), "{}", output.out);
    for part in [
        "Debian 9 has glibc 2.24",
        "python3 -m venv ~/.fc-local/zig",
        "pip install ziglang cargo-zigbuild",
        "--musl",
    ] {
        assert!(output.err.contains(part), "{}", output.err);
    }
    assert!(!folder.file("code/bootstrap").exists());
}

#[test]
fn symbols_that_are_no_program_are_refused() {
    let folder = Folder::new();
    folder.write("text", "no program");
    for name in ["text", "absent"] {
        let output = run(&folder, &["symbolize", name]);
        assert!(output.code == Some(1) && output.err.starts_with(name), "{}", output.err);
    }
}

#[test]
fn a_project_is_made_in_a_new_folder_alone() {
    let folder = Folder::new();
    let output = run(&folder, &["new", "orders"]);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert!(output.out.contains("cd orders") && output.out.contains("fc-local dev"), "{}", output.out);
    let manifest = folder.text("orders/s.yaml");
    assert!(
        manifest.contains("functionName: \"orders\"") && manifest.contains("access: \"default\""),
        "{manifest}"
    );
    assert!(
        folder.text("orders/src/main.rs").contains("fc_runtime::App")
            || folder.text("orders/src/main.rs").contains("fc_runtime::{App")
    );
    for (arguments, part) in [
        (&["new", "orders"][..], "orders is there already, and not empty: nothing is written"),
        (&["new", "1st"], "`1st` is no name of a function"),
        (&["new", "a", "--template", "soap"], "there is no template `soap`; there are: http, sse, websocket"),
        (&["new", "a", "--memory", "100"], "--memory must be a multiple of 64"),
        (&["new", "a", "--region", "x\"y"], "--region must be one word"),
        (&["new", "a", "--runtime", "."], "that folder is no clone of fc-runtime"),
    ] {
        let output = run(&folder, arguments);
        assert!(output.code == Some(1) && output.err.contains(part), "{arguments:?}: {}", output.err);
        assert!(!folder.file("a").exists());
    }
    let output =
        run(&folder, &["new", "mail", "--template", "event", "--runtime", "https://example.invalid/x.git"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        folder.text("mail/Cargo.toml").contains("fc-runtime = { git = \"https://example.invalid/x.git\" }")
    );
}

/// The readme makes one in the clone.
#[test]
fn a_project_can_be_made_in_the_folder_of_a_workspace() {
    let folder = Folder::new();
    folder.write("Cargo.toml", "[workspace]\nmembers = []\nresolver = \"3\"\n");
    for template in ["http", "sse", "websocket", "grpc", "event", "async", "axum", "mcp", "container"] {
        let output = run(&folder, &["new", template, "--template", template]);
        assert_eq!(output.code, Some(0), "{}", output.err);
        let located = Launch::new("cargo")
            .args(["locate-project", "--workspace", "--message-format", "plain"])
            .folder(folder.file(template))
            .run();
        let own = folder.file(template).join("Cargo.toml").canonicalize().unwrap();
        assert_eq!(located.out.trim(), own.to_str().unwrap(), "{}", located.err);
    }
}
