//! How the terminal shows itself to cards, and which cards it believes: CV certificates and a key, taken anew when their
//! files change.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use latchkey_card::bauth::terminal_certificates;
use latchkey_crypto::bauth::TerminalKey;
use latchkey_crypto::bign::{PUBLIC_KEY_SIZE, PrivateKey};
use latchkey_crypto::container::{self, Content, Password};
use latchkey_crypto::cv::rights::{EidRights, Rights};
use latchkey_crypto::cv::{Certificate, Date, PathError, Role, TrustAnchor, TrustAnchors};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::own_keys::{KeysInFiles, TerminalKeys};
use crate::configuration::{CredentialFiles, Fault, Located};
use crate::files::{FileState, Renewal, read_limited, read_own_secret};

/// Most octets of a CV certificate's file; the longest certificate has 365.
const CERTIFICATE_MAX_SIZE: usize = 1024;
/// Most octets of the file with the terminal's own certificate: a link's and an authority's may stand in front.
pub const OWN_FILE_MAX_SIZE: usize = 3 * CERTIFICATE_MAX_SIZE;

/// How long a key is kept after another one has taken its place: until a card that was shown its certificate has answered,
/// be it by another process that took the new one into use a while later.
pub const FORMER_KEY_LIFETIME: Duration = Duration::minutes(4);

/// The credentials in use. They change as a whole; a card that was shown a certificate is answered with the key of that one.
pub struct Credentials {
    files: CredentialFiles,
    keys: Arc<dyn TerminalKeys>,
    in_use: RwLock<InUse>,
    seen: Mutex<Vec<FileState>>,
}

struct InUse {
    current: Arc<Shown>,
    former: Vec<Former>,
}

/// What was shown to cards until another certificate took its place.
struct Former {
    shown: Arc<Shown>,
    until: OffsetDateTime,
}

/// What cards are shown, and whom the terminal believes.
pub struct Shown {
    /// The terminal's key.
    pub key: Box<dyn TerminalKey>,
    /// Whom the certificate names.
    pub name: String,
    /// What cards are to verify, in this order: the certificates between root and terminal, then the terminal's.
    pub path: Vec<Certificate>,
    /// What the whole path grants.
    pub rights: Rights,
    /// The last day on which everything on the path is in force.
    pub until: Date,
    /// On how many of its last days the certificate is called near its end.
    pub near_days: i64,
    /// The roots that are trusted, those among them to which links lead.
    pub anchors: TrustAnchors,
    /// The authorities that certify cards.
    pub card_authorities: Vec<Certificate>,
}

/// Why a certificate and a key are not this terminal's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitCertificate {
    /// It is that of an authority.
    #[error("is the certificate of an authority")]
    Authority,
    /// Cards would answer this terminal after the CAN, which is printed on them: that is no sign-in.
    #[error("carries the right to work with the CAN (eID bit 4), which no terminal for sign-in may have")]
    CanAccess,
    /// The key is another.
    #[error("is not the certificate of the key")]
    OtherKey,
    /// No path leads to a trusted root, or it is not in force.
    #[error("{0}")]
    Path(#[from] PathError),
}

impl Credentials {
    /// Reads certificates and key, as they stand on `today`.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(files: CredentialFiles, today: Date) -> Result<Self, Fault> {
        Self::with_keys(files, Arc::new(KeysInFiles), today)
    }

    /// The same with a key of `keys`.
    ///
    /// # Errors
    /// As [`Credentials::load`].
    pub fn with_keys(files: CredentialFiles, keys: Arc<dyn TerminalKeys>, today: Date) -> Result<Self, Fault> {
        let seen = Mutex::new(states(&files)?);
        let current = Arc::new(read(&files, &*keys, today)?);
        Ok(Self { files, keys, in_use: RwLock::new(InUse { current, former: Vec::new() }), seen })
    }

    /// What is in use.
    #[must_use]
    pub fn current(&self) -> Arc<Shown> {
        Arc::clone(&self.in_use.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// What cards are shown with this public key, or were until [`FORMER_KEY_LIFETIME`] before `now`.
    #[must_use]
    pub fn of_key(&self, public_key: &[u8; PUBLIC_KEY_SIZE], now: OffsetDateTime) -> Option<Arc<Shown>> {
        let in_use = self.in_use.read().unwrap_or_else(PoisonError::into_inner);
        let former = in_use.former.iter().filter(|former| now < former.until).map(|former| &former.shown);
        [&in_use.current].into_iter().chain(former).find(|shown| shown.key.public_key() == *public_key).cloned()
    }

    /// Takes the files anew if one has changed. If they are not usable together, or only one of them has been replaced
    /// so far, the former ones stay in use. Forgets the keys that were kept long enough at `now`.
    ///
    /// # Errors
    /// The [`Fault`]. The files are tried again by the next call.
    pub fn renew(&self, today: Date, now: OffsetDateTime) -> Result<Renewal, Fault> {
        self.in_use.write().unwrap_or_else(PoisonError::into_inner).former.retain(|former| now < former.until);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before reading: what changes meanwhile is read again next time.
        let states = states(&self.files)?;
        if *seen == states {
            return Ok(Renewal::Unchanged);
        }
        let shown = Arc::new(read(&self.files, &*self.keys, today)?);
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut in_use.current, shown);
        in_use.former.push(Former { shown: former, until: now.saturating_add(FORMER_KEY_LIFETIME) });
        *seen = states;
        Ok(Renewal::Taken)
    }
}

impl Shown {
    /// How many days are left on `today`; on the last one none is. Negative when it is over.
    #[must_use]
    pub fn days_left(&self, today: Date) -> i64 {
        days_between(today, self.until)
    }

    /// Whether somebody should look why there is no other certificate yet.
    #[must_use]
    pub fn is_near_its_end(&self, today: Date) -> bool {
        self.days_left(today) < self.near_days
    }

    /// Whether it is time to ask for another certificate.
    #[must_use]
    pub fn wants_another(&self, today: Date) -> bool {
        self.days_left(today) < self.near_days.saturating_mul(2)
    }
}

/// The terminal's certificate, judged for `key` under `anchors`; gives what the path grants.
///
/// # Errors
/// [`UnfitCertificate`].
pub fn judge(
    path: &[Certificate],
    key: &[u8; 64],
    anchors: &TrustAnchors,
    today: Date,
) -> Result<Rights, UnfitCertificate> {
    let body = path.last().ok_or(PathError::Empty)?.body();
    if body.holder.role() != Role::CardOrTerminal {
        return Err(UnfitCertificate::Authority);
    }
    if body.rights.eid.contains(EidRights::CAN_ACCESS) {
        return Err(UnfitCertificate::CanAccess);
    }
    if body.key.octets() != key {
        return Err(UnfitCertificate::OtherKey);
    }
    Ok(anchors.terminal(path, today)?.rights())
}

/// The terminal's private key from its container.
///
/// # Errors
/// The [`Fault`] of the container's or the password's file.
pub fn private_key(key: &Located<PathBuf>, password: &Located<PathBuf>) -> Result<PrivateKey, Fault> {
    let password = read_password(password)?;
    let octets = read_own_secret(&key.value).map_err(|error| key.file_fault(error))?;
    match container::open(&octets, &password).map_err(|error| key.file_fault(error))? {
        Content::PrivateKey(private_key) => Ok(private_key),
        _ => Err(key.file_fault("holds no private key of level 128")),
    }
}

/// The password of the key's container: the first line of its file.
///
/// # Errors
/// The [`Fault`] of the file.
pub fn read_password(file: &Located<PathBuf>) -> Result<Password, Fault> {
    let octets = read_own_secret(&file.value).map_err(|error| file.file_fault(error))?;
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line).map_err(|_| file.file_fault("is not UTF-8"))?.trim_end_matches('\r');
    if text.is_empty() { Err(file.file_fault("is empty")) } else { Ok(Password::new(Zeroizing::new(text.to_owned()))) }
}

/// One CV certificate.
///
/// # Errors
/// The [`Fault`] of the file.
pub fn certificate(file: &Located<PathBuf>) -> Result<Certificate, Fault> {
    let octets = read_limited(&file.value, CERTIFICATE_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    Certificate::parse(&octets).map_err(|error| file.file_fault(error))
}

/// The certificates in the file with the terminal's own, which is the last.
///
/// # Errors
/// The [`Fault`] of the file.
pub fn own_certificates(files: &CredentialFiles) -> Result<Vec<Certificate>, Fault> {
    let file = &files.certificate;
    let octets = read_limited(&file.value, OWN_FILE_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    terminal_certificates(&octets).map_err(|error| file.file_fault(error))
}

/// The certificates between root and terminal, as cards are to verify them, and the terminal's. Those that stand in front
/// of the terminal's count in place of the files for them.
///
/// # Errors
/// The [`Fault`] of the first file that is none.
pub fn own(files: &CredentialFiles) -> Result<(Vec<Certificate>, Certificate), Fault> {
    let mut in_front = own_certificates(files)?;
    let own = in_front.pop().ok_or_else(|| files.certificate.file_fault("is empty"))?;
    let path =
        if in_front.is_empty() { files.path.iter().map(certificate).collect::<Result<_, _>>()? } else { in_front };
    Ok((path, own))
}

/// The roots, those among them to which links lead on `today`.
///
/// # Errors
/// The [`Fault`] of the first file that is no root, or no link of a trusted root.
pub fn anchors(files: &CredentialFiles, today: Date) -> Result<TrustAnchors, Fault> {
    let mut anchors = Vec::new();
    for file in &files.roots {
        anchors.push(TrustAnchor::of_root(certificate(file)?).map_err(|error| file.file_fault(error))?);
    }
    for file in &files.links {
        let link = certificate(file)?;
        let known = TrustAnchors::new(anchors.clone());
        let old = known.find(&link.body().authority);
        let old = old.ok_or_else(|| file.file_fault(format!("{} is no trusted root", link.body().authority)))?;
        anchors.push(old.linked(&link, today).map_err(|error| file.file_fault(error))?);
    }
    Ok(TrustAnchors::new(anchors))
}

fn read(files: &CredentialFiles, keys: &dyn TerminalKeys, today: Date) -> Result<Shown, Fault> {
    let anchors = anchors(files, today)?;
    let card_authorities = files.card_authorities.iter().map(certificate).collect::<Result<Vec<_>, _>>()?;
    let (mut path, own) = own(files)?;
    let key = keys.of_certificate(files)?;
    path.push(own.clone());
    let rights =
        judge(&path, &key.public_key(), &anchors, today).map_err(|error| files.certificate.file_fault(error))?;
    let root = path.first().and_then(|first| anchors.find(&first.body().authority));
    let periods = path.iter().map(|certificate| certificate.body().period);
    let periods = periods.chain(root.map(|root| root.as_authority().certificate().body().period));
    let own_period = own.body().period;
    let until = periods.map(|period| period.until()).min().unwrap_or(own_period.until());
    Ok(Shown {
        key,
        name: own.body().holder.to_string(),
        path,
        rights,
        until,
        near_days: (days_between(own_period.from(), own_period.until()) / 4).max(1),
        anchors,
        card_authorities,
    })
}

fn days_between(from: Date, until: Date) -> i64 {
    (time::Date::from(until) - time::Date::from(from)).whole_days()
}

fn states(files: &CredentialFiles) -> Result<Vec<FileState>, Fault> {
    let CredentialFiles { certificate, key, password, path, roots, links, card_authorities, .. } = files;
    let single = [certificate, key, password];
    let all = single.into_iter().chain(path).chain(roots).chain(links).chain(card_authorities);
    all.map(|file| FileState::of(&file.value).map_err(|error| file.file_fault(error))).collect()
}
