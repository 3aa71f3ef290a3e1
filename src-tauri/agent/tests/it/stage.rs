//! A private PC/SC service with a sample holder's card, and the agent's program that sees both.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use latchkey_agent::{CardAgent, CardRequest, CardTask, Exchange, ReaderChoice, Request, SignIn};
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::holders::{Holder, issue_card, sample_holders, sample_pki};
use latchkey_fixtures::pcscd::PrivatePcscd;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::{CardStore, InProcess};
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_fixtures::vpcd::InsertedCard;
use latchkey_tests::desktop::Screen;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// A holder with a usable PIN.
pub(crate) const ORDINARY: &str = "hanna-vydumanaya";

/// Readers, cards and where the agent's program is.
pub(crate) struct Stage {
    pub(crate) service: PrivatePcscd,
    folder: tempfile::TempDir,
    scripts: AtomicU32,
}

/// A card's memory, which outlives its stay in a reader.
#[derive(Clone)]
pub(crate) struct HolderCard {
    image: CardImage,
    memory: InProcess,
}

impl HolderCard {
    pub(crate) fn of(id: &str) -> Self {
        static IMAGES: OnceLock<Vec<CardImage>> = OnceLock::new();
        let images = IMAGES.get_or_init(|| {
            let pki = sample_pki(NOW).unwrap();
            sample_holders().iter().map(|holder| issue_card(&pki, holder, NOW).unwrap()).collect()
        });
        let image = images.iter().find(|image| image.name.as_str() == id).unwrap().clone();
        Self { image, memory: InProcess::default() }
    }

    pub(crate) fn pin_state(&self) -> PinState {
        self.memory.clone().load().unwrap().map_or(self.image.pin_state, |memory| memory.pin_state)
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            service: PrivatePcscd::start(1).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            scripts: AtomicU32::new(0),
        }
    }

    pub(crate) fn insert(&self, card: &HolderCard) -> InsertedCard {
        let random = Box::new(Seeded::new("a card in a test"));
        let card = VirtualCard::new(card.image.clone(), Box::new(card.memory.clone()), random).unwrap();
        let port = self.service.readers()[0].port;
        InsertedCard::insert(card, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap()
    }

    /// The agent's program without a screen.
    pub(crate) fn agent(&self) -> AgentProcess {
        self.agent_in(&[], "")
    }

    /// The agent's program on that screen, with further arguments.
    pub(crate) fn agent_on(&self, screen: &Screen, arguments: &str) -> AgentProcess {
        let command = screen.command("agent");
        let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        self.agent_in(&variables.collect::<Vec<_>>(), arguments)
    }

    fn agent_in(&self, surroundings: &[(OsString, OsString)], arguments: &str) -> AgentProcess {
        let given: String = surroundings
            .iter()
            .map(|(name, value)| format!(" '{}={}'", name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        let script = self.folder.path().join(format!("agent-{}", self.scripts.fetch_add(1, Ordering::Relaxed)));
        let service = self.service.socket();
        let program = env!("CARGO_BIN_EXE_latchkey-agent");
        let line =
            format!("exec env -i 'PCSCLITE_CSOCK_NAME={}'{given} '{program}' \"$@\" {arguments}", service.display());
        fs::write(&script, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        AgentProcess::new(AgentProgram::at(script), Appearance::default())
    }
}

pub(crate) fn holder(id: &str) -> Holder {
    sample_holders().into_iter().find(|holder| holder.id == id).unwrap()
}

pub(crate) fn sign_in() -> CardTask {
    CardTask::SignIn(SignIn {
        origin: Origin::parse("https://portal.example").unwrap(),
        challenge: ChallengeText::draw(&mut Seeded::new("a challenge in a test")),
        app_version: "latchkey:test".into(),
    })
}

/// Sends that, with patience enough for a card that was just inserted.
pub(crate) fn ask(agent: &AgentProcess, task: CardTask) -> Exchange {
    let patience = Duration::from_secs(20);
    agent.send(Request::OfCard(CardRequest { reader: ReaderChoice::TheOnlyCard, patience, task }))
}
