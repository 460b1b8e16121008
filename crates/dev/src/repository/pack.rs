//! Packs, as they travel: whole objects, no deltas.

use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::object::Object;

/// One pack of these objects.
pub fn pack(objects: &[Arc<Object>]) -> Vec<u8> {
    let mut out = b"PACK\0\0\0\x02".to_vec();
    out.extend_from_slice(&(objects.len() as u32).to_be_bytes());
    for object in objects {
        let mut size = object.size >> 4;
        let mut byte = object.sort.number() << 4 | (object.size & 15) as u8;
        while size > 0 {
            out.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        out.push(byte);
        out.extend_from_slice(&object.zipped);
    }
    let digest: [u8; 20] = Sha1::digest(&out).into();
    out.extend_from_slice(&digest);
    out
}
