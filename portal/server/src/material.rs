//! What the files that the configuration names contain: TLS identity, trusted authorities, revocation lists.

use std::path::PathBuf;
use std::sync::Arc;

use latchkey_crypto::x509::{CERTIFICATE_MAX_SIZE, Certificate, TrustStore};

use crate::configuration::{Configuration, Fault, Located, TrustFiles};
use crate::files::read_limited;
use crate::revocation::ListsOnDisk;
use crate::tls::TlsIdentity;

/// Everything that is read from files at the start.
pub struct Material {
    /// The server's side of TLS.
    pub tls: TlsIdentity,
    /// Whose certificates are accepted.
    pub trust: TrustStore,
    /// The revocation lists.
    pub revocation: Arc<ListsOnDisk>,
}

impl Material {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(configuration: &Configuration) -> Result<Self, Fault> {
        let tls = TlsIdentity::load(configuration.tls.clone())?;
        let trust = trust_store(&configuration.trust)?;
        let files = &configuration.trust.revocation_lists;
        let paths = files.iter().map(|file| file.value.clone()).collect();
        let revocation = ListsOnDisk::load(paths, &trust).map_err(|error| {
            let at_fault = files.iter().find(|file| file.value == error.path);
            at_fault.map_or_else(|| Fault::without_place(&error), |file| file.fault(&error))
        })?;
        Ok(Self { tls, trust, revocation: Arc::new(revocation) })
    }
}

fn trust_store(files: &TrustFiles) -> Result<TrustStore, Fault> {
    let intermediates = files.intermediates.iter().map(certificate).collect::<Result<_, _>>()?;
    // One by one first, so that the file at fault is known.
    for file in &files.anchors {
        TrustStore::new(vec![certificate(file)?], Vec::new()).map_err(|error| file.file_fault(error))?;
    }
    let anchors = files.anchors.iter().map(certificate).collect::<Result<_, _>>()?;
    TrustStore::new(anchors, intermediates).map_err(|error| Fault::without_place(&error))
}

fn certificate(file: &Located<PathBuf>) -> Result<Certificate, Fault> {
    let octets = read_limited(&file.value, CERTIFICATE_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    let certificate = Certificate::from_der(&octets).map_err(|error| file.file_fault(error))?;
    if certificate.is_authority() { Ok(certificate) } else { Err(file.file_fault("is no certificate of an authority")) }
}
