//! A known key, and the type of its value.

use crate::manifest::node::{Node, Value};

/// The type of the value under a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// Checked elsewhere, or the user's own data.
    Any,
    Text,
    Boolean,
    Number(Option<Range>),
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A map whose keys are the user's own and whose values are texts.
    TextMap,
    /// A map with these keys.
    Map(&'static Table),
    /// A list of maps with these keys.
    Each(&'static Table),
}

/// Between which numbers a number is, and of which it is a multiple; 0 for any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) step: f64,
}

/// The text that a key accepts in place of its usual type.
#[derive(Debug, Clone, Copy)]
pub(super) enum OrText {
    None,
    Word(&'static str),
    Any,
}

/// One known key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) or_text: OrText,
    pub(super) is_required: bool,
    /// Says why the key has no effect on this machine, if it has none and someone could wait for it.
    pub(super) without_effect: Option<&'static str>,
}

/// The keys of one place.
pub(super) type Table = [Key];

pub(super) const fn key(name: &'static str, takes: Takes) -> Key {
    Key { name, takes, or_text: OrText::None, is_required: false, without_effect: None }
}

pub(super) const fn known(name: &'static str) -> Key {
    key(name, Takes::Any)
}

pub(super) const fn text(name: &'static str) -> Key {
    key(name, Takes::Text)
}

pub(super) const fn texts(name: &'static str) -> Key {
    key(name, Takes::Texts)
}

pub(super) const fn boolean(name: &'static str) -> Key {
    key(name, Takes::Boolean)
}

pub(super) const fn number(name: &'static str) -> Key {
    key(name, Takes::Number(None))
}

pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Key {
    key(name, Takes::OneOf(words))
}

pub(super) const fn map(name: &'static str, table: &'static Table) -> Key {
    key(name, Takes::Map(table))
}

pub(super) const fn each(name: &'static str, table: &'static Table) -> Key {
    key(name, Takes::Each(table))
}

impl Key {
    pub(super) const fn without_effect(mut self, why: &'static str) -> Self {
        self.without_effect = Some(why);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub(super) const fn within(mut self, least: f64, most: f64, step: f64) -> Self {
        self.takes = Takes::Number(Some(Range { least, most, step }));
        self
    }

    pub(super) const fn or_auto(mut self) -> Self {
        self.or_text = OrText::Word("auto");
        self
    }

    pub(super) const fn or_text(mut self) -> Self {
        self.or_text = OrText::Any;
        self
    }

    /// Whether the value is the text that replaces the usual type.
    pub(super) fn takes_text(&self, node: &Node) -> bool {
        match (self.or_text, &node.value) {
            (OrText::Any, Value::Text(_)) => true,
            (OrText::Word(word), Value::Text(text)) => text == word,
            _ => false,
        }
    }
}
