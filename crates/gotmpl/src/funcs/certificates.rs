//! Private keys and certificates. Keys come from the cryptographic library's own randomness, never from a seed.

use std::any::Any;
use std::borrow::Cow;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, RsaKeySize, SanType, SerialNumber,
};

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::value::{Object, Value};

const S: Type = Type::String;
const I: Type = Type::Int;
const L: Type = Type::List;
const NAME: &str = "sprig.certificate";
const C: Type = Type::Object(NAME);

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("genPrivateKey", &[S], private_key),
    fixed("genCA", &[S, I], |run, a| {
        let key = new_rsa(run)?;
        issue(run, a, &key, None, true)
    }),
    fixed("genCAWithKey", &[S, I, S], |run, a| {
        let key = given_key(a, 2)?;
        issue(run, a, &key, None, true)
    }),
    fixed("genSelfSignedCert", &[S, L, L, I], |run, a| {
        let key = new_rsa(run)?;
        issue(run, a, &key, None, false)
    }),
    fixed("genSelfSignedCertWithKey", &[S, L, L, I, S], |run, a| {
        let key = given_key(a, 4)?;
        issue(run, a, &key, None, false)
    }),
    fixed("genSignedCert", &[S, L, L, I, C], |run, a| {
        let key = new_rsa(run)?;
        let signer = a.take(4);
        issue(run, a, &key, Some(&signer), false)
    }),
    fixed("genSignedCertWithKey", &[S, L, L, I, C, S], |run, a| {
        let key = given_key(a, 5)?;
        let signer = a.take(4);
        issue(run, a, &key, Some(&signer), false)
    }),
    fixed("buildCustomCert", &[S, S], build),
];

/// What making a key costs, so that loops of it end.
const SLOW: usize = 5_000_000;

struct Certificate {
    cert: String,
    key: String,
}

impl Object for Certificate {
    fn type_name(&self) -> Cow<'static, str> {
        NAME.into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.as_str().into()),
            "Key" => Some(self.key.as_str().into()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", self.cert.as_str().into()), ("Key", self.key.as_str().into())]
    }
}

fn failed(error: rcgen::Error) -> Error {
    Error::new(format!("error creating certificate: {error}"))
}

fn new_rsa(run: &Run<'_>) -> Result<KeyPair, Error> {
    run.charge(SLOW)?;
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)
        .map_err(|error| Error::new(format!("error generating rsa key: {error}")))
}

fn private_key(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let kind = arguments.lossy(0);
    // Keys on curves are made in no time.
    run.charge(if matches!(kind.as_ref(), "" | "rsa") { SLOW } else { SLOW / 50 })?;
    let key = match kind.as_ref() {
        "" | "rsa" => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096),
        "ecdsa" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        "ed25519" => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        "dsa" => return Err(Error::new("genPrivateKey does not make DSA keys")),
        _ => return Ok(format!("Unknown type {kind}").into()),
    };
    match key {
        Ok(key) => Ok(key_pem(&key).into()),
        Err(error) => Ok(format!("failed to generate private key: {error}").into()),
    }
}

/// The key in the block that the reference writes for its kind.
fn key_pem(key: &KeyPair) -> String {
    let der = key.serialized_der();
    // A key that was given in the block of its kind has no PKCS #8 around it.
    let inner = pkcs8_inner(der);
    if key.is_compatible(&rcgen::PKCS_RSA_SHA256) {
        return pem("RSA PRIVATE KEY", inner.unwrap_or(der));
    }
    if key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256)
        && let Some(der) = ec_key(inner.unwrap_or(der), key.public_key_raw())
    {
        return pem("EC PRIVATE KEY", &der);
    }
    pem(if inner.is_some() { "PRIVATE KEY" } else { "EC PRIVATE KEY" }, der)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = crate::encode::base64(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The tag, the content and what follows of the first DER element.
fn der_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count > 4 || count > rest.len() {
            return None;
        }
        (rest[..count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), &rest[count..])
    };
    (length <= rest.len()).then(|| (tag, &rest[..length], &rest[length..]))
}

/// The key inside a PKCS #8 document.
fn pkcs8_inner(der: &[u8]) -> Option<&[u8]> {
    let (_, body, _) = der_element(der)?;
    let (_, _, rest) = der_element(body)?;
    let (_, _, rest) = der_element(rest)?;
    let (tag, inner, _) = der_element(rest)?;
    (tag == 4).then_some(inner)
}

/// A P-256 key with its curve and public part named, as the reference writes it.
fn ec_key(inner: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    const CURVE: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let (_, body, _) = der_element(inner)?;
    let (_, _, rest) = der_element(body)?;
    let (_, secret, _) = der_element(rest)?;
    if secret.len() != 32 || public.len() != 65 {
        return None;
    }
    let mut content = vec![2, 1, 1, 4, 32];
    content.extend_from_slice(secret);
    content.extend_from_slice(&CURVE);
    content.extend_from_slice(&[0xa1, 68, 3, 66, 0]);
    content.extend_from_slice(public);
    let mut out = vec![0x30, u8::try_from(content.len()).ok()?];
    out.extend(content);
    Some(out)
}

/// The label and the bytes of the first block of a PEM text.
fn first_block(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
    let encoded: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    Some((label, crate::encode::decode_base64(&encoded).ok()?))
}

fn read_key(text: &str) -> Result<KeyPair, String> {
    let Some((label, _)) = first_block(text) else { return Err("no PEM data in input".to_owned()) };
    let Some(kind) = label.strip_suffix("PRIVATE KEY") else {
        return Err(format!("no private key data in PEM block of type {label}"));
    };
    KeyPair::from_pem(text).map_err(|error| match kind.trim() {
        "" => format!("decoding PEM as PKCS#8: {error}"),
        "RSA" | "EC" | "DSA" => format!("parsing {} private key from PEM: {error}", kind.trim()),
        other => format!("invalid private key type {other}"),
    })
}

fn given_key(arguments: &Arguments, index: usize) -> Result<KeyPair, Error> {
    read_key(&arguments.lossy(index)).map_err(|error| Error::new(format!("parsing private key: {error}")))
}

fn texts(value: &Value, complaint: &str) -> Result<Vec<String>, Error> {
    let Value::List(list) = value else { return Ok(Vec::new()) };
    list.items()
        .iter()
        .map(|item| match item {
            Value::Str(text) => Ok(text.to_lossy().into_owned()),
            other => {
                Err(Error::new(format!("{complaint}: {} is not a string", crate::print::display(other))))
            }
        })
        .collect()
}

fn parameters(run: &Run<'_>, arguments: &Arguments, is_ca: bool) -> Result<CertificateParams, Error> {
    let (addresses, names) = if is_ca {
        (Vec::new(), Vec::new())
    } else {
        (
            texts(arguments.value(1), "error parsing ip")?,
            texts(arguments.value(2), "error processing alternate dns name")?,
        )
    };
    let mut params = CertificateParams::default();
    for name in names {
        let name = name
            .try_into()
            .map_err(|_| Error::new("error creating certificate: x509: a DNS name is not ASCII"))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    for address in addresses {
        let parsed = address.parse().map_err(|_| Error::new(format!("error parsing ip: {address}")))?;
        params.subject_alt_names.push(SanType::IpAddress(parsed));
    }
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, arguments.lossy(0).into_owned());
    let days = arguments.integer(if is_ca { 1 } else { 3 }).clamp(-30_000, 2_900_000);
    let seconds = run.cx.now.timestamp().as_second().clamp(0, 4_000_000_000);
    let moment = |seconds: i64| {
        rcgen::date_time_ymd(1970, 1, 1)
            + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(250_000_000_000))
    };
    params.not_before = moment(seconds);
    params.not_after = moment(seconds + days * 86_400);
    let mut serial = [0; 16];
    (run.cx.random)(&mut serial);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    if is_ca {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    } else {
        // As the reference: constraints that say no authority, and no identifier of its own key.
        params.is_ca = IsCa::NoCa;
        let mut constraints = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
        constraints.set_criticality(true);
        params.custom_extensions.push(constraints);
    }
    Ok(params)
}

fn issue(
    run: &Run<'_>,
    arguments: &Arguments,
    key: &KeyPair,
    signer: Option<&Value>,
    is_ca: bool,
) -> Outcome {
    let mut params = parameters(run, arguments, is_ca)?;
    let certificate = match signer {
        None => params.self_signed(key).map_err(failed)?,
        Some(signer) => {
            let Value::Object(object) = signer else {
                return Err(Error::new("unable to decode certificate"));
            };
            let Some(signer) = object.as_any().downcast_ref::<Certificate>() else {
                return Err(Error::new("unable to decode certificate"));
            };
            if first_block(&signer.cert).is_none() {
                return Err(Error::new("unable to decode certificate"));
            }
            let signer_key = read_key(&signer.key)
                .map_err(|error| Error::new(format!("error parsing private key: {error}")))?;
            let issuer = Issuer::from_ca_cert_pem(&signer.cert, &signer_key).map_err(|error| {
                Error::new(format!("error parsing certificate: decodedSignerCert.Bytes: {error}"))
            })?;
            // As the reference: no identifier where issuer and subject have the same name.
            params.use_authority_key_identifier_extension =
                !is_named(&signer.cert, arguments.lossy(0).as_bytes());
            params.signed_by(key, &issuer).map_err(failed)?
        }
    };
    Ok(Value::object(Certificate { cert: pem("CERTIFICATE", certificate.der()), key: key_pem(key) }))
}

/// Whether the subject of a certificate is this common name and nothing else.
fn is_named(certificate: &str, name: &[u8]) -> bool {
    let common_name = || {
        let (_, der) = first_block(certificate)?;
        let (_, body, _) = der_element(&der)?;
        let (_, mut rest, _) = der_element(body)?;
        // Version, serial number, algorithm, issuer, validity.
        for _ in 0..5 {
            rest = der_element(rest)?.2;
        }
        let (_, subject, _) = der_element(rest)?;
        let (_, set, others) = der_element(subject)?;
        let (_, pair, _) = der_element(set)?;
        let (_, kind, value) = der_element(pair)?;
        let (_, text, _) = der_element(value)?;
        (others.is_empty() && kind == [0x55, 4, 3]).then(|| text.to_vec())
    };
    common_name().is_some_and(|found| found == name)
}

fn build(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let decoded = |index: usize, what: &str| {
        crate::encode::decode_base64(arguments.bytes(index))
            .map(|bytes| crate::text::to_lossy(&bytes).into_owned())
            .map_err(|_| Error::new(format!("unable to decode base64 {what}")))
    };
    let cert = decoded(0, "certificate")?;
    let key = decoded(1, "private key")?;
    if first_block(&cert).is_none() {
        return Err(Error::new("unable to decode certificate"));
    }
    let pair = read_key(&key).map_err(|error| Error::new(format!("error parsing private key: {error}")))?;
    Issuer::from_ca_cert_pem(&cert, &pair)
        .map_err(|error| Error::new(format!("error parsing certificate: decodedCert.Bytes: {error}")))?;
    Ok(Value::object(Certificate { cert, key }))
}
