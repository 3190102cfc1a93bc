#!/usr/bin/env bash
# A second `cargo publish --dry-run` of a workspace builds its crates against one another as the first run packed them: what was changed since is not seen.
#
# Packages: cargo 1.95.0; no crates.
# One would swear: a dry run verifies each crate with what it would upload now, and crates that depend on one another with each other as they are now.
# Behaviour: to verify `second`, which depends on `first`, cargo takes `first` from a registry of its own that it has just filled. But it unpacks it to
# `$CARGO_HOME/registry/src/-HASH/first-VERSION`, whose hash is the same for one target folder, and leaves what an earlier run unpacked there; and what was
# compiled of it in the target folder is never out of date, since a version of a registry never changes. So a change of both crates fails where it is right, and a check
# passes that the upload would fail: the second calls what the first no longer has. Without what was unpacked it is the same; without what was compiled too, the
# sources are those of now. Another target folder or a new version would do as well.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `.ci/dist --check` removes of its crates what was unpacked and the fingerprints of what was compiled before it packs them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p first/src second/src home
# How this machine reaches the registry is kept.
config=${CARGO_HOME:-$HOME/.cargo}/config.toml
[ ! -e "$config" ] || cp "$config" home/
export CARGO_HOME=$work/home CARGO_BUILD_JOBS=2
unset CARGO_TARGET_DIR
cat > Cargo.toml <<'TOML'
[workspace]
members = ["first", "second"]
resolver = "2"
TOML
cat > first/Cargo.toml <<'TOML'
[package]
name = "first-of-two-that-are-packed"
version = "0.1.0"
edition = "2021"
description = "Needed by the other"
license = "MIT"
TOML
cat > second/Cargo.toml <<'TOML'
[package]
name = "second-of-two-that-are-packed"
version = "0.1.0"
edition = "2021"
description = "Needs the other"
license = "MIT"

[dependencies]
first = { package = "first-of-two-that-are-packed", path = "../first", version = "0.1.0" }
TOML
# The name that the first crate has, and the one that the second calls.
write() {
  echo "pub fn $1() {}" > first/src/lib.rs
  echo "pub fn call() { first::$2() }" > second/src/lib.rs
}
verify() {
  if timeout 60 cargo publish --dry-run --allow-dirty --workspace > log 2>&1; then
    echo passes
  else
    grep -o 'cannot find function `[a-z]*` in crate `first`' log || cat log
  fi
}
seen='as first written: passes
both changed, built: passes
both changed, dry run: cannot find function `new` in crate `first`
the first changed, built: cannot find function `old` in crate `first`
the first changed, dry run: passes
the same without what was unpacked: passes
the same without what was compiled too: cannot find function `old` in crate `first`'
got=$(
  write old old
  echo "as first written: $(verify)"
  write new new
  echo "both changed, built: $(cargo check --quiet 2>&1 && echo passes)"
  echo "both changed, dry run: $(verify)"
  write new old
  echo "the first changed, built: $(cargo check --quiet 2>&1 | grep -o 'cannot find function `[a-z]*` in crate `first`')"
  echo "the first changed, dry run: $(verify)"
  rm -r home/registry/src/-*/first-of-two-*
  echo "the same without what was unpacked: $(verify)"
  rm -r home/registry/src/-*/first-of-two-* target/debug/.fingerprint/first-of-two-*
  echo "the same without what was compiled too: $(verify)"
)
diff <(echo "$seen") <(echo "$got") || { echo "with $(cargo --version)"; exit 1; }
echo "as described"
