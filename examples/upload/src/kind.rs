//! The kinds of files that are taken, by their first bytes: what a client says of them proves nothing.

/// How many bytes tell the kind.
pub const BEGIN: usize = 12;

#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub content_type: &'static str,
    pub extension: &'static str,
    begins: fn(&[u8]) -> bool,
}

/// What is taken, in words.
pub const TAKEN: &str = "JPEG, MP4, PDF, PNG and WebP";

const KINDS: [Kind; 5] = [
    Kind { content_type: "image/jpeg", extension: "jpg", begins: |bytes| bytes.starts_with(b"\xff\xd8\xff") },
    Kind { content_type: "video/mp4", extension: "mp4", begins: |bytes| bytes.get(4..8) == Some(b"ftyp") },
    Kind { content_type: "application/pdf", extension: "pdf", begins: |bytes| bytes.starts_with(b"%PDF-") },
    Kind {
        content_type: "image/png",
        extension: "png",
        begins: |bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
    },
    Kind {
        content_type: "image/webp",
        extension: "webp",
        begins: |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
    },
];

impl Kind {
    /// The kind of a file that begins so. `None` for others.
    pub fn of(begin: &[u8]) -> Option<Self> {
        KINDS.into_iter().find(|kind| (kind.begins)(begin))
    }

    /// The kind of a stored file.
    pub fn named(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        KINDS.into_iter().find(|kind| kind.extension == extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_kind() {
        for (begin, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("jpg")),
            (b"\0\0\0\x20ftypisom", Some("mp4")),
            (b"%PDF-1.7", Some("pdf")),
            (b"\x89PNG\r\n\x1a\n", Some("png")),
            (b"RIFF\0\0\0\0WEBP", Some("webp")),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"\x89PNG", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(Kind::of(begin).map(|kind| kind.extension), expected, "{begin:?}");
        }
    }
}
