//! How far the characters of a JSON string stand for themselves.
//!
//! Nearly all of an answer is text, and in text with line breaks and quotes something is escaped every few words. So 64
//! bytes are looked at together and become 64 bits, one for each byte that is special; what is left at the end of a text
//! is looked at eight bytes at a time, as one number.

use wide::u8x16;

/// As many bytes as there are bits in [`specials`].
pub(super) const BLOCK: usize = 64;

const LANES: usize = 16;

/// One of each byte of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;
const WORD: usize = size_of::<u64>();
/// Names up to here are read in one go. The longest that the API has are a little shorter.
const LONGEST_NAME: usize = 40;

/// The number of bytes before the first quote, backslash or control character (below 0x20): all of them if there is none.
pub(super) fn plain_len(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for (at, block) in blocks.iter().enumerate() {
        let specials = specials(block);
        if specials != 0 {
            return at * BLOCK + specials.trailing_zeros() as usize;
        }
    }
    blocks.len() * BLOCK + plain_words(rest)
}

/// A bit for each quote, backslash and control character, the lowest for the first byte.
pub(super) fn specials(block: &[u8; BLOCK]) -> u64 {
    let (parts, _) = block.as_chunks::<LANES>();
    parts.iter().rev().fold(0, |bits, part| bits << LANES | u64::from(specials_of(*part)))
}

fn specials_of(part: [u8; LANES]) -> u32 {
    let bytes = u8x16::new(part);
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1F)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

/// The number of bytes before the closing quote of a short name in plain ASCII, as nearly all keys are. Nothing for any
/// other: it has to be looked at more closely.
pub(super) fn name_len(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<WORD>();
    for (at, word) in words.iter().take(LONGEST_NAME / WORD).enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = special(word) | (word & HIGH);
        if stops != 0 {
            let len = at * WORD + stops.trailing_zeros() as usize / 8;
            return (text[len] == b'"').then_some(len);
        }
    }
    None
}

/// As [`plain_len`], for less than a block.
fn plain_words(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<WORD>();
    for (at, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at * WORD + special.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest.iter().take_while(|byte| !matches!(byte, 0..b' ' | b'"' | b'\\')).count();
    words.len() * WORD + tail
}

/// The lowest bit set is the high bit of the first special byte. Those above it mean nothing: a special byte borrows from
/// the next, which may be taken for one for it.
fn special(word: u64) -> u64 {
    let each = |byte: u8| ONES * u64::from(byte);
    let control = word.wrapping_sub(each(b' '));
    let quote = (word ^ each(b'"')).wrapping_sub(ONES);
    let backslash = (word ^ each(b'\\')).wrapping_sub(ONES);
    // Bytes beyond ASCII have the bit, too, and are none.
    (control | quote | backslash) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule once more, in the words of RFC 8259: what a string may not hold as it is.
    fn is_special(byte: u8) -> bool {
        matches!(byte, 0x00..=0x1F | b'"' | b'\\')
    }

    /// Mostly what is near the borders.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            Just(b' '),
            Just(b'a'),
            Just(0x7F),
            Just(0x80),
            Just(0xFF),
            0x1F_u8..0x24,
            0x5B_u8..0x5E,
            any::<u8>()
        ]
    }

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(text in prop::collection::vec(byte(), 0..150)) {
            let first = text.iter().position(|b| is_special(*b)).unwrap_or(text.len());
            prop_assert_eq!(plain_len(&text), first);
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_to_its_quote_or_left_alone(
            name in "[a-z_]{0,45}", odd in prop::option::of(byte()), rest in prop::collection::vec(byte(), 0..20),
        ) {
            let plain = odd.is_none_or(|byte| byte.is_ascii() && !is_special(byte));
            let mut text = name.into_bytes();
            text.extend(odd);
            let len = text.len();
            text.push(b'"');
            text.extend(rest);
            let found = name_len(&text);
            if plain && len < LONGEST_NAME && text.len() >= len.next_multiple_of(WORD) + WORD {
                prop_assert_eq!(found, Some(len));
            } else if plain {
                prop_assert!(found.is_none_or(|found| found == len));
            } else if odd == Some(b'"') {
                prop_assert!(found.is_none_or(|found| found == len - 1));
            } else {
                prop_assert_eq!(found, None);
            }
        }
    }

    #[test]
    fn every_byte_is_told_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..80 {
                let mut text = [b'x'; 80];
                text[place] = byte;
                assert_eq!(plain_len(&text), if is_special(byte) { place } else { 80 }, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_special_byte_of_a_block_has_its_bit(text in prop::collection::vec(byte(), BLOCK)) {
            let bits = specials(text.as_slice().try_into().unwrap());
            for (place, byte) in text.iter().enumerate() {
                prop_assert_eq!(bits >> place & 1 == 1, is_special(*byte), "{} at {}", byte, place);
            }
        }
    }
}
