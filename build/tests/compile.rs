//! What a build script gets from `.proto` files: code, what cargo has to watch, and mistakes with their place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

/// Not a test: the build script of the packages below, in a process of its own.
#[test]
#[ignore = "a build script for other tests"]
fn build_script() -> ExitCode {
    // Without a package somebody asked for all ignored tests.
    std::env::var("IT_PROTOS").map_or(ExitCode::SUCCESS, |protos| {
        fc_runtime_build::compile(&protos.split_whitespace().collect::<Vec<_>>())
    })
}

/// A package with `.proto` files.
struct Package(PathBuf);

impl Package {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let package = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        let _ = fs::remove_dir_all(&package.0);
        fs::create_dir_all(package.0.join("out")).unwrap();
        for (name, text) in files {
            let path = package.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        package
    }

    /// Runs the build script with these files.
    fn build(&self, protos: &str) -> Output {
        Command::new(std::env::current_exe().unwrap())
            .args(["build_script", "--exact", "--ignored", "--nocapture"])
            .current_dir(&self.0)
            .env("OUT_DIR", self.0.join("out"))
            .env("IT_PROTOS", protos)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn check_refused(&self, protos: &str, place: &str, what: &str) {
        let output = self.build(protos);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{errors}");
        assert!(errors.contains(place) && errors.contains(what), "{errors}");
    }
}

const SERVICE: &str = r#"syntax = "proto3";
package greeter;
import "name.proto";
import "shared/place.proto";
import "google/protobuf/empty.proto";
service Greeter { rpc SayHello (Name) returns (google.protobuf.Empty); }
message Visit { Name name = 1; Place place = 2; }
"#;
const NAME: &str = "syntax = \"proto3\";\npackage greeter;\nmessage Name { string text = 1; }\n";
const PLACE: &str = "syntax = \"proto3\";\npackage greeter;\nmessage Place { string text = 1; }\n";

fn greeter(name: &str) -> Package {
    let files = [("proto/greeter.proto", SERVICE), ("proto/name.proto", NAME), ("shared/place.proto", PLACE)];
    Package::new(name, &files)
}

#[test]
fn a_service_becomes_code_and_descriptors() {
    let package = greeter("code");
    let output = package.build("proto/greeter.proto");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let code = fs::read_to_string(package.0.join("out/greeter.rs")).unwrap();
    for part in
        ["mod greeter_server", "mod greeter_client", "fn say_hello", "struct Visit", "\"greeter.Greeter\""]
    {
        assert!(code.contains(part), "{part} in {code}");
    }
    let descriptors = fs::read(package.0.join("out/descriptors.bin")).unwrap();
    for name in [&b"greeter.proto"[..], b"shared/place.proto", b"google/protobuf/empty.proto"] {
        assert!(descriptors.windows(name.len()).any(|part| part == name), "{name:?}");
    }
}

/// Wherever it is found: beside the first file, or in the package.
#[test]
fn every_file_that_was_read_is_watched_by_cargo() {
    let output = greeter("watched").build("proto/greeter.proto");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut watched: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("cargo:rerun-if-changed=")).collect();
    watched.sort_unstable();
    assert_eq!(watched, ["./shared/place.proto", "proto/greeter.proto", "proto/name.proto"], "{text}");
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let broken = Package::new("broken", &[("a.proto", "syntax = \"proto3\";\n\nmessage { }\n")]);
    broken.check_refused("a.proto", "a.proto:3:9", "expected an identifier");
    let text = "syntax = \"proto3\";\nmessage A {\n  Nobody b = 1;\n}\n";
    let unknown = Package::new("unknown", &[("proto/a.proto", text)]);
    unknown.check_refused("proto/a.proto", "a.proto:3:3", "'Nobody' is not defined");
    let absent = Package::new("absent", &[("proto/greeter.proto", SERVICE)]);
    absent.check_refused("proto/greeter.proto", "greeter.proto:3:1", "'name.proto' not found");
    absent.check_refused("proto/other.proto", "proto/other.proto", "not");
    absent.check_refused("", "no .proto file", "was named");
}
