//! Whether a signature is good: by a key of a keyring that may sign, is bound to its owner, and has neither expired nor
//! been revoked. The rules, and the words, are those of the library that Helm uses.
//!
//! Only keys whose number a signature names are looked at, so a large keyring costs little more than its reading.

use super::packet::{self, Packet, PublicKey, Signature, packets, without_armor};
use super::proof::is_good;

/// The largest keyring that is read.
pub const MAX_KEYRING: usize = 64 << 20;

const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
const SUBKEY_BINDING: u8 = 0x18;
const KEY_REVOCATION: u8 = 0x20;
const SUBKEY_REVOCATION: u8 = 0x28;
const CERTIFICATION_REVOCATION: u8 = 0x30;
const MAY_SIGN: u8 = 2;
const COMPROMISED: u8 = 2;

/// Why a signature is not taken for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("openpgp: invalid data: {0}")]
    Structure(String),
    #[error("openpgp: unsupported feature: {0}")]
    Unsupported(String),
    #[error("openpgp: invalid signature: {0} verification failure")]
    Bad(&'static str),
    #[error("openpgp: signature made by unknown entity")]
    UnknownSigner,
    #[error("openpgp: signature made by revoked key")]
    Revoked,
    #[error("openpgp: key expired")]
    KeyExpired,
    #[error("openpgp: signature expired")]
    Expired,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// As the keys name them: `Name (comment) <address>`.
    pub identities: Vec<String>,
    /// Of the primary key, in capital digits.
    pub fingerprint: String,
}

/// Whether the bytes are a keyring at all.
pub fn check_keyring(keyring: &[u8]) -> Result<(), SignatureError> {
    if keyring.len() > MAX_KEYRING {
        return Err(SignatureError::Structure(format!("the keyring holds more than {MAX_KEYRING} bytes")));
    }
    packets(keyring).map(drop)
}

/// Checks an armored signature over `signed` with the keys of a ring, at a time in seconds since 1970.
pub fn check(signed: &[u8], armored: &str, keyring: &[u8], now: i64) -> Result<Signer, SignatureError> {
    check_keyring(keyring)?;
    let ring = packets(keyring)?;
    for packet in packets(&without_armor(armored)?)? {
        if packet.tag != packet::SIGNATURE {
            return Err(SignatureError::Structure("non signature packet found".to_owned()));
        }
        let signature = Signature::read(packet.body)?;
        let issuer = signature
            .issuer
            .ok_or_else(|| SignatureError::Structure("signature doesn't have an issuer".to_owned()))?;
        let mut last = None;
        for owner in owners(&ring).filter_map(|packets| Owner::read(packets, issuer)) {
            for key in owner.keys(issuer) {
                match is_good(key.public, &signature, &[signed]) {
                    Ok(()) => return owner.check(&key, &signature, now),
                    Err(error) => last = Some(error),
                }
            }
        }
        if let Some(error) = last {
            return Err(error);
        }
    }
    Err(SignatureError::UnknownSigner)
}

/// The packets of each owner: a primary key and what follows it.
fn owners<'r, 'a>(ring: &'r [Packet<'a>]) -> impl Iterator<Item = &'r [Packet<'a>]> {
    let is_first = |packet: &Packet<'_>| matches!(packet.tag, packet::PUBLIC_KEY | packet::SECRET_KEY);
    ring.chunk_by(move |_, next| !is_first(next)).filter(move |packets| is_first(&packets[0]))
}

/// A primary key with the names and subkeys that it has signed for.
struct Owner<'a> {
    primary: PublicKey<'a>,
    identities: Vec<Identity<'a>>,
    subkeys: Vec<Subkey<'a>>,
    revocations: Vec<Signature<'a>>,
}

struct Identity<'a> {
    name: &'a [u8],
    own: Signature<'a>,
    revocations: Vec<Signature<'a>>,
}

struct Subkey<'a> {
    key: PublicKey<'a>,
    binding: Signature<'a>,
    revocations: Vec<Signature<'a>>,
}

/// A key that may have signed.
struct Candidate<'o, 'a> {
    public: &'o PublicKey<'a>,
    /// None for the primary key.
    subkey: Option<&'o Subkey<'a>>,
}

impl<'a> Owner<'a> {
    /// Reads an owner one of whose keys has the number; none where there is no such key, or where anything of it is
    /// wrong, since then none of it can be trusted.
    fn read(packets: &[Packet<'a>], wanted: u64) -> Option<Self> {
        let is_key = |packet: &&Packet<'a>| {
            let tags = [packet::PUBLIC_KEY, packet::SECRET_KEY, packet::PUBLIC_SUBKEY, packet::SECRET_SUBKEY];
            tags.contains(&packet.tag)
        };
        let keys = packets.iter().filter(is_key);
        if !keys.filter_map(|packet| PublicKey::read(*packet).ok()).any(|key| key.id() == wanted) {
            return None;
        }
        let (first, rest) = packets.split_first()?;
        let mut owner = Self {
            primary: PublicKey::read(*first).ok()?,
            identities: Vec::new(),
            subkeys: Vec::new(),
            revocations: Vec::new(),
        };
        let mut at = 0;
        while let Some(packet) = rest.get(at) {
            at += 1;
            let signatures = rest[at..].iter().take_while(|packet| packet.tag == packet::SIGNATURE);
            let count = signatures.clone().count();
            let signatures = signatures.map(|packet| Signature::read(packet.body));
            match packet.tag {
                packet::USER_ID => {
                    owner.read_identity(packet.body, signatures.collect::<Result<_, _>>().ok()?)?;
                }
                packet::PUBLIC_SUBKEY | packet::SECRET_SUBKEY => {
                    owner.read_subkey(*packet, signatures.collect::<Result<_, _>>().ok()?)?;
                }
                packet::SIGNATURE => {
                    let signature = Signature::read(packet.body).ok()?;
                    if signature.kind == KEY_REVOCATION {
                        is_good(&owner.primary, &signature, &[&owner.primary.hashed()]).ok()?;
                        owner.revocations.push(signature);
                    }
                    continue;
                }
                _ => {}
            }
            at += count;
        }
        (!owner.identities.is_empty()).then_some(owner)
    }

    fn read_identity(&mut self, name: &'a [u8], signatures: Vec<Signature<'a>>) -> Option<()> {
        let (mut own, mut revocations): (Option<Signature<'a>>, _) = (None, Vec::new());
        let mut length = vec![0xb4];
        length.extend_from_slice(&u32::try_from(name.len()).ok()?.to_be_bytes());
        for signature in signatures {
            if !CERTIFICATIONS.contains(&signature.kind) && signature.kind != CERTIFICATION_REVOCATION {
                return None;
            }
            // What others say of the name is theirs.
            if signature.issuer != Some(self.primary.id()) {
                continue;
            }
            is_good(&self.primary, &signature, &[&self.primary.hashed(), &length, name]).ok()?;
            if signature.kind == CERTIFICATION_REVOCATION {
                revocations.push(signature);
            } else if own.as_ref().is_none_or(|known| signature.created > known.created) {
                own = Some(signature);
            }
        }
        if let Some(own) = own {
            self.identities.push(Identity { name, own, revocations });
        }
        Some(())
    }

    fn read_subkey(&mut self, packet: Packet<'a>, signatures: Vec<Signature<'a>>) -> Option<()> {
        let key = PublicKey::read(packet).ok()?;
        let (mut binding, mut revocations): (Option<Signature<'a>>, _) = (None, Vec::new());
        for signature in signatures {
            let signed: [&[u8]; 2] = [&self.primary.hashed(), &key.hashed()];
            is_good(&self.primary, &signature, &signed).ok()?;
            match signature.kind {
                SUBKEY_REVOCATION => revocations.push(signature),
                SUBKEY_BINDING => {
                    // A key that signs has to say itself whose it is, or anybody's could be taken in.
                    if may_sign(&signature) {
                        is_good(&key, signature.embedded.as_ref()?, &signed).ok()?;
                    }
                    if binding.as_ref().is_none_or(|known| signature.created > known.created) {
                        binding = Some(signature);
                    }
                }
                _ => return None,
            }
        }
        self.subkeys.push(Subkey { key, binding: binding?, revocations });
        Some(())
    }

    /// The identity that speaks for the primary key: not revoked, marked as the primary one, the newest.
    fn main_identity(&self) -> &Identity<'a> {
        let rank = |identity: &Identity<'_>| {
            let revoked = std::cmp::Reverse(identity.revocations.len());
            (revoked, identity.own.is_primary_user, identity.own.created)
        };
        self.identities
            .iter()
            .reduce(|best, next| if rank(next) > rank(best) { next } else { best })
            .expect("an owner has an identity")
    }

    /// The keys of this number that may sign.
    fn keys(&self, wanted: u64) -> Vec<Candidate<'_, 'a>> {
        let primary = Candidate { public: &self.primary, subkey: None };
        let mut found = Vec::new();
        if self.primary.id() == wanted && may_sign(&self.main_identity().own) {
            found.push(primary);
        }
        for subkey in &self.subkeys {
            if subkey.key.id() == wanted && may_sign(&subkey.binding) {
                found.push(Candidate { public: &subkey.key, subkey: Some(subkey) });
            }
        }
        found
    }

    /// Whether key and signature hold at that time.
    fn check(
        &self,
        key: &Candidate<'_, 'a>,
        signature: &Signature<'a>,
        now: i64,
    ) -> Result<Signer, SignatureError> {
        let main = self.main_identity();
        let of_subkey = key.subkey.is_some_and(|subkey| is_revoked(&subkey.revocations, now));
        if is_revoked(&self.revocations, now) || of_subkey || is_revoked(&main.revocations, now) {
            return Err(SignatureError::Revoked);
        }
        let is_over = |key: &PublicKey<'_>, own: &Signature<'_>| {
            key.created > now || own.key_lifetime != 0 && now > key.created + own.key_lifetime
        };
        if is_over(&self.primary, &main.own)
            || key.subkey.is_some_and(|subkey| is_over(&subkey.key, &subkey.binding))
        {
            return Err(SignatureError::KeyExpired);
        }
        let bindings = key
            .subkey
            .into_iter()
            .flat_map(|subkey| std::iter::once(&subkey.binding).chain(subkey.binding.embedded.as_deref()));
        if [signature, &main.own].into_iter().chain(bindings).any(|signature| signature.is_expired(now)) {
            return Err(SignatureError::Expired);
        }
        let name = |identity: &Identity<'_>| String::from_utf8_lossy(identity.name).into_owned();
        let digits = self.primary.fingerprint.iter().map(|byte| format!("{byte:02X}"));
        Ok(Signer { identities: self.identities.iter().map(name).collect(), fingerprint: digits.collect() })
    }
}

fn may_sign(signature: &Signature<'_>) -> bool {
    signature.flags.is_some_and(|flags| flags & MAY_SIGN != 0)
}

fn is_revoked(revocations: &[Signature<'_>], now: i64) -> bool {
    revocations.iter().any(|one| one.revocation_reason == Some(COMPROMISED) || !one.is_expired(now))
}
