//! Passwords and symmetric encryption. Salts come from the caller's randomness.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use blowfish::Blowfish;
use sha2::{Digest, Sha256};

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::value::Value;

const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("bcrypt", &[S], |run, a| bcrypt(run, a.bytes(0)).map(Value::from)),
    fixed("htpasswd", &[S, S], |run, a| {
        if a.bytes(0).contains(&b':') {
            return Ok(format!("invalid username: {}", a.lossy(0)).into());
        }
        Ok(Value::text([a.bytes(0), b":", bcrypt(run, a.bytes(1))?.as_bytes()].concat()))
    }),
    fixed("encryptAES", &[S, S], |run, a| Ok(encrypt(run, a.bytes(0), a.bytes(1)).into())),
    fixed("decryptAES", &[S, S], |_, a| decrypt(a.bytes(0), a.bytes(1))),
    fixed("derivePassword", &[Type::Uint32, S, S, S, S], derive_password),
];

/// What a slow function costs, so that loops of them end.
const SLOW: usize = 2_000_000;

const COST: u32 = 10;

fn bcrypt(run: &Run<'_>, password: &[u8]) -> Result<String, Error> {
    if password.len() > 72 {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned()
        );
    }
    run.charge(SLOW)?;
    let mut salt = [0; 16];
    (run.cx.random)(&mut salt);
    let hash = bcrypt_hash(password, &salt);
    Ok(format!("$2a${COST:02}${}{}", bcrypt_base64(&salt), bcrypt_base64(&hash[..23])))
}

fn bcrypt_hash(password: &[u8], salt: &[u8; 16]) -> [u8; 24] {
    let key = [password, &[0]].concat();
    let mut state: Blowfish = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u32 << COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut hash = *b"OrpheanBeholderScryDoubt";
    for chunk in hash.chunks_exact_mut(8) {
        let word = |bytes: &[u8]| bytes.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let mut pair = [word(&chunk[..4]), word(&chunk[4..])];
        for _ in 0..64 {
            pair = state.bc_encrypt(pair);
        }
        chunk[..4].copy_from_slice(&pair[0].to_be_bytes());
        chunk[4..].copy_from_slice(&pair[1].to_be_bytes());
    }
    hash
}

fn bcrypt_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, index| word << 8 | u32::from(*chunk.get(index).unwrap_or(&0)));
        for place in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    out
}

fn aes_key(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&Array::from(key))
}

fn encrypt(run: &Run<'_>, password: &[u8], text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    let cipher = aes_key(password);
    let padding = 16 - text.len() % 16;
    let padded = [text, &vec![padding as u8; padding]].concat();
    let mut last = [0; 16];
    (run.cx.random)(&mut last);
    let mut out = last.to_vec();
    for block in padded.chunks_exact(16) {
        for (byte, given) in last.iter_mut().zip(block) {
            *byte ^= given;
        }
        let mut array = Array::from(last);
        cipher.encrypt_block(&mut array);
        last.copy_from_slice(&array);
        out.extend_from_slice(&last);
    }
    crate::encode::base64(&out)
}

fn decrypt(password: &[u8], encoded: &[u8]) -> Outcome {
    if encoded.is_empty() {
        return Ok("".into());
    }
    let bytes = crate::encode::decode_base64(encoded)
        .map_err(|at| Error::new(format!("illegal base64 data at input byte {at}")))?;
    if bytes.len() < 16 {
        // The capacity that the reference's decoder sets aside.
        let capacity = encoded.len() / 4 * 3;
        return Err(Error::new(format!(
            "runtime error: slice bounds out of range [:16] with capacity {capacity}"
        )));
    }
    if !bytes.len().is_multiple_of(16) {
        return Err(Error::new("crypto/cipher: input not full blocks"));
    }
    let cipher = aes_key(password);
    let mut out = Vec::with_capacity(bytes.len());
    for (before, block) in bytes.chunks_exact(16).zip(bytes.chunks_exact(16).skip(1)) {
        let mut plain = [0; 16];
        plain.copy_from_slice(block);
        let mut array = Array::from(plain);
        cipher.decrypt_block(&mut array);
        out.extend(array.iter().zip(before).map(|(byte, mask)| byte ^ mask));
    }
    let Some(padding) = out.last().map(|byte| usize::from(*byte)) else {
        return Err(Error::new("runtime error: index out of range [-1]"));
    };
    if padding > out.len() {
        let end = out.len() as i64 - padding as i64;
        return Err(Error::new(format!("runtime error: slice bounds out of range [:{end}]")));
    }
    out.truncate(out.len() - padding);
    Ok(Value::text(out))
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

fn templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive_password(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let kind = arguments.lossy(1);
    let Some(templates) = templates(&kind) else {
        return Ok(format!("cannot find password template {kind}").into());
    };
    run.charge(SLOW)?;
    let counter = match arguments.value(0) {
        Value::Uint(_, counter) => *counter as u32,
        _ => 0,
    };
    let sized = |text: &[u8]| [SEED, &(text.len() as u32).to_be_bytes(), text].concat();
    let mut key = [0; 64];
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|_| Error::new("failed to derive password"))?;
    scrypt::scrypt(arguments.bytes(2), &sized(arguments.bytes(3)), &parameters, &mut key)
        .map_err(|_| Error::new("failed to derive password"))?;
    let mut site = sized(arguments.bytes(4));
    site.extend_from_slice(&counter.to_be_bytes());
    let seed = hmac(&key, &site);
    let template = templates[usize::from(seed[0]) % templates.len()];
    let password: Vec<u8> = template
        .bytes()
        .zip(&seed[1..])
        .map(|(class, byte)| {
            let from = characters(class);
            from[usize::from(*byte) % from.len()]
        })
        .collect();
    Ok(Value::text(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt_of(text: &str) -> [u8; 16] {
        const ALPHABET: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut bits = Vec::new();
        for character in text.chars() {
            let value = ALPHABET.find(character).unwrap();
            bits.extend((0..6).rev().map(|place| value >> place & 1));
        }
        let mut salt = [0; 16];
        for (byte, bits) in salt.iter_mut().zip(bits.chunks(8)) {
            *byte = bits.iter().fold(0, |byte, bit| byte << 1 | u8::try_from(*bit).unwrap());
        }
        salt
    }

    /// Hashes that the reference made.
    #[test]
    fn bcrypt_agrees_with_the_reference() {
        for (password, hash) in [
            ("correct horse", "$2a$10$jZMh1D4s4U3PeTbnacrck.43fgwoFpVl3K/UbiKmiyUEigO2iZXtW"),
            ("", "$2a$10$uDDiNv58kOYYQYg9mb6O9em0hr8IVHF2/WR1GPvrittQ96jKUDOKu"),
        ] {
            let salt = salt_of(&hash[7..29]);
            let ours = bcrypt_hash(password.as_bytes(), &salt);
            assert_eq!(format!("{}{}", bcrypt_base64(&salt), bcrypt_base64(&ours[..23])), hash[7..]);
        }
    }
}
