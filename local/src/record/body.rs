//! The begin of a body, and how much of it was left out.

use std::fmt;
use std::sync::Arc;

/// The bytes of a body that are kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Body {
    bytes: Box<[u8]>,
    /// How many bytes passed in all.
    total: u64,
    /// Whether the body came to its end.
    has_ended: bool,
}

impl Body {
    pub(crate) fn new(bytes: Vec<u8>, total: u64, has_ended: bool) -> Self {
        Body { bytes: bytes.into(), total, has_ended }
    }

    /// A body that has no byte.
    pub(crate) fn empty() -> Self {
        Body { bytes: Box::default(), total: 0, has_ended: true }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many bytes passed that are not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.bytes.len() as u64)
    }

    /// Whether every byte is here.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_ended && self.left_out() == 0
    }

    /// Whether the body came to its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// The size alone: the content may be anything.
impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Body({} of {} bytes)", self.bytes.len(), self.total)
    }
}

/// Both bodies of a call, which go before the call itself does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bodies(Option<Arc<[Body; 2]>>);

impl Bodies {
    pub(crate) fn new(request: Body, reply: Body) -> Self {
        if request == Body::empty() && reply == Body::empty() {
            // Most requests have none, and many replies: nothing is kept of these.
            return Bodies(Some(empty()));
        }
        Bodies(Some(Arc::new([request, reply])))
    }

    /// The body of the request. `None` if it had to go for those of later calls.
    pub(crate) fn request(&self) -> Option<&Body> {
        self.0.as_deref().map(|[request, _]| request)
    }

    /// The body of the reply. `None` if it had to go for those of later calls.
    pub(crate) fn reply(&self) -> Option<&Body> {
        self.0.as_deref().map(|[_, reply]| reply)
    }

    pub(super) fn bytes(&self) -> usize {
        const FIXED: usize = size_of::<[Body; 2]>() + 16;
        let kept = |bodies: &[Body; 2]| bodies.iter().map(|body| body.bytes.len()).sum::<usize>();
        self.0.as_deref().map_or(0, kept).checked_add(FIXED).filter(|bytes| *bytes > FIXED).unwrap_or(0)
    }

    /// Lets the bodies go.
    pub(super) fn drop_bytes(&mut self) {
        self.0 = None;
    }
}

fn empty() -> Arc<[Body; 2]> {
    static EMPTY: std::sync::LazyLock<Arc<[Body; 2]>> =
        std::sync::LazyLock::new(|| Arc::new([Body::empty(), Body::empty()]));
    Arc::clone(&EMPTY)
}
