//! Copying through the terminal (OSC 52): works over ssh, where no program of ours sees the clipboard.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Asks the terminal to put a text on its clipboard. Terminals that do not know this ignore it.
///
/// # Errors
/// When the terminal is gone.
pub fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(sequence(text).as_bytes())?;
    out.flush()
}

/// `ESC ] 52 ; c ; base64 BEL`, see xterm's control sequences (Operating System Commands).
fn sequence(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sequence_is_the_one_terminals_know() {
        assert_eq!(super::sequence("hi"), "\x1b]52;c;aGk=\x07");
    }
}
