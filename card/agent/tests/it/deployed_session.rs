//! The deployed card in terminal sessions: what its own groups hold is shown, and its second PIN is asked for only if the
//! holder lets a terminal have something signed.

use latchkey_agent::{AskedRights, CardModel, Failure, Instruction, PinStatus, Purpose, RelayedCommand, SecretKind};
use latchkey_agent::{SessionPassword, SessionReport, TerminalOffer, TerminalSession};
use latchkey_card::apdu::{Command, Header};
use latchkey_card::bauth::ActiveChannel;
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::profile::Profile;
use latchkey_crypto::cv::rights::{EsignRights, Rights};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{deployed_holders, sample_cv_pki};
use latchkey_fixtures::terminal::PlayedTerminal;

use crate::deployed::virtual_card;
use crate::desk::{Desk, HolderCard, NOW};
use crate::holder::{Reply, Scene};
use crate::terminal_session::{Driven, TERMINAL, answer, say, session, sign};

const WRONG_PIN2: &str = "9999999";

/// What the holder enters: CAN, PIN, second PIN.
fn entered() -> [&'static str; 3] {
    let holder = deployed_holders().remove(0);
    [holder.can, holder.pin, holder.pin2().leak()]
}

/// CAN and PIN.
fn opening() -> Vec<Reply> {
    let [can, pin, _] = entered();
    vec![Reply::Digits(can), Reply::Digits(pin)]
}

fn order(signs: bool) -> TerminalSession {
    TerminalSession { rights: AskedRights::OfModel { signs }, ..session(&sample_cv_pki(NOW).unwrap()) }
}

/// Opens the card of that model for what a terminal asks.
fn opened(card: &HolderCard, replies: Vec<Reply>, order: TerminalSession) -> (Driven, Vec<u8>) {
    let driven = Driven::in_scene(Scene::new(&Desk::with(card), replies), order);
    let SessionReport::Open { cert_hats, model, security_signer } = driven.next().unwrap() else { panic!("not open") };
    let (profile, signer) = (Profile::kta(), card.image.security_signer.clone().unwrap().0);
    let words = AuthenticationTemplate::new(profile.pin.id, &profile.words, profile.rights_order);
    assert_eq!((model, security_signer, &*cert_hats), (CardModel::Kta, Some(signer), words.cert_hats()));
    (driven, cert_hats)
}

fn terminal(rights: Rights) -> PlayedTerminal {
    PlayedTerminal::new(&sample_cv_pki(NOW).unwrap(), TERMINAL, rights, None).unwrap().for_cards_of(&Profile::kta())
}

fn offered(driven: &Driven, terminal: &PlayedTerminal) {
    driven.give(Instruction::Authenticate(TerminalOffer {
        certificates: terminal.certificates(),
        template: terminal.template().to_vec(),
        bilateral: true,
    }));
    assert!(matches!(driven.next(), Ok(SessionReport::Terminal(_))));
}

/// A session whose terminal has authenticated itself.
fn authenticated(replies: Vec<Reply>, order: TerminalSession) -> (Driven, PlayedTerminal) {
    let (driven, cert_hats) = opened(&virtual_card().0, replies, order);
    let mut terminal = terminal(CvPki::sign_in_rights());
    offered(&driven, &terminal);
    let m2 = terminal.receive_m1(&answer(&driven), &cert_hats).unwrap();
    driven.give(Instruction::Relay(RelayedCommand { header: [0x00, 0x86, 0x00, 0x00], data: m2 }));
    terminal.receive_m3(&answer(&driven)).unwrap();
    (driven, terminal)
}

fn carried(driven: &Driven, terminal: &mut PlayedTerminal, command: &Command) -> (u16, Vec<u8>) {
    driven.give(say(terminal, command));
    let response = terminal.hear(&answer(driven)).unwrap();
    (response.status().value(), response.data().to_vec())
}

fn select(application: u8) -> Command {
    let name = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, application];
    Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&name).unwrap()
}

/// SELECT eSign, MSE:Set DST, PSO:CDS: what the last one is answered with, or the first that the card refuses.
fn has_signed(driven: &Driven, terminal: &mut PlayedTerminal) -> (u16, usize) {
    let key = Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_data(&[0x84, 1, 0x11, 0x80, 1, 0x90]).unwrap();
    let mut answer = (0, Vec::new());
    for command in [select(2), key, sign().expecting_short_maximum()] {
        answer = carried(driven, terminal, &command);
        if answer.0 != 0x9000 {
            break;
        }
    }
    (answer.0, answer.1.len())
}

fn allowed(driven: &Driven) {
    driven.give(Instruction::AllowSignature);
    assert_eq!(driven.next().unwrap(), SessionReport::SignatureAllowed);
}

#[test]
fn its_own_groups_are_shown_and_its_second_pin_asked_for_when_the_terminal_is_known() {
    let [_, _, pin2] = entered();
    let replies = opening().into_iter().chain([Reply::Digits(pin2), Reply::Yes]).collect();
    let (driven, mut terminal) = authenticated(replies, order(true));
    let questions = driven.scene.questions();
    let kinds: Vec<_> = questions.iter().map(|(kind, question)| (*kind, question.purpose, question.digits)).collect();
    assert_eq!(
        kinds,
        [
            (SecretKind::Can, Purpose::HandOverData, 6),
            (SecretKind::Pin, Purpose::HandOverData, 6),
            (SecretKind::Pin2, Purpose::SignForTerminal, 7),
        ]
    );
    let keys = questions[1].1.disclosure.as_ref().unwrap().keys();
    for key in ["group-document-type", "group-face", "group-5", "group-7", "group-10", "act-sign"] {
        assert!(keys.contains(&key), "{key} is not shown: {keys:?}");
    }
    assert!(!keys.contains(&"group-12"), "{keys:?}");
    let shown = questions[2].1.disclosure.as_ref().unwrap().terminal.clone().unwrap();
    assert_eq!(shown.title.as_deref(), Some("The terminal"));

    let group = Command::new(Header::new(0x00, 0xA4, 0x02, 0x0C)).with_data(&[0x01, 0x03]).unwrap();
    let read = Command::new(Header::new(0x00, 0xB0, 0x00, 0x00)).expecting_short_maximum();
    assert_eq!(carried(&driven, &mut terminal, &select(1)).0, 0x9000);
    assert_eq!(carried(&driven, &mut terminal, &group).0, 0x9000);
    let (status, names) = carried(&driven, &mut terminal, &read);
    assert_eq!((status, names[0]), (0x9000, 0x30));

    allowed(&driven);
    assert_eq!(driven.scene.asked().last(), Some(&SecretKind::Consent));
    assert_eq!(has_signed(&driven, &mut terminal), (0x9000, 48));
    driven.give(Instruction::Close);
    assert!(driven.end().is_ok());
}

#[test]
fn no_second_pin_is_asked_for_where_nothing_is_to_be_signed() {
    // The holder left it out: the card is asked for the constant words all the same.
    let (driven, mut terminal) = authenticated(opening(), order(false));
    assert_eq!(driven.scene.asked(), [SecretKind::Can, SecretKind::Pin]);
    let keys = driven.scene.questions()[1].1.disclosure.as_ref().unwrap().keys();
    assert!(!keys.contains(&"act-sign"), "{keys:?}");
    assert_eq!(carried(&driven, &mut terminal, &select(1)).0, 0x9000);
    driven.give(Instruction::AllowSignature);
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);

    // The terminal may not.
    let (driven, _) = opened(&virtual_card().0, opening(), order(true));
    let Rights { eid, .. } = CvPki::sign_in_rights();
    offered(&driven, &self::terminal(Rights { eid, esign: EsignRights::NONE }));
    answer(&driven);
    assert_eq!(driven.scene.asked(), [SecretKind::Can, SecretKind::Pin]);
}

/// What is entered for the second PIN before the terminal comes, and what the session ends of.
fn ended_by(card: &HolderCard, reply: Reply) -> (Failure, Vec<u8>) {
    let replies = opening().into_iter().chain([reply]).collect();
    let (driven, _) = opened(card, replies, order(true));
    let before = driven.scene.desk.instructions().len();
    offered(&driven, &terminal(CvPki::sign_in_rights()));
    (driven.end().unwrap_err(), driven.scene.desk.instructions().split_off(before))
}

#[test]
fn a_second_pin_that_is_wrong_blocked_or_not_given_ends_the_session_before_the_terminal_comes() {
    const VERIFY: u8 = 0x20;
    const BAUTH: u8 = 0x22;
    let (card, _) = virtual_card();
    let (failure, said) = ended_by(&card, Reply::Cancel);
    assert_eq!(failure, Failure::Cancelled);
    assert!(!said.contains(&VERIFY) && !said.contains(&BAUTH), "{said:02X?}");
    for tries_left in [2, 1, 0] {
        let (failure, said) = ended_by(&card, Reply::Digits(WRONG_PIN2));
        let expected = if tries_left == 0 { Failure::Pin2Blocked } else { Failure::Pin2Wrong { tries_left } };
        assert_eq!(failure, expected);
        assert!(said.contains(&VERIFY) && !said.contains(&BAUTH), "{said:02X?}");
    }
    let [_, _, pin2] = entered();
    assert_eq!(ended_by(&card, Reply::Digits(pin2)).0, Failure::Pin2Blocked);
    // The first PIN has all its tries.
    let latchkey_agent::Answer::CardStatus(status) =
        Scene::new(&Desk::with(&card), []).ask(latchkey_agent::CardTask::Status).unwrap()
    else {
        panic!("no status")
    };
    assert_eq!(status.pin, PinStatus::Usable { tries_left: 3 });
}

/// As the standard has it: the terminal gives its turn away, and the client confirms on its own channel.
#[test]
fn a_terminal_that_gives_its_turn_away_has_the_second_pin_confirmed_anew() {
    let [_, _, pin2] = entered();
    let rows = [
        (Reply::Digits(pin2), None),
        (Reply::Digits(WRONG_PIN2), Some(Failure::Pin2Wrong { tries_left: 2 })),
        (Reply::Cancel, Some(Failure::Cancelled)),
    ];
    for (again, failure) in rows {
        let replies = opening().into_iter().chain([Reply::Digits(pin2), Reply::Yes, again]).collect();
        let (driven, mut terminal) = authenticated(replies, order(true));
        allowed(&driven);
        assert_eq!(has_signed(&driven, &mut terminal), (0x9000, 48));
        let switch = ActiveChannel::Client.to_octets();
        let switch = Command::new(Header::new(0x00, 0x22, 0x01, 0xA4)).with_data(&switch).unwrap();
        assert_eq!(carried(&driven, &mut terminal, &switch).0, 0x9000);
        driven.give(Instruction::AllowSignature);
        match failure {
            None => {
                assert_eq!(driven.next().unwrap(), SessionReport::SignatureAllowed);
                let (kind, question) = driven.scene.questions().pop().unwrap();
                assert_eq!((kind, question.purpose), (SecretKind::Pin2, Purpose::SignForTerminal));
                assert_eq!(has_signed(&driven, &mut terminal), (0x9000, 48));
            }
            Some(failure) => assert_eq!(driven.end().unwrap_err(), failure),
        }
    }
}

#[test]
fn the_can_opens_it_too_for_reading_alone() {
    let [can, ..] = entered();
    let order = TerminalSession { password: SessionPassword::Can, ..order(false) };
    let (driven, _) = opened(&virtual_card().0, vec![Reply::Digits(can)], order);
    driven.give(Instruction::Close);
    assert!(driven.end().is_ok());
}

/// Numbers of the standard's groups mean something else here.
#[test]
fn groups_of_the_standard_are_not_asked_of_it() {
    let scene = Scene::new(&Desk::with(&virtual_card().0), []);
    let driven = Driven::in_scene(scene, session(&sample_cv_pki(NOW).unwrap()));
    assert!(matches!(driven.end(), Err(Failure::OtherCard(_))));
    assert!(driven.scene.asked().is_empty());
}
