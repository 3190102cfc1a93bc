//! The end of a call: its record, its reply, and in the same transaction whatever follows from it.

use redb::WriteTransaction;

use super::destination;
use super::queue::Queue;
use super::record::Record;
use super::tables::{self, REPLIES};
use crate::store::Broken;

/// The most of a reply that is kept, in bytes. The platform keeps 1 MiB.
pub(super) const REPLY_MAX: usize = 1024 * 1024;

/// Stores what became of a call. `reply` is what the function sent, if it sent anything.
pub(super) fn store(
    write: &WriteTransaction,
    queue: &Queue,
    seq: u64,
    before: &Record,
    after: &Record,
    reply: Option<&[u8]>,
) -> Result<(), Broken> {
    if after.state.is_final() {
        // Before the request is forgotten.
        destination::follow(write, queue, seq, after, reply)?;
    }
    tables::replace(write, seq, before, after)?;
    if let (true, Some(reply)) = (after.task.is_some(), reply) {
        write.open_table(REPLIES)?.insert(seq, &reply[..reply.len().min(REPLY_MAX)])?;
    }
    Ok(())
}
