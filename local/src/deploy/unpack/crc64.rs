//! The checksum of a code package: CRC-64 with the polynomial of ECMA-182, reflected, as the object store computes it.
//! The platform writes it as a decimal number.

const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// The remainder of each byte.
const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut rest = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
};

/// The checksum of the bytes so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc64(u64);

impl Crc64 {
    pub(crate) fn new() -> Self {
        Crc64(!0)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let index = (self.0 ^ u64::from(*byte)) & 0xFF;
            // The index has eight bits, as the table has entries.
            let rest = usize::try_from(index).ok().and_then(|index| TABLE.get(index)).copied();
            self.0 = rest.unwrap_or_default() ^ (self.0 >> 8);
        }
    }

    pub(crate) fn value(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: u64) {
        let mut whole = Crc64::new();
        whole.update(bytes);
        assert_eq!(whole.value(), expected);
        let mut parts = Crc64::new();
        for part in bytes.chunks(2) {
            parts.update(part);
        }
        assert_eq!(parts.value(), expected);
    }

    #[test]
    fn the_checksum_is_that_of_the_object_store() {
        check(b"", 0);
        // The check value of the catalogue of CRCs for CRC-64/XZ.
        check(b"123456789", 0x995D_C9BB_DF19_39FA);
    }
}
