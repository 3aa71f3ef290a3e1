//! The deployed card at a desk, played by written dialogues: the CAN first, both PINs, what the holder is told.

use std::sync::{Arc, Mutex};

use latchkey_agent::{AfterUnblocking, Answer, CardModel, CardTask, Failure, PinStatus, Purpose, SecretKind, Step};
use latchkey_card::profile::{Edition, Profile};
use latchkey_crypto::assertion::{AssertionAlgorithm, signed_hash};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::card_image::KeyPair;
use latchkey_fixtures::holders::{Holder, deployed_holders, issue_deployed_card, sample_pki};
use latchkey_fixtures::scripted::ScriptedChannel;
use latchkey_fixtures::store::InProcess;

use crate::desk::{Desk, HolderCard, NOW};
use crate::holder::{Reply, Scene, Text, assertion, challenge, origin, sign_in};

/// No card of the standard, then the applet and the PIN's status.
const RECOGNISED: &str = "
> 00 A4 00 00
< 6A 82
> 00 A4 04 0C 09 D1 12 00 02 00 22 65 4F 07
< 90 00
> 00 A4 00 00
< 90 00
> 00 22 C1 A4 0E 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03
< 90 00
";
const SELECTED_AND_CAN: &str = "
> 00 A4 04 0C 09 D1 12 00 02 00 22 65 4F 07
< 90 00
> 00 A4 00 00
< 90 00
> 00 22 C1 A4 0E 80 09 2A 70 00 02 00 22 65 42 0D 83 01 02
< 90 00
* bpace 654321
";
const PIN_AND_ESIGN: &str = "
> 00 22 C1 A4 24 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03 7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 80 00 53 01 01
< 90 00
* bpace 123456
> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02
< 90 00
";
const VERIFY_PIN2: &str = "> 00 20 00 05 07 31 32 33 34 35 36 37\n";

/// A scene with a card of the deployed model that follows `text`, and that card.
fn scene(text: &str, replies: impl IntoIterator<Item = Reply>) -> (Scene, Arc<Mutex<ScriptedChannel>>) {
    let card = ScriptedChannel::of_editions(text, Edition::Print2019, Edition::Print2019);
    let card = Arc::new(Mutex::new(card));
    let desk = Desk::default();
    desk.plug_in("Reader");
    desk.insert_played("Reader", Box::new(Arc::clone(&card)));
    (Scene::new(&desk, replies), card)
}

fn secrets() -> [Reply; 3] {
    ["654321", "123456", "1234567"].map(Reply::Digits)
}

fn certificate() -> Vec<u8> {
    HolderCard::of("hanna-vydumanaya").image.esign.base_certificate.0
}

fn certificate_is_read() -> String {
    let mut text = "> 00A4020C025201\n< 9000\n".to_owned();
    for (number, block) in certificate().chunks(224).enumerate() {
        let asked = if number == 0 { 224 } else { block.len() };
        let offset = number * 224;
        text += &format!("> 00B0{offset:04X}{asked:02X}\n< {}9000\n", hex(block));
    }
    text
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[test]
fn a_sign_in_asks_for_the_can_and_both_pins() {
    let KeyPair::Active { private_key } = HolderCard::of("hanna-vydumanaya").image.keys.base else { panic!("no key") };
    let hash = signed_hash(AssertionAlgorithm::Bign(HashAlgorithm::BeltHash), &origin(), &challenge());
    let signature = private_key.private_key().unwrap().sign_hash(hash.as_slice().try_into().unwrap());
    let text = format!(
        "{RECOGNISED}{SELECTED_AND_CAN}{PIN_AND_ESIGN}{}{VERIFY_PIN2}< 9000\n\
         > 002241B606840101800190\n< 9000\n> 002A9E9A20{}00\n< {}9000\n",
        certificate_is_read(),
        hex(&hash),
        hex(&signature),
    );
    let (scene, card) = scene(&text, secrets());
    let (answer, steps) = scene.ask_with_steps(sign_in());
    assert_eq!(assertion(answer.unwrap()).unverified_certificate(), certificate());
    card.lock().unwrap().finish();
    assert!(steps.contains(&Step::CardRecognised(CardModel::Kta)));
    let questions = scene.questions();
    let asked: Vec<_> = questions.iter().map(|(kind, question)| (*kind, question.digits)).collect();
    assert_eq!(asked, [(SecretKind::Can, 6), (SecretKind::Pin, 6), (SecretKind::Pin2, 7)]);
    assert!(questions.iter().all(|(_, question)| question.two_pins && question.purpose == Purpose::SignIn));
}

#[test]
fn a_refused_second_pin_signs_nothing() {
    let rows = [
        ("63C2", Failure::Pin2Wrong { tries_left: 2 }),
        ("63C0", Failure::Pin2Blocked),
        ("6983", Failure::Pin2Blocked),
    ];
    for (status, failure) in rows {
        let text =
            format!("{RECOGNISED}{SELECTED_AND_CAN}{PIN_AND_ESIGN}{}{VERIFY_PIN2}< {status}\n", certificate_is_read());
        let (scene, card) = scene(&text, secrets());
        assert_eq!(scene.ask(sign_in()).unwrap_err(), failure, "{status}");
        card.lock().unwrap().finish();
    }
}

/// A wrong hello looks exactly like a wrong password: nothing but the CAN is presented before the editions are sure.
#[test]
fn a_wrong_can_or_another_edition_costs_no_try() {
    let refused = SELECTED_AND_CAN.replace("* bpace 654321", "* bpace 654321 63C1");
    let (scene, card) = scene(&format!("{RECOGNISED}{refused}"), ["111111", "123456", "1234567"].map(Reply::Digits));
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::CanWrong);
    card.lock().unwrap().finish();
}

#[test]
fn the_status_names_the_model() {
    let (scene, card) = scene(RECOGNISED, []);
    let Answer::CardStatus(status) = scene.ask(CardTask::Status).unwrap() else { panic!("no status") };
    assert_eq!((status.model, status.pin), (CardModel::Kta, PinStatus::Usable { tries_left: 3 }));
    card.lock().unwrap().finish();
}

#[test]
fn the_puk_is_presented_after_the_can() {
    let text = format!(
        "{RECOGNISED}{SELECTED_AND_CAN}\
         > 00 22 C1 A4 21 80 09 2A 70 00 02 00 22 65 42 0D 83 01 04 \
         7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 01 00\n< 90 00\n* bpace 1618033988\n\
         > 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 90 00\n> 00 2C 03 00\n< 90 00\n{RECOGNISED}"
    );
    let (scene, card) = scene(&text, ["654321", "1618033988"].map(Reply::Digits));
    let managed = scene.ask(CardTask::UnblockPin(AfterUnblocking::KeepPin)).unwrap();
    assert!(matches!(managed, Answer::PinManaged(PinStatus::Usable { tries_left: 3 })));
    assert_eq!(scene.asked(), [SecretKind::Can, SecretKind::Puk]);
    card.lock().unwrap().finish();
}

/// Every profile that a card is tried for has a model that is told, by the same name.
#[test]
fn every_known_profile_has_a_model() {
    let names: Vec<_> = Profile::KNOWN.iter().map(|profile| profile.name).collect();
    assert_eq!(names, CardModel::ALL.map(CardModel::code));
}

/// A virtual card of the model.
pub(crate) fn virtual_card() -> (HolderCard, Holder) {
    let holder = deployed_holders().remove(0);
    let image = issue_deployed_card(&sample_pki(NOW).unwrap(), &holder, NOW).unwrap();
    (HolderCard { image, memory: InProcess::default() }, holder)
}

#[test]
fn a_virtual_card_of_the_model_signs_in() {
    let (card, holder) = virtual_card();
    let pin2: &'static str = holder.pin2().leak();
    let replies = [holder.can, holder.pin, pin2].map(Reply::Digits);
    let text = Text::default();
    let scene = Scene::recorded(&Desk::with(&card), replies, &text);
    let signed = assertion(scene.ask(sign_in()).unwrap());
    assert_eq!(signed.unverified_certificate(), card.image.esign.base_certificate.0);
    drop(scene);
    let text = text.get();
    for secret in [holder.can, holder.pin, pin2] {
        let hex = secret.bytes().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ");
        assert!(!text.contains(secret) && !text.contains(&hex), "{text}");
    }
    assert!(text.contains("# VERIFY\n> 00 20 00 05 07 30 30 30 30 30 30 30\n< 90 00\n"), "{text}");
}

/// Of a card that gives its data groups to whoever has the CAN, the report has tags and lengths.
#[test]
fn a_virtual_card_of_the_model_is_examined() {
    let (card, holder) = virtual_card();
    let scene = Scene::new(&Desk::with(&card), [Reply::Digits(holder.can)]);
    let Answer::Probed(findings) = scene.ask(CardTask::Probe).unwrap() else { panic!("not examined") };
    let report = findings.report;
    assert!(findings.channel_opened, "{report}");
    assert!(report.contains("entry: D11200020022654F07\n"), "{report}");
    assert!(report.contains("hello: print-2019 accepted\nmac: print-2019 accepted\n"), "{report}");
    let groups: Vec<_> = card.image.data_groups.values().map(|octets| octets.0.clone()).collect();
    assert!(report.contains(&format!("file 0103: 9000, {} octets, then 9000\n    30 ", groups[2].len())), "{report}");
    // DG1 wants the PIN.
    assert!(
        report.contains("file 0101: 6982\n") || report.contains("file 0101: 9000, 0 octets, then 6982\n"),
        "{report}"
    );
    for contents in groups {
        for run in contents.windows(10) {
            assert!(!report.contains(&hex(run)) && !report.contains(&*String::from_utf8_lossy(run)), "{report}");
        }
    }
}
