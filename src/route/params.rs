//! Where a path's parameters stand, as byte ranges of that path.

/// The most parameters one pattern may have. It keeps the ranges inside the request, without allocation.
pub(crate) const PARAMS_MAX: usize = 8;

/// Byte ranges of a path, in the order of the pattern's parameters. Paths are shorter than 64 KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spans {
    ranges: [(u16, u16); PARAMS_MAX],
    len: u8,
}

impl Spans {
    /// Remembers a part of `path`; `value` has to be a slice of it.
    pub(crate) fn push(&mut self, path: &str, value: &str) {
        let start = value.as_ptr() as usize - path.as_ptr() as usize;
        let range = (u16::try_from(start), u16::try_from(start + value.len()));
        if let ((Ok(start), Ok(end)), Some(slot)) = (range, self.ranges.get_mut(usize::from(self.len))) {
            *slot = (start, end);
            self.len += 1;
        }
    }

    /// The text of a parameter, still percent-encoded.
    pub(crate) fn value<'p>(&self, path: &'p str, index: usize) -> Option<&'p str> {
        let (start, end) = *self.ranges[..usize::from(self.len)].get(index)?;
        path.get(usize::from(start)..usize::from(end))
    }
}
