#!/usr/bin/env bash
# A field that serde reads from JSON in a struct is an error once the struct is a variant of a tagged enum, or flattened.
#
# Packages: crates serde 1.0.229, serde_json 1.0.154.
# One would swear: `#[serde(tag = "type")]` and `#[serde(flatten)]` say where fields are, not of which types they may be.
# Behaviour: both read into a buffer first, whose keys are texts and whose numbers have 64 bits. So `HashMap<u32, _>` refuses "1", and `u128` refuses
# each number, 5 too. Both work in the plain struct. With `content` beside the tag, the order of the keys decides: data before the tag is an error.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.json()` and `event.json()` answer 422 for such a type; nothing is misread. Handlers that take tagged
# events declare maps with text keys and large numbers as text, or leave the tag out of attributes: an enum without `tag` is not buffered.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "tag"
version = "0.0.0"
edition = "2021"

[dependencies]
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
TOML
cat > src/main.rs <<'RUST'
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Stock {
    shelves: BTreeMap<u32, u32>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Amount {
    cents: u128,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
#[allow(dead_code)]
enum Tagged {
    Stock(Stock),
    Amount(Amount),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Flat {
    #[serde(flatten)]
    stock: Stock,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(dead_code)]
enum Beside {
    Stock(Stock),
    Amount(Amount),
}

fn show<T: std::fmt::Debug + for<'de> Deserialize<'de>>(name: &str, json: &str) {
    match serde_json::from_str::<T>(json) {
        Ok(value) => println!("{name} {json} -> {value:?}"),
        Err(error) => println!("{name} {json} -> {error}"),
    }
}

fn main() {
    show::<Stock>("struct", r#"{"shelves":{"1":2}}"#);
    show::<Amount>("struct", r#"{"cents":5}"#);
    show::<Tagged>("tagged", r#"{"type":"Stock","shelves":{"1":2}}"#);
    show::<Tagged>("tagged", r#"{"type":"Amount","cents":5}"#);
    show::<Flat>("flattened", r#"{"shelves":{"1":2}}"#);
    show::<Beside>("beside", r#"{"type":"Stock","data":{"shelves":{"1":2}}}"#);
    show::<Beside>("beside", r#"{"data":{"shelves":{"1":2}},"type":"Stock"}"#);
}
RUST
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 110 cargo build --quiet
seen='struct {"shelves":{"1":2}} -> Stock { shelves: {1: 2} }
struct {"cents":5} -> Amount { cents: 5 }
tagged {"type":"Stock","shelves":{"1":2}} -> invalid type: string "1", expected u32
tagged {"type":"Amount","cents":5} -> u128 is not supported
flattened {"shelves":{"1":2}} -> invalid type: string "1", expected u32 at line 1 column 19
beside {"type":"Stock","data":{"shelves":{"1":2}}} -> Stock(Stock { shelves: {1: 2} })
beside {"data":{"shelves":{"1":2}},"type":"Stock"} -> invalid type: string "1", expected u32 at line 1 column 43'
got=$(timeout 10 target/debug/tag)
diff <(echo "$seen") <(echo "$got")
echo "as described"
