//! What a terminal's certificates say, and whether that is believed.

use latchkey_card::bauth::{Auxiliary, Mode, TerminalTemplate, terminal_certificates};
use latchkey_crypto::cv::rights::{EidRights, Rights};
use latchkey_crypto::cv::{Certificate, Date, TrustAnchor, TrustAnchors};

use super::{KnownTerminal, ShownChecks, ShownTerminal, TerminalOffer, TerminalSession};
use crate::Failure;

/// A terminal that may be shown to the card.
pub(super) struct Judged {
    /// What the card is told to expect.
    pub(super) template: TerminalTemplate,
    /// Its certificates as the card takes them.
    pub(super) certificates: Vec<Certificate>,
    /// What the holder is shown.
    pub(super) shown: ShownTerminal,
    /// Whether the holder has to agree once more: nobody has said before that this terminal is this site's, or it wants
    /// something else than he was shown.
    pub(super) needs_consent: bool,
}

/// Judges a terminal on `today`, with which the holder agreed to `agreed`.
pub(super) fn judge(
    session: &TerminalSession,
    agreed: Rights,
    offer: &TerminalOffer,
    today: Date,
) -> Result<Judged, Failure> {
    let template = TerminalTemplate::parse(&offer.template).map_err(|error| {
        tracing::warn!(%error, "the terminal's template is malformed");
        Failure::TerminalMalformed
    })?;
    if (template.mode() == Mode::Bilateral) != offer.bilateral {
        return Err(Failure::TerminalMalformed);
    }
    let certificates = terminal_certificates(&offer.certificates).map_err(|error| {
        tracing::warn!(%error, "the terminal's certificates are malformed");
        Failure::TerminalRejected
    })?;
    let terminal = certificates.last().ok_or(Failure::TerminalRejected)?;
    let known = find(&session.trust.known, &certificates);
    if known.is_some_and(|known| !known.origins.is_empty() && !known.origins.contains(&session.origin)) {
        return Err(Failure::TerminalOfOtherSite);
    }
    let bound = is_bound(session, template.request_hash())?;
    let vouched_for = !session.trust.roots.is_empty();
    let granted = if vouched_for {
        vouched(&session.trust.roots, &certificates, today)?
    } else {
        certificates.iter().fold(Rights::ALL, |granted, certificate| granted & certificate.body().rights)
    };
    let checks = checks(template.auxiliary());
    let shown = ShownTerminal {
        number: terminal.body().holder.as_str().to_owned(),
        title: known.and_then(|known| known.title.clone()),
        vouched_for,
        rights: granted & agreed,
        bound,
        checks,
    };
    let is_of_site = known.is_some_and(|known| known.origins.contains(&session.origin));
    let needs_consent = !(vouched_for && is_of_site && checks.are_among(agreed));
    Ok(Judged { template, certificates, shown, needs_consent })
}

/// What the configured roots grant the last of these certificates. A root's own certificate in front adds nothing.
fn vouched(roots: &[Vec<u8>], certificates: &[Certificate], today: Date) -> Result<Rights, Failure> {
    let anchors = roots.iter().filter_map(|root| TrustAnchor::of_root(Certificate::parse(root).ok()?).ok()).collect();
    let anchors = TrustAnchors::new(anchors);
    let is_anchor = |certificate: &&Certificate| {
        anchors.find(&certificate.body().holder).is_some_and(|_| is_self_issued(certificate))
    };
    let path = match certificates.split_first() {
        Some((first, rest)) if is_anchor(&first) => rest,
        _ => certificates,
    };
    let trusted = anchors.terminal(path, today).map_err(|error| {
        tracing::warn!(%error, "the terminal's path is not accepted");
        Failure::TerminalRejected
    })?;
    Ok(trusted.rights())
}

fn is_self_issued(certificate: &Certificate) -> bool {
    certificate.body().holder == certificate.body().authority
}

/// What is known of the terminal itself, or else of the nearest authority above it.
fn find<'known>(known: &'known [KnownTerminal], certificates: &[Certificate]) -> Option<&'known KnownTerminal> {
    let mut names = certificates.iter().rev().map(|certificate| certificate.body().holder.as_str());
    names.find_map(|name| known.iter().find(|terminal| terminal.holder == name))
}

/// Whether the terminal bound the session to the request that was verified. To another one it must not.
fn is_bound(session: &TerminalSession, hash: Option<&[u8; 32]>) -> Result<bool, Failure> {
    match (hash, &session.request) {
        (Some(hash), Some(request)) if *hash == request.hash => Ok(true),
        (Some(_), _) => Err(Failure::TerminalRequestOther),
        (None, Some(request)) if request.must_be_bound => Err(Failure::TerminalRequestOther),
        (None, _) => Ok(false),
    }
}

fn checks(auxiliary: Option<&Auxiliary>) -> ShownChecks {
    auxiliary.map_or_else(ShownChecks::default, |auxiliary| ShownChecks {
        age: auxiliary.born_by.is_some(),
        place: auxiliary.region.is_some(),
    })
}

impl ShownChecks {
    /// Whether the holder was shown each of them.
    fn are_among(self, rights: Rights) -> bool {
        (!self.age || rights.eid.contains(EidRights::AGE_VERIFICATION))
            && (!self.place || rights.eid.contains(EidRights::PLACE_VERIFICATION))
    }
}
