//! What a window offers beside each failure, and that its advice names nothing that a window does not have.

use std::collections::BTreeSet;

use latchkey_client::advice::{Advice, Remedy};
use latchkey_client::command_line::CommandFailure;
use latchkey_client::desk::RequestFailure;
use latchkey_client::guest::GuestFailure;
use latchkey_client::history::HistoryFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::ServiceFailure;
use latchkey_client::settings::SettingsFailure;
use latchkey_client::sign_in::link::LinkFailure;
use latchkey_client::texts::{self, Filling, Language};
use latchkey_client::update::UpdateFailure;

/// Codes that only a command line meets.
const NOT_IN_WINDOWS: &[&str] = &["output-failed"];

/// Every code that a window can meet, but those of refusing portals.
fn codes() -> BTreeSet<&'static str> {
    latchkey_agent::Failure::CODES
        .into_iter()
        .chain(PortalFailure::CODES)
        .chain(LinkFailure::CODES)
        .chain(RequestFailure::OWN_CODES)
        .chain(ServiceFailure::CODES)
        .chain(SettingsFailure::CODES)
        .chain(GuestFailure::CODES)
        .chain(UpdateFailure::CODES)
        .chain(HistoryFailure::CODES)
        .chain(CommandFailure::OWN_CODES)
        .filter(|code| !NOT_IN_WINDOWS.contains(code))
        .collect()
}

#[test]
fn every_code_has_its_row() {
    let missing: Vec<_> = codes().into_iter().filter(|code| Advice::on(code, None).is_none()).collect();
    assert!(missing.is_empty(), "no advice on {missing:?}");
}

#[test]
fn no_row_is_for_a_code_that_nothing_fails_with() {
    let rows: Vec<_> = Advice::codes().collect();
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "a code has two rows");
    let codes = codes();
    let stale: Vec<_> =
        rows.iter().filter(|code| !codes.contains(*code) && !code.starts_with("portal-refused-")).collect();
    assert!(stale.is_empty(), "nothing fails with {stale:?}");
}

#[test]
fn window_advice_names_no_command_and_no_option() {
    for language in Language::ALL {
        let texts = texts::texts(language);
        for code in Advice::codes() {
            for tries in 0..=3_u32 {
                let fillings: [(&str, Filling); 1] = [("tries", tries.into())];
                let name = format!("{}: {code}", language.code());
                let advice =
                    texts.what_to_do_in_window(code, &fillings).unwrap_or_else(|| panic!("{name} has no advice"));
                for word in ["latchkey ", "--", "systemctl"] {
                    assert!(!advice.contains(word), "{name} speaks of {word:?}: {advice}");
                }
            }
        }
    }
}

#[test]
fn a_window_has_words_of_its_own_only_where_they_differ() {
    for language in Language::ALL {
        let texts = texts::texts(language);
        let own = texts.what_to_do_in_window("pin-blocked", &[]).unwrap();
        assert_ne!(Some(own), texts.what_to_do("pin-blocked", &[]), "{}", language.code());
        let shared = texts.what_to_do_in_window("card-removed", &[]);
        assert_eq!(shared, texts.what_to_do("card-removed", &[]), "{}", language.code());
        assert_eq!(texts.what_to_do_in_window("no-such-code", &[]), None);
    }
}

#[test]
fn the_remedy_fits_the_failure() {
    let rows = [
        ("pin-wrong", Some(2), false, Some(Remedy::Retry)),
        ("pin-wrong", Some(1), false, Some(Remedy::Resume)),
        ("pin-wrong", Some(0), false, Some(Remedy::Unblock)),
        ("pin-blocked", None, false, Some(Remedy::Unblock)),
        ("pin-deactivated", None, false, Some(Remedy::Activate)),
        ("pin-dead", None, false, Some(Remedy::LostCard)),
        ("several-cards", None, false, Some(Remedy::ChooseReader)),
        ("cancelled", None, false, Some(Remedy::Retry)),
        ("no-service", None, true, Some(Remedy::Retry)),
        ("portal-untrusted", None, true, Some(Remedy::Retry)),
        ("portal-refused-certificate-expired", None, false, None),
        ("portal-refused-certificate-revoked", None, false, Some(Remedy::LostCard)),
    ];
    for (code, tries_left, technical, remedy) in rows {
        assert_eq!(Advice::on(code, tries_left), Some(Advice { technical, remedy }), "{code} {tries_left:?}");
    }
    assert_eq!(Advice::on("no-such-code", None), None);
    assert_eq!(serde_json::to_string(&Remedy::ChooseReader).unwrap(), "\"choose-reader\"");
}
