//! What a window offers beside a failure's words: diagnosis, if the cause is technical, and the one thing that the
//! holder can do about it here.

use serde::Serialize;

/// What is offered beside a failure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The cause lies in this computer, its reader or its network: diagnosis may find it.
    pub technical: bool,
    /// What the holder can do about it in the window.
    pub remedy: Option<Remedy>,
}

/// What the holder can do about a failure in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Try again.
    Retry,
    /// Unblock the PIN with the PUK.
    Unblock,
    /// Put the PIN into use with the PUK.
    Activate,
    /// Go on with the last try, which needs the CAN.
    Resume,
    /// Say which reader is meant.
    ChooseReader,
    /// Read what to do about a card that is of no use any more.
    LostCard,
}

impl Advice {
    /// What is offered when something failed with `code`; of a refused PIN `tries_left` decides. A refusal of a portal
    /// has the code `portal-refused-` and the portal's own. `None` for codes that no window meets.
    #[must_use]
    pub fn on(code: &str, tries_left: Option<u8>) -> Option<Self> {
        if code == "pin-wrong" {
            return Some(holder(match tries_left {
                Some(0) => Remedy::Unblock,
                Some(1) => Remedy::Resume,
                _ => Remedy::Retry,
            }));
        }
        ROWS.iter().find(|(name, _)| *name == code).map(|(_, advice)| *advice)
    }

    /// Every code that there is advice on.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|(code, _)| *code)
    }
}

/// Something in this computer, its reader or its network; to be tried again once it is mended.
const TECHNICAL: Advice = Advice { technical: true, remedy: Some(Remedy::Retry) };
/// The holder can mend it and try again.
const AGAIN: Advice = holder(Remedy::Retry);
/// Nothing that the holder does in the window would change it.
const NOTHING: Advice = Advice { technical: false, remedy: None };
/// The card is of no use as it is.
const OTHER_CARD: Advice = AGAIN;

const fn holder(remedy: Remedy) -> Advice {
    Advice { technical: false, remedy: Some(remedy) }
}

const ROWS: &[(&str, Advice)] = &[
    // The card service and readers.
    ("no-service", TECHNICAL),
    ("service-fault", TECHNICAL),
    ("no-reader", TECHNICAL),
    ("unknown-reader", holder(Remedy::ChooseReader)),
    ("reader-gone", TECHNICAL),
    ("card-transmission", TECHNICAL),
    // The card.
    ("no-card", AGAIN),
    ("several-cards", holder(Remedy::ChooseReader)),
    ("card-removed", AGAIN),
    ("card-reset", TECHNICAL),
    ("card-silent", TECHNICAL),
    ("card-mute", TECHNICAL),
    ("card-busy", TECHNICAL),
    ("card-unsupported", TECHNICAL),
    ("card-malformed-response", TECHNICAL),
    ("card-protocol", TECHNICAL),
    ("card-closed-channel", TECHNICAL),
    ("card-refused", TECHNICAL),
    ("payment-card", OTHER_CARD),
    ("travel-document", OTHER_CARD),
    ("piv-card", OTHER_CARD),
    ("openpgp-card", OTHER_CARD),
    ("unknown-card", OTHER_CARD),
    ("key-missing", NOTHING),
    ("key-inactive", NOTHING),
    ("certificate-missing", NOTHING),
    ("certificate-pending", NOTHING),
    ("certificate-faulty", NOTHING),
    ("certificate-expired", NOTHING),
    ("certificate-not-yet-valid", NOTHING),
    ("certificate-not-for-documents", NOTHING),
    ("card-signature-faulty", AGAIN),
    // Documents: others have to be chosen.
    ("document-not-a-file", NOTHING),
    ("document-unreadable", NOTHING),
    ("no-documents", NOTHING),
    ("too-many-documents", NOTHING),
    // Secrets.
    ("pin-wrong", AGAIN),
    ("pin-blocked", holder(Remedy::Unblock)),
    ("pin-deactivated", holder(Remedy::Activate)),
    ("pin-status-changed", AGAIN),
    ("pin-dead", holder(Remedy::LostCard)),
    ("pin2-wrong", AGAIN),
    ("pin2-blocked", NOTHING),
    ("can-wrong", AGAIN),
    ("puk-wrong", AGAIN),
    ("cancelled", AGAIN),
    ("holder-silent", AGAIN),
    ("no-prompt", TECHNICAL),
    ("secret-malformed", AGAIN),
    ("last-try-not-allowed", holder(Remedy::Resume)),
    // Terminals: the page has to begin anew.
    ("terminal-rejected", NOTHING),
    ("terminal-of-other-site", NOTHING),
    ("terminal-request-other", NOTHING),
    ("terminal-malformed", NOTHING),
    ("terminal-act-refused", NOTHING),
    ("terminal-session-idle", NOTHING),
    // The program itself.
    ("agent-fault", TECHNICAL),
    ("agent-stopped", TECHNICAL),
    ("agent-missing", TECHNICAL),
    ("process-not-protected", TECHNICAL),
    ("hand-over-interrupted", AGAIN),
    // Settings.
    ("settings-damaged", NOTHING),
    ("settings-unreadable", NOTHING),
    ("settings-unwritable", AGAIN),
    ("setting-fixed", NOTHING),
    ("setting-unknown", NOTHING),
    ("setting-value", NOTHING),
    ("site-unknown", NOTHING),
    ("managed-settings-faulty", NOTHING),
    ("managed-settings-unreadable", NOTHING),
    // Guests.
    ("guest-busy", NOTHING),
    ("guest-no-browser", TECHNICAL),
    ("guest-browser-not-started", TECHNICAL),
    ("guest-no-profile", TECHNICAL),
    ("guest-not-cleared", TECHNICAL),
    // The portal and the way to it.
    ("portal-address-invalid", NOTHING),
    ("ca-file-unreadable", NOTHING),
    ("portal-unreachable", TECHNICAL),
    ("portal-untrusted", TECHNICAL),
    ("portal-silent", TECHNICAL),
    ("portal-redirects", NOTHING),
    ("portal-answer-malformed", TECHNICAL),
    ("portal-failed", AGAIN),
    ("portal-refused", AGAIN),
    // Remembered sign-ins.
    ("history-no-key-store", NOTHING),
    ("history-key-store-locked", AGAIN),
    ("history-key-lost", NOTHING),
    ("history-damaged", NOTHING),
    ("history-unwritable", AGAIN),
    // Newer versions.
    ("update-not-configured", NOTHING),
    ("update-unreachable", TECHNICAL),
    ("update-malformed", AGAIN),
    ("update-signature-wrong", NOTHING),
    ("update-expired", AGAIN),
    ("update-older", NOTHING),
    ("update-not-remembered", AGAIN),
    // Links, which only the browser can give anew.
    ("link-malformed", NOTHING),
    ("browser-not-opened", NOTHING),
    // Requests of pages and links. The page can ask anew; here there is nothing left to repeat.
    ("holder-refused", NOTHING),
    ("request-ended", NOTHING),
    ("refused-today", NOTHING),
    ("site-forbidden", NOTHING),
    ("request-taken-back", NOTHING),
    ("too-many-requests", NOTHING),
    ("program-stopping", NOTHING),
    // The local service.
    ("port-taken", TECHNICAL),
    ("service-not-started", TECHNICAL),
    // What a portal refuses, by its own code: what a request brought about is asked for anew.
    ("portal-refused-challenge-expired", AGAIN),
    ("portal-refused-challenge-unknown", AGAIN),
    ("portal-refused-challenge-replayed", AGAIN),
    ("portal-refused-challenge-of-other-session", AGAIN),
    ("portal-refused-challenge-of-other-purpose", AGAIN),
    ("portal-refused-challenge-from-the-future", AGAIN),
    ("portal-refused-certificate-expired", NOTHING),
    ("portal-refused-certificate-not-yet-valid", NOTHING),
    ("portal-refused-certificate-revoked", holder(Remedy::LostCard)),
    ("portal-refused-certificate-malformed", NOTHING),
    ("portal-refused-certificate-extension-unknown", NOTHING),
    ("portal-refused-certificate-key-unsupported", NOTHING),
    ("portal-refused-certificate-of-authority", OTHER_CARD),
    ("portal-refused-certificate-signature-invalid", NOTHING),
    ("portal-refused-unknown-issuer", OTHER_CARD),
    ("portal-refused-issuer-not-authority", NOTHING),
    ("portal-refused-issuer-not-valid-now", NOTHING),
    ("portal-refused-issuer-revoked", NOTHING),
    ("portal-refused-path-too-long", NOTHING),
    ("portal-refused-wrong-key-usage", NOTHING),
    ("portal-refused-wrong-extended-key-usage", NOTHING),
    ("portal-refused-wrong-policy", NOTHING),
    ("portal-refused-holder-unidentified", NOTHING),
    ("portal-refused-number-of-other-country", NOTHING),
    ("portal-refused-signature-invalid", AGAIN),
    ("portal-refused-algorithm-mismatch", AGAIN),
    ("portal-refused-revocation-unknown", AGAIN),
    ("portal-refused-revocation-stale", AGAIN),
    ("portal-refused-revocation-from-the-future", AGAIN),
    ("portal-refused-malformed-assertion", NOTHING),
    ("portal-refused-unsupported-format", NOTHING),
    ("portal-refused-unsupported-algorithm", NOTHING),
    ("portal-refused-origin-refused", AGAIN),
    ("portal-refused-content-type-refused", NOTHING),
    ("portal-refused-body-too-large", NOTHING),
    ("portal-refused-body-malformed", NOTHING),
    ("portal-refused-request-timeout", TECHNICAL),
    ("portal-refused-not-found", NOTHING),
    ("portal-refused-method-not-allowed", NOTHING),
    ("portal-refused-no-session", AGAIN),
    ("portal-refused-form-refused", AGAIN),
    ("portal-refused-outside-account-refused", NOTHING),
    ("portal-refused-outside-account-unavailable", NOTHING),
    ("portal-refused-storage-damaged", AGAIN),
    ("portal-refused-storage-unavailable", AGAIN),
    ("portal-refused-too-many-requests", AGAIN),
    ("portal-refused-too-many-challenges", AGAIN),
    ("portal-refused-stopping", AGAIN),
    ("portal-refused-internal-error", AGAIN),
    ("portal-refused-link-unknown", NOTHING),
    ("portal-refused-link-replayed", NOTHING),
    ("portal-refused-completion-unknown", NOTHING),
    ("portal-refused-site-request-malformed", NOTHING),
    ("portal-refused-site-unknown", NOTHING),
    ("portal-refused-site-address-unknown", NOTHING),
    ("portal-refused-site-request-over", NOTHING),
    ("portal-refused-completion-expired", NOTHING),
    ("portal-refused-completion-of-other-browser", NOTHING),
    ("portal-refused-cabinet-blocked", NOTHING),
    ("portal-refused-cabinet-key-outdated", AGAIN),
    ("portal-refused-terminal-caller-refused", NOTHING),
    ("portal-refused-too-many-terminal-sessions", AGAIN),
    ("portal-refused-terminal-certificate-expired", AGAIN),
    ("portal-refused-terminal-session-unknown", AGAIN),
    ("portal-refused-terminal-of-other-caller", AGAIN),
    ("portal-refused-terminal-wrong-order", AGAIN),
    ("portal-refused-terminal-step-taken", AGAIN),
    ("portal-refused-terminal-answer-malformed", AGAIN),
    ("portal-refused-terminal-card-refused", AGAIN),
    ("portal-refused-terminal-card-not-genuine", OTHER_CARD),
    ("portal-refused-terminal-data-malformed", NOTHING),
    ("portal-refused-document-lost", holder(Remedy::LostCard)),
    ("portal-refused-document-status-unknown", AGAIN),
    ("portal-refused-document-expired", OTHER_CARD),
    ("portal-refused-terminal-signing-certificate", NOTHING),
    ("portal-refused-terminal-signature-wrong", AGAIN),
    ("portal-refused-ticket-request-refused", NOTHING),
    ("portal-refused-ticket-groups-missing", AGAIN),
    ("portal-refused-renewal-impossible", NOTHING),
    ("portal-refused-authority-unreachable", AGAIN),
    ("portal-refused-authority-refused", NOTHING),
    ("portal-refused-authority-answer-malformed", AGAIN),
];
