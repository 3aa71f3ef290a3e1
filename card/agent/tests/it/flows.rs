//! Everything that can be asked of a card, as one table: what has to hold of every flow is tested on each row.

use latchkey_agent::{
    AfterUnblocking, Asker, CardTask, DeactivateWith, Document, Documents, Exchange, SessionPassword, SignDocuments,
};

use crate::desk::{Desk, holder};
use crate::holder::{Knowing, sign_in};
use crate::terminal_flows::{self, opened_on_deployed_card, opened_with};

/// One thing that is asked of a card.
pub(crate) struct Flow {
    /// What it is.
    pub(crate) name: &'static str,
    /// Whose card.
    pub(crate) holder: &'static str,
    /// What is asked for.
    pub(crate) task: fn() -> CardTask,
    /// What the holder mistakes: he knows his passwords otherwise.
    pub(crate) mistake: fn(&mut Knowing),
    /// The code with which it ends if nothing else goes wrong; none, if it succeeds.
    pub(crate) ends_with: Option<&'static str>,
    /// With what it may end too if the card says something wrong of its PIN before it is presented.
    pub(crate) status_changed: &'static [&'static str],
    /// Takes part in it until it ends.
    pub(crate) drive: fn(&Desk, Exchange) -> Driven,
}

/// How something that was asked for ended.
#[derive(Debug)]
pub(crate) struct Driven {
    /// With which code, if not well.
    pub(crate) ended: Result<(), &'static str>,
    /// The exchanges with the card, counted from 0, in which a terminal's command passed through the agent.
    pub(crate) relayed: Vec<usize>,
}

impl Driven {
    /// Of something that goes on by itself.
    pub(crate) fn to_its_end(exchange: Exchange) -> Self {
        Self { ended: exchange.finish(|_| ()).map(|_| ()).map_err(|failure| failure.code()), relayed: Vec::new() }
    }
}

impl Flow {
    /// The holder as he enters his passwords.
    pub(crate) fn knowing(&self) -> Knowing {
        let mut knowing = knowing(self.holder);
        (self.mistake)(&mut knowing);
        knowing
    }
}

/// A holder who makes no mistake.
pub(crate) fn knowing(id: &str) -> Knowing {
    let holder = holder(id);
    let pin2 = holder.pin2().leak();
    Knowing { pin: holder.pin, pin2, new_pin: NEW_PIN, can: holder.can, puk: holder.puk }
}

/// The PIN that holders choose.
pub(crate) const NEW_PIN: &str = "518273";

const ORDINARY: &str = "hanna-vydumanaya";
const ONE_WRONG: &str = "volha-pamylkovaya";
const SUSPENDED: &str = "alena-prypynenaya";
const BLOCKED: &str = "kastus-zablakavany";
const DEACTIVATED: &str = "ihar-adkliuchany";
/// His card is of the deployed model.
pub(crate) const DEPLOYED: &str = "kiryl-raspausiudzany";
const WRONG: &str = "999999";

/// One document of the holder's own.
fn document() -> CardTask {
    let contents = Document::Contents { name: "contract.txt".into(), octets: b"a contract".to_vec() };
    CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents: Documents::new(vec![contents]).unwrap() })
}

/// A flow that succeeds if nothing goes wrong.
const fn flow(name: &'static str, holder: &'static str, task: fn() -> CardTask) -> Flow {
    let drive = |_: &Desk, exchange| Driven::to_its_end(exchange);
    Flow { name, holder, task, mistake: |_| (), ends_with: None, status_changed: &[], drive }
}

/// A terminal's session with a card of the deployed model.
const fn deployed(name: &'static str, drive: fn(&Desk, Exchange) -> Driven) -> Flow {
    Flow { task: || opened_on_deployed_card(true), ..session(name, DEPLOYED, drive) }
}

/// A terminal's session.
const fn session(name: &'static str, holder: &'static str, drive: fn(&Desk, Exchange) -> Driven) -> Flow {
    // The page that waits is told; it is not the holder alone who would have to begin anew.
    Flow { drive, status_changed: &["pin-status-changed"], ..flow(name, holder, || opened_with(SessionPassword::Pin)) }
}

pub(crate) const FLOWS: &[Flow] = &[
    flow("status", ORDINARY, || CardTask::Status),
    flow("sign-in", ORDINARY, sign_in),
    flow("sign-in after a wrong PIN", ONE_WRONG, sign_in),
    flow("sign-in with the last try", SUSPENDED, sign_in),
    Flow {
        mistake: |knowing| knowing.pin = WRONG,
        ends_with: Some("pin-wrong"),
        ..flow("sign-in with a wrong PIN", ORDINARY, sign_in)
    },
    Flow {
        mistake: |knowing| knowing.can = WRONG,
        ends_with: Some("can-wrong"),
        ..flow("last try with a wrong CAN", SUSPENDED, sign_in)
    },
    flow("document", ORDINARY, document),
    flow("certificates", ORDINARY, || CardTask::ReadCertificates),
    flow("certificates with the last try", SUSPENDED, || CardTask::ReadCertificates),
    flow("PIN change", ORDINARY, || CardTask::ChangePin),
    flow("PIN change with the last try", SUSPENDED, || CardTask::ChangePin),
    flow("unblocking, PIN kept", BLOCKED, || CardTask::UnblockPin(AfterUnblocking::KeepPin)),
    flow("unblocking, new PIN", BLOCKED, || CardTask::UnblockPin(AfterUnblocking::NewPin)),
    Flow {
        mistake: |knowing| knowing.puk = "0000000000",
        ends_with: Some("puk-wrong"),
        ..flow("unblocking with a wrong PUK", BLOCKED, || CardTask::UnblockPin(AfterUnblocking::KeepPin))
    },
    flow("activation", DEACTIVATED, || CardTask::ActivatePin),
    flow("deactivation with the PIN", ORDINARY, || CardTask::DeactivatePin(DeactivateWith::Pin)),
    flow("deactivation with the PUK", ORDINARY, || CardTask::DeactivatePin(DeactivateWith::Puk)),
    session("a terminal that reads", ORDINARY, terminal_flows::reads),
    session("a terminal that reads after the last try", SUSPENDED, terminal_flows::reads),
    session("a terminal that has the card sign", ORDINARY, terminal_flows::signs),
    session("a terminal that has the PIN confirmed", ORDINARY, terminal_flows::has_the_pin_confirmed),
    Flow {
        mistake: |knowing| knowing.pin = WRONG,
        ends_with: Some("pin-wrong"),
        ..session("a terminal with a wrong PIN", ORDINARY, terminal_flows::reads)
    },
    Flow {
        task: || opened_with(SessionPassword::Can),
        ends_with: Some("terminal-rejected"),
        ..session("a terminal without the right to the CAN", ORDINARY, terminal_flows::reads)
    },
    Flow {
        task: || opened_on_deployed_card(false),
        ..deployed("a terminal that reads a deployed card", terminal_flows::reads_deployed_card)
    },
    deployed("a terminal that has a deployed card sign", terminal_flows::has_deployed_card_sign),
    deployed("a terminal that has the second PIN confirmed", terminal_flows::has_the_second_pin_confirmed),
    Flow {
        mistake: |knowing| knowing.pin2 = "9999999",
        ends_with: Some("pin2-wrong"),
        ..deployed("a terminal with a wrong second PIN", terminal_flows::has_deployed_card_sign)
    },
];
