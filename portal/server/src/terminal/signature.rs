//! Signatures with the card's key for terminals: CMS SignedData in the form CAdES B-B.
//!
//! The terminal makes the signed attributes itself, around contents that it hashed itself. No caller can hand in a hash,
//! so that nothing that is signed here is an assertion anywhere.

use latchkey_crypto::cms::{
    ContentDigest, ContentDigests, ContentHasher, DigestAlgorithm, SignatureForm, SignaturePolicy, SignedAttributes,
    SignedMessage,
};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{Certificate, RevocationLists, TrustStore};
use time::OffsetDateTime;

use super::refusal::TerminalRefusal;

/// Most octets of contents to be signed.
pub const DATA_TO_SIGN_MAX_SIZE: usize = 1024 * 1024;

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSign {
    /// The contents.
    pub content: Vec<u8>,
    /// Whether the message is to be without them.
    pub is_detached: bool,
}

/// A signature under way: everything that the message needs but the card's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreparedSignature {
    pub(super) to_sign: ToSign,
    /// The holder's certificate, DER.
    pub(super) certificate: Vec<u8>,
    /// When it is said to be signed, in whole seconds.
    pub(super) signing_time: OffsetDateTime,
}

/// The algorithm of the card's keys of level 128, the only ones that the terminal has sign.
const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
const DIGEST: DigestAlgorithm = DigestAlgorithm::Bign(HashAlgorithm::BeltHash);

impl PreparedSignature {
    /// The hash value for the card to sign.
    pub(super) fn hash(&self) -> Result<[u8; 32], TerminalRefusal> {
        let hash = self.attributes()?.hash();
        hash.try_into().map_err(|_| TerminalRefusal::SigningCertificate("its key is of another level"))
    }

    /// The message around the card's signature, judged as whoever receives it would: digest, signature, certificate,
    /// path, revocation, dates.
    pub(super) fn finish(
        self,
        signature: &[u8],
        trust: &TrustStore,
        revocation: &RevocationLists,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, TerminalRefusal> {
        let signed = self.attributes()?.signed(signature).map_err(|_| TerminalRefusal::Signature("not of this key"))?;
        let content = self.to_sign.content.as_slice();
        let message = if self.to_sign.is_detached {
            signed.to_der()
        } else {
            let parts = signed.attached_to(content.len() as u64);
            [parts.head.as_slice(), content, &parts.tail].concat()
        };
        judge(&message, content, &SignaturePolicy { trust, revocation }, now)?;
        Ok(message)
    }

    fn attributes(&self) -> Result<SignedAttributes, TerminalRefusal> {
        let unfit = |_| TerminalRefusal::SigningCertificate("it is malformed");
        let certificate = Certificate::from_der(&self.certificate).map_err(unfit)?;
        SignedAttributes::new(digest(&self.to_sign.content), certificate, ALGORITHM, self.signing_time)
            .map_err(|_| TerminalRefusal::SigningCertificate("it is not for document signatures now"))
    }
}

fn digest(content: &[u8]) -> ContentDigest {
    let mut hasher = ContentHasher::new(DIGEST);
    hasher.update(content);
    hasher.finish()
}

fn judge(
    message: &[u8],
    mut content: &[u8],
    policy: &SignaturePolicy<'_>,
    now: OffsetDateTime,
) -> Result<(), TerminalRefusal> {
    let unreadable = TerminalRefusal::Signature("the message cannot be read");
    let read = SignedMessage::read(message, |_| Ok(())).map_err(|_| unreadable.clone())?;
    let elsewhere = ContentDigests::read(&mut content, &[DIGEST]).map_err(|_| unreadable)?;
    match read.judge(Some(&elsewhere), policy, now).as_slice() {
        [Ok(verified)] if verified.form == SignatureForm::CadesBaseline => Ok(()),
        [Err(latchkey_crypto::cms::SignatureFault::Path(_))] => {
            Err(TerminalRefusal::SigningCertificate("no path leads from it to a trusted authority"))
        }
        [Err(latchkey_crypto::cms::SignatureFault::Revocation(_))] => {
            Err(TerminalRefusal::SigningCertificate("it is revoked, or nothing current says that it is not"))
        }
        _ => Err(TerminalRefusal::Signature("it does not count")),
    }
}
