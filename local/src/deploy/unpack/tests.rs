//! Zips that are unpacked as they were packed, and zips that must not be.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use testkit::Folder;
use testkit::zips::{Entry, hostile, zip};

use super::plan::Limits;
use super::write::unpack;

const MIB: u64 = 1024 * 1024;
const LIMITS: Limits = Limits { packed: 100 * MIB, unpacked: 2048 * MIB };

/// All that is below a folder, links as links, with modes and contents.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let contents = if metadata.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path, (metadata.permissions().mode(), contents));
        }
    }
    found
}

fn unpacked(own: &Folder, entries: &[Entry]) -> io::Result<PathBuf> {
    let file = own.file("code.zip");
    fs::write(&file, zip(entries)).unwrap();
    let to = own.file("to");
    unpack(&file, &to, LIMITS).map(|_| to)
}

#[test]
fn what_was_packed_is_there_with_its_modes() {
    let own = Folder::new();
    let to = unpacked(
        &own,
        &[
            Entry::file("./bootstrap", "#!/bin/sh\n").with_mode(0o100_755),
            Entry::folder("lib/").with_mode(0o040_500),
            Entry::file("lib/data", "d").with_mode(0o100_640),
            Entry::file("a/b/grüße", "g").without_mode(),
            Entry::link("lib/link", "../a/b"),
            Entry::file("A/b", "another case"),
            Entry::zeros("zeros", 100_000),
        ],
    )
    .unwrap();
    let mode = |name: &str| fs::symlink_metadata(to.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("bootstrap"), 0o755);
    assert_eq!(mode("lib"), 0o700, "its owner can remove it");
    assert_eq!(mode("lib/data"), 0o640);
    assert_eq!(mode("a/b/grüße"), 0o644);
    assert_eq!(fs::read_to_string(to.join("lib/link/grüße")).unwrap(), "g");
    assert_eq!(fs::read_to_string(to.join("A/b")).unwrap(), "another case");
    assert_eq!(fs::metadata(to.join("zeros")).unwrap().len(), 100_000);
    let names: Vec<PathBuf> = fs::read_dir(own.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
}

#[test]
fn hostile_zips_are_refused_and_nothing_is_written() {
    let own = Folder::new();
    // Links of a zip that gets out lead here, and so do its `..`.
    own.write("inner/place/kept", "kept");
    let inner = own.file("inner/place");
    let zips = hostile();
    assert!(zips.len() >= 40, "{}", zips.len());
    let file = own.file("inner/place/code.zip");
    for case in zips {
        fs::write(&file, &case.zip).unwrap();
        let before = tree(own.path());
        let error = unpack(&file, &inner.join("to"), LIMITS).expect_err(case.name);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{}: {error}", case.name);
        assert!(error.to_string().contains(case.expected), "{}: {error}", case.name);
        assert!(!error.to_string().contains(|letter: char| letter.is_control()), "{}: {error}", case.name);
        assert!(tree(own.path()) == before, "{} has left something", case.name);
    }
    for name in ["/tmp/evil", "/evil"] {
        assert!(fs::symlink_metadata(name).is_err(), "{name} is there");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let own = Folder::new();
    own.hollow("code.zip", LIMITS.packed + 1);
    let error = unpack(&own.file("code.zip"), &own.file("to"), LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "it has more than 100 MiB");
    // Sizes are compared with the limit that was given.
    fs::write(own.file("code.zip"), zip(&[Entry::zeros("a", 3 * 1024 * 1024)])).unwrap();
    let limits = Limits { packed: MIB, unpacked: 2 * MIB };
    let error = unpack(&own.file("code.zip"), &own.file("to"), limits).unwrap_err();
    assert_eq!(error.to_string(), "unpacked, it has more than 2 MiB");
    let limits = Limits { packed: MIB, unpacked: 3 * MIB };
    assert_eq!(unpack(&own.file("code.zip"), &own.file("to"), limits).unwrap(), 3 * MIB);
}

#[test]
fn what_is_there_stays() {
    let own = Folder::new();
    own.write("to/kept", "kept");
    let error = unpacked(&own, &[Entry::file("a", "x")]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(own.text("to/kept"), "kept");
}
