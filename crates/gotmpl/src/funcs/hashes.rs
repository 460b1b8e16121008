//! Checksums.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::fixed;
use crate::call::{Function, Type};

const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("sha1sum", &[S], |_, a| Ok(hexadecimal(&Sha1::digest(a.bytes(0))).into())),
    fixed("sha256sum", &[S], |_, a| Ok(hexadecimal(&Sha256::digest(a.bytes(0))).into())),
    fixed("sha512sum", &[S], |_, a| Ok(hexadecimal(&Sha512::digest(a.bytes(0))).into())),
    fixed("adler32sum", &[S], |_, a| Ok(adler32(a.bytes(0)).to_string().into())),
];

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        out.push_str(&format!("{byte:02x}"));
        out
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}
