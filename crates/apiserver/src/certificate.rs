//! Certificates of clients: whom one names, and signing requests for some once they are approved.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME};

use crate::auth::User;
use crate::core::Core;
use crate::registry::Resource;

const GROUP: &str = "certificates.k8s.io";
const PLURAL: &str = "certificatesigningrequests";
/// The signer whose certificates this server itself takes.
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// How long a certificate is good that does not say so.
const LIFE: i64 = 365 * 24 * 3600;
const SHORTEST: i64 = 600;
/// How often a status that others overtake is made anew.
const ATTEMPTS: usize = 8;

pub fn is_request(resource: &Resource) -> bool {
    resource.is(GROUP, PLURAL)
}

/// The user of a certificate that was verified: its common name, and its organisations as groups.
pub fn user(chain: Option<&[CertificateDer<'_>]>) -> Option<User> {
    let (_, certificate) = x509_parser::parse_x509_certificate(chain?.first()?).ok()?;
    let subject = certificate.subject();
    let (common_name, organization) = (OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME);
    let texts = |oid| subject.iter_by_oid(oid).filter_map(|part| part.as_str().ok()).map(str::to_owned);
    let name = texts(&common_name).next().filter(|name| !name.is_empty())?;
    let mut groups: Vec<String> = texts(&organization).collect();
    groups.push("system:authenticated".to_owned());
    Some(User::new(&name, groups))
}

/// Signs a request for a client's certificate that is approved and has none yet.
pub fn sign(core: &Core, request: &Value) {
    let is_approved = |request: &Value| {
        let mut conditions = request["status"]["conditions"].as_array().into_iter().flatten();
        conditions.any(|one| one["type"] == "Approved" && one["status"] == "True")
    };
    let name = request["metadata"]["name"].as_str().unwrap_or_default();
    let table = format!("{GROUP}/{PLURAL}");
    for _attempt in 0..ATTEMPTS {
        let Some(stored) = core.store.read(&table, &(String::new(), name.to_owned())) else { return };
        let mut object = stored.value();
        let is_ours = object["spec"]["signerName"] == SIGNER;
        if !is_ours || !is_approved(&object) || object["status"]["certificate"].is_string() {
            return;
        }
        match signed(core, &object["spec"]) {
            Ok(pem) => object["status"]["certificate"] = STANDARD.encode(pem).into(),
            Err(why) => {
                let now = core.now();
                let failed = json!({
                    "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why,
                    "lastUpdateTime": now, "lastTransitionTime": now,
                });
                let known = object["status"]["conditions"].as_array_mut();
                let Some(conditions) = known.filter(|list| !list.iter().any(|one| one["type"] == "Failed"))
                else {
                    return;
                };
                conditions.push(failed);
            }
        }
        if core.store.write(&table, &stored.key, Some(stored.revision), object).is_ok() {
            return;
        }
    }
}

fn signed(core: &Core, spec: &Value) -> Result<String, String> {
    let issuer = core.issuer.as_ref().ok_or("this server has no authority")?;
    let packed = spec["request"].as_str().unwrap_or_default();
    let pem = STANDARD.decode(packed).map_err(|error| error.to_string())?;
    let pem = String::from_utf8(pem).map_err(|error| error.to_string())?;
    let mut request = CertificateSigningRequestParams::from_pem(&pem).map_err(|error| error.to_string())?;
    let now = core.timestamp().as_second();
    let life = spec["expirationSeconds"].as_i64().unwrap_or(LIFE).clamp(SHORTEST, LIFE);
    let time = |seconds: i64| {
        // Out of range only in years that no clock shows.
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    let params = &mut request.params;
    params.is_ca = IsCa::NoCa;
    params.not_before = time(now - 300).into();
    params.not_after = time(now + life).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(request.signed_by(issuer).map_err(|error| error.to_string())?.pem())
}
