//! Headers in one piece of memory: those of a connection would keep its whole read buffer alive.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The headers of a request or a reply, in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Box<[u8]>);

impl Headers {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 2;
        let mut bytes = Vec::with_capacity(headers.iter().map(line).sum());
        for (name, value) in headers {
            // A name has no colon, and a value no line feed.
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(b'\n');
        }
        Headers(bytes.into())
    }

    /// Names in small letters, with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.split_inclusive(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = line[colon + 1..].strip_suffix(b"\n")?;
            Some((str::from_utf8(&line[..colon]).ok()?, value))
        })
    }

    /// The first value of a name in small letters.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    pub(crate) fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in self.iter() {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                map.append(name, value);
            }
        }
        map
    }

    /// The memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Names alone: values may be credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
