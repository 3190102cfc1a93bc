//! SHA-1, for the one thing that it is still asked for here: showing that a server has read a handshake's key. It
//! protects nothing, so a crate with fast code for every processor would only be weight.

/// The digest of a short text.
pub(super) fn sha1(text: &[u8]) -> [u8; 20] {
    let mut padded = text.to_vec();
    padded.push(0x80);
    padded.resize((text.len() + 9).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks_exact(64) {
        let mixed = mix(state, block);
        for (sum, word) in state.iter_mut().zip(mixed) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn mix(mut state: [u32; 5], block: &[u8]) -> [u32; 5] {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for at in 16..80 {
        words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
    }
    for (at, word) in words.into_iter().enumerate() {
        let [first, second, third, fourth, fifth] = state;
        let (chosen, constant) = match at {
            0..20 => ((second & third) | (!second & fourth), 0x5a82_7999),
            20..40 => (second ^ third ^ fourth, 0x6ed9_eba1),
            40..60 => ((second & third) | (second & fourth) | (third & fourth), 0x8f1b_bcdc),
            _ => (second ^ third ^ fourth, 0xca62_c1d6_u32),
        };
        let sum = [chosen, fifth, constant, word].into_iter().fold(first.rotate_left(5), u32::wrapping_add);
        state = [sum, first, second.rotate_left(30), third, fourth];
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        use std::fmt::Write;
        let mut hex = String::new();
        for byte in sha1(text.as_bytes()) {
            let _ = write!(hex, "{byte:02x}");
        }
        assert_eq!(hex, expected);
    }

    #[test]
    fn the_vectors_of_its_standard() {
        check("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        check("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
        check(
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        );
        check(&"a".repeat(119), "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56");
    }
}
