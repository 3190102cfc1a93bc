//! The decoder of chunks.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;
use memchr::memmem;

/// The longest line before a chunk, with its extensions, in bytes.
const LINE_MAX: usize = 16 * 1024;

/// The most bytes of all trailers.
const TRAILERS_MAX: usize = 16 * 1024;

/// The most trailers.
const TRAILERS_COUNT: usize = 128;

/// A chunk's size in hexadecimal has at most so many digits.
const DIGITS_MAX: usize = 16;

/// Where the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Before the line with a size.
    Size,
    /// So many bytes of a chunk are to come.
    Data(u64),
    /// Behind the data of a chunk.
    End,
    Trailers,
    Over,
}

/// What was decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// More bytes are needed.
    Nothing,
    Data(Bytes),
    Trailers(HeaderMap),
    Over,
}

impl Chunks {
    /// Decodes the next piece of `bytes`. `Err` says what is wrong.
    pub(super) fn decode(&mut self, bytes: &mut BytesMut) -> Result<Decoded, &'static str> {
        loop {
            match *self {
                Chunks::Size => {
                    let Some(end) = memchr(b'\n', bytes) else {
                        return if bytes.len() > LINE_MAX {
                            Err("the line of a chunk is too long")
                        } else {
                            Ok(Decoded::Nothing)
                        };
                    };
                    let size = size_of(&bytes[..end])?;
                    bytes.advance(end + 1);
                    *self = if size == 0 { Chunks::Trailers } else { Chunks::Data(size) };
                }
                Chunks::Data(_) if bytes.is_empty() => return Ok(Decoded::Nothing),
                Chunks::Data(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - length as u64;
                    *self = if left == 0 { Chunks::End } else { Chunks::Data(left) };
                    return Ok(Decoded::Data(bytes.split_to(length).freeze()));
                }
                Chunks::End => match bytes.get(..2) {
                    Some(b"\r\n") => {
                        bytes.advance(2);
                        *self = Chunks::Size;
                    }
                    None if b"\r\n".starts_with(bytes) => return Ok(Decoded::Nothing),
                    _ => return Err("a chunk does not end with its size"),
                },
                Chunks::Trailers => {
                    if bytes.starts_with(b"\r\n") {
                        bytes.advance(2);
                        *self = Chunks::Over;
                        return Ok(Decoded::Over);
                    }
                    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                        return if bytes.len() > TRAILERS_MAX {
                            Err("the trailers are too long")
                        } else {
                            Ok(Decoded::Nothing)
                        };
                    };
                    let trailers = trailers_of(&bytes[..end + 4])?;
                    bytes.advance(end + 4);
                    *self = Chunks::Over;
                    return Ok(Decoded::Trailers(trailers));
                }
                Chunks::Over => return Ok(Decoded::Over),
            }
        }
    }
}

/// The size that a line tells. `line` ends before the line feed.
fn size_of(line: &[u8]) -> Result<u64, &'static str> {
    let line = line.strip_suffix(b"\r").ok_or("the line of a chunk does not end with CRLF")?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, rest) = line.split_at(digits);
    let rest = rest.trim_ascii_start();
    if digits == 0 || !(rest.is_empty() || rest.starts_with(b";")) || rest.contains(&b'\r') {
        return Err("the size of a chunk is not a number");
    }
    if digits > DIGITS_MAX {
        return Err("the size of a chunk is too large");
    }
    let number = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
    number.ok_or("the size of a chunk is too large")
}

fn trailers_of(bytes: &[u8]) -> Result<HeaderMap, &'static str> {
    const FAULT: &str = "the trailers are not headers";
    let mut found = [httparse::EMPTY_HEADER; TRAILERS_COUNT];
    let Ok(httparse::Status::Complete((_, found))) = httparse::parse_headers(bytes, &mut found) else {
        return Err(FAULT);
    };
    let mut trailers = HeaderMap::with_capacity(found.len());
    for header in found {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| FAULT)?;
        trailers.append(name, HeaderValue::from_bytes(header.value).map_err(|_| FAULT)?);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data and the trailers of `bytes`, which come in pieces of `step`.
    fn decode(bytes: &[u8], step: usize) -> Result<(Vec<u8>, Option<HeaderMap>, usize), &'static str> {
        let (mut chunks, mut buffer, mut data) = (Chunks::Size, BytesMut::new(), Vec::new());
        let mut rest = bytes;
        loop {
            match chunks.decode(&mut buffer)? {
                Decoded::Nothing if rest.is_empty() => return Err("cut"),
                Decoded::Nothing => {
                    let (piece, behind) = rest.split_at(step.min(rest.len()));
                    buffer.extend_from_slice(piece);
                    rest = behind;
                }
                Decoded::Data(piece) => data.extend_from_slice(&piece),
                Decoded::Trailers(trailers) => return Ok((data, Some(trailers), buffer.len() + rest.len())),
                Decoded::Over => return Ok((data, None, buffer.len() + rest.len())),
            }
        }
    }

    #[test]
    fn chunks_are_read_whatever_the_pieces_they_come_in() {
        for step in [1, 2, 3, 5, 1000] {
            let plain = decode(b"3\r\nabc\r\n0a;x=\"1\" ; y\r\n0123456789\r\n0\r\n\r\nnext", step);
            assert_eq!(plain, Ok((b"abc0123456789".to_vec(), None, 4)), "{step}");
            let (data, trailers, left) =
                decode(b"1 \r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n", step).unwrap();
            let trailers = trailers.unwrap();
            let sums: Vec<_> = trailers.get_all("x-sum").iter().collect();
            assert_eq!(sums, ["1", "2"], "{step}");
            assert_eq!((&*data, left), (&b"a"[..], 0), "{step}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_told() {
        for bytes in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"1x\r\n",
            b"1 a\r\n",
            b"1\na",
            b"1;a\rb\r\n",
            b"f0000000000000003\r\n",
            b"1\r\nabc\r\n",
            b"0\r\nno header\r\n\r\n",
        ] {
            let fault = decode(bytes, 1).unwrap_err();
            assert_ne!(fault, "cut", "{}", bytes.escape_ascii());
        }
        assert_eq!(decode(b"5\r\nabc", 1), Err("cut"));
        assert!(
            decode(&[&b"1;"[..], &vec![b'x'; 2 * LINE_MAX]].concat(), 1000).unwrap_err().contains("too long")
        );
        let long = [&b"0\r\nx: "[..], &vec![b'x'; 2 * TRAILERS_MAX]].concat();
        assert!(decode(&long, 1000).unwrap_err().contains("too long"));
    }
}
