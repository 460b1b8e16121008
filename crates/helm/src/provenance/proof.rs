//! The arithmetic of signatures, by the library that TLS uses as well.

use aws_lc_rs::signature as lc;

use super::packet::{ED25519, Material, PublicKey, Signature};
use super::signature::SignatureError;

const SHA1: u8 = 2;
const SHA256: u8 = 8;
const SHA384: u8 = 9;
const SHA512: u8 = 10;
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// Whether the key made the signature over these parts, one behind the other.
pub fn is_good(
    key: &PublicKey<'_>,
    signature: &Signature<'_>,
    parts: &[&[u8]],
) -> Result<(), SignatureError> {
    let unsupported = |what: &str| SignatureError::Unsupported(what.to_owned());
    if key.algorithm != signature.algorithm {
        let text = "public key and signature use different algorithms";
        return Err(SignatureError::Structure(text.to_owned()));
    }
    let message = [&parts.concat()[..], &signature.suffix].concat();
    match key.material {
        Material::Rsa { modulus, exponent } => {
            let how = match signature.hash {
                SHA1 => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                SHA256 => &lc::RSA_PKCS1_2048_8192_SHA256,
                SHA384 => &lc::RSA_PKCS1_2048_8192_SHA384,
                SHA512 => &lc::RSA_PKCS1_2048_8192_SHA512,
                _ => return Err(unsupported("hash function")),
            };
            lc::RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(how, &message, &signature.single(modulus.len())?)
                .map_err(|_| SignatureError::Bad("RSA"))
        }
        Material::Ed25519(point) => {
            use sha2::Digest as _;
            // It signs the hash as if that were the message.
            let hash = match signature.hash {
                SHA256 => sha2::Sha256::digest(&message).to_vec(),
                SHA384 => sha2::Sha384::digest(&message).to_vec(),
                SHA512 => sha2::Sha512::digest(&message).to_vec(),
                _ => return Err(unsupported("hash function")),
            };
            let (name, bytes) = if key.algorithm == ED25519 {
                ("Ed25519", signature.numbers.to_vec())
            } else {
                ("EdDSA", signature.pair(32)?)
            };
            lc::UnparsedPublicKey::new(&lc::ED25519, point)
                .verify(&hash, &bytes)
                .map_err(|_| SignatureError::Bad(name))
        }
        Material::Ecdsa { curve, point } => {
            let (how, size): (&lc::EcdsaVerificationAlgorithm, _) = match (curve, signature.hash) {
                (P256, SHA256) => (&lc::ECDSA_P256_SHA256_FIXED, 32),
                (P384, SHA384) => (&lc::ECDSA_P384_SHA384_FIXED, 48),
                (P521, SHA512) => (&lc::ECDSA_P521_SHA512_FIXED, 66),
                _ => return Err(unsupported("this curve with this hash function")),
            };
            lc::UnparsedPublicKey::new(how, point)
                .verify(&message, &signature.pair(size)?)
                .map_err(|_| SignatureError::Bad("ECDSA"))
        }
        Material::Other => Err(unsupported("public key type")),
    }
}
