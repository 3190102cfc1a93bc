//! Zips, byte by byte: good ones, and a table of those that nobody should unpack. All contents are harmless.

use std::io::Write;

/// An entry. What a field says goes onto the disk as it is, also where it is a lie.
#[derive(Debug, Clone)]
pub struct Entry {
    name: Vec<u8>,
    /// The name before the contents; `None` is that of the directory.
    own_name: Option<Vec<u8>>,
    /// As packed.
    data: Vec<u8>,
    /// The size unpacked.
    size: u32,
    crc: u32,
    method: u16,
    flags: u16,
    /// The system that made the entry: 3 is Unix, 0 is DOS.
    system: u8,
    mode: u32,
    /// Where the entry is; `None` is the truth.
    offset: Option<u32>,
}

impl Entry {
    /// A file.
    pub fn file(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        Entry {
            name: name.as_ref().to_owned(),
            own_name: None,
            data: data.to_owned(),
            size: u32::try_from(data.len()).unwrap(),
            crc: crc32fast::hash(data),
            method: 0,
            // The name is UTF-8.
            flags: 0x800,
            system: 3,
            mode: 0o100_644,
            offset: None,
        }
    }

    /// A folder.
    pub fn folder(name: impl AsRef<[u8]>) -> Self {
        Entry::file(name, "").with_mode(0o040_755)
    }

    /// A symbolic link.
    pub fn link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Entry::file(name, target).with_mode(0o120_777)
    }

    /// A file of `size` zeros, packed.
    pub fn zeros(name: impl AsRef<[u8]>, size: usize) -> Self {
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let block = vec![0; 1024 * 1024];
        let mut crc = crc32fast::Hasher::new();
        let mut left = size;
        while left > 0 {
            let block = &block[..left.min(block.len())];
            packer.write_all(block).unwrap();
            crc.update(block);
            left -= block.len();
        }
        let data = packer.finish().unwrap();
        Entry {
            data,
            size: u32::try_from(size).unwrap(),
            crc: crc.finalize(),
            method: 8,
            ..Entry::file(name, "")
        }
    }

    /// With this mode: the kind of the entry and its rights.
    #[must_use]
    pub fn with_mode(self, mode: u32) -> Self {
        Entry { mode, ..self }
    }

    /// As a system without modes makes it.
    #[must_use]
    pub fn without_mode(self) -> Self {
        Entry { mode: 0, system: 0, ..self }
    }
}

/// A zip of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let count = u16::try_from(entries.len()).unwrap();
    zip_with_count(entries, count)
}

fn zip_with_count(entries: &[Entry], count: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(u32::try_from(out.len()).unwrap());
        let own_name = entry.own_name.as_ref().unwrap_or(&entry.name);
        out.extend(b"PK\x03\x04");
        out.extend(20_u16.to_le_bytes());
        push_shared(&mut out, entry, own_name);
        out.extend(own_name);
        out.extend(&entry.data);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, entry.system]);
        directory.extend(20_u16.to_le_bytes());
        push_shared(&mut directory, entry, &entry.name);
        // No comment, first disk, no attributes of its own.
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let begin = u32::try_from(out.len()).unwrap();
    let length = u32::try_from(directory.len()).unwrap();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(begin.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// What the head of an entry and its line in the directory share, up to the length of the name and no extras.
fn push_shared(out: &mut Vec<u8>, entry: &Entry, name: &[u8]) {
    out.extend(entry.flags.to_le_bytes());
    out.extend(entry.method.to_le_bytes());
    // The first of January 1980.
    out.extend([0, 0, 0x21, 0]);
    out.extend(entry.crc.to_le_bytes());
    out.extend(u32::try_from(entry.data.len()).unwrap().to_le_bytes());
    out.extend(entry.size.to_le_bytes());
    out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    out.extend([0; 2]);
}

/// A zip that has to be refused.
#[derive(Debug)]
pub struct Hostile {
    /// What it tries.
    pub name: &'static str,
    /// The zip.
    pub zip: Vec<u8>,
    /// A part of the message.
    pub expected: &'static str,
}

/// The zips that have to be refused. One that gets out writes a file whose name has `evil` in it.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn hostile() -> Vec<Hostile> {
    let mut all = Vec::new();
    let mut add = |name, expected, zip: Vec<u8>| all.push(Hostile { name, zip, expected });
    let good = || Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755);
    let evil = |name: &str| zip(&[good(), Entry::file(name, "x")]);
    add("up", "goes up", evil("../evil"));
    add("up twice", "goes up", evil("../../evil"));
    add("up from a folder", "goes up", evil("a/../../evil"));
    add("up and back", "goes up", evil("a/../b"));
    add("up at the end", "goes up", evil("a/.."));
    add("up behind a dot", "goes up", evil("./../evil"));
    add("a folder up", "goes up", zip(&[good(), Entry::folder("../evil/")]));
    add("absolute", "absolute", evil("/tmp/evil"));
    add("absolute by two slashes", "absolute", evil("//evil"));
    add("a drive", "drive", evil("C:/evil"));
    add("a drive without a slash", "drive", evil("c:evil"));
    add("up by backslashes", "backslash", evil("..\\evil"));
    add("backslashes", "backslash", evil("a\\evil"));
    add("a share of a network", "backslash", evil("\\\\host\\evil"));
    add("a zero in the name", "control", evil("evil\0.txt"));
    add("a line feed in the name", "control", evil("a\nevil"));
    add("an escape in the name", "control", evil("a\u{1b}[2Jevil"));
    add("no name", "is empty", evil(""));
    add("no UTF-8", "is not UTF-8", zip(&[good(), Entry::file(b"evil\xff", "x")]));
    add("a long name", "255 bytes", evil(&"n".repeat(300)));
    add("a long path", "2048 bytes", evil(&"folder/".repeat(400)));
    add("many folders in each other", "100 folders", evil(&format!("{}evil", "d/".repeat(200))));
    let link = |name: &str, target: &str| zip(&[good(), Entry::link(name, target)]);
    add("a link up", "leads out", link("a", "../evil"));
    add("a link up from a folder", "leads out", link("d/a", "../../evil"));
    add("an absolute link", "leads out", link("a", "/etc/passwd"));
    add("a link to the folder above", "leads out", link("a", ".."));
    add("a link down and up", "leads out", link("a", "d/../../evil"));
    add("a link to nothing", "leads out", link("a", ""));
    add("a link with a zero", "leads out", link("a", "b\0/../../evil"));
    add("a link to no UTF-8", "not UTF-8", zip(&[good(), Entry::link("a", b"\xff")]));
    add("a long link", "too long", link("a", &"a/".repeat(3000)));
    let through = |link: Entry| zip(&[good(), link, Entry::file("a/evil", "x")]);
    add("a file through a link", "which is a link", through(Entry::link("a", "b")));
    add("a file through a link to itself", "which is a link", through(Entry::link("a", ".")));
    let by_links = [good(), Entry::link("deep/root", ".."), Entry::link("out", "deep/root/../evil")];
    add("a link through a link", "leads out", zip(&by_links));
    let late = [good(), Entry::file("a/evil", "x"), Entry::link("a", "b")];
    add("a link behind what is below it", "which is a link", zip(&late));
    let two = |one: &str, other: &str| zip(&[good(), Entry::file(one, "1"), Entry::file(other, "2")]);
    add("a name twice", "same name", two("a", "a"));
    add("a name twice, once by a dot", "spelled in two ways", two("a", "./a"));
    add("a name twice, once by two slashes", "spelled in two ways", two("a/b", "a//b"));
    add("the program twice", "spelled in two ways", zip(&[good(), Entry::file("./bootstrap", "x")]));
    let as_both = [good(), Entry::file("a", "x"), Entry::folder("a/")];
    add("a file and a folder of one name", "spelled in two ways", zip(&as_both));
    add("a file below a file", "which is a file", two("a", "a/b"));
    add(
        "a link and a file of one name",
        "spelled in two ways",
        zip(&[good(), Entry::link("a", "b"), Entry::file("./a", "x")]),
    );
    let of_mode = |mode: u32| zip(&[good(), Entry::file("evil", "").with_mode(mode)]);
    add("a device of characters", "a device", of_mode(0o020_666));
    add("a device of blocks", "a device", of_mode(0o060_666));
    add("a pipe", "a device, a pipe", of_mode(0o010_666));
    add("a socket", "a device, a pipe or a socket", of_mode(0o140_666));
    add("setuid", "another user", of_mode(0o104_755));
    add("setgid", "another user", of_mode(0o102_755));
    add("a folder by its mode alone", "its mode that of a folder", of_mode(0o040_755));
    let as_file = Entry::file("evil/", "").with_mode(0o100_644);
    add("a folder by its name alone", "its mode that of a file", zip(&[good(), as_file]));
    add(
        "a folder with contents",
        "has contents",
        zip(&[good(), Entry { mode: 0, ..Entry::file("evil/", "x") }]),
    );
    let encrypted = Entry { flags: 0x801, ..Entry::file("evil", "xxxxxxxxxxxx") };
    add("encrypted", "is encrypted", zip(&[good(), encrypted]));
    for (name, method) in [("bzip2", 12), ("lzma", 14), ("zstd", 93), ("an unknown method", 77)] {
        add(name, "not by deflate", zip(&[good(), Entry { method, ..Entry::file("evil", "x") }]));
    }
    add("a bomb", "times as large", zip(&[good(), Entry::zeros("evil", 72 * 1024 * 1024)]));
    let part = Entry::zeros("0", 6 * 1024 * 1024);
    let parts: Vec<Entry> =
        (0..12).map(|nth| Entry { name: format!("evil-{nth}").into_bytes(), ..part.clone() }).collect();
    add("a bomb of many parts", "times as large", zip(&parts));
    let declared: Vec<Entry> =
        (0..4).map(|nth| Entry { size: 0xFFFF_0000, ..Entry::file(format!("evil-{nth}"), "x") }).collect();
    add("more than fits, as it says", "unpacked, it has more", zip(&declared));
    let small = Entry { size: 10, ..Entry::zeros("evil", 1024 * 1024) };
    add("larger than it says", "", zip(&[good(), small]));
    let large = Entry { size: 2000, ..Entry::zeros("evil", 1000) };
    add("smaller than it says", "", zip(&[good(), large]));
    add("a wrong checksum", "evil", zip(&[good(), Entry { crc: 1, ..Entry::file("evil", "x") }]));
    let torn = Entry { data: b"no deflate".to_vec(), ..Entry::zeros("evil", 100) };
    add("no deflate", "evil", zip(&[good(), torn]));
    let renamed = Entry { own_name: Some(b"../evil".to_vec()), ..Entry::file("good", "x") };
    add("two names of one entry", "inconsistency", zip(&[good(), renamed]));
    let shared = Entry { offset: Some(0), ..Entry::file("evil", "#!/bin/sh\n") };
    add("two entries of one place", "inconsistency", zip(&[good(), shared]));
    add(
        "an entry behind the end",
        "cannot be read",
        zip(&[good(), Entry { offset: Some(60_000), ..Entry::file("evil", "x") }]),
    );
    let whole = zip(&[good(), Entry::file("evil", "x")]);
    add("more entries than it says", "", zip_with_count(&[good(), Entry::file("evil", "x")], 1));
    add("fewer entries than it says", "", zip_with_count(&[good()], 9));
    add("a cut end", "no zip", whole[..whole.len() - 30].to_vec());
    add("something behind the end", "no zip", [whole.as_slice(), b"evil"].concat());
    let mut two_ends = whole.clone();
    let second = zip(&[Entry::file("evil", "x")]);
    let at = two_ends.len() - 2;
    two_ends.splice(at.., u16::try_from(second.len()).unwrap().to_le_bytes());
    two_ends.extend(second);
    add("a zip in the comment of a zip", "two ends", two_ends);
    add("an entry that the directory hides", "inconsistency", with_hidden());
    add("one part of several", "one part of several", {
        let mut part = whole;
        let at = part.len() - 18;
        part[at..at + 4].copy_from_slice(&[1, 0, 1, 0]);
        part
    });
    add("no zip", "no zip", b"#!/bin/sh\necho no zip\n".to_vec());
    add("nothing", "no zip", Vec::new());
    all
}

/// A zip whose second entry is not in its directory.
fn with_hidden() -> Vec<u8> {
    let hidden = Entry::file("evil", "x");
    let shown = Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755);
    let mut bytes = zip(&[hidden]);
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes.truncate(directory);
    let offset = Some(u32::try_from(bytes.len()).unwrap());
    let rest = zip(&[Entry { offset, ..shown }]);
    let begin = u32::try_from(bytes.len()).unwrap();
    bytes.extend(rest);
    // Where the directory begins.
    let at = bytes.len() - 6;
    let own = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes[at..at + 4].copy_from_slice(&(own + begin).to_le_bytes());
    bytes
}
