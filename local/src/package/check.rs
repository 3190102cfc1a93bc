//! Whether a program starts in the platform's image, as far as its file tells.

use std::path::Path;

use super::elf::{Elf, Resolver};
use super::image::{Image, has_library};

const MIB: u64 = 1024 * 1024;

/// The largest code package, in bytes, in the regions of [`LARGE_REGIONS`].
const PACKAGE_MAX: u64 = 500 * MIB;

/// The largest code package in all other regions, in bytes.
const PACKAGE_MAX_ELSEWHERE: u64 = 100 * MIB;

/// The regions that take packages of 500 MiB.
const LARGE_REGIONS: [&str; 11] = [
    "cn-hangzhou",
    "cn-shanghai",
    "cn-shenzhen",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-northeast-1",
    "us-east-1",
    "eu-central-1",
];

/// What is wrong with a package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether the function would not start or could not be deployed. Otherwise it depends on what else the image has.
    pub(crate) is_fatal: bool,
    pub(crate) text: String,
}

fn fatal(text: String) -> Finding {
    Finding { is_fatal: true, text }
}

/// Compares a program with the image. `code` is the folder that goes with it.
pub(super) fn program(elf: &Elf, image: &Image, code: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    if !elf.is_program {
        found.push(fatal("it is an ELF file but no program: an object file or a core dump".to_owned()));
    }
    if !elf.is_x86_64 {
        found.push(fatal("it is built for another processor: the platform's are x86-64".to_owned()));
    }
    if let Some(needed) = elf.glibc().filter(|needed| *needed > image.glibc) {
        found.push(fatal(format!(
            "it needs glibc {needed}, and {} has {}: build with cargo-zigbuild, or set `x-local.package.target: musl`",
            image.name, image.glibc
        )));
    }
    if let Some(loader) = &elf.loader
        && loader != "/lib64/ld-linux-x86-64.so.2"
    {
        found.push(fatal(format!("its loader is {loader}, which {} has not", image.name)));
    }
    if elf.resolver == Resolver::StaticGlibc {
        let text = "glibc is linked into it statically and resolves host names by modules of that very version, which the image has not: link it dynamically, or with musl";
        found.push(fatal(text.to_owned()));
    }
    let absent = elf.libraries.iter().filter(|name| !has_library(name));
    for name in absent.filter(|name| !code.join(name).exists() && !code.join("lib").join(name).exists()) {
        found.push(Finding {
            is_fatal: false,
            text: format!(
                "it needs {name}, which neither {} nor the code folder has: put the library into `code/lib` or a layer, or link it statically",
                image.name
            ),
        });
    }
    found
}

/// The largest code package that a region takes, in bytes.
pub(crate) fn package_max(region: &str) -> u64 {
    if LARGE_REGIONS.contains(&region) { PACKAGE_MAX } else { PACKAGE_MAX_ELSEWHERE }
}

/// Compares the size of the zip with the limit of the region.
pub(super) fn size(bytes: u64, region: &str) -> Option<Finding> {
    let most = package_max(region);
    (bytes > most).then(|| {
        fatal(format!(
            "the zip has {} MiB, and {region} takes {} MiB at most: move data to a layer or to object storage",
            bytes.div_ceil(MIB),
            most / MIB
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::image;
    use super::*;

    fn sound() -> Elf {
        Elf {
            is_x86_64: true,
            is_program: true,
            loader: Some("/lib64/ld-linux-x86-64.so.2".to_owned()),
            libraries: vec!["libc.so.6".to_owned()],
            versions: vec!["GLIBC_2.18".to_owned(), "GLIBC_2.2.5".to_owned()],
            build_id: None,
            base: 0,
            resolver: Resolver::Image,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Elf), runtime: &str, expected: &[(bool, &str)]) {
        let mut elf = sound();
        change(&mut elf);
        let found = program(&elf, image::of(runtime).unwrap(), Path::new("/nonexistent"));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (finding, (is_fatal, part)) in found.iter().zip(expected) {
            assert!(finding.is_fatal == *is_fatal && finding.text.contains(part), "{finding:?}");
        }
    }

    #[test]
    fn a_program_has_to_fit_the_image() {
        check(|_| {}, "custom", &[]);
        let newer = |elf: &mut Elf| elf.versions.push("GLIBC_2.29".to_owned());
        check(newer, "custom", &[(true, "it needs glibc 2.29, and Debian 9 has 2.24")]);
        check(newer, "custom.debian10", &[(true, "Debian 10 has 2.28")]);
        check(newer, "custom.debian11", &[]);
        check(|elf| elf.versions.push("GLIBC_PRIVATE".to_owned()), "custom", &[]);
        check(|elf| elf.is_x86_64 = false, "custom", &[(true, "another processor")]);
        check(|elf| elf.is_program = false, "custom", &[(true, "no program")]);
        check(|elf| elf.resolver = Resolver::StaticGlibc, "custom", &[(true, "linked into it statically")]);
        check(|elf| elf.loader = Some("/lib/ld-musl-x86_64.so.1".to_owned()), "custom", &[(true, "ld-musl")]);
        check(|elf| elf.libraries.push("libssl.so.3".to_owned()), "custom", &[(false, "needs libssl.so.3")]);
    }

    #[test]
    fn a_zip_has_to_fit_the_region() {
        assert_eq!(size(500 * MIB, "cn-hangzhou"), None);
        assert!(
            size(500 * MIB + 1, "cn-hangzhou")
                .unwrap()
                .text
                .contains("501 MiB, and cn-hangzhou takes 500 MiB")
        );
        assert_eq!(size(100 * MIB, "eu-west-1"), None);
        assert!(size(101 * MIB, "eu-west-1").unwrap().is_fatal);
    }
}
