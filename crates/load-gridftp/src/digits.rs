//! Reading eight bytes of a log at a time.
//!
//! The bytes are those of a number, the first of them lowest. Functions that mark bytes
//! do so by their highest bit: the lowest mark is right, those above it may be wrong, for
//! there may be carries.

const EACH: u64 = 0x0101_0101_0101_0101;
const MARKS: u64 = EACH * 0x80;

/// Marks the bytes that cannot be part of a plain word: those that are no visible ASCII,
/// and `=`.
#[inline]
pub(crate) fn ends_of_word(eight: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(eight);
    let up_to_blank = bytes.wrapping_sub(EACH * 0x21) & !bytes;
    let from_delete = bytes.wrapping_add(EACH) | bytes;
    let others = bytes ^ (EACH * b'=' as u64);
    let equal = others.wrapping_sub(EACH) & !others;
    (up_to_blank | from_delete | equal) & MARKS
}

/// Marks the bytes that are no digits.
#[inline]
fn not_digits(bytes: u64) -> u64 {
    let below = bytes.wrapping_sub(EACH * 0x30);
    let above = bytes.wrapping_add(EACH * 0x46);
    (below | above | bytes) & MARKS
}

/// How many bytes are in front of the first mark.
#[inline]
pub(crate) fn before(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Reads eight digits.
#[inline]
pub(crate) fn eight(text: [u8; 8]) -> Option<u64> {
    let bytes = u64::from_le_bytes(text);
    (not_digits(bytes) == 0).then(|| value(bytes))
}

/// Reads the digits at the front, seven at most, and returns their number, too; none
/// when there are more.
#[inline]
pub(crate) fn at_front(text: [u8; 8]) -> Option<(u64, usize)> {
    let bytes = u64::from_le_bytes(text);
    let length = before(not_digits(bytes));
    if length == 8 {
        return None;
    }
    // Zeros in front, and what follows the digits goes.
    let padded = match length {
        0 => 0,
        _ => bytes << (64 - 8 * length),
    };
    Some((value(padded), length))
}

/// The value of eight digits; zero bytes are as good as zeros. Neighbours are joined:
/// to pairs, to fours, to all of them.
#[inline]
fn value(bytes: u64) -> u64 {
    let ones = bytes & (EACH * 0x0f);
    let pairs = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_a_number_and_nothing_else_is() {
        assert_eq!(eight(*b"00000000"), Some(0));
        assert_eq!(eight(*b"12345678"), Some(12_345_678));
        assert_eq!(eight(*b"99999999"), Some(99_999_999));
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"13579024";
                text[at] = byte;
                let expected = str::from_utf8(&text).ok().and_then(|text| {
                    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
                    are_digits.then(|| text.parse().unwrap())
                });
                assert_eq!(eight(text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn digits_at_the_front_end_at_the_first_other_byte() {
        for length in 0..8 {
            for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"97538642";
                let expected = str::from_utf8(&text[..length]).unwrap().parse();
                text[length] = byte;
                assert_eq!(
                    at_front(text),
                    Some((expected.unwrap_or(0), length)),
                    "{text:?}"
                );
            }
        }
        assert_eq!(at_front(*b"97538642"), None);
    }

    #[test]
    fn words_end_at_the_first_byte_that_is_not_visible_ascii_or_equals() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"~!<>/.A0";
                text[at] = byte;
                let ends = !byte.is_ascii_graphic() || byte == b'=';
                assert_eq!(
                    before(ends_of_word(text)),
                    if ends { at } else { 8 },
                    "{text:?}"
                );
            }
        }
    }
}
