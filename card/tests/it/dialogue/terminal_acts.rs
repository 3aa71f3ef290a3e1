//! What a terminal may have the card do, by the headers that the client sees.

use latchkey_card::dialogue::{AgreedActs, DialogueError, TerminalAct};

use super::terminal::{SUCCESS, in_terminal_session, octets};

/// Header by header: what passes always, what passes if it is agreed, and what never does.
#[test]
fn a_terminal_does_nothing_to_which_the_holder_has_not_agreed() {
    let data = octets("8E080011223344556677");
    let reading = ["04A4040C", "04A4020C", "04A40000", "04B00000", "04B07FFF", "84208000"];
    let acts = [
        ("042241B6", TerminalAct::Sign),
        ("042A9E9A", TerminalAct::Sign),
        ("04240003", TerminalAct::ChangePin),
        ("042C0200", TerminalAct::UnblockPin),
        ("04441003", TerminalAct::Activate),
        ("04041003", TerminalAct::Deactivate),
        ("04468000", TerminalAct::GenerateKey),
        ("04E62100", TerminalAct::DestroyKey),
        ("04D60000", TerminalAct::WriteFile),
    ];
    let never = [
        ("04200003", "VERIFY PIN"),
        ("0420FF03", "VERIFY that clears the confirmation"),
        ("0022C1A4", "plain"),
        ("04860000", "GENERAL AUTHENTICATE"),
        ("0422C1A4", "MSE:Set AT for BPACE"),
        ("0422F1A4", "MSE:Set AT for BAUTH"),
        ("042A00BE", "PSO:Verify Certificate"),
        ("042241B8", "MSE:Set CT"),
        ("042A8086", "PSO:Decipher"),
        ("00B00000", "plain READ BINARY"),
        ("14A4040C", "chained"),
        ("80208000", "plain VERIFY of an attribute"),
        ("04CA0000", "GET DATA"),
    ];
    let passing: String = reading
        .iter()
        .chain(acts.iter().map(|(header, _)| header))
        .map(|header| format!(">> {header} 0A 8E080011223344556677 00\n{SUCCESS}"))
        .collect();
    let header = |hex: &str| <[u8; 4]>::try_from(octets(hex)).unwrap();
    in_terminal_session(&passing, AgreedActs::NONE, |mut channel| {
        for hex in reading {
            assert!(channel.relay(header(hex), &data).is_ok(), "{hex}");
        }
        for (hex, act) in acts {
            let refused = DialogueError::TerminalCommandRefused { header: header(hex) };
            if hex != "042A9E9A" {
                assert_eq!(channel.relay(header(hex), &data), Err(refused), "{hex}");
            }
            channel.agree(act);
            assert!(channel.relay(header(hex), &data).is_ok(), "{hex}");
        }
        for (hex, name) in never {
            let refused = DialogueError::TerminalCommandRefused { header: header(hex) };
            assert_eq!(channel.relay(header(hex), &data), Err(refused), "{name}");
        }
        let empty = channel.relay(header("04A40000"), &[]).unwrap_err();
        assert_eq!(empty.code(), "terminal-command-refused");
        assert_eq!(empty.to_string(), "the terminal may not give the command 04A40000");
    });
}

/// Whatever the card would let pass: the holder was asked about one.
#[test]
fn one_word_of_the_holder_is_for_one_signature() {
    let data = octets("8E080011223344556677");
    let header = |hex: &str| <[u8; 4]>::try_from(octets(hex)).unwrap();
    let (choose_key, sign) = ("042241B6", "042A9E9A");
    let said: String = [choose_key, sign, choose_key, sign]
        .map(|header| format!(">> {header} 0A 8E080011223344556677 00\n{SUCCESS}"))
        .concat();
    in_terminal_session(&said, AgreedActs::NONE.with(TerminalAct::Sign), |mut channel| {
        for _ in 0..2 {
            for hex in [choose_key, sign] {
                assert!(channel.relay(header(hex), &data).is_ok(), "{hex}");
            }
            for hex in [choose_key, sign] {
                let refused = DialogueError::TerminalCommandRefused { header: header(hex) };
                assert_eq!(channel.relay(header(hex), &data), Err(refused), "{hex} once more");
            }
            channel.agree(TerminalAct::Sign);
        }
    });
}

#[test]
fn agreed_acts_are_those_and_no_others() {
    const ALL: [TerminalAct; 8] = [
        TerminalAct::Sign,
        TerminalAct::ChangePin,
        TerminalAct::UnblockPin,
        TerminalAct::Activate,
        TerminalAct::Deactivate,
        TerminalAct::GenerateKey,
        TerminalAct::DestroyKey,
        TerminalAct::WriteFile,
    ];
    for act in ALL {
        for other in ALL {
            assert_eq!(AgreedActs::NONE.with(act).contain(other), act == other, "{act:?}, {other:?}");
        }
    }
    let renewal = ALL.into_iter().filter(|act| AgreedActs::RENEWAL.contain(*act)).count();
    assert_eq!(renewal, 4);
    assert_eq!(AgreedActs::default(), AgreedActs::NONE);
}
