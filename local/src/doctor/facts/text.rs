//! A text file, and the places in it.

use std::path::PathBuf;

use crate::doctor::finding::Place;

/// A file with its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
}

impl Text {
    /// The place of `word` on a line, or of the first word on it.
    pub(crate) fn place(&self, line: usize, word: &str, resource: Option<&str>) -> Place {
        let text = self.line(line);
        let found = if word.is_empty() { None } else { text.find(word) };
        let at = found.unwrap_or(text.len() - text.trim_start().len());
        Place {
            file: self.file.clone(),
            line: line.max(1),
            column: text[..at].chars().count() + 1,
            resource: resource.map(str::to_owned),
        }
    }

    /// The line of that number, from 1; empty if there is none.
    pub(crate) fn line(&self, line: usize) -> &str {
        self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default()
    }

    /// The lines with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}
