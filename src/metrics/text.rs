//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The lines of one series.
pub(super) struct Sample<'a> {
    pub(super) out: &'a mut String,
    pub(super) name: &'a str,
    /// `name="value"`, with commas between them.
    pub(super) labels: &'a str,
}

impl Sample<'_> {
    /// Writes a whole number. `bound` is the upper bound of a bucket.
    pub(super) fn whole(&mut self, suffix: &str, bound: Option<f64>, value: u64) {
        self.begin(suffix, bound);
        // Writing to memory cannot fail.
        let _ = writeln!(self.out, " {value}");
    }

    pub(super) fn number(&mut self, suffix: &str, value: f64) {
        self.begin(suffix, None);
        self.out.push(' ');
        number(self.out, value);
        self.out.push('\n');
    }

    fn begin(&mut self, suffix: &str, bound: Option<f64>) {
        self.out.push_str(self.name);
        self.out.push_str(suffix);
        if self.labels.is_empty() && bound.is_none() {
            return;
        }
        self.out.push('{');
        self.out.push_str(self.labels);
        if let Some(bound) = bound {
            self.out.push_str(if self.labels.is_empty() { "le=\"" } else { ",le=\"" });
            number(self.out, bound);
            self.out.push('"');
        }
        self.out.push('}');
    }
}

/// Writes a number as Prometheus itself and Python do: a whole one with a fraction, `1.0`. Bounds of Node.js and Go lack
/// it, and older scrapers keep both apart.
fn number(out: &mut String, value: f64) {
    match value {
        f64::INFINITY => out.push_str("+Inf"),
        f64::NEG_INFINITY => out.push_str("-Inf"),
        value if value.is_nan() => out.push_str("NaN"),
        value => drop(write!(out, "{value:?}")),
    }
}

pub(super) fn begin(out: &mut String, name: &str, help: &str, kind: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn label(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let _ = write!(out, "{name}=\"{value}\"");
}

/// Whether a metric can have this name.
pub(super) fn is_name(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

/// Whether a label can have this name. Two underscores at the begin are Prometheus' own, and `le` is a histogram's.
pub(super) fn is_label(name: &str) -> bool {
    is_name(name) && !name.contains(':') && !name.starts_with("__") && name != "le"
}
