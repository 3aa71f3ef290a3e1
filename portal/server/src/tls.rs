//! The server's side of TLS, versions 1.2 and 1.3, renewed when its files change.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::tls_openssl::OpenSSLConfig;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};

use crate::configuration::{Fault, Located, TlsFiles};
use crate::files::{FileState, Renewal, read_limited, read_private_key};

const PEM_MAX_SIZE: usize = 256 * 1024;
/// Most octets of a file with authorities for calls to others.
const AUTHORITIES_MAX_SIZE: usize = 1024 * 1024;

/// The certificate and key that the service shows itself with.
pub struct TlsIdentity {
    files: TlsFiles,
    acceptor: OpenSSLConfig,
    seen: Mutex<Vec<FileState>>,
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

fn states(files: &TlsFiles) -> Result<Vec<FileState>, Fault> {
    let all = [Some(&files.certificate), Some(&files.key), files.caller_authorities.as_ref()];
    let state = |file: &Located<PathBuf>| FileState::of(&file.value).map_err(|error| file.file_fault(error));
    all.into_iter().flatten().map(state).collect()
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
    let callers = files.caller_authorities.as_ref().map(caller_authorities).transpose()?;
    let build = || {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_certificate(&certificate)?;
        chain.try_for_each(|issuer| builder.add_extra_chain_cert(issuer))?;
        builder.set_private_key(&key)?;
        if let Some(callers) = callers {
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            builder.set_verify_cert_store(callers)?;
            // Without a name for its sessions the library resumes none where certificates are asked for.
            builder.set_session_id_context(b"latchkey-portal")?;
        }
        Ok(builder.build())
    };
    let made: Result<SslAcceptor, ErrorStack> = build();
    made.map(Arc::new).map_err(|error| files.certificate.file_fault(error))
}

/// Reads authorities for calls to others, PEM; at least one.
///
/// # Errors
/// The [`Fault`] of the file.
pub(crate) fn authorities(file: &Located<PathBuf>) -> Result<Vec<reqwest::Certificate>, Fault> {
    let octets = read_limited(&file.value, AUTHORITIES_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    let trusted = reqwest::Certificate::from_pem_bundle(&octets).map_err(|error| file.file_fault(error))?;
    if trusted.is_empty() { Err(file.file_fault("has no certificate")) } else { Ok(trusted) }
}

fn caller_authorities(file: &Located<PathBuf>) -> Result<X509Store, Fault> {
    let pem = read_limited(&file.value, PEM_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    let authorities = X509::stack_from_pem(&pem).map_err(|error| file.file_fault(error))?;
    if authorities.is_empty() {
        return Err(file.file_fault("has no certificate in PEM"));
    }
    let build = || {
        let mut store = X509StoreBuilder::new()?;
        authorities.into_iter().try_for_each(|authority| store.add_cert(authority))?;
        Ok(store.build())
    };
    let made: Result<X509Store, ErrorStack> = build();
    made.map_err(|error| file.file_fault(error))
}
