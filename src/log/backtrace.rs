//! Backtraces for people: the frames of the author's code, without those of the runtime and of other libraries.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;

use crate::error::Error;

/// Crates whose frames say nothing about the author's code, with those that are named after them, such as `tokio_util`.
const LIBRARIES: [&str; 11] =
    ["std", "core", "alloc", "tokio", "hyper", "h2", "tower", "tonic", "futures", "tracing", "fc_runtime"];

/// Frames without a crate.
const BARE: [&str; 10] = [
    "main",
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "clone3",
    "rust_begin_unwind",
    "<unknown>",
];

/// The backtrace that the cause of an error carries in its debug text, as `anyhow` and `eyre` write it, trimmed.
///
/// Nothing is asked unless `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` has errors carry one.
#[cold]
pub(crate) fn of(error: &Error) -> Option<String> {
    let cause = error.cause()?;
    if Backtrace::capture().status() != BacktraceStatus::Captured {
        return None;
    }
    let text = format!("{cause:?}");
    let (_, frames) = text.split_once("tack backtrace:\n")?;
    Some(format!("\n{}", trimmed(frames).as_deref().unwrap_or(frames)))
}

/// Leaves out the frames of libraries, from any text with a backtrace in the form of the standard library. Text without a
/// backtrace, and one without a single frame of the author, stays as it is.
///
/// With `RUST_BACKTRACE=full` the caller does not ask.
pub(crate) fn trimmed(text: &str) -> Option<String> {
    let (mut out, mut kept, mut left_out, mut is_kept) = (String::new(), 0, 0, true);
    for line in text.lines() {
        if let Some(symbol) = symbol(line) {
            is_kept = !is_of_library(symbol);
            kept += usize::from(is_kept);
            left_out += usize::from(!is_kept);
        } else if !is_path(line) {
            is_kept = true;
        } else if is_kept && left_out + kept > 0 && is_in_library(line) {
            // A frame of a library that is not in the list: its first line is there already.
            let before = out.trim_end().rfind('\n').map_or(0, |at| at + 1);
            out.truncate(before);
            (kept, left_out, is_kept) = (kept - 1, left_out + 1, false);
        }
        if is_kept {
            out.push_str(line);
            out.push('\n');
        }
    }
    if kept == 0 || left_out == 0 {
        return None;
    }
    let _ = write!(out, "  ({left_out} frames of libraries left out; RUST_BACKTRACE=full shows them)");
    Some(out)
}

/// The symbol of a frame's line, such as `  12: shop::orders::find`.
fn symbol(line: &str) -> Option<&str> {
    let (number, symbol) = line.split_once(": ")?;
    let number = number.trim_start();
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(symbol.trim())
}

/// Whether a line says where a frame's code is: `             at /code/src/orders.rs:12:5`.
fn is_path(line: &str) -> bool {
    line.starts_with("      ") && line.trim_start().starts_with("at ")
}

/// Whether a path is one of the compiler's or the registry's.
fn is_in_library(line: &str) -> bool {
    ["/rustc/", "/registry/src/", "/library/std/", "/library/core/"].iter().any(|part| line.contains(part))
}

fn is_of_library(symbol: &str) -> bool {
    // `<alloc::boxed::Box<F> as core::ops::FnOnce>::call_once` belongs to the first crate that is named.
    let name = symbol.trim_start_matches(['<', '&', '(', '*']);
    let name = name.trim_start_matches("dyn ").trim_start_matches("mut ");
    let (first, rest) = name.split_once("::").unwrap_or((name, ""));
    // Legacy symbols of the new mangling carry a hash: `std[4f1c]::rt`.
    let first = first.split('[').next().unwrap_or(first);
    if rest.is_empty() {
        return BARE.contains(&first) || first.starts_with("__rust");
    }
    LIBRARIES
        .iter()
        .any(|own| first.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_libraries_are_left_out() {
        let text = "panicked\n   0: rust_begin_unwind\n             at /rustc/59807616/library/std/src/panicking.rs:697:5\n   \
                    1: core::panicking::panic_fmt\n   2: shop::orders::find\n             at ./src/orders.rs:12:5\n   \
                    3: <core::pin::Pin<P> as core::future::future::Future>::poll\n   4: sqlx_core::query::run\n             \
                    at /home/a/.cargo/registry/src/index/sqlx-core-0.8/src/query.rs:1:1\n   5: shop::main::{{closure}}\n   \
                    6: fc_runtime::stage::panic_guard::poll\n   7: main\n   8: __libc_start_main\n   9: _start\n";
        let expected = "panicked\n   2: shop::orders::find\n             at ./src/orders.rs:12:5\n   5: shop::main::{{closure}}\n  \
                        (8 frames of libraries left out; RUST_BACKTRACE=full shows them)";
        assert_eq!(trimmed(text).unwrap(), expected);
    }

    #[test]
    fn other_texts_stay() {
        for text in
            ["", "no trace\n  at src/main.rs:1:2", "order 7: paid\n3: shop::x", "   0: std::rt\n   1: main\n"]
        {
            assert_eq!(trimmed(text), None, "{text:?}");
        }
    }
}
