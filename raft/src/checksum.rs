//! CRC-32C, the checksum of files and frames. The library takes whatever instructions there are.

use crc_fast::{CrcAlgorithm, Digest};

/// Of some bytes.
#[inline]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Of some bytes behind others, which have `before`.
#[expect(clippy::cast_possible_truncation, reason = "all widths have one type there; this one has 32 bits")]
#[inline]
pub(crate) fn crc32c_append(before: u32, bytes: &[u8]) -> u32 {
    if before == 0 {
        return crc32c(bytes); // behind nothing, mostly
    }
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!before));
    digest.update(bytes);
    digest.finalize() as u32
}

/// Puts what came before into the first eight bytes, of which the checksum is then that of [`crc32c_append`]: a sum that goes on
/// is kept in the register that takes in the first bytes, by exclusive or. For short inputs, where starting takes longest.
#[inline]
pub(crate) const fn seeded(before: u32, first: u64) -> u64 {
    first ^ before as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length up to one that takes the wide path, in two parts and aligned in all ways, beside another library.
    #[test]
    fn both_are_those_of_another_library() {
        let bytes: Vec<u8> = (0..9_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let lengths = (0..600).chain([1_023, 4_096, 8_191, 8_900]);
        for (number, len) in lengths.enumerate() {
            let some = &bytes[number % 9..][..len];
            let (first, second) = some.split_at(len * (number % 5) / 5);
            assert_eq!(crc32c(some), crc32c::crc32c(some), "{len} bytes");
            assert_eq!(crc32c_append(crc32c(first), second), crc32c(some), "{len} bytes");
            assert_eq!(crc32c_append(77, some), crc32c::crc32c_append(77, some), "{len} bytes");
            if let Some((first, rest)) = some.split_first_chunk() {
                let seeded = seeded(0x8765_4321, u64::from_le_bytes(*first)).to_le_bytes();
                assert_eq!(crc32c(&[&seeded, rest].concat()), crc32c::crc32c_append(0x8765_4321, some), "{len} bytes");
            }
        }
    }
}
