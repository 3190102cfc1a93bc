//! The author's spans: their fields, for the lines that are written inside them.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Metadata;
use tracing::span::Id;

#[cfg(feature = "otel")]
use crate::log::current::{self, Tagged};
#[cfg(feature = "otel")]
use crate::otel::{InnerSpan, Pipeline, SpanValues};
use crate::platform::limits::LOG_LINE_MAX;

/// The most bytes of a span's fields. The other half of a line is for the event.
const FIELDS_MAX: usize = LOG_LINE_MAX / 2;

/// The open spans of the process.
#[derive(Default)]
pub(crate) struct Spans(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    open: Vec<Option<Open>>,
    free: Vec<usize>,
}

struct Open {
    metadata: &'static Metadata<'static>,
    /// Handles of the span, and spans inside it.
    handles: usize,
    parent: Option<Id>,
    /// As [`Fields`](super::event::Fields) writes them.
    fields: Vec<u8>,
    /// The span as the collector gets it, if its trace is recorded.
    #[cfg(feature = "otel")]
    traced: Option<Box<InnerSpan>>,
}

thread_local! {
    /// The spans that this thread has entered, outermost first.
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
    /// How many they are. Has no destructor: most threads enter none, and never touch the list.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Spans {
    pub(crate) fn open(
        &self,
        metadata: &'static Metadata<'static>,
        parent: Option<Id>,
        fields: Vec<u8>,
    ) -> Id {
        let mut slots = self.lock();
        if let Some(parent) = parent.as_ref().and_then(|parent| slots.find(parent)) {
            parent.handles += 1;
        }
        #[cfg(feature = "otel")]
        let traced = begin_traced(parent.as_ref().and_then(|parent| slots.find(parent)?.traced.as_deref()));
        let open = Some(Open {
            metadata,
            handles: 1,
            parent,
            fields,
            #[cfg(feature = "otel")]
            traced,
        });
        let at = if let Some(at) = slots.free.pop() {
            slots.open[at] = open;
            at
        } else {
            slots.open.push(open);
            slots.open.len() - 1
        };
        Id::from_u64(at as u64 + 1)
    }

    /// Lets `write` add to a span's fields. Fields beyond a line's room are left out: a span may live long.
    pub(crate) fn record(&self, id: &Id, write: impl FnOnce(&mut Vec<u8>)) {
        // Not under the lock: a value's `Debug` is the author's code, and may log.
        let mut more = Vec::new();
        write(&mut more);
        if let Some(open) = self.lock().find(id)
            && open.fields.len() + more.len() <= FIELDS_MAX
        {
            open.fields.extend_from_slice(&more);
        }
    }

    /// Adds to the values of a span that the collector gets.
    #[cfg(feature = "otel")]
    pub(crate) fn record_traced(&self, id: &Id, record: impl FnOnce(&mut SpanValues)) {
        if self.lock().find(id).is_none_or(|open| open.traced.is_none()) {
            return;
        }
        let mut values = SpanValues::default();
        record(&mut values);
        if let Some(traced) = self.lock().find(id).and_then(|open| open.traced.as_mut()) {
            traced.add(&values);
        }
    }

    pub(crate) fn clone(&self, id: &Id) {
        if let Some(open) = self.lock().find(id) {
            open.handles += 1;
        }
    }

    /// Drops one handle. True for the last one, with which the span has closed.
    pub(crate) fn close(&self, id: &Id) -> bool {
        let (mut slots, mut next, mut has_closed) = (self.lock(), Some(id.clone()), false);
        while let Some(id) = next {
            let Some(open) = slots.find(&id) else { break };
            open.handles -= 1;
            if open.handles > 0 {
                break;
            }
            let at = index(&id);
            let closed = slots.open[at].take();
            #[cfg(feature = "otel")]
            let closed = closed.map(end_traced);
            next = closed.and_then(|open| open.parent);
            slots.free.push(at);
            has_closed = true;
        }
        has_closed
    }

    /// The names and fields of a span and of those around it, outermost first.
    pub(crate) fn visit(&self, innermost: Option<Id>, visit: &mut dyn FnMut(&'static str, &[u8])) {
        let (mut slots, mut path, mut next) = (self.lock(), Vec::new(), innermost);
        while let Some(id) = next {
            next = slots.find(&id).and_then(|open| open.parent.clone());
            path.push(id);
        }
        for id in path.iter().rev() {
            if let Some(open) = slots.find(id) {
                visit(open.metadata.name(), &open.fields);
            }
        }
    }

    pub(crate) fn metadata(&self, id: &Id) -> Option<&'static Metadata<'static>> {
        self.lock().find(id).map(|open| open.metadata)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn find(&mut self, id: &Id) -> Option<&mut Open> {
        self.open.get_mut(index(id))?.as_mut()
    }
}

fn index(id: &Id) -> usize {
    usize::try_from(id.into_u64()).map_or(usize::MAX, |id| id - 1)
}

#[cfg(feature = "otel")]
fn begin_traced(parent: Option<&InnerSpan>) -> Option<Box<InnerSpan>> {
    Pipeline::current()?;
    current::with(|tag| InnerSpan::begin(parent, tag.and_then(Tagged::known_trace)).map(Box::new))
}

/// Sends a span that has closed, and keeps what else is asked of it.
#[cfg(feature = "otel")]
fn end_traced(mut open: Open) -> Open {
    if let Some(traced) = open.traced.take()
        && let Some(pipeline) = Pipeline::current()
    {
        pipeline.push(traced.end(open.metadata.name()), current::with(|tag| tag.is_some()));
    }
    open
}

/// The innermost span that this thread has entered.
pub(crate) fn current() -> Option<Id> {
    if DEPTH.get() == 0 {
        return None;
    }
    ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok().flatten()
}

pub(crate) fn enter(id: &Id) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        entered.push(id.clone());
        DEPTH.set(entered.len());
    });
}

/// Leaves a span. Spans may be left in another order than they were entered.
pub(crate) fn exit(id: &Id) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        if let Some(at) = entered.iter().rposition(|own| own == id) {
            entered.remove(at);
            DEPTH.set(entered.len());
        }
    });
}
