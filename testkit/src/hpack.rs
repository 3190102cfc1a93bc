//! Header blocks of HTTP/2 (RFC 7541): written plainly, read in full but for the dynamic table, which the client
//! forbids by announcing a size of 0.

/// One field, literal without indexing, with a new name.
pub fn write(name: &str, value: &str, into: &mut Vec<u8>) {
    into.push(0x00);
    for text in [name, value] {
        write_length(text.len(), into);
        into.extend_from_slice(text.as_bytes());
    }
}

/// An integer with a prefix of 7 bits, whose eighth says "not Huffman".
fn write_length(mut length: usize, into: &mut Vec<u8>) {
    if length < 127 {
        into.push(u8::try_from(length).expect("below 127"));
        return;
    }
    into.push(127);
    length -= 127;
    while length >= 128 {
        into.push(u8::try_from(length % 128).expect("7 bits") | 0x80);
        length /= 128;
    }
    into.push(u8::try_from(length).expect("7 bits"));
}

/// All fields of a block.
#[track_caller]
pub fn read(block: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader { rest: block };
    let mut fields = Vec::new();
    while let Some(&first) = reader.rest.first() {
        match first {
            0x80.. => {
                let (name, value) = table(reader.integer(7));
                fields.push((name.to_owned(), value.to_owned()));
            }
            0x20..0x40 => assert_eq!(reader.integer(5), 0, "the table was announced with size 0"),
            _ => {
                let name = match reader.integer(if first >= 0x40 { 6 } else { 4 }) {
                    0 => reader.text(),
                    index => table(index).0.to_owned(),
                };
                let value = reader.text();
                fields.push((name, value));
            }
        }
    }
    fields
}

/// The values of a block that no table may keep, whatever the tables of both ends are.
#[track_caller]
pub fn never_indexed(block: &[u8]) -> Vec<String> {
    let mut reader = Reader { rest: block };
    let mut values = Vec::new();
    while let Some(&first) = reader.rest.first() {
        match first {
            0x80.. => _ = reader.integer(7),
            0x20..0x40 => _ = reader.integer(5),
            _ => {
                if reader.integer(if first >= 0x40 { 6 } else { 4 }) == 0 {
                    reader.text();
                }
                let value = reader.text();
                if first & 0xf0 == 0x10 {
                    values.push(value);
                }
            }
        }
    }
    values
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().expect("a field is whole");
        self.rest = rest;
        *first
    }

    fn integer(&mut self, prefix: u32) -> usize {
        let mask = (1_usize << prefix) - 1;
        let mut value = usize::from(self.byte()) & mask;
        if value == mask {
            for shift in (0..28).step_by(7) {
                let byte = usize::from(self.byte());
                value += (byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
        }
        value
    }

    fn text(&mut self) -> String {
        let coded = self.rest.first().is_some_and(|byte| *byte >= 0x80);
        let length = self.integer(7);
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        let bytes = if coded { huffman(bytes) } else { bytes.to_vec() };
        String::from_utf8(bytes).expect("a header is text")
    }
}

fn huffman(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let (mut code, mut bits) = (0_u32, 0_u8);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        code = code << 1 | u32::from(bit);
        bits += 1;
        if let Some(at) = CODES.iter().position(|known| *known == (bits, code)) {
            text.push(b' ' + u8::try_from(at).expect("95 codes"));
            (code, bits) = (0, 0);
        }
    }
    assert!(bits < 8 && code == (1 << bits) - 1, "the padding is ones, after {text:?}");
    text
}

#[track_caller]
fn table(index: usize) -> (&'static str, &'static str) {
    *index.checked_sub(1).and_then(|at| TABLE.get(at)).unwrap_or_else(|| panic!("no index {index}"))
}

/// Bits and code of each printable character, from the space on (appendix B).
#[rustfmt::skip]
const CODES: [(u8, u32); 95] = [
    (6, 0x14), (10, 0x3f8), (10, 0x3f9), (12, 0xffa), (13, 0x1ff9), (6, 0x15), (8, 0xf8), (11, 0x7fa),
    (10, 0x3fa), (10, 0x3fb), (8, 0xf9), (11, 0x7fb), (8, 0xfa), (6, 0x16), (6, 0x17), (6, 0x18), (5,
    0x0), (5, 0x1), (5, 0x2), (6, 0x19), (6, 0x1a), (6, 0x1b), (6, 0x1c), (6, 0x1d), (6, 0x1e), (6,
    0x1f), (7, 0x5c), (8, 0xfb), (15, 0x7ffc), (6, 0x20), (12, 0xffb), (10, 0x3fc), (13, 0x1ffa), (6,
    0x21), (7, 0x5d), (7, 0x5e), (7, 0x5f), (7, 0x60), (7, 0x61), (7, 0x62), (7, 0x63), (7, 0x64), (7,
    0x65), (7, 0x66), (7, 0x67), (7, 0x68), (7, 0x69), (7, 0x6a), (7, 0x6b), (7, 0x6c), (7, 0x6d), (7,
    0x6e), (7, 0x6f), (7, 0x70), (7, 0x71), (7, 0x72), (8, 0xfc), (7, 0x73), (8, 0xfd), (13, 0x1ffb),
    (19, 0x7fff0), (13, 0x1ffc), (14, 0x3ffc), (6, 0x22), (15, 0x7ffd), (5, 0x3), (6, 0x23), (5, 0x4),
    (6, 0x24), (5, 0x5), (6, 0x25), (6, 0x26), (6, 0x27), (5, 0x6), (7, 0x74), (7, 0x75), (6, 0x28),
    (6, 0x29), (6, 0x2a), (5, 0x7), (6, 0x2b), (7, 0x76), (6, 0x2c), (5, 0x8), (5, 0x9), (6, 0x2d), (7,
    0x77), (7, 0x78), (7, 0x79), (7, 0x7a), (7, 0x7b), (15, 0x7ffe), (11, 0x7fc), (14, 0x3ffd), (13,
    0x1ffd)
];

/// The static table (appendix A).
#[rustfmt::skip]
const TABLE: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
    ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
    ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
    ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
    ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
    ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
    ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
];
