//! Why a form does not fit a type, and at which field.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{Expected, Unexpected};

/// The error of a form.
#[derive(Debug)]
pub(crate) struct Misfit(Box<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    /// The path of the field, such as `tags[1]`.
    field: Option<String>,
    /// The index in a list, until the name of the list is known.
    index: Option<usize>,
    /// The value that a type has refused.
    refused: Option<String>,
}

/// A value that a type has refused, because it is of another kind.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) text: String,
    /// Whether it was refused as a text.
    pub(super) is_text: bool,
    /// Whether it was a list, which has no text.
    pub(super) is_list: bool,
    /// What the type would take, in serde's words.
    pub(super) expected: String,
}

thread_local! {
    /// The refusals of the read that runs on this thread, if they are asked for. serde keeps no errors of the variants of
    /// an untagged enum.
    static REFUSALS: RefCell<Option<Vec<Refusal>>> = const { RefCell::new(None) };

    /// How many values types have refused on this thread.
    static REFUSED: Cell<u64> = const { Cell::new(0) };
}

/// A count that grows when a type refuses a value.
pub(super) fn refused() -> u64 {
    REFUSED.get()
}

/// Runs a read, and gives the refusals in it.
pub(super) fn recording<T>(read: impl FnOnce() -> T) -> (T, Vec<Refusal>) {
    REFUSALS.set(Some(Vec::new()));
    let read = read();
    (read, REFUSALS.take().unwrap_or_default())
}

impl Misfit {
    /// The path of the field, if it is known.
    pub(crate) fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    fn new(message: String, refused: Option<String>) -> Self {
        Self(Box::new(Inner { message, field: None, index: None, refused }))
    }

    /// Sets the name of the field, if none is set.
    pub(super) fn at(mut self, name: &str) -> Self {
        let index = self.0.index.take();
        self.0.field.get_or_insert_with(|| match index {
            Some(index) => format!("{name}[{index}]"),
            None => name.to_owned(),
        });
        self
    }

    pub(super) fn in_list(mut self, index: usize) -> Self {
        self.0.index = Some(index);
        self
    }

    /// Names the field by the value that was refused.
    pub(super) fn named_by<'f>(mut self, name_of: impl FnOnce(&str) -> Option<&'f str>) -> Self {
        if self.0.field.is_none()
            && let Some(refused) = &self.0.refused
        {
            self.0.field = name_of(refused).map(str::to_owned);
        }
        self
    }
}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string(), None)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let message = format!("invalid type: {unexpected}, expected {expected}");
        let text = match unexpected {
            Unexpected::Str(text) => text.to_owned(),
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Float(number) => number.to_string(),
            Unexpected::Bool(truth) => truth.to_string(),
            Unexpected::Seq => String::new(),
            _ => return Self::new(message, None),
        };
        let is_list = unexpected == Unexpected::Seq;
        REFUSED.set(REFUSED.get() + 1);
        REFUSALS.with_borrow_mut(|refusals| {
            if let Some(refusals) = refusals {
                let is_text = matches!(unexpected, Unexpected::Str(_));
                refusals.push(Refusal {
                    text: text.clone(),
                    is_text,
                    is_list,
                    expected: expected.to_string(),
                });
            }
        });
        Self::new(message, (!is_list).then_some(text))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Misfit {}
