//! The cap on the head of a response.
//!
//! hyper has one too, but a soft one: it compares what it has buffered after each read, so how much
//! of a head it accepts depends on how the bytes arrive. This cap is exact, which makes the error
//! for it reproducible: before the head has ended, no byte beyond the cap is read.

use std::{error, fmt};

/// The cap on everything before the body, in bytes: the status line and the headers with their line
/// ends, and those of each interim response (1xx) before them.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// Follows the bytes of one exchange until the head of its final response has ended.
///
/// It finds the end of lines and the status code only, and leaves parsing to hyper. Where it takes
/// something for the end of a head that hyper does not, or the other way round, only the cap is
/// less exact, which is acceptable.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The number of the exchange on its connection.
    pub(super) exchange: u32,
    read: usize,
    ended: bool,
    /// How many bytes of the current line were read, without the line end.
    line: usize,
    /// Whether the current line comes after a status line.
    begun: bool,
    status: [u8; 3],
}

impl Head {
    pub(super) fn of(exchange: u32) -> Self {
        Self {
            exchange,
            ..Self::default()
        }
    }

    /// Returns how many bytes may be read, or `None` if the head has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the head has reached the cap without ending.
    pub(super) fn room(&self) -> Result<Option<usize>, HeadTooLarge> {
        match MAX_HEAD - self.read {
            _ if self.ended => Ok(None),
            0 => Err(HeadTooLarge),
            room => Ok(Some(room)),
        }
    }

    /// Takes the bytes that were read, at most as many as there was room for.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.ended {
                return;
            }
            self.read += 1;
            match byte {
                // A lone line feed ends a line too, as it does for hyper's parser.
                b'\n' => self.end_line(),
                b'\r' => {}
                _ => {
                    // `HTTP/1.1 200 OK`
                    if !self.begun && (9..12).contains(&self.line) {
                        self.status[self.line - 9] = *byte;
                    }
                    self.line += 1;
                }
            }
        }
    }

    fn end_line(&mut self) {
        let is_empty = self.line == 0;
        self.line = 0;
        if !is_empty {
            self.begun = true;
        } else if self.begun {
            self.begun = false;
            // 101 is final: what follows it is another protocol.
            let is_interim = self.status[0] == b'1' && self.status != *b"101";
            self.ended = !is_interim;
        }
    }
}

/// The head of a response did not end within [`MAX_HEAD`].
#[derive(Debug)]
pub(crate) struct HeadTooLarge;

impl fmt::Display for HeadTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the response's head exceeds {MAX_HEAD} bytes")
    }
}

impl error::Error for HeadTooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many bytes of a stream belong to the head: all of them if it does not end.
    fn len(stream: &[u8], step: usize) -> usize {
        let mut head = Head::of(1);
        for bytes in stream.chunks(step) {
            head.take(bytes);
        }
        head.read
    }

    #[test]
    fn head_ends_with_the_final_responses_empty_line() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
        for (head, body) in [
            ("HTTP/1.1 200 OK\r\n\r\n", "body\r\n\r\n"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\nA: b\n\n", "\n\n"),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", "\r\n"),
            ("HTTP/1.1 101 Switching\r\n\r\n", "\x00\x01\r\n\r\n"),
            (
                &format!("{interim}HTTP/1.1 404 No\r\n\r\n"),
                "HTTP/1.1 100 x\r\n\r\n",
            ),
        ] {
            let stream = format!("{head}{body}").into_bytes();
            for step in [1, 2, 3, 7, 1000] {
                assert_eq!(
                    len(&stream, step),
                    head.len(),
                    "{head:?} in chunks of {step}"
                );
            }
        }
    }

    #[test]
    fn room_ends_exactly_at_the_cap() {
        let mut head = Head::of(1);
        head.take(b"HTTP/1.1 200 OK\r\nX: ");
        head.take(&vec![b'x'; head.room().unwrap().unwrap() - 4]);
        head.take(b"\r\n\r");
        assert_eq!(head.room().unwrap(), Some(1));
        head.take(b"\n");
        assert_eq!(head.room().unwrap(), None);

        let mut head = Head::of(1);
        head.take(&vec![b'x'; MAX_HEAD]);
        assert!(head.room().is_err());
    }
}
