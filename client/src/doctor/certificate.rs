//! Whether the holder's certificate is valid and was not revoked.

use latchkey_agent::Failure;
use latchkey_crypto::x509::{
    Certificate, CertificatePath, CertificatePurpose, RevocationData, RevocationEvidence, RevocationFault,
    RevocationLists, TrustStore,
};
use time::OffsetDateTime;

use super::surroundings::{CertificateLook, RevocationLook};

/// Looks at a certificate as it was read from the card, at `now`. Whether it was revoked is looked up in these lists, if
/// a path leads from it to an authority of `trust`.
#[must_use]
pub fn look_at_certificate(
    der: &[u8],
    trust: &TrustStore,
    lists: &RevocationLists,
    now: OffsetDateTime,
) -> CertificateLook {
    match Certificate::from_der(der) {
        Ok(certificate) => CertificateLook::Read {
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            revocation: look_up(&certificate, trust, lists, now),
        },
        Err(error) => {
            tracing::debug!(%error, "the certificate cannot be read");
            CertificateLook::Unreadable(Failure::CertificateFaulty)
        }
    }
}

fn look_up(
    certificate: &Certificate,
    trust: &TrustStore,
    lists: &RevocationLists,
    now: OffsetDateTime,
) -> RevocationLook {
    if lists.lists().next().is_none() {
        return RevocationLook::NotLooked;
    }
    let Ok(path) = CertificatePath::build(certificate, trust, CertificatePurpose::SIGN_IN, now) else {
        return RevocationLook::Unknown;
    };
    let mut as_of = now;
    for (certificate, issuer) in path.issued() {
        match lists.status(certificate, issuer, now) {
            Ok(RevocationEvidence::List { this_update, .. }) => as_of = as_of.min(this_update),
            Ok(_) => {}
            Err(RevocationFault::Revoked(revocation)) => return RevocationLook::Revoked { since: revocation.since },
            Err(_) => return RevocationLook::Unknown,
        }
    }
    RevocationLook::NotRevoked { as_of }
}
