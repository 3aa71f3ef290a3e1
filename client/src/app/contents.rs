//! What a card said with the PIN, in words.

use latchkey_agent::CardContents;
use latchkey_crypto::x509::{Certificate, HolderIdentity, KeyUsage};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::snapshot::{CardContents as View, CertificateView, Holder, Validity};
use crate::texts::{Language, Texts, printable};

/// A certificate that ends within this time ends soon: long enough to have a new one issued.
const SOON: Duration = Duration::days(30);

pub(super) fn view(contents: &CardContents, texts: &Texts, now: OffsetDateTime) -> View {
    let mut certificates = Vec::new();
    for der in &contents.certificates {
        match Certificate::from_der(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => tracing::warn!(%error, "a certificate on the card cannot be read"),
        }
    }
    View {
        holder: certificates.iter().find_map(|certificate| holder(certificate, texts)),
        certificates: certificates.iter().map(|certificate| certificate_view(certificate, texts, now)).collect(),
        unreadable: contents.certificates.len().saturating_sub(certificates.len()),
    }
}

fn holder(certificate: &Certificate, texts: &Texts) -> Option<Holder> {
    let identity = HolderIdentity::of(certificate).ok()?;
    let name = match (texts.language(), identity.belarusian_name()) {
        (Language::Belarusian, Some(name)) => name,
        _ => identity.name(),
    };
    Some(Holder {
        name: printable(&name.to_string()),
        latin_name: identity.latin_name().map(printable),
        personal_number: identity.personal_number().to_string(),
    })
}

fn certificate_view(certificate: &Certificate, texts: &Texts, now: OffsetDateTime) -> CertificateView {
    let subject = holder(certificate, texts).map_or_else(|| certificate.subject().to_string(), |holder| holder.name);
    CertificateView {
        subject: printable(&subject),
        issuer: printable(&certificate.issuer().to_string()),
        serial: certificate.serial_number().to_string(),
        valid_from: moment(certificate.not_before()),
        valid_to: moment(certificate.not_after()),
        validity: validity(certificate, now),
        usage: usage(certificate.key_usage(), texts),
    }
}

fn moment(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

fn validity(certificate: &Certificate, now: OffsetDateTime) -> Validity {
    if now < certificate.not_before() {
        Validity::NotYet
    } else if now > certificate.not_after() {
        Validity::Expired
    } else if certificate.not_after() - now < SOON {
        Validity::ExpiresSoon
    } else {
        Validity::Valid
    }
}

/// A key that is not restricted may be used for everything.
fn usage(usage: Option<KeyUsage>, texts: &Texts) -> String {
    let allows = |wanted| usage.is_none_or(|usage| usage.contains(wanted));
    let mut words = Vec::new();
    if allows(KeyUsage::DIGITAL_SIGNATURE) {
        words.push(texts.say("usage-signing-in"));
    }
    if allows(KeyUsage::NON_REPUDIATION) {
        words.push(texts.say("usage-signing-documents"));
    }
    let encryption = [KeyUsage::KEY_ENCIPHERMENT, KeyUsage::DATA_ENCIPHERMENT, KeyUsage::KEY_AGREEMENT];
    if encryption.into_iter().any(allows) {
        words.push(texts.say("usage-encryption"));
    }
    words.join(", ")
}
