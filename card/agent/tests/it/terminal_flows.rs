//! Terminals that work with a card through the agent, as flows: what has to hold of every flow is tested on them too.

use latchkey_agent::{
    Answer, AskedRights, CardTask, Exchange, Failure, Instruction, RelayedCommand, Report, SessionPassword,
    SessionReport, TerminalOffer, TerminalSession,
};
use latchkey_card::apdu::{Command, Header};
use latchkey_card::profile::Profile;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::sample_cv_pki;
use latchkey_fixtures::terminal::PlayedTerminal;

use crate::desk::{Desk, NOW};
use crate::flows::Driven;
use crate::terminal_session::{TERMINAL, session, sign};

/// What came to the terminal is not the card's answer to its command.
pub(crate) const NOT_AUTHENTIC: &str = "the terminal: not authentic";
/// The card has refused the terminal's command, and the terminal knows that it was the card.
pub(crate) const REFUSED: &str = "the terminal: refused";

/// A session that is opened with that.
pub(crate) fn opened_with(password: SessionPassword) -> CardTask {
    let pki = sample_cv_pki(NOW).unwrap();
    CardTask::TerminalSession(Box::new(TerminalSession { password, ..session(&pki) }))
}

/// The same for a card of the deployed model, as pages of today open it.
pub(crate) fn opened_on_deployed_card(signs: bool) -> CardTask {
    let pki = sample_cv_pki(NOW).unwrap();
    let rights = AskedRights::OfModel { signs };
    CardTask::TerminalSession(Box::new(TerminalSession { rights, ..session(&pki) }))
}

/// The family name is read.
pub(crate) fn reads(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, STANDARD, Page::read)
}

/// The sex and the citizenship are read.
pub(crate) fn reads_deployed_card(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, KTA, Page::read)
}

/// Something is signed, about which the holder is asked.
pub(crate) fn signs(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, STANDARD, Page::have_signed)
}

/// The same, with the second PIN before the terminal comes.
pub(crate) fn has_deployed_card_sign(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, KTA, Page::have_signed)
}

/// The terminal gives its turn away so that the PIN be confirmed, then has the card sign.
pub(crate) fn has_the_pin_confirmed(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, STANDARD, Page::have_confirmed)
}

/// The same with the second PIN, once more.
pub(crate) fn has_the_second_pin_confirmed(desk: &Desk, exchange: Exchange) -> Driven {
    Page::drive(desk, exchange, KTA, Page::have_confirmed)
}

const STANDARD: &Profile = &Profile::standard();
const KTA: &Profile = &Profile::kta();

/// Why a page gets no further.
enum Stopped {
    /// The session is over.
    Ended(Result<Answer, Failure>),
    /// The terminal goes no further.
    ByTerminal(&'static str),
}

/// A page that passes on what agent and terminal say, until one of them ends it.
struct Page<'test> {
    desk: &'test Desk,
    exchange: Exchange,
    terminal: PlayedTerminal,
    cert_hats: Vec<u8>,
    relayed: Vec<usize>,
}

impl<'test> Page<'test> {
    fn drive(
        desk: &'test Desk,
        exchange: Exchange,
        cards: &Profile,
        work: impl FnOnce(&mut Self) -> Result<(), Stopped>,
    ) -> Driven {
        let pki = sample_cv_pki(NOW).unwrap();
        let terminal = PlayedTerminal::new(&pki, TERMINAL, CvPki::sign_in_rights(), None).unwrap();
        let terminal = terminal.for_cards_of(cards);
        let mut page = Self { desk, exchange, terminal, cert_hats: Vec::new(), relayed: Vec::new() };
        let ended = match work(&mut page) {
            Err(Stopped::Ended(end)) => end.map(|_| ()).map_err(|failure| failure.code()),
            stopped => {
                page.give(Instruction::Close);
                let end = Driven::to_its_end(page.exchange).ended;
                if let Err(Stopped::ByTerminal(why)) = stopped { end.and(Err(why)) } else { end }
            }
        };
        Driven { ended, relayed: page.relayed }
    }

    fn read(&mut self) -> Result<(), Stopped> {
        self.authenticate()?;
        let eid = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x01];
        self.say(&Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&eid).unwrap())?;
        self.say(&Command::new(Header::new(0x00, 0xA4, 0x02, 0x0C)).with_data(&[0x01, 0x05]).unwrap())?;
        self.say(&Command::new(Header::new(0x00, 0xB0, 0x00, 0x00)).expecting_short_maximum())
    }

    fn have_signed(&mut self) -> Result<(), Stopped> {
        self.authenticate()?;
        self.allow_signature()?;
        self.sign()
    }

    fn have_confirmed(&mut self) -> Result<(), Stopped> {
        self.authenticate()?;
        self.select_esign()?;
        self.say(&Command::new(Header::new(0x00, 0x22, 0x01, 0xA4)).with_data(&[0xE1, 3, 0x81, 1, 0]).unwrap())?;
        self.allow_signature()?;
        self.sign()
    }

    fn authenticate(&mut self) -> Result<(), Stopped> {
        match self.next()? {
            SessionReport::Open { cert_hats, .. } => self.cert_hats = cert_hats,
            other => panic!("not open: {other:?}"),
        }
        let (certificates, template) = (self.terminal.certificates(), self.terminal.template().to_vec());
        self.give(Instruction::Authenticate(TerminalOffer { certificates, template, bilateral: true }));
        let m1 = self.answer()?;
        let m2 = self.terminal.receive_m1(&m1, &self.cert_hats).map_err(|_| Stopped::ByTerminal(NOT_AUTHENTIC))?;
        self.give(Instruction::Relay(RelayedCommand { header: [0x00, 0x86, 0x00, 0x00], data: m2 }));
        let m3 = self.answer()?;
        self.terminal.receive_m3(&m3).map(|_| ()).map_err(|_| Stopped::ByTerminal(NOT_AUTHENTIC))
    }

    fn allow_signature(&mut self) -> Result<(), Stopped> {
        self.give(Instruction::AllowSignature);
        match self.next()? {
            SessionReport::SignatureAllowed => Ok(()),
            other => panic!("not allowed: {other:?}"),
        }
    }

    fn select_esign(&mut self) -> Result<(), Stopped> {
        let esign = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x02];
        self.say(&Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&esign).unwrap())
    }

    fn sign(&mut self) -> Result<(), Stopped> {
        self.select_esign()?;
        let key = [0x84, 1, 0x11, 0x80, 1, 0x90];
        self.say(&Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_data(&key).unwrap())?;
        self.say(&sign().expecting_short_maximum())
    }

    /// Has a command of the terminal's carried to the card, and the answer to the terminal.
    fn say(&mut self, command: &Command) -> Result<(), Stopped> {
        let (header, data) = self.terminal.say(command).unwrap();
        self.relayed.push(self.desk.protected().len());
        self.give(Instruction::Relay(RelayedCommand { header, data }));
        let answer = self.answer()?;
        let response = self.terminal.hear(&answer).map_err(|_| Stopped::ByTerminal(NOT_AUTHENTIC))?;
        if response.status().is_success() { Ok(()) } else { Err(Stopped::ByTerminal(REFUSED)) }
    }

    fn give(&self, instruction: Instruction) {
        self.exchange.instructions().give(instruction);
    }

    fn answer(&self) -> Result<Vec<u8>, Stopped> {
        loop {
            match self.next()? {
                SessionReport::Answer(octets) => return Ok(octets),
                SessionReport::Terminal(_) => {}
                other => panic!("no answer: {other:?}"),
            }
        }
    }

    /// What is told of the session next, or its end.
    fn next(&self) -> Result<SessionReport, Stopped> {
        loop {
            match self.exchange.next() {
                Report::Session(report) => return Ok(report),
                Report::Finished(end) => return Err(Stopped::Ended(end)),
                _ => {}
            }
        }
    }
}
