//! Tickets: the standard's flow, in which a relying party's signed request says what is to be read and what for, the holder
//! leaves out what he may, the card binds the session to the request, and the identification service signs what it read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_card::rights::{CertHat, DataGroup, EidRights};
use latchkey_card::tlv::{Cursor, TlvError};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::belt;
use latchkey_crypto::cms::{SignaturePolicy, SignedMessage};
use latchkey_crypto::cv::rights::Rights;
use latchkey_crypto::x509::{Certificate, RevocationLists, TrustStore};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;
use zeroize::Zeroizing;

use super::machine::Judging;
use super::own_keys::{KeysInFiles, SigningKey, TerminalKeys};
use super::record::{SecretReader, SecretWriter};
use super::refusal::TerminalRefusal;
use super::signature::{PreparedSignature, ToSign};
use super::{PersonalData, ReadData};
use crate::configuration::{Fault, TicketFiles};
use crate::files::read_limited;
use crate::http::Refusal;

/// Most octets of a relying party's request.
pub const TICKET_REQUEST_MAX_SIZE: usize = 64 * 1024;
/// How long a ticket may be presented.
const TICKET_LIFETIME: Duration = Duration::minutes(5);
/// How long a request may be good for.
const LONGEST_VALIDITY: Duration = Duration::hours(1);
/// By how much another computer's clock may differ from this one's.
const CLOCK_TOLERANCE: Duration = Duration::minutes(5);
/// How long this service's own request may take to come back with what the holder agreed to.
const OWN_REQUEST_VALIDITY: Duration = Duration::minutes(10);
/// The groups by which this service knows whom it signs in, and whether the register has the document: its number, given
/// name, family name, patronymic, personal number.
const OWN_GROUPS: [u8; 5] = [1, 4, 5, 6, 7];
const OWN_CLIENT: &str = "sign-in";
/// Octets of the nonce in this service's own request.
const OWN_NONCE_SIZE: usize = 32;
/// The highest age that a card is asked for.
const AGE_MAX: u8 = 120;
const REQUEST_FORMAT: &str = "latchkey-ticket-1";
const TICKET_FORMAT: &str = "latchkey-issued-ticket-1";

/// Whose requests are taken, and how tickets are signed.
pub struct Tickets {
    address: Url,
    clients: Vec<Certificate>,
    certificate: Certificate,
    key: Box<dyn SigningKey>,
}

/// What a relying party has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) client: String,
    pub(super) redirect: String,
    pub(super) nonce: String,
    /// belt-hash of the signed request.
    pub(super) hash: [u8; belt::HASH_SIZE],
    pub(super) required: Vec<u8>,
    /// What the holder agreed to, of what was asked for, the required groups among them.
    pub(super) granted: Vec<u8>,
    /// How many years the card is asked whether its holder has lived.
    pub(super) age_over: Option<u8>,
    /// Whether this service has asked by itself, to sign somebody in: then there is no ticket.
    pub(super) is_own: bool,
}

/// A request as `docs/portal-developer.md` describes it; the client program reads the same.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    format: String,
    client: String,
    redirect: String,
    origins: Vec<String>,
    terminal: String,
    groups: Groups,
    #[serde(default, skip_serializing_if = "Checks::is_none")]
    checks: Checks,
    purpose: BTreeMap<String, String>,
    nonce: String,
    issued: String,
    expires: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    required: Vec<u8>,
    #[serde(default)]
    optional: Vec<u8>,
}

/// What the card is asked to answer with yes or no, without telling what it is about.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Checks {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age_over: Option<u8>,
}

/// The same in a ticket, answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredChecks {
    age_over: u8,
    holds: bool,
}

/// What this service asks for by itself.
#[derive(Debug, Clone)]
pub struct OwnRequest<'a> {
    /// The origin of the page that has the card read.
    pub origin: &'a Origin,
    /// What for, in Belarusian, Russian and English.
    pub purposes: [String; 3],
    /// How many years the card is to be asked whether its holder has lived.
    pub age_over: Option<u8>,
}

/// A ticket's contents.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket<'a> {
    format: &'static str,
    client: &'a str,
    redirect: &'a str,
    nonce: &'a str,
    request_hash: String,
    terminal: &'a str,
    issued: String,
    expires: String,
    assurance: &'static str,
    document_status: &'static str,
    personal_data: &'a PersonalData,
    groups: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<AnsweredChecks>,
}

impl Tickets {
    /// Reads certificates and key.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(files: &TicketFiles) -> Result<Self, Fault> {
        Self::with_keys(files, &KeysInFiles)
    }

    /// The same with a key of `keys`.
    ///
    /// # Errors
    /// As [`Tickets::load`].
    pub fn with_keys(files: &TicketFiles, keys: &dyn TerminalKeys) -> Result<Self, Fault> {
        let read = |file: &crate::configuration::Located<std::path::PathBuf>| {
            let octets = read_limited(&file.value, latchkey_crypto::x509::CERTIFICATE_MAX_SIZE);
            let octets = octets.map_err(|error| file.file_fault(error))?;
            Certificate::from_der(&octets).map_err(|error| file.file_fault(error))
        };
        let certificate = read(&files.certificate)?;
        let key = keys.of_tickets(files)?;
        let tickets = Self {
            address: files.address.value.clone(),
            clients: files.clients.iter().map(read).collect::<Result<_, _>>()?,
            certificate,
            key,
        };
        let is_its_key = tickets.certificate.public_key_info().ends_with(&tickets.key.public_key());
        if is_its_key { Ok(tickets) } else { Err(files.key.file_fault("is not the key of the certificate")) }
    }

    /// What a request asks for, if it counts: signed by a relying party that is known here, current, meant for this
    /// terminal, and granted by the holder as far as it requires. `rights` are the CertHAT objects that the client
    /// program sent the card; `is_own`: it has to be this service's own.
    pub(super) fn order(
        &self,
        message: &[u8],
        rights: &[u8],
        is_own: bool,
        (trust, revocation): (&TrustStore, &RevocationLists),
        now: OffsetDateTime,
    ) -> Result<Order, TerminalRefusal> {
        let signers = if is_own { std::slice::from_ref(&self.certificate) } else { &self.clients };
        let mut contents = Vec::new();
        let read = SignedMessage::read(message, |part| {
            contents.extend_from_slice(part);
            Ok(())
        });
        let read = read.map_err(|_| refused("it is no signed message"))?;
        match read.judge(None, &SignaturePolicy { trust, revocation }, now).as_slice() {
            [Ok(verified)] if signers.iter().any(|signer| signer.der() == verified.certificate.der()) => {}
            [Ok(_)] => return Err(refused("its signer is no relying party that is known here")),
            _ => return Err(refused("its signature does not count")),
        }
        let request: Request = serde_json::from_slice(&contents).map_err(|_| refused("its contents are no request"))?;
        request.check(&self.address, now)?;
        let Request { client, redirect, nonce, groups: Groups { required, optional }, checks, .. } = request;
        // What the same key has signed for others is no request of this service's own, nor the other way round.
        if is_own != (client == OWN_CLIENT) {
            return Err(refused("its client is not whom it has to name"));
        }
        let agreed = agreed_to(rights)?;
        if checks.age_over.is_some() && !agreed.contains(EidRights::AGE_VERIFICATION) {
            return Err(TerminalRefusal::TicketGroups);
        }
        let is_agreed =
            |number: &u8| DataGroup::new(*number).is_some_and(|group| agreed.contains(EidRights::read(group)));
        let is_empty = required.is_empty() && checks.age_over.is_none();
        if is_empty || !required.iter().all(is_agreed) {
            return Err(TerminalRefusal::TicketGroups);
        }
        let mut granted = required.clone();
        granted.extend(optional.into_iter().filter(is_agreed));
        granted.sort_unstable();
        granted.dedup();
        let age_over = checks.age_over;
        Ok(Order { client, redirect, nonce, hash: belt::hash(&[message]), required, granted, age_over, is_own })
    }

    /// A request of this service's own, which the client program shows its holder like any other's: CMS SignedData, DER.
    pub(super) fn own_request(
        &self,
        wanted: &OwnRequest<'_>,
        (trust, revocation): (&TrustStore, &RevocationLists),
        now: OffsetDateTime,
        random: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, Refusal> {
        let mut nonce = [0; OWN_NONCE_SIZE];
        random.fill_bytes(&mut nonce);
        let issued = now.replace_nanosecond(0).unwrap_or(now);
        let rfc3339 = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        let languages = ["be", "ru", "en"].map(str::to_owned);
        let request = Request {
            format: REQUEST_FORMAT.to_owned(),
            client: OWN_CLIENT.to_owned(),
            redirect: format!("{}/", wanted.origin),
            origins: vec![wanted.origin.to_string()],
            terminal: self.address.to_string(),
            groups: Groups { required: OWN_GROUPS.to_vec(), optional: Vec::new() },
            checks: Checks { age_over: wanted.age_over },
            purpose: languages.into_iter().zip(wanted.purposes.clone()).collect(),
            nonce: STANDARD.encode(nonce),
            issued: rfc3339(issued),
            expires: rfc3339(issued.saturating_add(OWN_REQUEST_VALIDITY)),
        };
        self.signed(&request, issued, trust, revocation, now)
    }

    /// The ticket over what was read: CMS SignedData with its contents inside, DER.
    pub(super) fn issue(
        &self,
        order: &Order,
        groups: &[(u8, Zeroizing<Vec<u8>>)],
        age_holds: Option<bool>,
        data: &ReadData,
        judging: &Judging<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let is_there = |number: &u8| groups.iter().any(|(read, octets)| read == number && !octets.is_empty());
        if !order.required.iter().all(is_there) {
            return Err(TerminalRefusal::TicketGroups.into());
        }
        let rfc3339 = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        let issued = judging.now.replace_nanosecond(0).unwrap_or(judging.now);
        let groups = groups.iter().filter(|(_, octets)| !octets.is_empty());
        let ticket = Ticket {
            format: TICKET_FORMAT,
            client: &order.client,
            redirect: &order.redirect,
            nonce: &order.nonce,
            request_hash: STANDARD.encode(order.hash),
            terminal: &judging.shown.name,
            issued: rfc3339(issued),
            expires: rfc3339(issued.saturating_add(TICKET_LIFETIME)),
            assurance: data.assurance.name(),
            document_status: data.document_status.name(),
            personal_data: &data.personal_data,
            groups: groups.map(|(number, octets)| (format!("dg{number}"), STANDARD.encode(octets))).collect(),
            checks: order.age_over.zip(age_holds).map(|(age_over, holds)| AnsweredChecks { age_over, holds }),
        };
        self.signed(&ticket, issued, judging.trust, judging.revocation, judging.now)
    }

    /// An object signed with the key for tickets: CMS SignedData with its contents inside, DER.
    fn signed(
        &self,
        object: &impl Serialize,
        signing_time: OffsetDateTime,
        trust: &TrustStore,
        revocation: &RevocationLists,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, Refusal> {
        let content = serde_json::to_vec(object).map_err(|_| TerminalRefusal::Signature("the object has no JSON"))?;
        let prepared = PreparedSignature {
            to_sign: ToSign { content, is_detached: false },
            certificate: self.certificate.der().to_vec(),
            signing_time,
        };
        let signature = self.key.sign_hash(&prepared.hash()?)?;
        Ok(prepared.finish(&signature, trust, revocation, now)?)
    }
}

impl Checks {
    const fn is_none(&self) -> bool {
        self.age_over.is_none()
    }
}

impl Request {
    fn check(&self, address: &Url, now: OffsetDateTime) -> Result<(), TerminalRefusal> {
        let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| refused("a time is none"));
        let (issued, expires) = (time(&self.issued)?, time(&self.expires)?);
        let is_current = issued.saturating_sub(CLOCK_TOLERANCE) <= now && now < expires;
        if self.format != REQUEST_FORMAT {
            Err(refused("it has another format"))
        } else if Url::parse(&self.terminal).ok().as_ref() != Some(address) {
            Err(refused("it names another terminal"))
        } else if !is_current || expires - issued > LONGEST_VALIDITY {
            Err(refused("it is not current"))
        } else if STANDARD.decode(&self.nonce).map_or(0, |nonce| nonce.len()) < 16 {
            Err(refused("its nonce is too short"))
        } else if self.checks.age_over.is_some_and(|years| !(1..=AGE_MAX).contains(&years)) {
            Err(refused("it asks for an age that is none"))
        } else {
            Ok(())
        }
    }
}

impl Order {
    pub(super) fn write(&self, writer: &mut SecretWriter) {
        for text in [&self.client, &self.redirect, &self.nonce] {
            writer.field(text.as_bytes());
        }
        writer.field(&self.hash);
        writer.field(&self.required);
        writer.field(&self.granted);
        writer.octet(self.age_over.unwrap_or_default());
        writer.octet(u8::from(self.is_own));
    }

    pub(super) fn read(reader: &mut SecretReader<'_>) -> Option<Self> {
        let mut text = || String::from_utf8(reader.field()?.to_vec()).ok();
        let (client, redirect, nonce) = (text()?, text()?, text()?);
        let hash = reader.field()?.try_into().ok()?;
        let (required, granted) = (reader.field()?.to_vec(), reader.field()?.to_vec());
        let age_over = Some(reader.octet()?).filter(|years| *years > 0);
        let is_own = reader.octet()? == 1;
        Some(Self { client, redirect, nonce, hash, required, granted, age_over, is_own })
    }
}

/// The rights in eID among the objects.
fn agreed_to(rights: &[u8]) -> Result<EidRights, TerminalRefusal> {
    words(rights).map(|agreed| agreed.eid).map_err(|_| refused("the rights are no CertHAT objects"))
}

/// The words of CertHAT objects, one after the other.
pub(super) fn words(objects: &[u8]) -> Result<Rights, TlvError> {
    let mut cursor = Cursor::new(objects);
    let mut words = Rights::NONE;
    while !cursor.is_empty() {
        match CertHat::parse(cursor.object()?.whole)? {
            CertHat::Eid(word) => words.eid = words.eid | word,
            CertHat::Esign(word) => words.esign = words.esign | word,
        }
    }
    Ok(words)
}

const fn refused(why: &'static str) -> TerminalRefusal {
    TerminalRefusal::TicketRequest(why)
}
