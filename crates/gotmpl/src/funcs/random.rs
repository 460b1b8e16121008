//! Randomness, all of it from the caller's source.

use super::fixed;
use crate::call::{Function, Run, Type};
use crate::value::Value;

const I: Type = Type::Int;

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BOTH: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("randAlphaNum", &[I], |run, a| pick(run, a.integer(0), BOTH)),
    fixed("randAlpha", &[I], |run, a| pick(run, a.integer(0), LETTERS)),
    fixed("randNumeric", &[I], |run, a| pick(run, a.integer(0), DIGITS)),
    fixed("randAscii", &[I], |run, a| {
        let all: Vec<u8> = (32..127).collect();
        pick(run, a.integer(0), &all)
    }),
    fixed("randBytes", &[I], |run, a| {
        let Ok(count) = usize::try_from(a.integer(0)) else {
            return Err(crate::error::Error::new("runtime error: makeslice: len out of range"));
        };
        run.charge_bytes(count.saturating_mul(2))?;
        let mut bytes = vec![0; count];
        (run.cx.random)(&mut bytes);
        Ok(crate::encode::base64(&bytes).into())
    }),
    fixed("shuffle", &[Type::String], |run, a| {
        let mut runes: Vec<char> = crate::text::Runes(a.bytes(0)).collect();
        run.charge(runes.len())?;
        for index in (1..runes.len()).rev() {
            let other = usize::try_from(below(run, index as u64 + 1)).unwrap_or(0);
            runes.swap(index, other);
        }
        Ok(runes.into_iter().collect::<String>().into())
    }),
    fixed("uuidv4", &[], |run, _| {
        let mut bytes = [0; 16];
        (run.cx.random)(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut out = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            out.push_str(&format!("{byte:02x}"));
        }
        Ok(out.into())
    }),
];

/// A number below `limit`, each as likely.
pub(super) fn below(run: &Run<'_>, limit: u64) -> u64 {
    let zone = u64::MAX - u64::MAX % limit.max(1);
    // A source that keeps giving the top values would loop; after a hundred tries the bias no longer matters.
    for _ in 0..100 {
        let mut bytes = [0; 8];
        (run.cx.random)(&mut bytes);
        let value = u64::from_le_bytes(bytes);
        if value < zone {
            return value % limit.max(1);
        }
    }
    0
}

fn pick(run: &Run<'_>, count: i64, from: &[u8]) -> super::Outcome {
    let count = usize::try_from(count).unwrap_or(0);
    run.charge(count)?;
    run.charge_bytes(count)?;
    let text: Vec<u8> =
        (0..count).map(|_| from[usize::try_from(below(run, from.len() as u64)).unwrap_or(0)]).collect();
    Ok(Value::text(text))
}
