//! A terminal session at work: opened by the holder, driven by instructions, ended by whatever ends it first.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use latchkey_card::CardChannel;
use latchkey_card::apdu::CLASS_PROTECTED;
use latchkey_card::bauth::ActiveChannel;
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::dialogue::{
    AgreedActs, ByCan, ByPin, DialogueError, PinStatus, Secured, Selected, TerminalAct, TerminalAuthenticating,
    TerminalChannel,
};
use latchkey_card::rights::{Authority, DataGroup, EidRights, EsignRights};
use latchkey_crypto::cv::Date;
use latchkey_crypto::cv::rights::Rights;
use latchkey_reader::{Insertion, ReaderEvent, ReaderName};

use super::channel::EachExchange;
use super::judgement::{Judged, judge};
use super::{
    Instruction, RelayedCommand, SESSION_IDLE_TIME, SIGNING, SessionPassword, SessionReport, ShownTerminal,
    TerminalOffer, TerminalSession,
};
use crate::agent::{beside, tell};
use crate::pin_care::Ask;
use crate::session::{CardAtHand, Session};
use crate::{Answer, Asker, Disclosure, Failure, OtherCard, Pin2, Purpose, Report, Step};

/// What arrives at a session that is open.
#[derive(Debug)]
pub(crate) enum Order {
    Carry(Instruction),
    /// The request was taken back.
    TakenBack,
    /// The card or its reader is gone.
    CardGone,
}

/// How far a session is.
enum Stage<'card> {
    OpenByPin(Secured<'card, ByPin>),
    OpenByCan(Secured<'card, ByCan>),
    Authenticating(TerminalAuthenticating<'card>, Box<ShownTerminal>),
    Channel(TerminalChannel<'card>, Box<ShownTerminal>),
}

impl Session<'_> {
    pub(crate) fn terminal_session(
        &mut self,
        card: &mut CardAtHand,
        order: &TerminalSession,
    ) -> Result<Answer, Failure> {
        let at = (card.reader.clone(), card.connection.insertion());
        let served = match order.password {
            SessionPassword::Pin => self.with_pin_by_exchange(card, order, |secured, status, session| {
                let Opened { secured, authority, security_signer } = secured;
                let seen = Seen { order, status, at };
                session.serve_terminal(Stage::OpenByPin(secured), &seen, &authority, security_signer)
            }),
            SessionPassword::Can => self.with_can_by_exchange(card, order, |secured, status, session| {
                let Opened { secured, authority, security_signer } = secured;
                let seen = Seen { order, status, at };
                session.serve_terminal(Stage::OpenByCan(secured), &seen, &authority, security_signer)
            }),
        };
        // On every path, and before anybody learns of the end.
        if let Ok(transaction) = card.connection.begin()
            && let Err(error) = transaction.reset()
        {
            tracing::warn!(code = error.code(), "the card could not be reset");
        }
        served.map(|()| Answer::TerminalSessionEnded)
    }

    fn serve_terminal(
        &mut self,
        mut stage: Stage<'_>,
        seen: &Seen<'_>,
        authority: &Authority,
        security_signer: Option<Vec<u8>>,
    ) -> Result<(), Failure> {
        let rights = self.agreed_rights(seen.order)?;
        let agreed = agreed_acts(rights);
        self.watch_for_end(&seen.at);
        let mut confirmations = Confirmations::default();
        let template = AuthenticationTemplate::new(self.profile.pin.id, authority, self.profile.rights_order);
        let (cert_hats, model) = (template.cert_hats().to_vec(), self.model()?);
        self.tell_of_session(SessionReport::Open { cert_hats, model, security_signer });
        loop {
            let instruction = match self.next_order(seen.order.idle)? {
                Instruction::Close => return Ok(()),
                instruction => instruction,
            };
            stage = match (stage, instruction) {
                (Stage::OpenByPin(secured), Instruction::Authenticate(offer)) => {
                    let judged = self.judged(seen, rights, &offer)?;
                    let secured = match self.second_pin_before(seen, &judged)? {
                        Some(pin2) => secured.with_pin2(pin2),
                        None => secured,
                    };
                    let started = secured.authenticate_terminal(&judged.template, &judged.certificates, agreed);
                    self.authenticating(started, judged)?
                }
                (Stage::OpenByCan(secured), Instruction::Authenticate(offer)) => {
                    let judged = self.judged(seen, rights, &offer)?;
                    let started = secured.authenticate_terminal(&judged.template, &judged.certificates, agreed);
                    self.authenticating(started, judged)?
                }
                (Stage::Authenticating(authenticating, shown), Instruction::Relay(command))
                    if command.header == AUTHENTICATE =>
                {
                    let (channel, answer) = authenticating.relay_m2(&command.data)?;
                    self.tell_of_session(SessionReport::Answer(answer));
                    Stage::Channel(channel, shown)
                }
                (Stage::Channel(mut channel, shown), Instruction::Relay(command))
                    if command.is_protected() && channel.active() == Some(ActiveChannel::Terminal) =>
                {
                    let answer = channel.relay(command.header, &command.data)?;
                    confirmations.relayed(command.header, &answer);
                    self.tell_of_session(SessionReport::Answer(answer));
                    Stage::Channel(channel, shown)
                }
                (Stage::Channel(mut channel, shown), Instruction::Confirm)
                    if seen.order.renews_key() && channel.active() == Some(ActiveChannel::Client) =>
                {
                    let signs = confirmations.next().ok_or(Failure::TerminalActRefused)?;
                    channel.confirm_pin(None)?;
                    if signs {
                        channel.agree(TerminalAct::Sign);
                    }
                    self.tell_of_session(SessionReport::Confirmed);
                    Stage::Channel(channel, shown)
                }
                (Stage::Channel(mut channel, shown), Instruction::AllowSignature) => {
                    if seen.order.renews_key() || !rights.contains(SIGNING) {
                        return Err(Failure::TerminalActRefused);
                    }
                    self.allow_signature(seen, &shown, &mut channel)?;
                    self.tell_of_session(SessionReport::SignatureAllowed);
                    Stage::Channel(channel, shown)
                }
                (stage, _) => {
                    self.tell_of_session(SessionReport::OutOfOrder);
                    stage
                }
            };
        }
    }

    /// Looks at the terminal and asks the holder, if he has to be asked once more.
    fn judged(&mut self, seen: &Seen<'_>, agreed: Rights, offer: &TerminalOffer) -> Result<Judged, Failure> {
        let today = Date::try_from((self.surroundings.clock)().date()).map_err(|_| Failure::AgentFault)?;
        let judged = judge(seen.order, agreed, offer, today)?;
        self.tell_of_session(SessionReport::Terminal(judged.shown.clone()));
        if judged.needs_consent {
            let ask = self.ask_of(seen.order, purpose(seen.order), Some(&judged.shown))?;
            self.ask_for_consent(&seen.at.0, &ask, seen.status)?;
        }
        Ok(judged)
    }

    fn authenticating<'card>(
        &self,
        started: Result<(TerminalAuthenticating<'card>, Vec<u8>), DialogueError>,
        judged: Judged,
    ) -> Result<Stage<'card>, Failure> {
        let (authenticating, answer) = started?;
        self.tell_of_session(SessionReport::Answer(answer));
        Ok(Stage::Authenticating(authenticating, Box::new(judged.shown)))
    }

    /// The second PIN, where the card has one and the holder lets this terminal have something signed. Deployed pages give
    /// the client no turn afterwards in which it could be confirmed.
    fn second_pin_before(&mut self, seen: &Seen<'_>, judged: &Judged) -> Result<Option<Pin2>, Failure> {
        match self.profile.pin2.filter(|_| judged.shown.rights.contains(SIGNING)) {
            Some(_) => self.second_pin(seen, &judged.shown).map(Some),
            None => Ok(None),
        }
    }

    fn second_pin(&mut self, seen: &Seen<'_>, shown: &ShownTerminal) -> Result<Pin2, Failure> {
        let ask = self.ask_of(seen.order, Purpose::SignForTerminal, Some(shown))?;
        self.ask_for_pin2_at(&seen.at.0, &ask, seen.status)
    }

    /// Asks the holder for a signature. If the terminal has given its turn away so that a PIN be confirmed, that is done for
    /// the decision just made: where a card has a second PIN, by entering it.
    fn allow_signature(
        &mut self,
        seen: &Seen<'_>,
        shown: &ShownTerminal,
        channel: &mut TerminalChannel<'_>,
    ) -> Result<(), Failure> {
        let is_clients_turn = channel.active() == Some(ActiveChannel::Client);
        if is_clients_turn && self.profile.pin2.is_some() {
            let pin2 = self.second_pin(seen, shown)?;
            channel.agree(TerminalAct::Sign);
            return Ok(channel.confirm_pin2(&pin2)?);
        }
        let ask = self.ask_of(seen.order, Purpose::SignForTerminal, Some(shown))?;
        self.ask_for_consent(&seen.at.0, &ask, seen.status)?;
        channel.agree(TerminalAct::Sign);
        if is_clients_turn { Ok(channel.confirm_pin(None)?) } else { Ok(()) }
    }

    fn tell_of_session(&self, report: SessionReport) {
        tracing::info!(?report, "told of the terminal session");
        tell(self.reports, Report::Session(report));
    }

    /// Waits for the next instruction, at most as long as the session may be idle.
    fn next_order(&self, idle: Duration) -> Result<Instruction, Failure> {
        match self.orders.receiver.recv_timeout(idle.min(SESSION_IDLE_TIME)) {
            _ if self.cancellation.is_cancelled() => Err(Failure::Cancelled),
            Ok(Order::Carry(instruction)) => Ok(instruction),
            Ok(Order::TakenBack) | Err(RecvTimeoutError::Disconnected) => Err(Failure::Cancelled),
            Ok(Order::CardGone) => Err(Failure::CardRemoved),
            Err(RecvTimeoutError::Timeout) => Err(Failure::TerminalSessionIdle),
        }
    }

    /// Has the session told when the request is taken back and when the card is pulled.
    fn watch_for_end(&self, (reader, insertion): &(ReaderName, Insertion)) {
        let taken_back = self.orders.sender.clone();
        // Whoever is told may be gone, here and below.
        self.cancellation.on_cancel(move || _ = taken_back.send(Order::TakenBack));
        let (gone, events) = (self.orders.sender.clone(), self.surroundings.readers.subscribe());
        let (reader, insertion) = (reader.clone(), *insertion);
        // Ends with the first event after the session.
        beside("card in a session", move || {
            for event in events {
                let is_end = match event {
                    ReaderEvent::CardRemoved { reader: at, insertion: removed } => at == reader && removed == insertion,
                    ReaderEvent::ReaderVanished(at) => at == reader,
                    ReaderEvent::ServiceDown => true,
                    _ => false,
                };
                if is_end {
                    gone.send(Order::CardGone).ok();
                    return;
                }
            }
        });
    }
}

/// Where orders for a session arrive, and where they can be put.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) sender: Sender<Order>,
    pub(crate) receiver: Receiver<Order>,
}

/// What the holder has agreed to with the session itself, by the rights that he was shown. A signature is asked about when
/// it is wanted.
fn agreed_acts(rights: Rights) -> AgreedActs {
    let esign = |wanted| rights.esign & wanted != EsignRights::NONE;
    let manages_pin = rights.eid.contains(EidRights::MANAGE_PIN);
    let renews = esign(EsignRights::TERMINAL_KEYS);
    let writes = (17..=22).filter_map(DataGroup::new).filter_map(EidRights::write);
    let writes_groups = writes.into_iter().any(|write| rights.eid.contains(write));
    let (activates_pin, activates_keys) = (esign(EsignRights::ACTIVATE_PIN), esign(EsignRights::ACTIVATE_KEYS));
    let acts = [
        (manages_pin || esign(EsignRights::CHANGE_PIN), TerminalAct::ChangePin),
        (manages_pin || esign(EsignRights::UNBLOCK_PIN), TerminalAct::UnblockPin),
        (manages_pin || activates_pin || activates_keys, TerminalAct::Activate),
        (manages_pin || activates_pin || activates_keys, TerminalAct::Deactivate),
        (renews, TerminalAct::GenerateKey),
        (renews, TerminalAct::DestroyKey),
        (renews || writes_groups || esign(EsignRights::WRITE_NAME), TerminalAct::WriteFile),
    ];
    let agreed = acts.into_iter().filter(|(is_shown, _)| *is_shown);
    agreed.fold(AgreedActs::NONE, |agreed, (_, act)| agreed.with(act))
}

impl RelayedCommand {
    /// Whether it is for a secure channel, by its class.
    const fn is_protected(&self) -> bool {
        let [class, ..] = self.header;
        class & CLASS_PROTECTED != 0
    }
}

fn purpose(order: &TerminalSession) -> Purpose {
    if order.renews_key() { Purpose::RenewKey } else { Purpose::HandOverData }
}

/// How often the PIN is confirmed in a renewal for the one decision of its beginning: after the old key was destroyed,
/// so that another can be generated, and after that, so that the new key can sign the request for its certificate. The
/// card takes one act for each confirmation. Nothing is signed before the card has generated a key, and one thing after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Confirmations {
    /// None was given.
    #[default]
    None,
    /// A key may be generated.
    ToGenerate,
    /// A key was generated.
    Generated,
    /// The new key may sign once.
    ToSign,
}

impl Confirmations {
    /// The terminal has told the card something, and this is its answer with the status at its end.
    fn relayed(&mut self, header: [u8; 4], answer: &[u8]) {
        let [_, instruction, ..] = header;
        if *self == Self::ToGenerate && instruction == GENERATE_KEY_PAIR && answer.ends_with(&SUCCESS) {
            *self = Self::Generated;
        }
    }

    /// The next confirmation, and whether it is for a signature; nothing if there is none in the order of a renewal.
    const fn next(&mut self) -> Option<bool> {
        let (next, signs) = match self {
            Self::None => (Self::ToGenerate, false),
            Self::Generated => (Self::ToSign, true),
            Self::ToGenerate | Self::ToSign => return None,
        };
        *self = next;
        Some(signs)
    }
}

const GENERATE_KEY_PAIR: u8 = 0x46;
const SUCCESS: [u8; 2] = [0x90, 0x00];

/// GENERAL AUTHENTICATE, in which the terminal's answer passes.
const AUTHENTICATE: [u8; 4] = [0x00, 0x86, 0x00, 0x00];

/// A session as the holder has seen it when he opened it.
struct Seen<'order> {
    order: &'order TerminalSession,
    status: PinStatus,
    at: (ReaderName, Insertion),
}

/// A card that is open.
struct Opened<'card, By> {
    secured: Secured<'card, By>,
    /// What was asked of it.
    authority: Authority,
    security_signer: Option<Vec<u8>>,
}

impl Session<'_> {
    /// What the holder agrees to with a session, on the card at hand.
    fn agreed_rights(&self, order: &TerminalSession) -> Result<Rights, Failure> {
        order.rights.agreed(self.profile).ok_or(Failure::OtherCard(OtherCard::Unknown))
    }

    fn ask_of(
        &self,
        order: &TerminalSession,
        purpose: Purpose,
        terminal: Option<&ShownTerminal>,
    ) -> Result<Ask, Failure> {
        let disclosure = Disclosure {
            request: order.request.clone(),
            rights: self.agreed_rights(order)?,
            profile: self.profile,
            terminal: terminal.cloned(),
        };
        Ok(Ask {
            asker: Asker::Portal(order.origin.clone()),
            purpose,
            documents: Vec::new(),
            disclosure: Some(Box::new(disclosure)),
        })
    }

    fn authority_of(&self, order: &TerminalSession) -> Result<Authority, Failure> {
        let rights = order.rights.of_card(self.profile).ok_or(Failure::OtherCard(OtherCard::Unknown))?;
        Ok(Authority {
            eid: Some(rights.eid).filter(|word| *word != EidRights::NONE),
            esign: Some(rights.esign).filter(|word| *word != EsignRights::NONE),
            signatures: None,
        })
    }

    /// Opens the card with the PIN for a session whose exchanges are transactions of their own.
    fn with_pin_by_exchange<T>(
        &mut self,
        card: &mut CardAtHand,
        order: &TerminalSession,
        act: impl FnOnce(Opened<'_, ByPin>, PinStatus, &mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ask = |session: &Self| session.ask_of(order, purpose(order), None);
        let (entered, status) = self.entered_for_card(card, ask)?;
        let (profile, authority) = (self.profile, self.authority_of(order)?);
        let mut channel = EachExchange::of(&mut *card.connection);
        let random = &mut *self.surroundings.random;
        let mut secured = entered.present(&mut channel, profile, status, &authority, random)?;
        self.tell(Step::ChannelOpen);
        let security_signer = secured.read_security_signer()?;
        act(Opened { secured, authority, security_signer }, status, self)
    }

    /// The same with the CAN.
    fn with_can_by_exchange<T>(
        &mut self,
        card: &mut CardAtHand,
        order: &TerminalSession,
        act: impl FnOnce(Opened<'_, ByCan>, PinStatus, &mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ask = |session: &Self| session.ask_of(order, purpose(order), None);
        let (can, status) = self.can_for_card(card, ask)?;
        let (profile, authority) = (self.profile, self.authority_of(order)?);
        let mut channel = EachExchange::of(&mut *card.connection);
        let channel: &mut dyn CardChannel = &mut channel;
        let mut secured =
            Selected::select(channel, profile)?.secure_with_can(can, &authority, &mut *self.surroundings.random)?;
        self.tell(Step::ChannelOpen);
        let security_signer = secured.read_security_signer()?;
        act(Opened { secured, authority, security_signer }, status, self)
    }
}
