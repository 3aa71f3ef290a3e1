//! The client between a terminal and the card: what passes, on which channel, and what does not. The card follows a
//! written dialogue; the terminal's octets are published ones, which the client cannot read.

use latchkey_card::apdu::{Command, Response, StatusWord};
use latchkey_card::bauth::{ActiveChannel, BilateralM2, M1, M3, Mode, TerminalTemplate};
use latchkey_card::channel::{CardChannel, ChannelError};
use latchkey_card::dialogue::{
    AgreedActs, DialogueError, Operation, Selected, TerminalAct, TerminalAuthenticating, TerminalChannel,
};
use latchkey_card::password::{Can, Password};
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, DataGroup, EidRights, EsignRights};
use latchkey_crypto::cv::Certificate;
use latchkey_fixtures::scripted::{ScriptedChannel, dialogue};
use latchkey_fixtures::vectors::{Vector, file, vector};

use super::{THREE_TRIES, pin, random, with_pin};
use crate::recording::{assert_hidden, recorded};

/// Reading DG5 and signing in terminal mode.
fn authority() -> Authority {
    Authority {
        eid: Some(EidRights::read(DataGroup::new(5).unwrap())),
        esign: Some(EsignRights::TERMINAL_SIGNING),
        signatures: None,
    }
}

/// SELECT MF, MSE:Set AT and BPACE with the PIN 123456.
const OPENING: &str = "
> 00 A4 00 00
< 90 00
> 00 22 C1 A4 37 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03 7F 4C 13 06 0A 2A 70 00 02 00 22 65 4F 06 01 04 05 00 00 00 10 00 7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 40 00
< 90 00
* bpace 123456
";

/// MSE:Set CS of the terminal, protected with whatever key.
const SET_CS: &str = ">> 04 22 01 A4 12 87 06 02 11 22 33 44 55 8E 08 00 11 22 33 44 55 66 77 00\n";
const SET_CS_HEADER: [u8; 4] = [0x04, 0x22, 0x01, 0xA4];
const SET_CS_DATA: &str = "8706021122334455 8E080011223344556677";
/// A protected answer that is success.
pub(super) const SUCCESS: &str = "<< 8E 08 00 11 22 33 44 55 66 77 90 00\n";

fn model() -> Vector {
    vector("BAUTH bilateral, btok model term.cert/ct.cert, hello_T = BAUTH CDF || CertHAT*")
}

fn template() -> TerminalTemplate {
    TerminalTemplate::new(Mode::Bilateral, None, None)
}

fn certificates() -> [Certificate; 2] {
    ["CV certificate ca1000.cert", "CV certificate term.cert"]
        .map(|name| Certificate::parse(&vector(name).output("der")).unwrap())
}

/// MSE:Set AT and the certificates, which the card accepts.
fn accepting() -> String {
    let verified: String = certificates()
        .iter()
        .map(|certificate| {
            let contents = certificate.contents();
            format!("> 00 2A 00 BE {:02X} {}\n< 90 00\n", contents.len(), hex::encode_upper(contents))
        })
        .collect();
    format!("> 00 22 F1 A4 0B 80 09 2A 70 00 02 00 22 65 4F 0B\n< 90 00\n{verified}")
}

fn first_general_authenticate() -> String {
    format!("> 10 86 00 00 00\n< {} 90 00\n", hex::encode_upper(m1_object()))
}

fn second_general_authenticate(answer: &str) -> String {
    let m2 = m2_object();
    format!("> 00 86 00 00 {:02X} {} 00\n< {answer}\n", m2.len(), hex::encode_upper(m2))
}

fn m1_object() -> Vec<u8> {
    M1::encode(&model().output("M1").try_into().unwrap())
}

fn m2_object() -> Vec<u8> {
    BilateralM2::encode(&model().output("M2").try_into().unwrap())
}

fn m3_object() -> Vec<u8> {
    M3::encode(&model().output("M3"))
}

/// Everything up to the channel of the terminal.
fn authenticated() -> String {
    let m3 = format!("{} 90 00", hex::encode_upper(m3_object()));
    [OPENING, &accepting(), &first_general_authenticate(), &second_general_authenticate(&m3)].concat()
}

fn begin<'c>(
    card: &'c mut ScriptedChannel,
    profile: &'c Profile,
    agreed: AgreedActs,
) -> Result<(TerminalAuthenticating<'c>, Vec<u8>), DialogueError> {
    let secured = with_pin(card, profile, THREE_TRIES, &authority())?;
    secured.authenticate_terminal(&template(), &certificates(), agreed)
}

/// Holds a session that has come to the channel of the terminal and goes on with `text`.
pub(super) fn in_terminal_session<T>(text: &str, agreed: AgreedActs, act: impl FnOnce(TerminalChannel<'_>) -> T) -> T {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&[&authenticated(), text].concat());
    let (waiting, _) = begin(&mut card, &profile, agreed).unwrap();
    let (channel, _) = waiting.relay_m2(&m2_object()).unwrap();
    let result = act(channel);
    card.finish();
    result
}

pub(super) fn octets(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn set_cs(channel: &mut TerminalChannel<'_>) -> Result<Vec<u8>, DialogueError> {
    channel.relay(SET_CS_HEADER, &octets(SET_CS_DATA))
}

/// A published protected command as a terminal hands it over, and how it looks on the wire with its answer.
fn relayed(name: &str) -> ([u8; 4], Vec<u8>, String, Vec<u8>) {
    let pair = match name {
        "short" => vector("SM pair, ctr 3/4 no data no Le"),
        "long" => vector("SM pair, ctr 9/10 long data (300 bytes)"),
        _ => vector("SM pair, ctr 5/6 Le only"),
    };
    let (wire, answer) = (pair.output("cmd_protected"), pair.output("resp_protected"));
    let command = Command::parse(&wire).unwrap();
    let text = format!(">> {}\n<< {}\n", hex::encode_upper(&wire), hex::encode_upper(&answer));
    (command.header().octets(), command.data().to_vec(), text, answer)
}

/// Three commands and the two of BPACE; one for the template, one for each certificate, two for BAUTH; then each of the
/// terminal's once.
#[test]
fn a_terminal_and_the_card_speak_through_the_client() {
    let (select, read) = (relayed("short"), relayed("read"));
    let text = [&authenticated(), &select.2[..], &read.2].concat();
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&text);
    let (waiting, answer) = begin(&mut card, &profile, AgreedActs::NONE).unwrap();
    assert_eq!(answer, [m1_object(), vec![0x90, 0x00]].concat());
    let (mut channel, answer) = waiting.relay_m2(&m2_object()).unwrap();
    assert_eq!(answer, [m3_object(), vec![0x90, 0x00]].concat());
    for (header, data, _, answer) in [select, read] {
        assert_eq!(channel.relay(header, &data).unwrap(), answer);
    }
    assert_eq!(channel.active(), Some(ActiveChannel::Terminal));
    card.finish();
    let general_authenticate = 1; // the two commands of BPACE are one line of the dialogue
    assert_eq!(dialogue(&text).len() + general_authenticate, 4 + 5 + 2);
}

/// Of the terminal a recording has headers, lengths and status words; with zeros for what it says, the replay is the same.
#[test]
fn a_recorded_session_of_a_terminal_is_replayed() {
    let (select, read) = (relayed("short"), relayed("read"));
    let text = [&authenticated(), &select.2[..], &read.2].concat();
    let session = |card: &mut dyn CardChannel, digits: &str, m2: &[u8], said: &[([u8; 4], Vec<u8>)]| {
        let profile = Profile::standard();
        let secured = Selected::select(card, &profile)
            .unwrap()
            .secure_with_pin(pin(digits), THREE_TRIES, &authority(), &mut random())
            .unwrap();
        let (waiting, _) = secured.authenticate_terminal(&template(), &certificates(), AgreedActs::NONE).unwrap();
        let (mut channel, _) = waiting.relay_m2(m2).unwrap();
        said.iter().map(|(header, data)| channel.relay(*header, data).unwrap()).collect::<Vec<_>>()
    };
    let said = [select, read].map(|(header, data, ..)| (header, data));
    let (_, recording) = recorded(ScriptedChannel::new(&text), |card| session(card, "123456", &m2_object(), &said));
    let secrets = said.iter().map(|(_, data)| data.clone()).chain(certificates().map(|it| it.contents()));
    for secret in secrets.chain([m2_object(), m3_object(), model().output("M1")]) {
        assert_hidden(&recording, "what a terminal or its card says", &secret[secret.len() - 8..]);
    }
    assert!(recording.contains("# PSO:Verify Certificate\n~ 00 2A 00 BE\n< 90 00\n"), "{recording}");

    let zeros = |octets: &[u8]| {
        let mut blanked = vec![0; octets.len()];
        blanked[..4].copy_from_slice(&octets[..4]);
        blanked
    };
    let outlined = [
        (said[0].0, [&[0x8E, 0x08][..], &[0; 8]].concat()),
        (said[1].0, [&said[1].1[..2], &vec![0; said[1].1.len() - 12][..], &[0x8E, 0x08], &[0; 8]].concat()),
    ];
    let mut replay = ScriptedChannel::new(&recording);
    let answers = session(&mut replay, "000000", &zeros(&m2_object()), &outlined);
    assert!(answers.iter().all(|answer| answer.ends_with(&[0x90, 0x00])));
    replay.finish();
}

/// Lc of three octets and the one octet of Le that secure messaging has.
#[test]
fn a_long_command_passes_in_the_form_of_secure_messaging() {
    let (_, data, _, _) = relayed("long");
    assert!(data.len() > 255);
    let header = [0x04, 0xD6, 0x00, 0x00];
    let text = format!(">> 04D60000 00 {:04X} {} 00\n{SUCCESS}", data.len(), hex::encode_upper(&data));
    let agreed = AgreedActs::NONE.with(TerminalAct::WriteFile);
    in_terminal_session(&text, agreed, |mut channel| assert!(channel.relay(header, &data).is_ok()));
}

#[test]
fn a_certificate_that_is_too_long_is_shown_in_two_commands() {
    let certificate = Certificate::parse(&file("cv/terminal.cert")).unwrap();
    let (body, contents) = (certificate.body_octets(), certificate.contents());
    let (_, signature) = contents.split_at(body.len());
    let text = format!(
        "{OPENING}> 00 22 B1 A4 0B 80 09 2A 70 00 02 00 22 65 4F 0C\n< 90 00\n\
         > 10 2A 00 BE {:02X} {}\n< 90 00\n> 00 2A 00 BE {:02X} {}\n< 90 00\n{}",
        body.len(),
        hex::encode_upper(body),
        signature.len(),
        hex::encode_upper(signature),
        first_general_authenticate(),
    );
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&text);
    let secured = with_pin(&mut card, &profile, THREE_TRIES, &authority()).unwrap();
    let template = TerminalTemplate::new(Mode::Unilateral, None, None);
    assert!(secured.authenticate_terminal(&template, &[certificate], AgreedActs::NONE).is_ok());
    card.finish();
}

/// A card that has followed a link already refuses it, and its path goes on. Nothing else is forgiven.
#[test]
fn a_refused_link_does_not_end_the_path() {
    let link = Certificate::parse(&vector("CV certificate ca0001.link").output("der")).unwrap();
    let contents = link.contents();
    let shown = format!("> 002A00BE {:02X} {}\n", contents.len(), hex::encode_upper(&contents));
    let profile = Profile::standard();
    let template = TerminalTemplate::new(Mode::Bilateral, None, None);
    let expected = "> 0022F1A40B80092A7000020022654F0B\n< 9000\n";
    for (status, goes_on) in [("6A80", true), ("9000", true), ("6982", false)] {
        let rest = if goes_on { first_general_authenticate() } else { String::new() };
        let mut card = ScriptedChannel::new(&format!("{OPENING}{expected}{shown}< {status}\n{rest}"));
        let secured = with_pin(&mut card, &profile, THREE_TRIES, &authority()).unwrap();
        let begun = secured.authenticate_terminal(&template, std::slice::from_ref(&link), AgreedActs::NONE);
        assert_eq!(begun.is_ok(), goes_on, "{status}");
        card.finish();
    }
}

#[test]
fn a_channel_opened_with_the_can_serves_a_terminal_and_confirms_nothing() {
    let opening = "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n* bpace 654321\n";
    let m3 = format!("{} 90 00", hex::encode_upper(m3_object()));
    let parts = [accepting(), first_general_authenticate(), second_general_authenticate(&m3)].concat();
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&[opening, &parts, SET_CS, SUCCESS].concat());
    let can = Can::parse(b"654321", 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_can(can, &Authority::NOTHING, &mut random()).unwrap();
    let (waiting, _) = secured.authenticate_terminal(&template(), &certificates(), AgreedActs::NONE).unwrap();
    let (mut channel, _) = waiting.relay_m2(&m2_object()).unwrap();
    set_cs(&mut channel).unwrap();
    assert_eq!(channel.confirm_pin(None), Err(DialogueError::ConfirmationMissing));
    card.finish();
}

#[test]
fn what_the_card_refuses_before_the_channel_is_told() {
    let profile = Profile::standard();
    let refused = |text: &str| {
        let mut card = ScriptedChannel::new(&[OPENING, text].concat());
        let error = begin(&mut card, &profile, AgreedActs::NONE)
            .and_then(|(waiting, _)| waiting.relay_m2(&m2_object()))
            .unwrap_err();
        card.finish();
        error
    };
    let status = StatusWord::NOT_ALLOWED;
    let template = "> 0022F1A40B80092A7000020022654F0B\n< 6982\n";
    assert_eq!(refused(template), DialogueError::CardRefused { operation: Operation::ExpectTerminal, status });
    let bad = StatusWord::BAD_DATA;
    let second_certificate = accepting().trim_end().strip_suffix("90 00").unwrap().to_owned() + "6A 80\n";
    let error = refused(&second_certificate);
    assert_eq!(error, DialogueError::TerminalCertificateRefused { status: bad });
    assert_eq!(error.code(), "terminal-certificate-refused");
    let m1 = [&accepting(), "> 10 86 00 00 00\n< 69 82\n"].concat();
    assert_eq!(refused(&m1), DialogueError::CardRefused { operation: Operation::Authenticate, status });
    let m2 = [accepting(), first_general_authenticate(), second_general_authenticate("6A 80")].concat();
    let error = refused(&m2);
    assert_eq!((error, error.code()), (DialogueError::TerminalNotProven { status: bad }, "terminal-not-proven"));
}

const SELECT_ESIGN: &str = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 90 00\n";

#[test]
fn the_pin_is_confirmed_in_between() {
    let (header, data, select, _) = relayed("short");
    let confirming = |digits: &str| {
        format!(
            "{SELECT_ESIGN}> 00 20 00 03 06 {}\n< 90 00\n> 00 22 01 A4 05 E1 03 81 01 01\n< 90 00\n",
            hex::encode(digits)
        )
    };
    let text =
        [SET_CS, SUCCESS, &confirming("123456"), &select, SET_CS, SUCCESS, &confirming("123456"), &select].concat();
    in_terminal_session(&text, AgreedActs::NONE, |mut channel| {
        assert_eq!(channel.confirm_pin(None), Err(DialogueError::ChannelOutOfTurn));
        set_cs(&mut channel).unwrap();
        assert_eq!(channel.active(), Some(ActiveChannel::Client));
        assert_eq!(channel.relay(header, &data), Err(DialogueError::ChannelOutOfTurn));
        channel.confirm_pin(None).unwrap();
        assert_eq!(channel.active(), Some(ActiveChannel::Terminal));
        channel.relay(header, &data).unwrap();
        set_cs(&mut channel).unwrap();
        channel.confirm_pin(Some(pin("123456"))).unwrap();
        channel.relay(header, &data).unwrap();
    });
}

/// MSE:Set CS that the card refuses gives nobody a turn.
#[test]
fn a_refused_switch_leaves_the_turn_where_it_is() {
    let text = [SET_CS, "<< 8E 08 00 11 22 33 44 55 66 77 69 82\n"].concat();
    in_terminal_session(&text, AgreedActs::NONE, |mut channel| {
        set_cs(&mut channel).unwrap();
        assert_eq!(channel.active(), Some(ActiveChannel::Terminal));
    });
}

#[test]
fn a_refused_pin_ends_the_session_and_is_not_presented_again() {
    let text = format!("{SET_CS}{SUCCESS}{SELECT_ESIGN}> 00 20 00 03 06 313233343536\n< 63 C1\n");
    in_terminal_session(&text, AgreedActs::NONE, |mut channel| {
        set_cs(&mut channel).unwrap();
        let refused = Err(DialogueError::PinWrong { tries_left: 1 });
        assert_eq!(channel.confirm_pin(None), refused);
        assert_eq!(channel.confirm_pin(None), refused, "the session is over");
        assert_eq!(channel.active(), None);
        assert_eq!(set_cs(&mut channel), Err(DialogueError::PinWrong { tries_left: 1 }));
    });
}

#[test]
fn an_unprotected_answer_ends_the_session() {
    let (header, data, _, _) = relayed("short");
    let wire = hex::encode_upper(vector("SM pair, ctr 3/4 no data no Le").output("cmd_protected"));
    for answer in ["69 88", "90 00", "61 10", "30 03 02 01 05 90 00"] {
        let status = Response::parse(&octets(answer)).unwrap().status();
        in_terminal_session(&format!(">> {wire}\n<< {answer}\n"), AgreedActs::NONE, |mut channel| {
            let closed = Err(DialogueError::ChannelClosed { status });
            assert_eq!(channel.relay(header, &data), closed, "{answer}");
            assert_eq!(channel.relay(header, &data), closed, "{answer}: for good");
            assert_eq!(channel.active(), None);
        });
    }
}

#[test]
fn a_card_that_is_pulled_ends_both_channels() {
    let (header, data, _, _) = relayed("short");
    let wire = hex::encode_upper(vector("SM pair, ctr 3/4 no data no Le").output("cmd_protected"));
    in_terminal_session(&format!(">> {wire}\n! card-removed\n"), AgreedActs::NONE, |mut channel| {
        let removed = Err(DialogueError::Channel(ChannelError::CardRemoved));
        assert_eq!(channel.relay(header, &data), removed);
        assert_eq!(channel.confirm_pin(None).unwrap_err().code(), "card-removed");
    });
}

#[test]
fn sessions_print_no_secret() {
    in_terminal_session("", AgreedActs::NONE, |channel| {
        assert_eq!(format!("{channel:?}"), "TerminalChannel(stb-34.101.79, Of(Terminal))");
    });
}
