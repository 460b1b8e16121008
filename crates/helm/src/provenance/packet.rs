//! OpenPGP packets, as far as a provenance file and the keys that sign one need them: RFC 4880, keys and signatures of
//! version 4. Lengths are checked before anything is read; packets of unknown length in parts are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::signature::SignatureError;

pub const SIGNATURE: u8 = 2;
pub const SECRET_KEY: u8 = 5;
pub const PUBLIC_KEY: u8 = 6;
pub const SECRET_SUBKEY: u8 = 7;
pub const USER_ID: u8 = 13;
pub const PUBLIC_SUBKEY: u8 = 14;

pub const RSA: u8 = 1;
pub const RSA_SIGN_ONLY: u8 = 3;
pub const ECDSA: u8 = 19;
pub const EDDSA: u8 = 22;
pub const ED25519: u8 = 27;

/// One packet: what it is, and its body.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

fn broken(text: &str) -> SignatureError {
    SignatureError::Structure(text.to_owned())
}

/// Reads from the front of what is left.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], SignatureError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| broken("unexpected end"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of so many bytes, the greatest first.
    fn number(&mut self, bytes: usize) -> Result<usize, SignatureError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A number without a limit: its length in bits, then its bytes.
    fn integer(&mut self) -> Result<&'a [u8], SignatureError> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }
}

/// All packets of some bytes.
pub fn packets(data: &[u8]) -> Result<Vec<Packet<'_>>, SignatureError> {
    let mut rest = Cursor(data);
    let mut found = Vec::new();
    while !rest.0.is_empty() {
        let head = rest.number(1)?;
        if head & 0x80 == 0 {
            return Err(broken("tag byte does not have MSB set"));
        }
        let is_new = head & 0x40 != 0;
        let tag = if is_new { head & 0x3f } else { head >> 2 & 0xf };
        let length = match (is_new, head & 3) {
            (true, _) => match length(&mut rest)? {
                Some(length) => length,
                None => return Err(SignatureError::Unsupported("packets in parts".to_owned())),
            },
            (false, 3) => rest.0.len(),
            (false, size) => rest.number(1 << size)?,
        };
        found.push(Packet { tag: tag as u8, body: rest.take(length)? });
    }
    Ok(found)
}

/// A length as new packets and subpackets have it; none where it is that of a part.
fn length(rest: &mut Cursor<'_>) -> Result<Option<usize>, SignatureError> {
    Ok(match rest.number(1)? {
        255 => Some(rest.number(4)?),
        224..=254 => None,
        first @ 192.. => Some(((first - 192) << 8) + rest.number(1)? + 192),
        first => Some(first),
    })
}

/// The bytes in an armor; what its checksum says is not looked at, the signature says more.
pub fn without_armor(text: &str) -> Result<Vec<u8>, SignatureError> {
    let body = text.split_once("\n\n").map_or("", |(_, body)| body);
    let lines = body.lines().take_while(|line| !line.starts_with(['-', '=']));
    STANDARD.decode(lines.collect::<String>()).map_err(|_| broken("the armor holds no base64"))
}

/// What a key can be asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Material<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    Ed25519(&'a [u8]),
    /// The name of the curve and the point.
    Ecdsa {
        curve: &'a [u8],
        point: &'a [u8],
    },
    Other,
}

/// A public key, or the public part of a secret one.
#[derive(Debug, Clone)]
pub struct PublicKey<'a> {
    /// What stands in hashes.
    pub body: &'a [u8],
    pub created: i64,
    pub algorithm: u8,
    pub material: Material<'a>,
    pub fingerprint: [u8; 20],
}

const ED25519_CURVE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

impl<'a> PublicKey<'a> {
    pub fn read(packet: Packet<'a>) -> Result<Self, SignatureError> {
        let mut rest = Cursor(packet.body);
        if rest.number(1)? != 4 {
            return Err(SignatureError::Unsupported("public key version".to_owned()));
        }
        let created = rest.number(4)? as i64;
        let algorithm = rest.number(1)? as u8;
        let material = match algorithm {
            RSA | RSA_SIGN_ONLY => Material::Rsa { modulus: rest.integer()?, exponent: rest.integer()? },
            ED25519 => Material::Ed25519(rest.take(32)?),
            ECDSA | EDDSA => {
                let size = rest.number(1)?;
                let (curve, point) = (rest.take(size)?, rest.integer()?);
                match point.strip_prefix(&[0x40]) {
                    Some(point) if algorithm == EDDSA && curve == ED25519_CURVE => Material::Ed25519(point),
                    _ if algorithm == ECDSA => Material::Ecdsa { curve, point },
                    _ => Material::Other,
                }
            }
            // Only public packets hold nothing behind what is public.
            _ if matches!(packet.tag, PUBLIC_KEY | PUBLIC_SUBKEY) => {
                rest = Cursor(&[]);
                Material::Other
            }
            _ => return Err(SignatureError::Unsupported("public key type".to_owned())),
        };
        let body = &packet.body[..packet.body.len() - rest.0.len()];
        let mut key = Self { body, created, algorithm, material, fingerprint: [0; 20] };
        key.fingerprint = Sha1::digest(key.hashed()).into();
        Ok(key)
    }

    /// The last eight bytes of the fingerprint.
    pub fn id(&self) -> u64 {
        self.fingerprint[12..].iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
    }

    /// The key as it stands in what is signed.
    pub fn hashed(&self) -> Vec<u8> {
        let mut out = vec![0x99];
        out.extend_from_slice(&(self.body.len() as u16).to_be_bytes());
        out.extend_from_slice(self.body);
        out
    }
}

/// A signature of version 4.
#[derive(Debug, Clone)]
pub struct Signature<'a> {
    pub kind: u8,
    pub algorithm: u8,
    pub hash: u8,
    /// What is hashed behind what is signed.
    pub suffix: Vec<u8>,
    pub numbers: &'a [u8],
    pub created: i64,
    pub lifetime: i64,
    pub key_lifetime: i64,
    pub issuer: Option<u64>,
    pub flags: Option<u8>,
    pub is_primary_user: bool,
    pub revocation_reason: Option<u8>,
    /// By which a subkey signs its primary key.
    pub embedded: Option<Box<Signature<'a>>>,
}

impl<'a> Signature<'a> {
    pub fn read(body: &'a [u8]) -> Result<Self, SignatureError> {
        Self::read_at(body, false)
    }

    fn read_at(body: &'a [u8], is_embedded: bool) -> Result<Self, SignatureError> {
        let mut rest = Cursor(body);
        if rest.number(1)? != 4 {
            return Err(SignatureError::Unsupported("signature packet version".to_owned()));
        }
        let (kind, algorithm, hash) = (rest.number(1)?, rest.number(1)?, rest.number(1)?);
        let size = rest.number(2)?;
        let hashed = rest.take(size)?;
        let mut suffix = body[..6 + size].to_vec();
        suffix.extend_from_slice(&[4, 0xff]);
        suffix.extend_from_slice(&(6 + size as u32).to_be_bytes());
        let size = rest.number(2)?;
        let open = rest.take(size)?;
        rest.take(2)?;
        let mut signature = Self {
            kind: kind as u8,
            algorithm: algorithm as u8,
            hash: hash as u8,
            suffix,
            numbers: rest.0,
            created: 0,
            lifetime: 0,
            key_lifetime: 0,
            issuer: None,
            flags: None,
            is_primary_user: false,
            revocation_reason: None,
            embedded: None,
        };
        signature.read_parts(hashed, true, is_embedded)?;
        if signature.created == 0 {
            return Err(broken("no creation time in signature"));
        }
        signature.read_parts(open, false, is_embedded)?;
        Ok(signature)
    }

    /// Reads subpackets; of those that were not signed only those that prove themselves count.
    fn read_parts(
        &mut self,
        parts: &'a [u8],
        is_hashed: bool,
        is_embedded: bool,
    ) -> Result<(), SignatureError> {
        let mut rest = Cursor(parts);
        while !rest.0.is_empty() {
            // Parts have lengths like packets but for those that a part of a packet would have.
            let size = match rest.number(1)? {
                255 => rest.number(4)?,
                first @ 192.. => ((first - 192) << 8) + rest.number(1)? + 192,
                first => first,
            };
            let mut part = Cursor(rest.take(size)?);
            let kind = part.number(1)?;
            match kind & 0x7f {
                16 => self.issuer = Some(part.number(8)? as u64),
                33 if part.0.len() == 21 && part.0[0] == 4 => {
                    self.issuer = Some(Cursor(&part.0[13..]).number(8)? as u64);
                }
                32 if !is_embedded => self.embedded = Some(Box::new(Self::read_at(part.0, true)?)),
                _ if !is_hashed => {}
                2 => self.created = part.number(4)? as i64,
                3 => self.lifetime = part.number(4)? as i64,
                9 => self.key_lifetime = part.number(4)? as i64,
                25 => self.is_primary_user = part.number(1)? == 1,
                27 => self.flags = Some(part.0.first().copied().unwrap_or_default()),
                29 => self.revocation_reason = Some(part.number(1)? as u8),
                // Preferences, notations and the like say nothing of whether a signature is good.
                20 if kind & 0x80 != 0 => {
                    return Err(SignatureError::Unsupported("critical notation".to_owned()));
                }
                11 | 20..=24 | 26 | 28 | 30 | 34 | 39 => {}
                other if kind & 0x80 != 0 => {
                    return Err(SignatureError::Unsupported(format!(
                        "unknown critical signature subpacket type {other}"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its two numbers, each at the end of so many bytes.
    pub fn pair(&self, size: usize) -> Result<Vec<u8>, SignatureError> {
        let mut rest = Cursor(self.numbers);
        let mut out = Vec::with_capacity(2 * size);
        for _ in 0..2 {
            let number = rest.integer()?;
            let missing = size.checked_sub(number.len()).ok_or_else(|| broken("a number is too long"))?;
            out.resize(out.len() + missing, 0);
            out.extend_from_slice(number);
        }
        Ok(out)
    }

    /// Its one number, at the end of so many bytes.
    pub fn single(&self, size: usize) -> Result<Vec<u8>, SignatureError> {
        let number = Cursor(self.numbers).integer()?;
        let missing = size.checked_sub(number.len()).ok_or_else(|| broken("a number is too long"))?;
        Ok([vec![0; missing].as_slice(), number].concat())
    }

    pub fn is_expired(&self, now: i64) -> bool {
        self.created > now || self.lifetime != 0 && now > self.created + self.lifetime
    }
}
