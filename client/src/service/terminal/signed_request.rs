//! What a relying party has signed: who asks, what for, and whose pages may drive the session. A CMS message with its
//! contents inside, signed by a key of the relying party's; the contents are JSON, or the query of an authorisation
//! address in the form of the state's provider.

use latchkey_agent::{SHOWN_TEXT_MAX_SIZE, VerifiedRequest};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::belt;
use latchkey_crypto::cms::SignedMessage;
use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};
use latchkey_crypto::x509::{Certificate, CertificatePath, CertificatePurpose, RevocationData, TrustStore};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use crate::texts::Language;

/// A signed request whose signature and path were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Whom the signer's certificate speaks of.
    pub signer: String,
    /// The sites whose pages may hand it in and drive its session.
    pub origins: Vec<Origin>,
    /// belt-hash of the whole message.
    pub hash: [u8; 32],
    /// What it asks for, if it is in our own form.
    pub ticket: Option<TicketRequest>,
}

/// What is kept of a request until its session: who asks, what for, and whose pages may open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedRequest {
    /// Whom the signer's certificate speaks of, in at most [`SHOWN_TEXT_MAX_SIZE`] characters.
    pub signer: String,
    /// The sites whose pages may drive the session: at most [`REQUEST_ORIGINS_MAX_COUNT`].
    pub origins: Vec<Origin>,
    /// belt-hash of the whole message.
    pub hash: [u8; 32],
    /// What for, if the request says so.
    pub purpose: Option<Purposes>,
}

/// The contents of a signed request in our own form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TicketRequest {
    /// Always latchkey-ticket-1.
    #[schema(example = "latchkey-ticket-1")]
    pub format: String,
    /// How the identification service knows the relying party.
    #[schema(max_length = 200)]
    pub client: String,
    /// Where the holder is sent with the ticket: an HTTPS address.
    pub redirect: String,
    /// The sites whose pages may hand the request in and drive its session, the redirect's among them.
    #[schema(min_items = 1, max_items = 8)]
    pub origins: Vec<String>,
    /// The identification service's terminal: an HTTPS address.
    pub terminal: String,
    /// What is to be read.
    pub groups: Groups,
    /// What the card is to answer with yes or no.
    #[serde(default)]
    pub checks: Checks,
    /// What for.
    pub purpose: Purposes,
    /// At least 16 random octets in base64.
    #[schema(min_length = 24, max_length = 128)]
    pub nonce: String,
    /// When it was signed (RFC 3339).
    pub issued: String,
    /// Until when it may be handed in (RFC 3339): at most an hour later.
    pub expires: String,
}

/// The data groups that are asked for, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Without these there is no ticket.
    #[schema(max_items = 22)]
    pub required: Vec<u8>,
    /// These the holder may leave out.
    #[schema(max_items = 22)]
    #[serde(default)]
    pub optional: Vec<u8>,
}

/// What the card is to answer with yes or no, without telling what it is about. Without the answers there is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checks {
    /// Whether the holder has lived so many years.
    #[schema(minimum = 1, maximum = 120)]
    #[serde(default)]
    pub age_over: Option<u8>,
}

/// What a request is for, in each language that holders have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Purposes {
    /// In Belarusian.
    #[schema(max_length = 200)]
    pub be: String,
    /// In Russian.
    #[schema(max_length = 200)]
    pub ru: String,
    /// In English.
    #[schema(max_length = 200)]
    pub en: String,
}

/// Why a signed request does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverifiable {
    /// No authority is configured whose relying parties are believed.
    #[error("no authority of signed requests is configured")]
    NoAuthority,
    /// Not a CMS message with its contents inside and one signer.
    #[error("not a signed message with its contents")]
    Message,
    /// The signature is not by the certificate that came along.
    #[error("the signature is wrong")]
    Signature,
    /// No path leads from the signer to a configured authority.
    #[error("the signer is not known")]
    Signer,
    /// The signer's certificate, or one of an authority above it, is revoked, or no current list says that it is not.
    #[error("the signer is revoked, or nothing current says that it is not")]
    Revocation,
    /// The contents are no request.
    #[error("the contents are no request")]
    Contents,
    /// It is not valid yet, or not any more.
    #[error("the request is out of date")]
    OutOfDate,
}

/// Most octets of the contents.
const CONTENTS_MAX_SIZE: usize = 32 * 1024;
/// Most sites of a request.
pub const REQUEST_ORIGINS_MAX_COUNT: usize = 8;
/// The highest age that a card is asked for.
const AGE_MAX: u8 = 120;
/// How long a request may be good for.
const LONGEST_VALIDITY: Duration = Duration::HOUR;
/// By how much another computer's clock may differ from this one's.
const CLOCK_TOLERANCE: Duration = Duration::minutes(5);
const FORMAT: &str = "latchkey-ticket-1";

impl SignedRequest {
    /// Reads and judges a message at `now`. Without `revocation` nobody is asked whether its signer is revoked.
    ///
    /// # Errors
    /// [`Unverifiable`].
    pub fn verify(
        octets: &[u8],
        trust: Option<&TrustStore>,
        revocation: Option<&dyn RevocationData>,
        now: OffsetDateTime,
    ) -> Result<Self, Unverifiable> {
        let trust = trust.ok_or(Unverifiable::NoAuthority)?;
        let (signer, contents) = signed_contents(octets, trust, revocation, now)?;
        let text = std::str::from_utf8(&contents).map_err(|_| Unverifiable::Contents)?;
        let (hash, signer) = (belt::hash(&[octets]), shown_name(&signer));
        // Our own form says so; everything else is read as the provider's.
        if let Ok(ticket) = serde_json::from_str::<TicketRequest>(text) {
            let origins = ticket.checked(now)?;
            return Ok(Self { signer, origins, hash, ticket: Some(ticket) });
        }
        let origins = origins_of_provider(text).ok_or(Unverifiable::Contents)?;
        Ok(Self { signer, origins, hash, ticket: None })
    }

    /// What is kept of it until its session.
    #[must_use]
    pub fn selected(self) -> SelectedRequest {
        let Self { signer, origins, hash, ticket } = self;
        SelectedRequest { signer, origins, hash, purpose: ticket.map(|ticket| ticket.purpose) }
    }
}

impl SelectedRequest {
    /// Whether everything about it is as [`SignedRequest::verify`] lets it be.
    pub(crate) fn is_within_limits(&self) -> bool {
        let is_shown = |text: &str| !text.trim().is_empty() && text.chars().count() <= SHOWN_TEXT_MAX_SIZE;
        let purpose = self.purpose.iter().flat_map(|purpose| [&purpose.be, &purpose.ru, &purpose.en]);
        (1..=REQUEST_ORIGINS_MAX_COUNT).contains(&self.origins.len())
            && self.signer.chars().count() <= SHOWN_TEXT_MAX_SIZE
            && purpose.into_iter().all(|text| is_shown(text))
    }

    /// What the agent shows of it in that language.
    #[must_use]
    pub fn shown(self, language: Language, must_be_bound: bool) -> VerifiedRequest {
        let purpose = self.purpose.map(|purpose| match language {
            Language::Belarusian => purpose.be,
            Language::Russian => purpose.ru,
            Language::English => purpose.en,
        });
        VerifiedRequest { client: self.signer, purpose, hash: self.hash, must_be_bound }
    }
}

impl TicketRequest {
    /// The sites, if everything that it says holds together at `now`.
    fn checked(&self, now: OffsetDateTime) -> Result<Vec<Origin>, Unverifiable> {
        let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Unverifiable::Contents);
        let (issued, expires) = (time(&self.issued)?, time(&self.expires)?);
        let origins: Option<Vec<_>> = self.origins.iter().map(|text| exact_origin(text)).collect();
        let origins = origins.filter(|origins| (1..=REQUEST_ORIGINS_MAX_COUNT).contains(&origins.len()));
        let origins = origins.ok_or(Unverifiable::Contents)?;
        let redirect = origin_of_address(&self.redirect).filter(|redirect| origins.contains(redirect));
        let texts = [&self.client, &self.purpose.be, &self.purpose.ru, &self.purpose.en];
        let are_shown = texts.iter().all(|text| !text.trim().is_empty() && text.chars().count() <= SHOWN_TEXT_MAX_SIZE);
        let is_whole = self.format == FORMAT
            && redirect.is_some()
            && origin_of_address(&self.terminal).is_some()
            && are_shown
            && (24..=128).contains(&self.nonce.len())
            && self.rights().is_some();
        if !is_whole || expires <= issued || expires - issued > LONGEST_VALIDITY {
            return Err(Unverifiable::Contents);
        }
        if issued > now + CLOCK_TOLERANCE || expires <= now {
            return Err(Unverifiable::OutOfDate);
        }
        Ok(origins)
    }

    /// The required and the optional rights; nothing if a number names no group, or one is named twice, or an age is none, or
    /// nothing is asked for.
    #[must_use]
    pub fn rights(&self) -> Option<(Rights, Rights)> {
        let all: std::collections::BTreeSet<_> =
            self.groups.required.iter().chain(&self.groups.optional).copied().collect();
        let count = self.groups.required.len().checked_add(self.groups.optional.len())?;
        let word = |numbers: &[u8]| {
            let groups = numbers.iter().map(|number| DataGroup::new(*number).map(EidRights::read));
            groups
                .collect::<Option<Vec<_>>>()
                .map(|read| read.into_iter().fold(EidRights::NONE, |word, right| word | right))
        };
        let rights = |eid| Rights { eid, esign: EsignRights::NONE };
        let (required, optional) = (word(&self.groups.required)?, word(&self.groups.optional)?);
        let age = match self.checks.age_over {
            None => EidRights::NONE,
            Some(1..=AGE_MAX) => EidRights::AGE_VERIFICATION,
            Some(_) => return None,
        };
        let is_anything = count > 0 || age != EidRights::NONE;
        (is_anything && all.len() == count).then(|| (rights(required | age), rights(optional)))
    }
}

/// The one signer's certificate and the contents that he signed.
fn signed_contents(
    octets: &[u8],
    trust: &TrustStore,
    revocation: Option<&dyn RevocationData>,
    now: OffsetDateTime,
) -> Result<(Certificate, Vec<u8>), Unverifiable> {
    let mut contents = Vec::new();
    let message = SignedMessage::read(octets, |part| {
        if contents.len().saturating_add(part.len()) > CONTENTS_MAX_SIZE {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        contents.extend_from_slice(part);
        Ok(())
    });
    let message = message.map_err(|error| {
        tracing::info!(%error, "a signed request cannot be read");
        Unverifiable::Message
    })?;
    if message.is_detached() || message.signer_count() != 1 {
        return Err(Unverifiable::Message);
    }
    if !message.check_signatures(None).iter().all(Result::is_ok) {
        return Err(Unverifiable::Signature);
    }
    let signer = message.claimed_certificate(0).ok_or(Unverifiable::Message)?;
    let authorities = message.certificates().iter().filter(|certificate| certificate.is_authority());
    let steps = trust.intermediates().iter().chain(authorities).cloned().collect();
    let known = TrustStore::new(trust.anchors().to_vec(), steps).map_err(|_| Unverifiable::Signer)?;
    let path =
        CertificatePath::build(signer, &known, CertificatePurpose::DOCUMENT_SIGNATURE, now).map_err(|error| {
            tracing::info!(%error, "the signer of a request is not known");
            Unverifiable::Signer
        })?;
    for (certificate, issuer) in path.issued() {
        let status = revocation.map(|revocation| revocation.status(certificate, issuer, now)).transpose();
        status.map_err(|error| {
            tracing::info!(%error, "the signer of a request does not count any more");
            Unverifiable::Revocation
        })?;
    }
    Ok((signer.clone(), contents))
}

/// What people call the signer: his name, else his organisation's, else all that his certificate says.
fn shown_name(certificate: &Certificate) -> String {
    let subject = certificate.subject();
    let name = subject.common_name().or(subject.organisation()).map_or_else(|| subject.to_string(), str::to_owned);
    name.chars().take(SHOWN_TEXT_MAX_SIZE).collect()
}

/// The sites of a request in the form of the state's provider: where it sends the holder back, and its own. The form was
/// seen in parts only: fields that are not known mean nothing.
fn origins_of_provider(text: &str) -> Option<Vec<Origin>> {
    #[derive(Deserialize)]
    struct Settings {
        redirect_uri: String,
        authority: Option<String>,
    }
    let Settings { redirect_uri, authority } = serde_json::from_str(text).ok().or_else(|| {
        let query = text.split_once('?').map_or(text, |(_, query)| query);
        let address = Url::parse(&format!("https://provider.invalid/?{query}")).ok()?;
        let field = |name: &str| {
            let mut found = address.query_pairs().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.into_owned()).filter(|_| found.next().is_none())
        };
        let own = Url::parse(text).ok().map(|address| address.to_string());
        Some(Settings { redirect_uri: field("redirect_uri")?, authority: field("authority").or(own) })
    })?;
    let mut origins = vec![origin_of_address(&redirect_uri)?];
    if let Some(authority) = authority {
        origins.push(origin_of_address(&authority)?);
    }
    origins.dedup();
    Some(origins)
}

fn exact_origin(text: &str) -> Option<Origin> {
    Origin::parse(text).ok().filter(|origin| origin.as_str() == text)
}

fn origin_of_address(text: &str) -> Option<Origin> {
    let address = Url::parse(text).ok()?;
    Origin::parse(&address.origin().ascii_serialization()).ok()
}
