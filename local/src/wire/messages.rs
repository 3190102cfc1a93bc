//! The messages of a gRPC call, followed by their lengths alone.

use fc_runtime::platform::limits::MESSAGE_MAX;

/// The bytes before each message: one says whether it is compressed, four are its length.
const PREFIX: usize = 5;

/// Follows the messages of one direction, and finds one that is too large.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    prefix: [u8; PREFIX],
    /// The bytes of the prefix that have come.
    have: usize,
    /// The bytes of the current message that are still to come.
    left: usize,
}

/// The next message is larger than the platform allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Messages {
    /// Notes the next bytes.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            let message = self.left.min(bytes.len());
            self.left -= message;
            bytes = &bytes[message..];
            let more = (PREFIX - self.have).min(bytes.len());
            self.prefix[self.have..self.have + more].copy_from_slice(&bytes[..more]);
            self.have += more;
            bytes = &bytes[more..];
            if self.have == PREFIX {
                let [_, length @ ..] = self.prefix;
                self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.have = 0;
                if self.left > MESSAGE_MAX {
                    return Err(TooLarge);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &Result<(), TooLarge>) {
        for size in [1, 2, 3, 5, 7, bytes.len()] {
            let mut messages = Messages::default();
            let outcome = bytes.chunks(size).try_for_each(|chunk| messages.follow(chunk));
            assert_eq!(&outcome, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn each_message_has_a_limit_and_the_stream_has_none() {
        let small = [message(3), b"abc".to_vec(), message(0), message(1), b"x".to_vec()].concat();
        check(&small, &Ok(()));
        check(&[small.clone(), message(MESSAGE_MAX)].concat(), &Ok(()));
        check(&[small.clone(), message(MESSAGE_MAX + 1)].concat(), &Err(TooLarge));
        check(&[small, vec![0, 0xff, 0xff, 0xff, 0xff]].concat(), &Err(TooLarge));
        let mut messages = Messages::default();
        for _ in 0..3 {
            messages.follow(&message(MESSAGE_MAX)).unwrap();
            messages.follow(&vec![0; MESSAGE_MAX]).unwrap();
        }
    }
}
