//! The wording of the page in three languages.

mod belarusian;
mod english;
mod russian;

use super::Language;

/// What the page says in one language.
pub(super) struct Texts {
    pub(super) nobody_signed_in: &'static str,
    pub(super) welcome: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) cancel: &'static str,
    pub(super) needs_script: &'static str,
    pub(super) other_ways: &'static str,
    pub(super) link_offer: &'static str,
    pub(super) link_ask: &'static str,
    pub(super) link_title: &'static str,
    pub(super) link_open: &'static str,
    pub(super) link_open_button: &'static str,
    pub(super) link_compare: &'static str,
    pub(super) link_end: &'static str,
    pub(super) link_validity: &'static str,
    pub(super) command_offer: &'static str,
    pub(super) signed_in: &'static str,
    pub(super) holder: &'static str,
    pub(super) personal_number: &'static str,
    pub(super) acting_for: &'static str,
    pub(super) assurance: &'static str,
    pub(super) assurance_low: &'static str,
    pub(super) assurance_substantial: &'static str,
    pub(super) assurance_high: &'static str,
    pub(super) signed_in_at: &'static str,
    pub(super) expires_at: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) ended: &'static str,
    pub(super) ended_why: &'static str,
    pub(super) refused: &'static str,
    pub(super) nowhere: &'static str,
    pub(super) nowhere_advice: &'static str,
    pub(super) from_elsewhere: &'static str,
    pub(super) too_much: &'static str,
    pub(super) not_understood: &'static str,
    pub(super) begin_anew: &'static str,
    pub(super) too_slow: &'static str,
    pub(super) too_slow_advice: &'static str,
    pub(super) try_later: &'static str,
    pub(super) code: &'static str,
    pub(super) back: &'static str,
    pub(super) back_to_sign_in: &'static str,
    pub(super) site_sign_in: &'static str,
    pub(super) site_asks: &'static str,
    pub(super) site_again: &'static str,
    pub(super) site_wants_card: &'static str,
    pub(super) age_asked: &'static str,
    pub(super) age_again: &'static str,
    pub(super) age_needs_script: &'static str,
    pub(super) site_back: &'static str,
    pub(super) consent: &'static str,
    pub(super) consent_learns: &'static str,
    pub(super) consent_same: &'static str,
    pub(super) consent_level: &'static str,
    pub(super) consent_names: &'static str,
    pub(super) consent_number: &'static str,
    pub(super) consent_acting: &'static str,
    pub(super) consent_acting_self: &'static str,
    pub(super) consent_age: &'static str,
    pub(super) consent_allow: &'static str,
    pub(super) consent_refuse: &'static str,
    pub(super) consent_kept: &'static str,
    pub(super) consent_once: &'static str,
    pub(super) consent_nameless: &'static str,
    pub(super) outside_offer: &'static str,
    pub(super) outside_account: &'static str,
    pub(super) leaving: &'static str,
    pub(super) leaving_asks: &'static str,
    pub(super) leaving_effect: &'static str,
    pub(super) leaving_stay: &'static str,
    pub(super) cabinet_open: &'static str,
    pub(super) cabinet_sign_in: &'static str,
    pub(super) cabinet_needs_card: &'static str,
    pub(super) cabinet_again: &'static str,
    pub(super) states: States,
}

/// What the page says at each moment of a sign-in through the program.
pub(super) struct States {
    pub(super) explain: Words,
    pub(super) connecting: Words,
    pub(super) permission_asked: Words,
    pub(super) waiting_in_line: Words,
    pub(super) asking_holder: Words,
    pub(super) card: Words,
    pub(super) signing: Words,
    pub(super) reading: Words,
    pub(super) presenting: Words,
    pub(super) holder_refused: Words,
    pub(super) refused_today: Words,
    pub(super) site_forbidden: Words,
    pub(super) holder_silent: Words,
    pub(super) client_refused: Words,
    pub(super) taken_back: Words,
    pub(super) dismissed: Words,
    pub(super) denied: Words,
    pub(super) not_running: Words,
    pub(super) other_program: Words,
    pub(super) no_answer: Words,
    pub(super) connection_lost: Words,
    pub(super) portal_refused: Words,
    pub(super) portal_unreachable: Words,
}

/// The words of one moment: what there is, what it means for the visitor, and what the button says, if there is one.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) action: Option<&'static str>,
}

/// One moment of a sign-in, as the page's script finds it.
pub(super) struct SignInState {
    pub(super) name: &'static str,
    pub(super) tone: &'static str,
    pub(super) words: Words,
    /// The codes of refusals by the program that it stands for, with a space between.
    pub(super) reasons: &'static str,
    /// The sign-in is under way and can be cancelled.
    pub(super) is_open: bool,
    /// Another way to sign in may help.
    pub(super) needs_other_way: bool,
    /// A code is shown with it.
    pub(super) has_code: bool,
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Belarusian => &belarusian::TEXTS,
            Language::Russian => &russian::TEXTS,
            Language::English => &english::TEXTS,
        }
    }

    /// Every moment of a sign-in, by the names that the script knows.
    pub(super) fn states(&self) -> Vec<SignInState> {
        let States {
            explain,
            connecting,
            permission_asked,
            waiting_in_line,
            asking_holder,
            card,
            signing,
            reading,
            presenting,
            holder_refused,
            refused_today,
            site_forbidden,
            holder_silent,
            client_refused,
            taken_back,
            dismissed,
            denied,
            not_running,
            other_program,
            no_answer,
            connection_lost,
            portal_refused,
            portal_unreachable,
        } = self.states;
        vec![
            SignInState { is_open: true, ..SignInState::new("explain", "attention", explain) },
            SignInState::under_way("connecting", "busy", connecting),
            SignInState::under_way("permission-asked", "attention", permission_asked),
            SignInState::under_way("waiting-in-line", "busy", waiting_in_line),
            SignInState::under_way("asking-holder", "busy", asking_holder),
            SignInState::under_way("card", "busy", card),
            SignInState::under_way("signing", "busy", signing),
            SignInState::under_way("reading", "busy", reading),
            SignInState::new("done", "busy", presenting),
            SignInState::new("presenting", "busy", presenting),
            SignInState {
                reasons: "holder-refused request-ended cancelled",
                ..SignInState::new("holder-refused", "quiet", holder_refused)
            },
            SignInState { reasons: "refused-today", ..SignInState::new("refused-today", "quiet", refused_today) },
            SignInState {
                reasons: "site-forbidden",
                ..SignInState::new("site-forbidden", "attention", site_forbidden)
            },
            SignInState { reasons: "holder-silent", ..SignInState::new("holder-silent", "quiet", holder_silent) },
            SignInState { has_code: true, ..SignInState::new("client-refused", "attention", client_refused) },
            SignInState::new("taken-back", "quiet", taken_back),
            SignInState::new("dismissed", "attention", dismissed),
            SignInState::unreached("denied", denied),
            SignInState::unreached("not-running", not_running),
            SignInState::unreached("other-program", other_program),
            SignInState::unreached("no-answer", no_answer),
            SignInState::new("connection-lost", "attention", connection_lost),
            SignInState { has_code: true, ..SignInState::new("portal-refused", "bad", portal_refused) },
            SignInState::new("portal-unreachable", "attention", portal_unreachable),
        ]
    }
}

impl SignInState {
    const fn new(name: &'static str, tone: &'static str, words: Words) -> Self {
        Self { name, tone, words, reasons: "", is_open: false, needs_other_way: false, has_code: false }
    }

    const fn under_way(name: &'static str, tone: &'static str, words: Words) -> Self {
        Self { is_open: true, ..Self::new(name, tone, words) }
    }

    const fn unreached(name: &'static str, words: Words) -> Self {
        Self { needs_other_way: true, ..Self::new(name, "attention", words) }
    }
}

/// Words beside which nothing is to be pressed but what ends the sign-in.
const fn telling(title: &'static str, text: &'static str) -> Words {
    Words { title, text, action: None }
}

/// Words with a button.
const fn offering(title: &'static str, text: &'static str, action: &'static str) -> Words {
    Words { title, text, action: Some(action) }
}
