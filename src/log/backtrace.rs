//! Backtraces for people: the frames of the author's code, without those of the runtime and of other libraries.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;

use crate::error::Error;

/// Crates whose frames say nothing about the author's code, with those that are named after them, such as `tokio_util`.
const LIBRARIES: [&str; 14] = [
    "anyhow",
    "axum",
    "eyre",
    "std",
    "core",
    "alloc",
    "tokio",
    "hyper",
    "h2",
    "tower",
    "tonic",
    "futures",
    "tracing",
    "fc_runtime",
];

/// Frames without a crate.
const BARE: [&str; 11] = [
    "main",
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "clone3",
    "rust_begin_unwind",
    "__rust_try",
    "unknown",
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
    let (mut out, mut kept, mut left_out, mut at) = (String::new(), 0, 0, At::Text);
    for line in text.lines() {
        if let Some(symbol) = symbol(line) {
            if is_of_library(symbol) {
                (left_out, at) = (left_out + 1, At::LeftOut);
            } else {
                (kept, at) = (kept + 1, At::Frame(out.len()));
            }
        } else if !is_path(line) {
            at = At::Text;
        } else if let At::Frame(begin) = at
            && is_in_library(line)
        {
            // A frame of a library that is not in the list: its first line is there already.
            out.truncate(begin);
            (kept, left_out, at) = (kept - 1, left_out + 1, At::LeftOut);
        }
        if !matches!(at, At::LeftOut) {
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

/// What the current line belongs to.
enum At {
    Text,
    /// A frame of the author's, and where it begins in what is kept.
    Frame(usize),
    LeftOut,
}

/// The symbol of a frame's line, such as `  12: shop::orders::find`.
fn symbol(line: &str) -> Option<&str> {
    let line = line.trim_ascii_start();
    let (number, symbol) = line.split_at(line.bytes().take_while(u8::is_ascii_digit).count());
    if number.is_empty() { None } else { symbol.strip_prefix(": ").map(str::trim_ascii) }
}

/// Whether a line says where a frame's code is: `             at /code/src/orders.rs:12:5`.
fn is_path(line: &str) -> bool {
    line.starts_with("      ") && line.trim_ascii_start().starts_with("at ")
}

/// Whether a path is one of the compiler's or the registry's.
fn is_in_library(line: &str) -> bool {
    let line = line.as_bytes();
    let has = |part: &&[u8]| line.windows(part.len()).any(|own| own == *part);
    [&b"/rustc/"[..], b"/registry/src/", b"/library/std/", b"/library/core/"].iter().any(has)
}

fn is_of_library(symbol: &str) -> bool {
    // `<alloc::boxed::Box<F> as core::ops::FnOnce>::call_once` belongs to the first crate that is named, and
    // `std[4f1c]::rt` is how newer symbols spell a crate.
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begin = symbol.bytes().position(|byte| is_of_name(&byte)).unwrap_or(symbol.len());
    let name = &symbol[begin..];
    let name = name.strip_prefix("dyn ").unwrap_or(name);
    let (first, rest) = name.split_at(name.bytes().take_while(is_of_name).count());
    if let Some(of_trait) = rest.strip_prefix(" as ") {
        return is_of_library(of_trait); // `<F as axum::handler::Handler>::call`: a parameter has no crate.
    }
    if rest.is_empty() {
        return BARE.contains(&first);
    }
    let is_named_after =
        |own: &&str| first.strip_prefix(*own).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    first == "__rustc" || LIBRARIES.iter().any(is_named_after)
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
    fn frames_without_paths_are_known_by_their_names() {
        let text = "boom\n   0: <E as anyhow::context::ext::StdError>::ext_context\n   1: <F as axum::handler::Handler<M,S>>::call\n   \
                    2: __rust_try\n   3: <T as shop::Price>::find\n   4: <shop::Tea as core::future::Future>::poll\n";
        let expected = "boom\n   3: <T as shop::Price>::find\n   4: <shop::Tea as core::future::Future>::poll\n  \
                        (3 frames of libraries left out; RUST_BACKTRACE=full shows them)";
        assert_eq!(trimmed(text).unwrap(), expected);
    }

    #[test]
    fn other_texts_stay() {
        // A path without a frame of its own.
        let odd = "   0: std::rt\nnote\n             at /rustc/1/library/std/src/rt.rs:1:1\n";
        for text in [
            odd,
            "",
            "no trace\n  at src/main.rs:1:2",
            "order 7: paid\n3: shop::x",
            "   0: std::rt\n   1: main\n",
        ] {
            assert_eq!(trimmed(text), None, "{text:?}");
        }
    }
}
