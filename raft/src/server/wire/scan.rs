//! Counts the elements of a message before it is decoded, so that nobody can make a node allocate
//! much by saying little: an empty element takes two bytes on the wire and seventy in memory.
//!
//! Not here: what is wrong with malformed bytes. The decoder tells; the scan just ends there.

/// How many fields have the number at the end of a path of nested messages.
///
/// At least as many as a decoder would find: fields inside of groups, which it skips, count too.
pub(super) fn count(message: &[u8], path: &[u64]) -> usize {
    let Some((wanted, inner)) = path.split_first() else { return 1 };
    let mut rest = message;
    let mut found = 0;
    while let Some((number, value)) = field(&mut rest) {
        if number == *wanted {
            found += value.map_or(0, |value| count(value, inner));
        }
    }
    found
}

/// The next field's number and, if it has a length, its content.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => varint(rest).map(|_| None)?,
        1 => take(rest, 8).map(|_| None)?,
        2 => {
            let len = varint(rest)?;
            Some(take(rest, usize::try_from(len).ok()?)?)
        }
        // A group's begin and end have no content of their own.
        3 | 4 => None,
        5 => take(rest, 4).map(|_| None)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn elements_are_counted_wherever_they_are_and_nothing_else_is() {
        let two = [0x0a, 6, 0x1a, 0, 0x08, 7, 0x1a, 0];
        assert_eq!(count(&two, &[1, 3]), 2);
        assert_eq!(count(&[two, two].concat(), &[1, 3]), 4, "parts of one message merge");
        assert_eq!(count(&two, &[2, 3]), 0);
        let after_others = [&[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x2b, 0x2c][..], &two].concat();
        assert_eq!(count(&after_others, &[1, 3]), 2);
    }

    #[test]
    fn the_scan_of_malformed_bytes_ends() {
        for malformed in
            [&[0x0a][..], &[0x0a, 5, 0x1a], &[0xff; 20], &[0x0f], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]]
        {
            assert_eq!(count(malformed, &[1, 3]), 0);
        }
    }
}
