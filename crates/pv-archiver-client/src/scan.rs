//! Finds the end of a JSON value in bytes that come in parts.

/// Follows nesting and strings through one value.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Scan {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    /// Takes the next byte of a value; tells whether it is the last one of an object,
    /// an array, or a string.
    pub(crate) fn ends_with(&mut self, byte: u8) -> bool {
        if self.is_escaped {
            self.is_escaped = false;
        } else if self.in_string {
            match byte {
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.in_string = false;
                    return self.depth == 0;
                }
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    return self.depth == 0;
                }
                _ => {}
            }
        }
        false
    }

    /// Tells whether nothing is open: a comma or a closing bracket then belongs to
    /// what is around the value.
    pub(crate) fn is_outside(&self) -> bool {
        self.depth == 0 && !self.in_string
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
