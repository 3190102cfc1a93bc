//! What callgrind wrote, beyond its total: how often functions were called.

use std::collections::HashMap;

/// The functions that allocate, of libc and of mimalloc as Rust calls it. memcheck counts those of libc alone.
const ALLOCATE: [&str; 8] = [
    "malloc",
    "calloc",
    "realloc",
    "memalign",
    "posix_memalign",
    "mi_malloc_aligned",
    "mi_zalloc_aligned",
    "mi_realloc_aligned",
];

/// How often memory was allocated.
pub(crate) fn allocations(written: &str) -> f64 {
    calls(written, |name| ALLOCATE.contains(&name))
}

/// How often functions were called whose names `is_meant` knows. A name stands once in the file, with the number by which it
/// is called afterwards.
fn calls(written: &str, is_meant: impl Fn(&str) -> bool) -> f64 {
    let mut names: HashMap<&str, bool> = HashMap::new();
    let (mut called, mut count) = (false, 0.0);
    for line in written.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        match key {
            "fn" | "cfn" => {
                let (number, name) = value.split_once(' ').unwrap_or((value, ""));
                let is_it = if name.is_empty() {
                    names.get(number).copied().unwrap_or_default()
                } else {
                    *names.entry(number).or_insert_with(|| is_meant(name))
                };
                if key == "cfn" {
                    called = is_it;
                }
            }
            "calls" if called => {
                let times = value.split_whitespace().next().and_then(|times| times.parse::<f64>().ok());
                count += times.unwrap_or_default();
            }
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    #[test]
    fn calls_are_counted_by_name() {
        let written = "events: Ir\n\nfl=(1) a.c\nfn=(1) main\n1 5\ncfn=(2) malloc\ncalls=3 10\n2 30\ncfn=(3) free\ncalls=3 11\n2 9\n\
                       fn=(4) other\ncfi=(2)\ncfn=(2)\ncalls=2 10\n7 20\ncfn=(5) mi_malloc_aligned\ncalls=4 0\n8 4\nfn=(5)\n1 2\n\
                       totals: 70\n";
        assert!((super::allocations(written) - 9.0).abs() < f64::EPSILON);
    }
}
