//! An index of texts: where a text that was put in is, without an allocation and without a seed.

/// The texts themselves stay with the caller, who compares them. They come from the app's author, so that nobody else can
/// choose many that collide.
#[derive(Default)]
pub(crate) struct Index {
    /// One more than the place of a text; 0 is empty. As many as a power of two, and at most half of them are taken.
    slots: Vec<u32>,
    len: usize,
    /// The length of the longest text. A longer one is not hashed.
    longest: usize,
}

impl Index {
    pub(crate) fn with_capacity(texts: usize) -> Self {
        Self { slots: vec![0; (2 * texts).next_power_of_two()], ..Self::default() }
    }

    /// The place of a text, if `is_at` finds it there.
    #[inline]
    pub(crate) fn find(&self, text: &str, is_at: impl Fn(usize) -> bool) -> Option<usize> {
        if text.len() > self.longest {
            return None;
        }
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash(text.as_bytes()) & mask;
        loop {
            let place = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            if is_at(place) {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Puts in a text that is not in it. `text_at` gives those that are.
    pub(crate) fn insert<'t>(&mut self, text: &str, place: usize, text_at: impl Fn(usize) -> &'t str) {
        self.len += 1;
        self.longest = self.longest.max(text.len());
        if self.slots.len() < 2 * self.len {
            let slots = vec![0; (4 * self.len).next_power_of_two()];
            for before in std::mem::replace(&mut self.slots, slots) {
                if before != 0 {
                    self.put(text_at(before as usize - 1), before);
                }
            }
        }
        // No app has as many routes as that.
        self.put(text, u32::try_from(place + 1).unwrap_or(u32::MAX));
    }

    fn put(&mut self, text: &str, entry: u32) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text.as_bytes()) & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = entry;
    }
}

/// Eight bytes at a time, each mixed into all higher bits; the last step brings these down.
fn hash(text: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = text.as_chunks::<8>();
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(MIX);
    let whole = words.iter().fold(0, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(1, |last, byte| last << 8 | u64::from(*byte));
    let hash = mix(whole, last);
    #[allow(clippy::cast_possible_truncation, reason = "any bits will do")]
    return (hash ^ hash >> 32) as usize;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let texts: Vec<String> = (0..1000).map(|at| format!("/a/{at}/{}", "x".repeat(at % 20))).collect();
        let mut index = Index::default();
        let find = |index: &Index, text: &str| index.find(text, |at| texts[at] == text);
        assert_eq!(find(&index, ""), None);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(find(&index, text), None);
            index.insert(text, at, |at| &texts[at]);
            assert_eq!(find(&index, text), Some(at));
        }
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(find(&index, text), Some(at));
            assert_eq!(find(&index, &text[1..]), None);
            assert_eq!(find(&index, &format!("{text}/")), None);
        }
    }

    #[test]
    fn texts_that_differ_little_are_spread() {
        let mut index = Index::with_capacity(512);
        let texts: Vec<String> = (0..512).map(|at| format!("/users/{at:03}")).collect();
        for (at, text) in texts.iter().enumerate() {
            index.insert(text, at, |at| &texts[at]);
        }
        let runs = index.slots.split(|slot| *slot == 0).map(<[u32]>::len).max();
        assert!(runs.is_some_and(|longest| longest < 40), "{runs:?}");
    }
}
