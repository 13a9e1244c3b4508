//! The tokens of an image, from the size in pixels that its first bytes state (PNG, JPEG, GIF, WebP).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the largest image counts: a larger one is scaled down by the API.
pub(super) const MOST: u64 = 1_600;
/// Pixels of a token.
const PIXELS: f64 = 750.0;
/// The longest edge after scaling down, pixels.
const LONGEST_EDGE: f64 = 1_568.0;
/// Base64 characters decoded to find the size: photographs state it behind their metadata. A multiple of four.
const LOOKED_AT: usize = 96 * 1024;

/// The tokens of an image in base64; [`MOST`] when its size is not found.
pub(super) fn tokens(base64: &str) -> u64 {
    let chars = base64.len().min(LOOKED_AT) / 4 * 4;
    let start = base64.get(..chars).and_then(|start| STANDARD.decode(start).ok());
    start.and_then(|bytes| size(&bytes)).map_or(MOST, of_size)
}

fn of_size((width, height): (u32, u32)) -> u64 {
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = (LONGEST_EDGE / width.max(height)).min(1.0);
    let tokens = (width * scale * height * scale / PIXELS).ceil();
    (tokens as u64).clamp(1, MOST)
}

/// Width and height.
fn size(image: &[u8]) -> Option<(u32, u32)> {
    let size = match image {
        [0x89, b'P', b'N', b'G', ..] => (be32(image, 16)?, be32(image, 20)?),
        [b'G', b'I', b'F', b'8', ..] => (le16(image, 6)?, le16(image, 8)?),
        [0xff, 0xd8, ..] => jpeg(image)?,
        [b'R', b'I', b'F', b'F', ..] => webp(image)?,
        _ => return None,
    };
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// Walks over the segments to the start of a frame (`SOF0` to `SOF15`, without the three that are something else).
fn jpeg(image: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        match (*image.get(at)?, *image.get(at + 1)?) {
            (0xff, 0xff) => at += 1,
            (0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                return Some((be16(image, at + 7)?, be16(image, at + 5)?));
            }
            (0xff, _) => at += 2 + usize::try_from(be16(image, at + 2)?).ok()?,
            _ => return None,
        }
    }
}

/// The first chunk has the size, in one of three ways.
fn webp(image: &[u8]) -> Option<(u32, u32)> {
    match image.get(8..16)? {
        b"WEBPVP8X" => Some((1 + (le32(image, 24)? & 0xff_ffff), 1 + (le32(image, 26)? >> 8))),
        b"WEBPVP8L" => {
            let bits = le32(image, 21)?;
            Some((1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)))
        }
        b"WEBPVP8 " => Some((le16(image, 26)? & 0x3fff, le16(image, 28)? & 0x3fff)),
        _ => None,
    }
}

fn bytes<const N: usize>(image: &[u8], at: usize) -> Option<[u8; N]> {
    image.get(at..at + N)?.try_into().ok()
}

fn be16(image: &[u8], at: usize) -> Option<u32> {
    bytes(image, at).map(|b| u16::from_be_bytes(b).into())
}

fn be32(image: &[u8], at: usize) -> Option<u32> {
    bytes(image, at).map(u32::from_be_bytes)
}

fn le16(image: &[u8], at: usize) -> Option<u32> {
    bytes(image, at).map(|b| u16::from_le_bytes(b).into())
}

fn le32(image: &[u8], at: usize) -> Option<u32> {
    bytes(image, at).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginnings of images of 1000 by 600 pixels.
    fn samples() -> Vec<(&'static str, Vec<u8>)> {
        let png =
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &1000_u32.to_be_bytes(), &600_u32.to_be_bytes()];
        let gif = [b"GIF89a".as_slice(), &1000_u16.to_le_bytes(), &600_u16.to_le_bytes()];
        // Metadata first, a fill byte, then the frame: precision, height, width.
        let metadata = [0xff, 0xd8, 0xff, 0xe1, 0x01, 0x00].into_iter().chain([0; 254]).collect::<Vec<u8>>();
        let frame = [0xff, 0xff, 0xc2, 0, 17, 8, 0x02, 0x58, 0x03, 0xe8, 3];
        let extended = [
            b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".as_slice(),
            &999_u32.to_le_bytes()[..3],
            &599_u32.to_le_bytes()[..3],
        ];
        let bits = (999_u32 | 599 << 14).to_le_bytes();
        let lossless = [b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(), &bits];
        let lossy = [
            b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".as_slice(),
            &1000_u16.to_le_bytes(),
            &600_u16.to_le_bytes(),
        ];
        vec![
            ("png", png.concat()),
            ("gif", gif.concat()),
            ("jpeg", [metadata, frame.to_vec()].concat()),
            ("webp extended", extended.concat()),
            ("webp lossless", lossless.concat()),
            ("webp lossy", lossy.concat()),
        ]
    }

    #[test]
    fn every_format_states_its_size() {
        for (format, image) in samples() {
            assert_eq!(size(&image), Some((1000, 600)), "{format}");
            assert_eq!(tokens(&STANDARD.encode([image, vec![0; 100]].concat())), 800, "{format}");
        }
    }

    #[test]
    fn a_cut_image_or_none_counts_the_most() {
        for (format, image) in samples() {
            for length in 0..image.len() - 4 {
                assert_eq!(size(&image[..length]), None, "{format} {length}");
            }
        }
        for odd in ["", "AAAA", "no base64 at all!", "iVBOR", "éé"] {
            assert_eq!(tokens(odd), MOST, "{odd}");
        }
    }

    #[test]
    fn large_images_are_scaled_down_and_small_ones_count_little() {
        assert_eq!(of_size((8000, 8000)), MOST);
        assert_eq!(of_size((u32::MAX, u32::MAX)), MOST);
        assert_eq!(of_size((1, 1)), 1);
        assert_eq!(of_size((200, 200)), 54);
        assert_eq!(of_size((3136, 784)), 820, "as 1568 by 392");
    }

    #[test]
    fn the_size_is_found_behind_long_metadata() {
        let segment =
            |n: u16| [vec![0xff, 0xe2], n.to_be_bytes().to_vec(), vec![7; usize::from(n) - 2]].concat();
        let frame = vec![0xff, 0xc0, 0, 17, 8, 0, 100, 0, 150, 3];
        let image = [vec![0xff, 0xd8], segment(60_000), frame, vec![0; 200_000]].concat();
        assert_eq!(tokens(&STANDARD.encode(image)), 20);
    }
}
