//! Decoding a copy of a response body for the gate and the meter. The client's bytes stay as they were.
//!
//! A body whose coding is unknown, broken or suspiciously large once decoded is not looked into any further; it is still
//! forwarded.

use std::io::{self, Write};

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Decoded bytes one chunk may grow to; beyond it the body is no answer of the Claude API.
const MAX_PER_CHUNK: usize = 16 * 1024 * 1024;

/// Decodes one body, chunk by chunk.
pub struct ContentDecoder(Coding);

enum Coding {
    /// Nothing seen yet and no coding announced: the first bytes decide.
    Unsniffed,
    Identity,
    Gzip(Box<flate2::write::MultiGzDecoder<Out>>),
    Zlib(Box<flate2::write::ZlibDecoder<Out>>),
    Deflate(Box<flate2::write::DeflateDecoder<Out>>),
    /// `deflate` announced: zlib by the standard, raw by habit; the first byte tells.
    DeflateUnsniffed,
    Brotli(Box<brotli::DecompressorWriter<Out>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Out>>),
    Opaque,
}

/// Decoded bytes of one chunk, bounded.
#[derive(Default)]
struct Out(Vec<u8>);

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.0.len() + buf.len() > MAX_PER_CHUNK {
            return Err(io::Error::other("decoded chunk too large"));
        }
        self.0.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ContentDecoder {
    /// A decoder for a body with these headers.
    pub fn for_headers(headers: &HeaderMap) -> Self {
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let coding = match (codings.next(), codings.next()) {
            (None, _) => Coding::Unsniffed,
            (Some(one), None) => Coding::named(one.to_str().unwrap_or("?").trim()),
            _ => Coding::Opaque,
        };
        Self(coding)
    }

    /// True when the bytes are passed on and looked at as they are.
    pub fn is_identity(&self) -> bool {
        matches!(self.0, Coding::Identity | Coding::Unsniffed)
    }

    /// True when nothing can be seen.
    pub fn is_opaque(&self) -> bool {
        matches!(self.0, Coding::Opaque)
    }

    /// Decodes one chunk and shows the result to `look`.
    pub fn feed<T>(&mut self, chunk: &[u8], look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.0.sniff(chunk);
        match &mut self.0 {
            Coding::Identity => Some(look(chunk)),
            Coding::Opaque | Coding::Unsniffed | Coding::DeflateUnsniffed => None,
            coding => match coding.decode(chunk) {
                Ok(decoded) => Some(look(&decoded)),
                Err(_) => {
                    self.0 = Coding::Opaque;
                    None
                }
            },
        }
    }
}

impl Coding {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "identity" | "" => Self::Identity,
            "gzip" | "x-gzip" => Self::gzip(),
            "deflate" => Self::DeflateUnsniffed,
            "br" => Self::Brotli(Box::new(brotli::DecompressorWriter::new(Out::default(), 4096))),
            "zstd" => Self::zstd(),
            _ => Self::Opaque,
        }
    }

    fn gzip() -> Self {
        Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Out::default())))
    }

    fn zstd() -> Self {
        zstd::stream::write::Decoder::new(Out::default()).map_or(Self::Opaque, |d| Self::Zstd(Box::new(d)))
    }

    /// Some relays compress without saying so; their magic numbers cannot start an answer of the API.
    fn sniff(&mut self, chunk: &[u8]) {
        if chunk.is_empty() {
            return;
        }
        *self = match (&*self, chunk) {
            (Self::Unsniffed, [0x1f, 0x8b, ..]) => Self::gzip(),
            (Self::Unsniffed, [0x28, 0xb5, 0x2f, 0xfd, ..]) => Self::zstd(),
            (Self::Unsniffed, _) => Self::Identity,
            // The low four bits of a zlib header name its method, which is always 8.
            (Self::DeflateUnsniffed, [first, ..]) if first & 0x0f == 8 => {
                Self::Zlib(Box::new(flate2::write::ZlibDecoder::new(Out::default())))
            }
            (Self::DeflateUnsniffed, _) => {
                Self::Deflate(Box::new(flate2::write::DeflateDecoder::new(Out::default())))
            }
            _ => return,
        };
    }

    fn decode(&mut self, chunk: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(d) => through(d.as_mut(), chunk, flate2::write::MultiGzDecoder::get_mut),
            Self::Zlib(d) => through(d.as_mut(), chunk, flate2::write::ZlibDecoder::get_mut),
            Self::Deflate(d) => through(d.as_mut(), chunk, flate2::write::DeflateDecoder::get_mut),
            Self::Brotli(d) => through(d.as_mut(), chunk, brotli::DecompressorWriter::get_mut),
            Self::Zstd(d) => through(d.as_mut(), chunk, zstd::stream::write::Decoder::get_mut),
            _ => Ok(Vec::new()),
        }
    }
}

/// Writes a chunk through a decoder and takes what came out.
fn through<W: Write>(decoder: &mut W, chunk: &[u8], out: fn(&mut W) -> &mut Out) -> io::Result<Vec<u8>> {
    decoder.write_all(chunk)?;
    decoder.flush()?;
    Ok(std::mem::take(&mut out(decoder).0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn text() -> String {
        (0..400).fold(String::new(), |mut s, i| {
            let _ = write!(s, "event: content_block_delta\ndata: {{\"n\":{i}}}\n\n");
            s
        })
    }

    fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
        match coding {
            "gzip" => {
                let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                e.write_all(plain).unwrap();
                e.finish().unwrap()
            }
            "deflate" => {
                let mut e = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                e.write_all(plain).unwrap();
                e.finish().unwrap()
            }
            "raw-deflate" => {
                let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                e.write_all(plain).unwrap();
                e.finish().unwrap()
            }
            "br" => {
                let mut out = Vec::new();
                {
                    let mut e = brotli::CompressorWriter::new(&mut out, 4096, 4, 20);
                    e.write_all(plain).unwrap();
                }
                out
            }
            _ => zstd::encode_all(plain, 1).unwrap(),
        }
    }

    fn decode(header: Option<&str>, bytes: &[u8], step: usize) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        if let Some(h) = header {
            headers.insert(CONTENT_ENCODING, h.parse().unwrap());
        }
        let mut decoder = ContentDecoder::for_headers(&headers);
        let mut out = Vec::new();
        for chunk in bytes.chunks(step) {
            decoder.feed(chunk, |d| out.extend_from_slice(d));
        }
        out
    }

    #[test]
    fn every_coding_decodes_at_any_chunking() {
        let plain = text().into_bytes();
        for (coding, header) in [
            ("gzip", "gzip"),
            ("deflate", "deflate"),
            ("raw-deflate", "deflate"),
            ("br", "br"),
            ("zstd", "zstd"),
        ] {
            let bytes = encoded(coding, &plain);
            for step in [1, 7, 1000, bytes.len()] {
                assert_eq!(decode(Some(header), &bytes, step), plain, "{coding} by {step}");
            }
        }
        assert_eq!(decode(None, &plain, 13), plain);
    }

    #[test]
    fn unannounced_compression_is_sniffed() {
        let plain = text().into_bytes();
        assert_eq!(decode(None, &encoded("gzip", &plain), 100), plain);
        assert_eq!(decode(None, &encoded("zstd", &plain), 100), plain);
    }

    #[test]
    fn what_cannot_be_read_is_opaque_not_fatal() {
        assert_eq!(decode(Some("snappy"), b"abc", 1), b"");
        assert_eq!(decode(Some("gzip"), b"this is not gzip at all", 4), b"");
        assert_eq!(decode(Some("gzip, br"), b"abc", 1), b"");
        let bomb = encoded("gzip", &vec![0; MAX_PER_CHUNK + 1]);
        let whole = bomb.len();
        assert_eq!(decode(Some("gzip"), &bomb, whole), b"");
    }
}
