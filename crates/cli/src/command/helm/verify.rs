//! `helm verify`: whether a packed chart is the one that somebody signed, as its provenance file says.

use std::path::Path;

use sluice_helm::provenance::Provenance;
use sluice_helm::provenance::signature::{Signer, check_keyring};

use super::words::VerifyArgs;
use super::{failed, source, wrong_count};
use crate::environment;
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

pub fn run(ui: &Ui, args: &VerifyArgs) -> CliResult {
    let [chart] = args.words.as_slice() else {
        return Err(wrong_count("verify", "1 argument", "PATH"));
    };
    let (signer, digest) = check(chart, args.keyring.as_deref())?;
    for name in &signer.identities {
        ui.print(&format!("Signed by: {name}\n"))?;
    }
    ui.print(&format!("Using Key With Fingerprint: {}\nChart Hash Verified: {digest}\n", signer.fingerprint))
}

/// Who signed the chart, and its digest.
pub fn check(chart: &str, keyring: Option<&str>) -> CliResult<(Signer, String)> {
    let path = Path::new(chart);
    let absent = |name: &str| CliError::new(format!("stat {name}: no such file or directory"));
    match std::fs::metadata(path) {
        Err(_) => return Err(absent(chart)),
        Ok(found) if found.is_dir() => return Err(CliError::new("unpacked charts cannot be verified")),
        Ok(_) => {}
    }
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tgz")) {
        return Err(CliError::new("chart must be a tgz file"));
    }
    let file = format!("{chart}.prov");
    if !Path::new(&file).exists() {
        let text = absent(&file).error;
        return Err(CliError::new(format!("could not load provenance file {file}: {text}")));
    }
    let keyring = keyring.map_or_else(default_keyring, str::to_owned);
    let keyring = source::read(&keyring).map_err(|text| failed(format!("failed to load keyring: {text}")))?;
    check_keyring(&keyring).map_err(|error| failed(format!("failed to load keyring: {error}")))?;
    let archive =
        source::read(chart).map_err(|text| failed(format!("failed to read chart archive: {text}")))?;
    let provenance =
        source::read(&file).map_err(|text| failed(format!("failed to read provenance file: {text}")))?;
    let provenance = Provenance::parse(&provenance).map_err(failed)?;
    let signer = provenance.signer(&keyring, jiff::Timestamp::now().as_second()).map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digest = provenance.check(&name, &archive).map_err(failed)?;
    Ok((signer, digest))
}

/// Where GnuPG kept public keys.
fn default_keyring() -> String {
    let folder = environment::non_empty("GNUPGHOME")
        .unwrap_or_else(|| format!("{}/.gnupg", environment::non_empty("HOME").unwrap_or_default()));
    format!("{folder}/pubring.gpg")
}
