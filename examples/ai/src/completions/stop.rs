//! Texts that end a completion before they are said.

/// Holds back what could be the beginning of a stop text.
#[derive(Debug)]
pub struct Stop {
    texts: Vec<String>,
    held: String,
    is_reached: bool,
}

impl Stop {
    pub fn new(texts: Vec<String>) -> Self {
        Self {
            texts: texts.into_iter().filter(|text| !text.is_empty()).collect(),
            held: String::new(),
            is_reached: false,
        }
    }

    /// Whether a stop text has come. Nothing is said from there on.
    pub fn is_reached(&self) -> bool {
        self.is_reached
    }

    /// Takes a piece, and gives what can be said by now.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        if let Some(at) = self.texts.iter().filter_map(|text| self.held.find(text.as_str())).min() {
            self.is_reached = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let could_begin = |at: &usize| self.texts.iter().any(|text| text.starts_with(&self.held[*at..]));
        let at = self.held.char_indices().map(|(at, _)| at).find(could_begin).unwrap_or(self.held.len());
        let rest = self.held.split_off(at);
        std::mem::replace(&mut self.held, rest)
    }

    /// What was held back in vain.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stops: &[&str], pieces: &[&str], said: &[&str], is_reached: bool) {
        let mut stop = Stop::new(stops.iter().map(|text| (*text).to_owned()).collect());
        let mut heard = Vec::new();
        for piece in pieces {
            heard.push(stop.push(piece));
            if stop.is_reached() {
                break;
            }
        }
        heard.push(stop.finish());
        assert_eq!(
            (heard, stop.is_reached()),
            (said.iter().map(|text| (*text).to_owned()).collect(), is_reached)
        );
    }

    #[test]
    fn a_stop_text_is_not_said_wherever_its_pieces_end() {
        check(&[], &["a", "b"], &["a", "b", ""], false);
        check(&[""], &["a"], &["a", ""], false);
        check(&["is hot"], &["Tea", " is", " hot."], &["Tea", " ", "", ""], true);
        check(&["is hot"], &["Tea", " is", " cold."], &["Tea", " ", "is cold.", ""], false);
        check(&["zz", "b"], &["abz"], &["a", ""], true);
        check(&["é!"], &["é", "é"], &["", "é", "é"], false);
    }
}
