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

/// What was learnt about values that are not what they look like.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// One for each pair of the form, once anything was learnt.
    learnt: Vec<Learnt>,
    /// Whether a text is a text until it is refused. Else it is at first what it looks like.
    texts_first: bool,
}

#[derive(Debug, Clone, Default)]
struct Learnt {
    /// Whether the guess is the other one of text and number than at first.
    is_turned: bool,
    list: List,
    is_absent: bool,
    /// How often the guess was turned.
    turns: u8,
}

/// Whether a single value is a list of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum List {
    #[default]
    Unasked,
    Yes,
    /// It was one, and that was refused.
    Refused,
}

/// How often one guess is turned. serde does not say which of two equal values was refused: the wrong one may be turned
/// first, and has to be turned back.
const TURNS_MAX: u8 = 4;

impl Guesses {
    pub(super) fn texts_first() -> Self {
        Self { learnt: Vec::new(), texts_first: true }
    }

    /// The guess for the value of the pair at this index.
    pub(super) fn of(&self, at: usize, text: &str) -> Guess {
        let learnt = self.learnt.get(at);
        if learnt.is_some_and(|learnt| learnt.is_absent) {
            return Guess::Absent;
        }
        if self.is_text(at) { Guess::Text } else { looks_like(text) }
    }

    fn is_text(&self, at: usize) -> bool {
        self.texts_first != self.learnt.get(at).is_some_and(|learnt| learnt.is_turned)
    }

    /// Whether a single value is a list of one.
    pub(super) fn is_list(&self, at: usize) -> bool {
        self.learnt.get(at).is_some_and(|learnt| learnt.list == List::Yes)
    }

    /// Changes one guess about the values. False if no refusal tells anything new.
    pub(super) fn learn(&mut self, refusals: &[Refusal], values: &[&str]) -> bool {
        self.learnt.resize(values.len(), Learnt::default());
        refusals.iter().any(|refusal| self.learn_one(refusal, values))
    }

    fn learn_one(&mut self, Refusal { text, is_text, is_list, expected }: &Refusal, values: &[&str]) -> bool {
        if *is_list {
            let found = self.learnt.iter_mut().find(|learnt| learnt.list == List::Yes);
            return found.map(|learnt| learnt.list = List::Refused).is_some();
        }
        let same = |at: &usize| is_same(values[*at], text);
        if ["a sequence", "an array", "a tuple"].iter().any(|list| expected.starts_with(list)) {
            let found = (0..values.len()).filter(same).find(|at| self.learnt[*at].list == List::Unasked);
            return found.map(|at| self.learnt[at].list = List::Yes).is_some();
        }
        if text.is_empty() {
            let found = (0..values.len()).filter(same).find(|at| !self.learnt[*at].is_absent);
            return found.map(|at| self.learnt[at].is_absent = true).is_some();
        }
        if looks_like(text) == Guess::Text {
            return false;
        }
        // The one that was turned least often is the least sure.
        let guessed_so = |at: &usize| self.is_text(*at) == *is_text && self.learnt[*at].turns < TURNS_MAX;
        let found = (0..values.len()).filter(same).filter(guessed_so).min_by_key(|at| self.learnt[*at].turns);
        found
            .map(|at| {
                self.learnt[at].is_turned ^= true;
                self.learnt[at].turns += 1;
            })
            .is_some()
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
    let unsigned = text.parse().map(Guess::Unsigned);
    let whole = unsigned.or_else(|_| text.parse().map(Guess::Signed));
    whole.unwrap_or_else(|_| match text.parse() {
        Ok(number) if f64::is_finite(number) => Guess::Float(number),
        _ => Guess::Text,
    })
}
