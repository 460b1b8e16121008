//! Applying a delta: copy ranges of the base, insert new bytes. Bounded by the sizes that the delta states first.

/// The delta does not fit its base or itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed delta")]
pub struct BadDelta;

/// The size of the result that a delta promises.
pub fn result_size(delta: &[u8]) -> Result<u64, BadDelta> {
    let mut at = 0;
    size(delta, &mut at)?;
    size(delta, &mut at)
}

/// The object that a delta makes of its base.
pub fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, BadDelta> {
    let mut at = 0;
    if size(delta, &mut at)? != base.len() as u64 {
        return Err(BadDelta);
    }
    let want = usize::try_from(size(delta, &mut at)?).map_err(|_| BadDelta)?;
    // Grows with what is really made.
    let mut out = Vec::with_capacity(want.min(1 << 20));
    while let Some(op) = delta.get(at).copied() {
        at += 1;
        if op & 0x80 != 0 {
            let mut take = |bits: u8, count: u8| -> Result<usize, BadDelta> {
                let mut value = 0;
                for i in 0..count {
                    if op & (bits << i) != 0 {
                        value |= usize::from(*delta.get(at).ok_or(BadDelta)?) << (8 * i);
                        at += 1;
                    }
                }
                Ok(value)
            };
            let offset = take(1, 4)?;
            let length = match take(0x10, 3)? {
                0 => 0x10000,
                length => length,
            };
            let end = offset.checked_add(length).ok_or(BadDelta)?;
            out.extend_from_slice(base.get(offset..end).ok_or(BadDelta)?);
        } else if op != 0 {
            let end = at + usize::from(op);
            out.extend_from_slice(delta.get(at..end).ok_or(BadDelta)?);
            at = end;
        } else {
            return Err(BadDelta);
        }
        if out.len() > want {
            return Err(BadDelta);
        }
    }
    if out.len() == want { Ok(out) } else { Err(BadDelta) }
}

fn size(delta: &[u8], at: &mut usize) -> Result<u64, BadDelta> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *delta.get(*at).ok_or(BadDelta)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BadDelta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_insertions() {
        // base 10 bytes, result 6: copy 2..5, insert "xyz".
        let delta = [10, 6, 0x91, 2, 3, 3, b'x', b'y', b'z'];
        assert_eq!(apply(b"0123456789", &delta).unwrap(), b"234xyz");
        assert_eq!(result_size(&delta), Ok(6));
    }

    #[test]
    fn bad_deltas_are_errors() {
        let base = b"0123456789";
        for delta in [
            &[][..],
            &[10],
            &[9, 1, 0x91, 0, 1],
            &[10, 1, 0],
            &[10, 1, 0x91, 10, 1],
            &[10, 1, 0x91, 0, 2],
            &[10, 3, 2, b'a', b'b'],
            &[10, 3, 3, b'a'],
            &[10, 3, 0x91],
            &[0x80; 12],
        ] {
            assert_eq!(apply(base, delta), Err(BadDelta), "{delta:?}");
        }
    }
}
