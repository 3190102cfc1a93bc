//! The platform's images: which C library a runtime has, and which libraries come with it.

use std::fmt;

/// A version of glibc, or of another library that counts by two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Version {
    /// The version in a text such as `2.36`, `GLIBC_2.2.5` or `glibc 2.36`. The third number plays no part.
    pub(crate) fn in_text(text: &str) -> Option<Self> {
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let mut numbers = digits.split('.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        });
        Some(Version(numbers.next()??, numbers.next()??))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a built-in custom runtime has.
#[derive(Debug)]
pub(crate) struct Image {
    runtime: &'static str,
    pub(crate) name: &'static str,
    pub(crate) glibc: Version,
}

/// The releases of Debian are documented, the versions of glibc are those of these releases.
const IMAGES: [Image; 4] = [
    Image { runtime: "custom", name: "Debian 9", glibc: Version(2, 24) },
    Image { runtime: "custom.debian10", name: "Debian 10", glibc: Version(2, 28) },
    Image { runtime: "custom.debian11", name: "Debian 11", glibc: Version(2, 31) },
    Image { runtime: "custom.debian12", name: "Debian 12", glibc: Version(2, 36) },
];

/// The libraries that every Debian has: glibc's and the compiler's.
const LIBRARIES: [&str; 10] = [
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
];

/// The image of a runtime. `None` for a runtime that runs no program of its own.
pub(crate) fn of(runtime: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.runtime == runtime)
}

/// Whether an image has a library.
pub(crate) fn has_library(name: &str) -> bool {
    LIBRARIES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |text: &str| Version::in_text(text).unwrap();
        assert!(
            of("GLIBC_2.2.5") < of("GLIBC_2.24") && of("glibc 2.9") < of("2.24") && of("2.36-9") > of("2.31")
        );
        assert_eq!(of("GLIBCXX_3.4.30"), Version(3, 4));
        for text in ["", "GLIBC_PRIVATE", "2", "x.y"] {
            assert_eq!(Version::in_text(text), None, "{text}");
        }
    }

    #[test]
    fn each_custom_runtime_has_an_image() {
        for (runtime, glibc) in [
            ("custom", "2.24"),
            ("custom.debian10", "2.28"),
            ("custom.debian11", "2.31"),
            ("custom.debian12", "2.36"),
        ] {
            assert_eq!(of(runtime).unwrap().glibc.to_string(), glibc);
        }
        assert!(of("custom-container").is_none());
    }
}
