//! What is seen in the program and in the code folder.

use testkit::Folder;

use super::{check, check_none, facts};
use crate::doctor::facts::{Code, Facts, Program, ProgramKind};
use crate::package::Version;

pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ["program-not-executable", "wrong-architecture", "glibc-too-new", "library-missing", "package-size"]
        .into_iter()
}

fn elf(is_x86_64: bool, glibc: Option<(u32, u32)>, libraries: &[&str]) -> ProgramKind {
    let glibc = glibc.map(|(major, minor)| Version(major, minor));
    ProgramKind::Elf {
        is_x86_64,
        glibc,
        libraries: libraries.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// The good manifest with such a program.
fn with(kind: ProgramKind, edit: impl FnOnce(&mut Program), runtime: &str) -> Facts {
    let mut facts = facts(&Folder::new(), &[("custom.debian12", runtime)]);
    let mut program = Program {
        file: "/project/code/app".into(),
        below: Some("app".to_owned()),
        is_executable: true,
        kind,
    };
    edit(&mut program);
    facts.functions[0].program = Some(program);
    facts
}

#[test]
fn a_program_is_one_that_the_platform_starts() {
    let good = || elf(true, Some((2, 34)), &["libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"]);
    check_none(&with(good(), |_| {}, "custom.debian12"), "a program of today");
    check(&with(good(), |_| {}, "custom.debian11"), "glibc-too-new");
    check_none(&with(elf(true, Some((2, 31)), &[]), |_| {}, "custom.debian11"), "fits");
    check(&with(elf(true, Some((2, 28)), &[]), |_| {}, "custom"), "glibc-too-new");
    check_none(&with(elf(true, None, &[]), |_| {}, "custom"), "linked statically");
    check(&with(elf(false, Some((2, 17)), &[]), |_| {}, "custom.debian12"), "wrong-architecture");
    check(
        &with(good(), |program| program.is_executable = false, "custom.debian12"),
        "program-not-executable",
    );
    let packed = |program: &mut Program| {
        (program.is_executable, program.below) = (false, Some("bootstrap".to_owned()));
    };
    check_none(&with(good(), packed, "custom.debian12"), "the tool makes a bootstrap executable");
}

#[test]
fn a_library_is_in_the_image_or_in_the_package() {
    let kind = || elf(true, Some((2, 17)), &["libc.so.6", "libssl.so.1.1"]);
    check(&with(kind(), |_| {}, "custom.debian12"), "library-missing");
    let mut packed = with(kind(), |_| {}, "custom.debian12");
    packed.functions[0].code = Some(Code { libraries: vec!["libssl.so.1.1".to_owned()], ..Code::default() });
    check_none(&packed, "packed");
}

#[test]
fn a_package_has_the_size_that_its_region_takes() {
    const MIB: u64 = 1024 * 1024;
    let of = |mib: u64, region: &str| {
        let mut facts = facts(&Folder::new(), &[("region: cn-hangzhou\n", &format!("region: {region}\n"))]);
        facts.functions[0].code = Some(Code { bytes: mib * MIB + 1, ..Code::default() });
        facts
    };
    check(&of(500, "cn-hangzhou"), "package-size");
    check_none(&of(499, "cn-hangzhou"), "fits");
    check(&of(100, "eu-west-1"), "package-size");
}
