//! The verbs of Printf one by one: padding, texts, bytes, integers, floats.

use super::Printer;
use crate::float::format_float;
use crate::octets::Octets;
use crate::quote::{can_backquote, quote_rune, quote_with};
use crate::text::decode_rune;
use crate::value::Value;

impl Printer {
    pub(super) fn padding(&mut self, count: usize) {
        // Go never pads with zeros to the right.
        let byte = if self.zero && !self.minus { b'0' } else { b' ' };
        self.out.extend(std::iter::repeat_n(byte, count));
    }

    pub(super) fn pad(&mut self, text: &[u8]) {
        let missing = match self.width {
            None | Some(0) => 0,
            Some(width) => width.saturating_sub(crate::text::Runes(text).count()),
        };
        if !self.minus {
            self.padding(missing);
        }
        self.out.extend_from_slice(text);
        if self.minus {
            self.padding(missing);
        }
    }

    pub(super) fn pad_plain(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.zero);
        self.pad(text);
        self.zero = zero;
    }

    pub(super) fn cut<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let Some(precision) = self.precision else { return text };
        let mut at = 0;
        for _ in 0..precision {
            match decode_rune(&text[at..]) {
                Some((_, width)) => at += width,
                None => return text,
            }
        }
        &text[..at]
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        let cut = self.cut(text);
        self.pad(cut);
    }

    pub(super) fn string(&mut self, text: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.sharp_v => self.quoted(text),
            'v' | 's' => self.text(text),
            'x' => self.hexadecimal(text, b"0123456789abcdefx"),
            'X' => self.hexadecimal(text, b"0123456789ABCDEFX"),
            'q' => self.quoted(text),
            _ => self.bad_verb(verb, value),
        }
    }

    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.cut(text);
        let quoted = if self.sharp && can_backquote(text) {
            [b"`", text, b"`"].concat()
        } else {
            quote_with(text, '"', self.plus).into_bytes()
        };
        self.pad(&quoted);
    }

    pub(super) fn bytes(&mut self, bytes: &Octets, verb: char, depth: u32) {
        match verb {
            'v' | 'd' => {
                if self.sharp_v {
                    self.put(if depth == 0 { "[]byte" } else { "[]uint8" });
                    if bytes.is_nil() {
                        return self.put("(nil)");
                    }
                    self.out.push(b'{');
                } else {
                    self.out.push(b'[');
                }
                for (index, byte) in bytes.iter().enumerate() {
                    self.separate(index);
                    if self.sharp_v {
                        self.put(&format!("0x{byte:x}"));
                    } else {
                        self.integer_base(u64::from(*byte), false, 10, verb, b"0123456789abcdefx");
                    }
                }
                self.out.push(if self.sharp_v { b'}' } else { b']' });
            }
            's' => self.text(bytes),
            'x' => self.hexadecimal(bytes, b"0123456789abcdefx"),
            'X' => self.hexadecimal(bytes, b"0123456789ABCDEFX"),
            'q' => self.quoted(bytes),
            _ => {
                self.out.push(b'[');
                for (index, byte) in bytes.iter().enumerate() {
                    self.separate(index);
                    let item = Value::Uint(crate::value::UintKind::Uint8, u64::from(*byte));
                    self.any(&item, verb, depth + 1);
                }
                self.out.push(b']');
            }
        }
    }

    pub(super) fn hexadecimal(&mut self, text: &[u8], digits: &[u8; 17]) {
        let length = self.precision.map_or(text.len(), |precision| precision.min(text.len()));
        if length == 0 {
            let width = self.width.unwrap_or(0);
            return self.padding(width);
        }
        let mut width = 2 * length;
        if self.space {
            if self.sharp {
                width *= 2;
            }
            width += length - 1;
        } else if self.sharp {
            width += 2;
        }
        let missing = self.width.unwrap_or(0).saturating_sub(width);
        if !self.minus {
            self.padding(missing);
        }
        for (index, &byte) in text[..length].iter().enumerate() {
            if self.space && index > 0 {
                self.out.push(b' ');
            }
            if self.sharp && (self.space || index == 0) {
                self.out.extend_from_slice(&[b'0', digits[16]]);
            }
            self.out.extend_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        if self.minus {
            self.padding(missing);
        }
    }

    pub(super) fn integer(
        &mut self,
        magnitude: u64,
        negative: bool,
        signed: bool,
        verb: char,
        value: &Value,
    ) {
        let lower = b"0123456789abcdefx";
        match verb {
            'v' if self.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.sharp, true);
                self.integer_base(magnitude, negative, 16, verb, lower);
                self.sharp = sharp;
            }
            'v' | 'd' => self.integer_base(magnitude, negative, 10, verb, lower),
            'b' => self.integer_base(magnitude, negative, 2, verb, lower),
            'o' | 'O' => self.integer_base(magnitude, negative, 8, verb, lower),
            'x' => self.integer_base(magnitude, negative, 16, verb, lower),
            'X' => self.integer_base(magnitude, negative, 16, verb, b"0123456789ABCDEFX"),
            'c' | 'q' | 'U' => {
                let code = if negative { magnitude.wrapping_neg() } else { magnitude };
                let character = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                match verb {
                    'c' => self.pad(character.encode_utf8(&mut [0; 4]).as_bytes()),
                    'q' => {
                        let quoted = quote_rune(character, self.plus);
                        self.pad(quoted.as_bytes());
                    }
                    _ => self.unicode(code),
                }
            }
            _ => self.bad_verb(verb, value),
        }
    }

    pub(super) fn unicode(&mut self, code: u64) {
        let precision = self.precision.filter(|precision| *precision > 4).unwrap_or(4);
        let mut text = format!("U+{code:0precision$X}");
        if self.sharp
            && let Some(character) = u32::try_from(code).ok().and_then(char::from_u32)
            && sluice_version::number::is_printable(character)
        {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_plain(text.as_bytes());
    }

    pub(super) fn integer_base(
        &mut self,
        magnitude: u64,
        negative: bool,
        base: u64,
        verb: char,
        digits: &[u8; 17],
    ) {
        let mut precision = 0;
        if let Some(wanted) = self.precision {
            precision = wanted;
            if wanted == 0 && magnitude == 0 {
                let zero = std::mem::take(&mut self.zero);
                let width = self.width.unwrap_or(0);
                self.padding(width);
                self.zero = zero;
                return;
            }
        } else if self.zero
            && !self.minus
            && let Some(width) = self.width
        {
            precision = width;
            if negative || self.plus || self.space {
                precision = precision.saturating_sub(1);
            }
        }
        let mut reversed = Vec::new();
        let mut rest = magnitude;
        loop {
            reversed.push(digits[usize::try_from(rest % base).unwrap_or(0)]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while reversed.len() < precision {
            reversed.push(b'0');
        }
        if self.sharp {
            match base {
                2 => reversed.extend_from_slice(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend_from_slice(&[digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            reversed.extend_from_slice(b"o0");
        }
        if negative {
            reversed.push(b'-');
        } else if self.plus {
            reversed.push(b'+');
        } else if self.space {
            reversed.push(b' ');
        }
        reversed.reverse();
        self.pad_plain(&reversed);
    }

    pub(super) fn float(&mut self, number: f64, verb: char, value: &Value) {
        let (format, default) = match verb {
            'v' => (b'g', -1),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, -1),
            'f' | 'F' => (b'f', 6),
            'e' | 'E' => (verb as u8, 6),
            _ => return self.bad_verb(verb, value),
        };
        let precision = self.precision.map_or(default, |precision| precision as i64);
        let mut text = format_float(number, format, precision).into_bytes();
        if !matches!(text[0], b'-' | b'+') {
            text.insert(0, b'+');
        }
        if self.space && text[0] == b'+' && !self.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            if text[1] == b'N' && !self.space && !self.plus {
                text.remove(0);
            }
            return self.pad_plain(&text);
        }
        if self.sharp && format != b'b' {
            keep_point(&mut text, format, precision);
        }
        if self.plus || text[0] != b'+' {
            let length = text.len();
            if self.zero
                && !self.minus
                && let Some(width) = self.width.filter(|width| *width > length)
            {
                self.out.push(text[0]);
                self.padding(width - length);
                self.out.extend_from_slice(&text[1..]);
                return;
            }
            return self.pad(&text);
        }
        self.pad(&text[1..]);
    }
}

/// The sharp flag of floats: always a point, and the digits that a plain `g` would drop.
fn keep_point(text: &mut Vec<u8>, format: u8, precision: i64) {
    let mut digits = match format {
        b'g' | b'G' | b'x' => {
            if precision == -1 {
                6
            } else {
                precision
            }
        }
        _ => 0,
    };
    let mut tail = Vec::new();
    let (mut has_point, mut saw_nonzero) = (false, false);
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'.' => has_point = true,
            b'p' | b'P' => tail = text.split_off(at),
            b'e' | b'E' if !matches!(format, b'x' | b'X') => tail = text.split_off(at),
            byte => {
                saw_nonzero |= byte != b'0';
                if saw_nonzero {
                    digits -= 1;
                }
            }
        }
        at += 1;
    }
    if !has_point {
        if text.len() == 2 && text[1] == b'0' {
            digits -= 1;
        }
        text.push(b'.');
    }
    while digits > 0 {
        text.push(b'0');
        digits -= 1;
    }
    text.append(&mut tail);
}
