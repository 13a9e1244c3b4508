//! How far the characters of a JSON string stand for themselves.
//!
//! Nearly all of an answer is text. Where nothing is escaped, 32 bytes are looked at at once, in a loop that compilers make
//! vector instructions of. In text with line breaks and quotes something that is escaped comes every few words, too often
//! for a search that has to be called for each: it is found in eight bytes at once, as one number.

/// One of each byte of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;
const WORD: usize = size_of::<u64>();

const CHUNK: usize = 32;

/// The number of bytes before the first quote, backslash or control character (below 0x20): all of them if there is none.
pub(super) fn plain_len(text: &[u8]) -> usize {
    let plain = CHUNK * text.as_chunks::<CHUNK>().0.iter().take_while(|chunk| is_plain(chunk)).count();
    plain + plain_words(&text[plain..])
}

/// The same, for text in which it is not far.
fn plain_words(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<WORD>();
    for (at, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at * WORD + special.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest.iter().take_while(|byte| mark(**byte) == 0).count();
    words.len() * WORD + tail
}

fn is_plain(chunk: &[u8; CHUNK]) -> bool {
    chunk.iter().fold(0, |any, byte| any | mark(*byte)) == 0
}

/// Zero for a plain byte. A number, and without branches: of `bool`s the compiler makes a loop that takes a quarter longer.
fn mark(byte: u8) -> u8 {
    u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
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
}
