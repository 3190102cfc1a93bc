//! Ids in hexadecimal digits.

/// Reads so many bytes from twice as many digits, all of them lower case. `None` for other text, and for zeros alone.
pub(super) fn read<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut id = [0; N];
    read_into(&mut id, text)?;
    Some(id)
}

/// Out of line: it is in the binary once, for ids of both lengths.
#[inline(never)]
fn read_into(id: &mut [u8], text: &[u8]) -> Option<()> {
    if text.len() != 2 * id.len() {
        return None;
    }
    let mut any = 0;
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = digit(text[2 * at])? << 4 | digit(text[2 * at + 1])?;
        any |= *byte;
    }
    (any != 0).then_some(())
}

pub(super) fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[inline(never)]
pub(super) fn write_into(out: &mut Vec<u8>, id: &[u8]) {
    for nibble in id.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        out.push(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    }
}
