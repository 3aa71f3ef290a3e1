//! What the files that the configuration names contain: TLS identity, trusted authorities, revocation lists.

use std::path::PathBuf;
use std::sync::Arc;

use latchkey_crypto::x509::{CERTIFICATE_MAX_SIZE, Certificate, TrustStore};
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;

use crate::configuration::{Configuration, Fault, Located, TlsFiles, TrustFiles};
use crate::files::{read_limited, read_private_key};
use crate::revocation::ListsOnDisk;

const PEM_MAX_SIZE: usize = 256 * 1024;

/// Everything that is read from files at the start.
pub struct Material {
    /// The server's side of TLS: versions 1.2 and 1.3.
    pub tls: Arc<SslAcceptor>,
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
        let tls = tls_acceptor(&configuration.tls)?;
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
        TrustStore::new(vec![certificate(file)?], Vec::new()).map_err(|error| of_file(file, error))?;
    }
    let anchors = files.anchors.iter().map(certificate).collect::<Result<_, _>>()?;
    TrustStore::new(anchors, intermediates).map_err(|error| Fault::without_place(&error))
}

fn certificate(file: &Located<PathBuf>) -> Result<Certificate, Fault> {
    let octets = read_limited(&file.value, CERTIFICATE_MAX_SIZE).map_err(|error| of_file(file, error))?;
    let certificate = Certificate::from_der(&octets).map_err(|error| of_file(file, error))?;
    if certificate.is_authority() { Ok(certificate) } else { Err(of_file(file, "is no certificate of an authority")) }
}

fn tls_acceptor(files: &TlsFiles) -> Result<Arc<SslAcceptor>, Fault> {
    let pem =
        read_limited(&files.certificate.value, PEM_MAX_SIZE).map_err(|error| of_file(&files.certificate, error))?;
    let chain = X509::stack_from_pem(&pem).map_err(|error| of_file(&files.certificate, error))?;
    let pem = read_private_key(&files.key.value).map_err(|error| of_file(&files.key, error))?;
    // The callback refuses an encrypted key; without it the library would ask for a password at the terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |_| Err(ErrorStack::get()));
    let key = key.map_err(|_| of_file(&files.key, "is no private key in PEM without a password"))?;
    let mut chain = chain.into_iter();
    let Some(certificate) = chain.next() else {
        return Err(of_file(&files.certificate, "has no certificate in PEM"));
    };
    if !certificate.public_key().is_ok_and(|of_certificate| of_certificate.public_eq(&key)) {
        return Err(of_file(&files.key, "is not the key of the certificate"));
    }
    let mut acceptor = || {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_certificate(&certificate)?;
        chain.try_for_each(|issuer| builder.add_extra_chain_cert(issuer))?;
        builder.set_private_key(&key)?;
        Ok(builder.build())
    };
    let made: Result<SslAcceptor, ErrorStack> = acceptor();
    made.map(Arc::new).map_err(|error| of_file(&files.certificate, error))
}

fn of_file(file: &Located<PathBuf>, problem: impl std::fmt::Display) -> Fault {
    file.fault(format!("{}: {problem}", file.value.display()))
}
