//! Content codings, piece by piece: each piece is flushed, so an encoded event can leave as soon as it is encoded.
//!
//! The coding's own trailer becomes part of the last piece; cutting an encoded body therefore cuts it as a dying
//! upstream would, inside the coding.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::behaviour::Coding;
use super::pieces::Pieces;

/// Where an encoder writes; shared, so that the length can be read while the encoder lives.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Encodes `plain`, keeping its pieces.
///
/// # Errors
/// When the encoder cannot be set up; writing to memory does not fail.
pub(super) fn encode(plain: &Pieces, coding: Coding) -> io::Result<Pieces> {
    let sink = Sink::default();
    let mut encoder = Some(encoder(coding, sink.clone())?);
    let mut encoded = Pieces::default();
    let last = plain.count().saturating_sub(1);
    for (index, piece) in plain.iter().enumerate() {
        if let Some(open) = encoder.as_mut() {
            open.write_all(piece)?;
            open.flush()?;
        }
        if index == last {
            // Dropping an encoder writes its trailer.
            encoder = None;
        }
        encoded.push(&sink.0.take());
    }
    Ok(encoded)
}

/// An encoder that writes its trailer when dropped.
fn encoder(coding: Coding, sink: Sink) -> io::Result<Box<dyn Write>> {
    Ok(match coding {
        Coding::Gzip => Box::new(flate2::write::GzEncoder::new(sink, flate2::Compression::fast())),
        Coding::Deflate => Box::new(flate2::write::ZlibEncoder::new(sink, flate2::Compression::fast())),
        Coding::Brotli => Box::new(brotli::CompressorWriter::new(sink, 4096, 4, 20)),
        Coding::Zstd => Box::new(zstd::stream::write::Encoder::new(sink, 1)?.auto_finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn decode(bytes: &[u8], coding: Coding) -> String {
        let mut text = String::new();
        match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text),
            Coding::Deflate => flate2::read::ZlibDecoder::new(bytes).read_to_string(&mut text),
            Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_string(&mut text),
            Coding::Zstd => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_string(&mut text),
        }
        .unwrap();
        text
    }

    #[test]
    fn every_coding_decodes_to_the_plain_text_and_keeps_the_pieces() {
        let mut plain = Pieces::default();
        plain.push(b"first event\n\n");
        plain.push(b"second event\n\n");
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let encoded = encode(&plain, coding).unwrap();
            assert_eq!(encoded.count(), 2, "{coding:?}");
            assert!(encoded.iter().all(|piece| !piece.is_empty()), "{coding:?} flushes each piece");
            assert_eq!(decode(encoded.bytes(), coding), "first event\n\nsecond event\n\n");
        }
    }
}
