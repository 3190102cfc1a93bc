#!/usr/bin/env bash
# serde_json reads a JSON list where a struct is expected: the fields are taken in the order in which the source declares them.
#
# Packages: crates serde 1.0.229, serde_json 1.0.154.
# One would swear: `{"from": "a", "to": "b"}` is the one form of a struct with two fields, and `["a", "b"]` is a type error.
# Behaviour: the list is accepted, with `deny_unknown_fields` too, in nested structs and in tagged enums (the first element is the tag). To exchange two
# lines of a struct, which changes nothing for objects, then exchanges their values. A list that is too short or too long is an error.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.json()` and `event.json()` read with serde_json, so a list passes as a struct there. A handler that is to refuse it reads
# into a `serde_json::Value` first, or flattens one field (`#[serde(flatten)]`), which makes the type a map. Schemas in docs say "object".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "list"
version = "0.0.0"
edition = "2021"

[dependencies]
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
TOML
cat > src/main.rs <<'RUST'
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Transfer {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Job {
    transfer: Transfer,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
#[allow(dead_code)]
enum Command {
    Move { from: String, to: String },
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Route {
    from: String,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Rest {
    to: String,
}

fn show<T: std::fmt::Debug + for<'de> Deserialize<'de>>(json: &str) {
    match serde_json::from_str::<T>(json) {
        Ok(value) => println!("{json} -> {value:?}"),
        Err(_) => println!("{json} -> an error"),
    }
}

fn main() {
    show::<Transfer>(r#"{"from":"a","to":"b"}"#);
    show::<Transfer>(r#"["a","b"]"#);
    show::<Transfer>(r#"["a"]"#);
    show::<Transfer>(r#"["a","b","c"]"#);
    show::<Job>(r#"[["a","b"]]"#);
    show::<Command>(r#"["Move","a","b"]"#);
    show::<Command>(r#"["Move",{"from":"a","to":"b"}]"#);
    show::<Route>(r#"["a","b"]"#);
}
RUST
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 110 cargo build --quiet
seen='{"from":"a","to":"b"} -> Transfer { from: "a", to: "b" }
["a","b"] -> Transfer { from: "a", to: "b" }
["a"] -> an error
["a","b","c"] -> an error
[["a","b"]] -> Job { transfer: Transfer { from: "a", to: "b" } }
["Move","a","b"] -> Move { from: "a", to: "b" }
["Move",{"from":"a","to":"b"}] -> an error
["a","b"] -> an error'
got=$(timeout 10 target/debug/list)
diff <(echo "$seen") <(echo "$got")
echo "as described"
