//! Signing in: the card's certificate and its signature over origin and challenge.

use latchkey_card::dialogue::{ByPin, Secured};
use latchkey_card::key::KeyId;
use latchkey_card::rights::Authority;
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, signed_hash};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::Certificate;

use crate::pin_care::Ask;
use crate::session::{CardAtHand, Session};
use crate::{Answer, Asker, Failure, Purpose, SignIn, Step};

/// What the card's key of level 128 signs with.
pub(crate) const ALGORITHM: AssertionAlgorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);

impl Session<'_> {
    pub(crate) fn sign_in(&mut self, card: &mut CardAtHand, sign_in: &SignIn) -> Result<Answer, Failure> {
        let asker = Asker::Portal(sign_in.origin.clone());
        let ask = Ask { asker, purpose: Purpose::SignIn, documents: Vec::new(), disclosure: None };
        self.with_pin(card, &ask, &Authority::SIGN_IN, |secured, session| assert(secured, sign_in, session))
            .map(Answer::SignedIn)
    }
}

/// Reads the certificate, has the card sign, and checks the signature before anybody sees it.
fn assert(secured: Secured<'_, ByPin>, sign_in: &SignIn, session: &Session<'_>) -> Result<Assertion, Failure> {
    let mut holder = secured.select_esign()?;
    let der = holder.read_certificate(KeyId::BASE_128)?;
    let certificate = read_certificate(&der)?;
    session.tell(Step::CertificateRead);

    let hash = signed_hash(ALGORITHM, &sign_in.origin, &sign_in.challenge);
    let octets = hash.as_slice().try_into().map_err(|_| Failure::AgentFault)?;
    session.tell(Step::Signing);
    let signature = holder.sign_belt_hash(octets)?;
    certificate.public_key().verify_hash(ALGORITHM, &hash, &signature).map_err(|_| Failure::SignatureFaulty)?;
    Assertion::new(der, ALGORITHM, signature.to_vec(), sign_in.app_version.clone()).map_err(|error| {
        tracing::warn!(%error, "the parts make no assertion");
        Failure::CertificateFaulty
    })
}

/// The certificate that a card holds, which is for a key of the kind that it signs with.
pub(crate) fn read_certificate(der: &[u8]) -> Result<Certificate, Failure> {
    let certificate = Certificate::from_der(der).map_err(|error| {
        tracing::warn!(%error, "the certificate cannot be read");
        Failure::CertificateFaulty
    })?;
    if certificate.public_key().assertion_algorithm() != Some(ALGORITHM) {
        tracing::warn!(key = %certificate.public_key(), "the certificate is for another kind of key");
        return Err(Failure::CertificateFaulty);
    }
    Ok(certificate)
}
