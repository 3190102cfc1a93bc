//! The resolver of names, which many systems have on their loopback address, where a network of an instance's own does not
//! reach it.

use std::net::IpAddr;

/// The file that names the resolver.
pub(crate) const FILE: &str = "/etc/resolv.conf";

/// The address at which a network has this machine's resolver.
pub(crate) const IN_NETWORKS: &str = "169.254.1.53";

/// Whether this machine's resolver is on its loopback address.
pub(crate) fn is_on_loopback() -> bool {
    names_loopback(&std::fs::read_to_string(FILE).unwrap_or_default())
}

/// Whether the first resolver of the file is on a loopback address. Programs ask the first one.
fn names_loopback(file: &str) -> bool {
    let mut words = file.lines().map(str::split_whitespace);
    let first =
        words.find_map(|mut words| (words.next() == Some("nameserver")).then(|| words.next()).flatten());
    first.and_then(|address| address.parse::<IpAddr>().ok()).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_resolver_counts() {
        for (file, expected) in [
            ("# a stub\nnameserver 127.0.0.53\noptions edns0\n", true),
            ("search local\nnameserver ::1\n", true),
            ("nameserver 192.0.2.1\nnameserver 127.0.0.1\n", false),
            ("nameserver nonsense\n", false),
            ("nameserver\n", false),
            ("", false),
        ] {
            assert_eq!(names_loopback(file), expected, "{file:?}");
        }
    }
}
