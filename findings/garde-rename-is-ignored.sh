#!/usr/bin/env bash
# garde reads `rename` of a field, and reports the name in Rust all the same.
#
# Packages: crates garde 0.23.0, serde 1.0, serde_json 1.0.
# One would swear: `#[garde(rename("shipTo"))]` is the name in the report, since the derive takes it without a word and refuses what it does not know.
# Behaviour: the path in the report is `ship_to`, with `rename` and without; `#[serde(rename)]` and `rename_all` have no effect either. A service that sends the paths
# to its clients names fields that they have never sent.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `valid` asks `Deserialize` for the names on the wire, and makes its pointers of these; a field renamed to another word keeps its name in Rust.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "renamed"
version = "0.0.0"
edition = "2021"

[dependencies]
garde = { version = "=0.23.0", default-features = false, features = ["derive"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
TOML
cat > src/main.rs <<'RUST'
use garde::Validate;

#[derive(serde::Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Order {
    #[garde(rename("shipTo"), length(min = 1))]
    ship_to: String,
    #[garde(length(min = 1))]
    bill_to: String,
}

fn main() {
    let order: Order = serde_json::from_str(r#"{"shipTo":"","billTo":""}"#).expect("an order");
    print!("{}", order.validate().expect_err("two mistakes"));
}
RUST
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 110 cargo build --quiet
seen='bill_to: length is lower than 1
ship_to: length is lower than 1'
got=$(timeout 10 target/debug/renamed | sort)
diff <(echo "$seen") <(echo "$got")
echo "as described"
