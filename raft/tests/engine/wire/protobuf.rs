//! Protobuf by hand: what no sender of ours encodes.

/// A number of seven bits per byte.
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// A field with a number.
pub fn number(tag: u64, value: u64) -> Vec<u8> {
    [varint(tag << 3), varint(value)].concat()
}

/// A field with a number of eight bytes.
pub fn fixed(tag: u64, value: u64) -> Vec<u8> {
    [&varint(tag << 3 | 1)[..], &value.to_le_bytes()].concat()
}

/// A field with a message or bytes in it.
pub fn nested(tag: u64, content: &[u8]) -> Vec<u8> {
    [&varint(tag << 3 | 2)[..], &varint(content.len() as u64), content].concat()
}
