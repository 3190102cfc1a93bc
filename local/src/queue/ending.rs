//! The end of a call: its record, its reply, and in the same transaction whatever follows from it.

use super::destination::{self, Followed};
use super::queue::Queue;
use super::record::Record;
use super::tables::{self, REPLIES};
use crate::store::{Broken, Write};

/// The most of a reply that is kept, in bytes. The platform keeps 1 MiB.
const REPLY_MAX: usize = 1024 * 1024;

/// Stores what became of a call. `reply` is what the function sent, if it sent anything. Gives what follows, for
/// [`tell`](super::lane::tell).
pub(super) fn store(
    write: &Write<'_>,
    queue: &Queue,
    seq: u64,
    before: &Record,
    after: &Record,
    reply: Option<&[u8]>,
) -> Result<Option<Followed>, Broken> {
    let reply = reply.map(kept);
    // Before the request is forgotten.
    let followed =
        if after.state.is_final() { destination::follow(write, queue, seq, after, reply)? } else { None };
    tables::replace(write, seq, before, after)?;
    if let (true, Some(reply)) = (after.task.is_some(), reply) {
        write.insert(REPLIES, seq, reply)?;
    }
    Ok(followed)
}

/// What is kept of a reply, and told to a destination. Text is not cut within a character.
fn kept(reply: &[u8]) -> &[u8] {
    let begins = |at: &usize| reply.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    let most = reply.len().min(REPLY_MAX);
    &reply[..(most.saturating_sub(3)..=most).rev().find(begins).unwrap_or(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reply_is_cut_between_characters() {
        for (character, lost) in [("x", 0), ("ä", 0), ("€", 1), ("😀", 0)] {
            let text = character.repeat(REPLY_MAX);
            let cut = kept(text.as_bytes());
            assert_eq!(
                (cut.len(), std::str::from_utf8(cut).is_ok()),
                (REPLY_MAX - lost, true),
                "{character}"
            );
        }
        assert_eq!(kept(&vec![0x80; REPLY_MAX + 9]).len(), REPLY_MAX, "no text");
        assert_eq!(kept("kurz, ä".as_bytes()), "kurz, ä".as_bytes());
    }
}
