//! Guesses of what a text is, for types that do not say what they expect.
//!
//! serde reads the fields of `flatten`, `tag` and `untagged` into a buffer first, and asks for values without saying the
//! kind. JSON knows kinds; a form has texts. So `5` is a number at first. If the type behind the buffer refuses the
//! number, the form is read once more with `5` as a text, and so on, until the type takes it or nothing is left to try.

use crate::form::misfit::Refusal;

/// The most reads of one form.
pub(super) const ROUNDS_MAX: usize = 32;

/// After so many reads all texts are texts at first, because a map may hold many that look like numbers.
pub(super) const NUMBERS_FIRST: usize = 8;

/// What a text is taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Guess {
    Text,
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    /// An empty field, for an `Option`.
    Absent,
}

/// What was learnt about texts that are not what they look like.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    learnt: Vec<Learnt>,
    /// Whether a text is a text until it is refused. Else it is at first what it looks like.
    texts_first: bool,
}

#[derive(Debug)]
struct Learnt {
    text: String,
    /// Whether the guess is the other one of text and number than at first.
    is_turned: bool,
    is_list: bool,
    is_absent: bool,
    /// How often the guess was turned.
    turns: u8,
}

impl Guesses {
    pub(super) fn texts_first() -> Self {
        Self { learnt: Vec::new(), texts_first: true }
    }

    pub(super) fn of(&self, text: &str) -> Guess {
        let learnt = self.find(text);
        if learnt.is_some_and(|learnt| learnt.is_absent) {
            return Guess::Absent;
        }
        let is_text = self.texts_first != learnt.is_some_and(|learnt| learnt.is_turned);
        if is_text { Guess::Text } else { looks_like(text) }
    }

    /// Whether a single value is a list of one.
    pub(super) fn is_list(&self, text: &str) -> bool {
        self.find(text).is_some_and(|learnt| learnt.is_list)
    }

    /// Changes one guess. False if no refusal tells anything new.
    pub(super) fn learn(&mut self, refusals: &[Refusal]) -> bool {
        refusals.iter().any(|refusal| self.learn_one(refusal))
    }

    fn learn_one(&mut self, Refusal { text, expected }: &Refusal) -> bool {
        let at = self.learnt.iter().position(|learnt| is_same(&learnt.text, text)).unwrap_or_else(|| {
            let text = text.clone();
            self.learnt.push(Learnt { text, is_turned: false, is_list: false, is_absent: false, turns: 0 });
            self.learnt.len() - 1
        });
        let learnt = &mut self.learnt[at];
        if ["a sequence", "an array", "a tuple"].iter().any(|list| expected.starts_with(list)) {
            return !std::mem::replace(&mut learnt.is_list, true);
        }
        if text.is_empty() {
            return !std::mem::replace(&mut learnt.is_absent, true);
        }
        if looks_like(text) == Guess::Text || learnt.turns == 2 {
            return false;
        }
        learnt.is_turned = !learnt.is_turned;
        learnt.turns += 1;
        true
    }

    fn find(&self, text: &str) -> Option<&Learnt> {
        // Nearly always empty.
        self.learnt.iter().find(|learnt| is_same(&learnt.text, text))
    }
}

/// Whether two texts are the same, or the same number: serde names `007` as 7.
fn is_same(one: &str, other: &str) -> bool {
    one == other || looks_like(one) != Guess::Text && looks_like(one) == looks_like(other)
}

fn looks_like(text: &str) -> Guess {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    if !is_number {
        return match text {
            "true" => Guess::Bool(true),
            "false" => Guess::Bool(false),
            _ => Guess::Text,
        };
    }
    if let Ok(number) = text.parse() {
        Guess::Unsigned(number)
    } else if let Ok(number) = text.parse() {
        Guess::Signed(number)
    } else {
        text.parse().ok().filter(|number: &f64| number.is_finite()).map_or(Guess::Text, Guess::Float)
    }
}
