//! The server's side of TLS, versions 1.2 and 1.3, renewed when its files change.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::tls_openssl::OpenSSLConfig;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;

use crate::configuration::{Fault, Located, TlsFiles};
use crate::files::{FileState, Renewal, read_limited, read_private_key};

const PEM_MAX_SIZE: usize = 256 * 1024;

/// The certificate and key that the service shows itself with.
pub struct TlsIdentity {
    files: TlsFiles,
    acceptor: OpenSSLConfig,
    seen: Mutex<[FileState; 2]>,
}

impl TlsIdentity {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(files: TlsFiles) -> Result<Self, Fault> {
        let seen = Mutex::new(states(&files)?);
        let acceptor = OpenSSLConfig::from_acceptor(acceptor(&files)?);
        Ok(Self { files, acceptor, seen })
    }

    /// What new connections are accepted with; follows the renewals.
    #[must_use]
    pub fn acceptor(&self) -> OpenSSLConfig {
        self.acceptor.clone()
    }

    /// Takes certificate and key anew if a file has changed, for connections that come after. If they are not usable,
    /// or only one of them has been replaced so far, the former ones stay in use.
    ///
    /// # Errors
    /// The [`Fault`]. The files are tried again by the next call.
    pub fn renew(&self) -> Result<Renewal, Fault> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before reading: what changes meanwhile is read again next time.
        let states = states(&self.files)?;
        if *seen == states {
            return Ok(Renewal::Unchanged);
        }
        self.acceptor.reload_from_acceptor(acceptor(&self.files)?);
        *seen = states;
        Ok(Renewal::Taken)
    }
}

fn states(files: &TlsFiles) -> Result<[FileState; 2], Fault> {
    let state = |file: &Located<PathBuf>| FileState::of(&file.value).map_err(|error| file.file_fault(error));
    Ok([state(&files.certificate)?, state(&files.key)?])
}

fn acceptor(files: &TlsFiles) -> Result<Arc<SslAcceptor>, Fault> {
    let pem =
        read_limited(&files.certificate.value, PEM_MAX_SIZE).map_err(|error| files.certificate.file_fault(error))?;
    let chain = X509::stack_from_pem(&pem).map_err(|error| files.certificate.file_fault(error))?;
    let pem = read_private_key(&files.key.value).map_err(|error| files.key.file_fault(error))?;
    // The callback refuses an encrypted key; without it the library would ask for a password at the terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |_| Err(ErrorStack::get()));
    let key = key.map_err(|_| files.key.file_fault("is no private key in PEM without a password"))?;
    let mut chain = chain.into_iter();
    let Some(certificate) = chain.next() else {
        return Err(files.certificate.file_fault("has no certificate in PEM"));
    };
    if !certificate.public_key().is_ok_and(|of_certificate| of_certificate.public_eq(&key)) {
        return Err(files.key.file_fault("is not the key of the certificate"));
    }
    let mut build = || {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_certificate(&certificate)?;
        chain.try_for_each(|issuer| builder.add_extra_chain_cert(issuer))?;
        builder.set_private_key(&key)?;
        Ok(builder.build())
    };
    let made: Result<SslAcceptor, ErrorStack> = build();
    made.map(Arc::new).map_err(|error| files.certificate.file_fault(error))
}
