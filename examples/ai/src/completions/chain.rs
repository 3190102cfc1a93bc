//! The model: which word follows which two, in a text that was read. It is small, and it is honest about that.

use std::collections::HashMap;
use std::sync::Arc;

/// A word, by its place in the list of words.
type Word = u32;

/// A chain of words. It has learnt from one text, and says nothing that could not have been written there.
#[derive(Debug)]
pub struct Chain {
    words: Vec<String>,
    after_two: HashMap<[Word; 2], Vec<Word>>,
    after_one: HashMap<Word, Vec<Word>>,
    /// Words that begin sentences.
    first: Vec<Word>,
}

impl Chain {
    /// Learns from a text. Code and tables are left out: they are no sentences.
    pub fn learn(text: &str) -> Self {
        let mut known: HashMap<String, Word> = HashMap::new();
        let mut chain = Self {
            words: Vec::new(),
            after_two: HashMap::new(),
            after_one: HashMap::new(),
            first: Vec::new(),
        };
        let mut is_code = false;
        let lines = text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence && !line.starts_with(['|', '#'])
        });
        let (mut before, mut last) = (None, None);
        for text in
            lines.flat_map(str::split_whitespace).filter(|word| word.chars().any(char::is_alphanumeric))
        {
            let next = Word::try_from(chain.words.len()).unwrap_or(Word::MAX);
            let word = *known.entry(text.to_owned()).or_insert_with(|| {
                chain.words.push(text.to_owned());
                next
            });
            match last {
                Some(last) if !ends_sentence(&chain.words[last as usize]) => {
                    chain.after_one.entry(last).or_default().push(word);
                    if let Some(before) = before {
                        chain.after_two.entry([before, last]).or_default().push(word);
                    }
                    before = Some(last);
                }
                _ => {
                    chain.first.push(word);
                    before = None;
                }
            }
            last = Some(word);
        }
        chain
    }

    /// The words that it goes on with after a prompt, without an end.
    pub fn generate(self: &Arc<Self>, prompt: &str, choice: Choice) -> Words {
        let asked: Vec<&str> = prompt.split_whitespace().rev().collect();
        let same = |word: &&str| {
            let bare = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            let asked = bare(word);
            let found = self.words.iter().position(|word| bare(word) == asked && !asked.is_empty());
            found.and_then(|at| Word::try_from(at).ok()).filter(|word| self.after_one.contains_key(word))
        };
        // It begins with the last word of the prompt from which it could go on.
        let begin = asked.iter().find_map(same);
        Words { chain: Arc::clone(self), begin, before: None, last: None, choice }
    }
}

fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['*', ')', '"']).ends_with(['.', '!', '?'])
}

/// How one of several words is chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    state: u64,
    is_greedy: bool,
}

impl Choice {
    /// The same seed makes the same choices. A temperature of 0 takes the word that is most frequent.
    pub fn new(seed: u64, temperature: f64) -> Self {
        // Zero would stay zero.
        Self { state: seed ^ 0x9e37_79b9_7f4a_7c15 | 1, is_greedy: temperature <= 0.0 }
    }

    /// One of these words; a word that stands there more often is chosen more often.
    fn of(&mut self, words: &[Word]) -> Option<Word> {
        if self.is_greedy {
            let count = |wanted: Word| words.iter().filter(|word| **word == wanted).count();
            return words.iter().copied().rev().max_by_key(|word| count(*word));
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let at = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        words.get(usize::try_from(at).ok()?.checked_rem(words.len())?).copied()
    }
}

/// The words that follow, without an end.
#[derive(Debug)]
pub struct Words {
    chain: Arc<Chain>,
    begin: Option<Word>,
    before: Option<Word>,
    last: Option<Word>,
    choice: Choice,
}

impl Words {
    /// Whether the word before was the last one of a sentence.
    pub fn is_at_end(&self) -> bool {
        let has_next = |word: &Word| self.chain.after_one.contains_key(word);
        self.last.is_some_and(|last| ends_sentence(&self.chain.words[last as usize]) || !has_next(&last))
    }
}

impl Iterator for Words {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let chain = &self.chain;
        let is_new = self.last.is_none() || self.is_at_end();
        let word = match (self.last, self.begin.take()) {
            (_, Some(begin)) => begin,
            (Some(last), None) if !is_new => {
                let two = self.before.and_then(|before| chain.after_two.get(&[before, last]));
                self.choice.of(two.or_else(|| chain.after_one.get(&last))?)?
            }
            _ => self.choice.of(&chain.first)?,
        };
        self.before = self.last.filter(|_| !is_new);
        self.last = Some(word);
        Some(self.chain.words[word as usize].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# no sentence\nTea is hot. Tea is good for you.\n```\nlet code = 1;\n```\n| a | table |\nSalt is white.";

    #[test]
    fn it_says_what_could_have_been_written() {
        let chain = Arc::new(Chain::learn(TEXT));
        let words: Vec<String> = chain.generate("", Choice::new(7, 1.0)).take(500).collect();
        let text = words.join(" ");
        for sentence in text.split_inclusive(". ").filter(|sentence| sentence.ends_with(". ")) {
            let known = ["Tea is hot. ", "Tea is good for you. ", "Salt is white. "];
            let mixed = ["Tea is white. ", "Salt is hot. ", "Salt is good for you. "];
            assert!(known.contains(&sentence) || mixed.contains(&sentence), "{sentence:?}");
        }
        assert!(text.contains("Salt") && text.contains("hot") && text.contains("you"));
    }

    #[test]
    fn a_seed_is_a_text_and_cold_is_without_chance() {
        let chain = Arc::new(Chain::learn(TEXT));
        let say = |seed, temperature| {
            chain.generate("", Choice::new(seed, temperature)).take(60).collect::<Vec<String>>().join(" ")
        };
        assert_eq!(say(1, 1.0), say(1, 1.0));
        assert!((2..20).any(|seed| say(seed, 1.0) != say(1, 1.0)));
        assert!((2..20).all(|seed| say(seed, 0.0) == say(1, 0.0)));
    }

    #[test]
    fn it_goes_on_from_the_prompt() {
        let chain = Arc::new(Chain::learn(TEXT));
        let words: Vec<String> =
            chain.generate("what is SALT, please?", Choice::new(1, 1.0)).take(2).collect();
        assert_eq!(words, ["Salt", "is"]);
        assert_eq!(Arc::new(Chain::learn("")).generate("tea", Choice::new(1, 1.0)).next(), None);
    }
}
