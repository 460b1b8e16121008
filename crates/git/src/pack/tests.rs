//! Packs made by hand: whole objects, deltas of both kinds, and everything that a hostile server could send.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest as _, Sha1};

use super::*;

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn entry(letter: u8, size: u64, extra: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = size >> 4;
    let mut byte = letter << 4 | (size & 15) as u8;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
    out.extend_from_slice(extra);
    out.extend_from_slice(&deflate(content));
    out
}

fn pack_of(count: u32, entries: &[Vec<u8>]) -> Spool {
    let mut bytes = [b"PACK".as_slice(), &2_u32.to_be_bytes(), &count.to_be_bytes()].concat();
    bytes.extend(entries.concat());
    let sum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&sum);
    let mut spool = Spool::default();
    spool.push(&bytes).unwrap();
    spool
}

fn blob(content: &[u8]) -> Vec<u8> {
    entry(3, content.len() as u64, b"", content)
}

/// A delta that keeps the base's bytes and adds some.
fn adding(base: usize, more: &[u8]) -> Vec<u8> {
    let mut delta = vec![base as u8, (base + more.len()) as u8, 0x90, base as u8, more.len() as u8];
    delta.extend_from_slice(more);
    delta
}

#[test]
fn deltas_of_both_kinds_are_resolved() {
    let first = blob(b"0123456789");
    let delta = adding(10, b"abc");
    let by_offset = entry(6, delta.len() as u64, &[first.len() as u8], &delta);
    let base = ObjectId::of(Kind::Blob, b"0123456789abc");
    let second = adding(13, b"x");
    let by_id = entry(7, second.len() as u64, &base.0, &second);
    // The delta by id comes before its base.
    let first_with_id = [by_id, first, by_offset];
    let mut pack = Pack::open(pack_of(3, &first_with_id), Limits::default()).unwrap();
    for content in [&b"0123456789"[..], b"0123456789abc", b"0123456789abcx"] {
        let (kind, bytes) = pack.read(ObjectId::of(Kind::Blob, content)).unwrap();
        assert_eq!((kind, &bytes[..]), (Kind::Blob, content));
    }
    let absent = ObjectId::of(Kind::Blob, b"no");
    assert!(matches!(pack.read(absent), Err(PackError::NotFound(id)) if id == absent));
}

#[test]
fn what_is_held_while_resolving_is_bounded() {
    let first = blob(b"0123456789");
    let mut entries = vec![first.clone()];
    let mut back = first.len();
    for i in 0..60_u8 {
        let delta = adding(10 + usize::from(i), &[i]);
        let made = entry(6, delta.len() as u64, &[back as u8], &delta);
        back = made.len();
        entries.push(made);
    }
    for held_bytes in [0, 30, 1 << 20] {
        let limits = Limits { held_bytes, ..Limits::default() };
        let pack = Pack::open(pack_of(61, &entries), limits).unwrap();
        let mut want = b"0123456789".to_vec();
        for i in 0..60_u8 {
            want.push(i);
            assert!(pack.kind(ObjectId::of(Kind::Blob, &want)).is_some(), "{held_bytes} {i}");
        }
    }
}

fn refused(spool: Spool, limits: Limits) -> String {
    Pack::open(spool, limits).unwrap_err().to_string()
}

#[test]
fn hostile_packs_are_refused() {
    let all = Limits::default();
    assert_eq!(refused(Spool::default(), all), "malformed pack: too short");
    assert_eq!(refused(pack_of(2, &[blob(b"a")]), all), "malformed pack: truncated entry");
    assert_eq!(refused(pack_of(0, &[blob(b"a")]), all), "malformed pack: bytes after the last object");
    assert_eq!(
        refused(pack_of(1, &[entry(3, 2, b"", b"a")]), all),
        "malformed pack: object shorter than said"
    );
    assert_eq!(
        refused(pack_of(1, &[entry(3, 1, b"", b"ab")]), all),
        "malformed pack: object longer than said"
    );
    assert_eq!(refused(pack_of(1, &[entry(5, 1, b"", b"a")]), all), "malformed pack: entry kind");
    assert_eq!(refused(pack_of(1, &[vec![0x31, 1, 2, 3]]), all), "malformed pack: zlib stream");
    let lost = entry(7, 3, &[9; 20], &adding(1, b"")[..3]);
    assert_eq!(refused(pack_of(1, &[lost]), all), "malformed pack: a delta's base is missing");
    let itself = entry(6, 3, &[0], b"abc");
    assert_eq!(refused(pack_of(1, &[itself]), all), "malformed pack: delta base");
    let mut damaged = Spool::default();
    damaged.push(b"PACK\0\0\0\x02\0\0\0\0").unwrap();
    damaged.push(&[0; 20]).unwrap();
    assert_eq!(refused(damaged, all), "malformed pack: checksum");
}

#[test]
fn bounds_hold() {
    let one = || pack_of(1, &[blob(&[0; 100])]);
    let all = Limits::default();
    assert_eq!(refused(one(), Limits { pack_bytes: 20, ..all }), "the pack is larger than 20 bytes");
    assert_eq!(refused(one(), Limits { objects: 0, ..all }), "the pack holds more than 0 objects");
    assert_eq!(
        refused(one(), Limits { object_bytes: 99, ..all }),
        "the pack holds an object larger than 99 bytes"
    );
    assert_eq!(
        refused(one(), Limits { inflated_bytes: 99, ..all }),
        "the pack inflates to more than 99 bytes"
    );
    // An object that says that it is of 2^50 bytes costs nothing.
    let lie = pack_of(1, &[entry(3, 1 << 50, b"", b"a")]);
    assert!(refused(lie, all).contains("larger than"));
    // A delta that promises a huge result.
    let first = blob(b"0123456789");
    let huge = [10, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 1];
    let bomb = entry(6, huge.len() as u64, &[first.len() as u8], &huge);
    assert!(refused(pack_of(2, &[first, bomb]), all).contains("larger than"));
}

#[test]
fn no_bytes_make_it_panic() {
    let first = blob(b"0123456789");
    let delta = adding(10, b"abc");
    let second = entry(6, delta.len() as u64, &[first.len() as u8], &delta);
    let spool = pack_of(2, &[first, second]);
    let mut good = vec![0; spool.len() as usize];
    spool.read_at(0, &mut good).unwrap();
    for at in 0..good.len() - 20 {
        for flip in [1, 0x10, 0x80, 0xff] {
            let mut bad = good[..good.len() - 20].to_vec();
            bad[at] ^= flip;
            let sum = Sha1::digest(&bad);
            bad.extend_from_slice(&sum);
            let mut spool = Spool::default();
            spool.push(&bad).unwrap();
            let _ = Pack::open(spool, Limits::default());
        }
    }
}
