//! How a password gets to the card: tries known and shown first, only to the card that they were learnt from, the last
//! one only with the holder's word and the CAN, and never again after a refusal. While a person thinks, no transaction
//! is held.

use latchkey_card::CardChannel;
use latchkey_card::dialogue::{ByPin, ByPuk, DialogueError, PinStatus, Secured, Selected};
use latchkey_card::password::{Can, PasswordKind, Pin, Pin2};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_reader::{CardTransaction, ReaderError, ReaderName};
use rand_core::CryptoRng;

use crate::agent::tell;
use crate::session::{CardAtHand, ROUNDS, Session};
use crate::{Asker, Asking, Disclosure, Failure, Purpose, Question, Report, SecretKind, ShownDocument, Step};

/// Who asks, and for what.
pub(crate) struct Ask {
    pub(crate) asker: Asker,
    pub(crate) purpose: Purpose,
    /// What is going to be signed.
    pub(crate) documents: Vec<ShownDocument>,
    /// What is going to be handed over to a terminal.
    pub(crate) disclosure: Option<Box<Disclosure>>,
}

impl Ask {
    /// The holder himself asks.
    pub(crate) const fn of_holder(purpose: Purpose) -> Self {
        Self { asker: Asker::Holder, purpose, documents: Vec::new(), disclosure: None }
    }
}

/// What the holder entered for one decision.
pub(crate) struct Entered {
    can: Option<Can>,
    pin: Pin,
    pin2: Option<Pin2>,
}

/// Why the PIN was not presented, although it was entered.
pub(crate) enum NotPresented {
    /// The card is not as it was shown: it is asked again, and so is the holder.
    CardChanged,
    /// For good.
    Failed(Failure),
}

impl Session<'_> {
    /// Asks for the PIN and acts in the channel that it opens. The card is reset afterwards, on every path.
    pub(crate) fn with_pin<T>(
        &mut self,
        card: &mut CardAtHand,
        ask: &Ask,
        authority: &Authority,
        mut act: impl FnMut(Secured<'_, ByPin>, &Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_entered(card, ask, authority, false, |secured, _, session| act(secured, session))
    }

    /// The same with a new PIN, asked for beforehand.
    pub(crate) fn with_pin_and_new_pin<T>(
        &mut self,
        card: &mut CardAtHand,
        ask: &Ask,
        authority: &Authority,
        mut act: impl FnMut(Secured<'_, ByPin>, &Pin, &Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_entered(card, ask, authority, true, |secured, new, session| match new {
            Some(new) => act(secured, new, session),
            None => Err(Failure::AgentFault),
        })
    }

    fn with_entered<T>(
        &mut self,
        card: &mut CardAtHand,
        ask: &Ask,
        authority: &Authority,
        new_pin: bool,
        mut act: impl FnMut(Secured<'_, ByPin>, Option<&Pin>, &Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        for _ in 0..ROUNDS {
            let status = self.usable_status(card)?;
            let profile = self.profile;
            let entered = self.ask_for_pin(card, ask, status)?;
            let new = if new_pin { Some(self.ask_for_new_pin(card, ask, status)?) } else { None };
            let mut transaction = match self.begin_with_secret(card) {
                Err(NotPresented::CardChanged) => continue,
                Err(NotPresented::Failed(failure)) => return Err(failure),
                Ok(transaction) => transaction,
            };
            let random = &mut *self.surroundings.random;
            let acted = match present_pin(&mut transaction, profile, entered, status, authority, random) {
                Err(NotPresented::CardChanged) => continue,
                Err(NotPresented::Failed(failure)) => return Err(failure),
                Ok(secured) => {
                    self.tell(Step::ChannelOpen);
                    act(secured, new.as_ref(), self)
                }
            };
            end(transaction);
            return acted;
        }
        Err(Failure::PinStatusChanged)
    }

    /// Asks for the PUK and acts in the channel that it opens. The card is reset afterwards, on every path.
    pub(crate) fn with_puk<T>(
        &mut self,
        card: &mut CardAtHand,
        ask: &Ask,
        authority: &Authority,
        new_pin: bool,
        act: impl FnOnce(Secured<'_, ByPuk>, Option<&Pin>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let status = self.shown_status(card)?;
        let can = if self.profile.editions.are_assumed() { Some(self.ask_for_can(card, ask, status)?) } else { None };
        let question = self.question(card, ask, status, PasswordKind::Puk);
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::Puk));
        let puk = self
            .surroundings
            .prompt
            .puk(&question, &asking)
            .map_err(|reason| Failure::without(SecretKind::Puk, reason))?;
        let new = if new_pin { Some(self.ask_for_new_pin(card, ask, status)?) } else { None };
        let mut transaction = match self.begin_with_secret(card) {
            Err(NotPresented::CardChanged) => return Err(Failure::CardReset),
            Err(NotPresented::Failed(failure)) => return Err(failure),
            Ok(transaction) => transaction,
        };
        let selected = Selected::select(&mut transaction as &mut dyn CardChannel, self.profile)?;
        let random = &mut *self.surroundings.random;
        let secured = match can {
            None => selected.secure_with_puk(puk, authority, random),
            Some(can) => selected
                .secure_with_can(can, &Authority::NOTHING, random)
                .and_then(|by_can| by_can.secure_with_puk(puk, authority, random)),
        };
        let secured = match secured {
            // Only a blocked PIN makes the card count wrong PUKs.
            Err(DialogueError::PukWrong { tries_left: 1.. }) if status != PinStatus::Blocked => {
                return Err(Failure::PukWrong { tries_left: None });
            }
            secured => secured?,
        };
        self.tell(Step::ChannelOpen);
        let acted = act(secured, new.as_ref());
        end(transaction);
        acted
    }

    /// Asks for the PIN of a card that is going to be talked to in transactions of one exchange each. It is still the card
    /// whose status was shown. What is asked depends on the card's model.
    pub(crate) fn entered_for_card(
        &mut self,
        card: &mut CardAtHand,
        ask: impl Fn(&Self) -> Result<Ask, Failure>,
    ) -> Result<(Entered, PinStatus), Failure> {
        for _ in 0..ROUNDS {
            let status = self.usable_status(card)?;
            let ask = ask(self)?;
            let entered = self.ask_for_pin(card, &ask, status)?;
            match self.begin_with_secret(card) {
                Err(NotPresented::CardChanged) => {}
                Err(NotPresented::Failed(failure)) => return Err(failure),
                Ok(transaction) => {
                    transaction.leave()?;
                    return Ok((entered, status));
                }
            }
        }
        Err(Failure::PinStatusChanged)
    }

    /// The same with the CAN.
    pub(crate) fn can_for_card(
        &mut self,
        card: &mut CardAtHand,
        ask: impl Fn(&Self) -> Result<Ask, Failure>,
    ) -> Result<(Can, PinStatus), Failure> {
        let status = self.shown_status(card)?;
        let ask = ask(self)?;
        let can = self.ask_for_can(card, &ask, status)?;
        match self.begin_with_secret(card) {
            Err(NotPresented::CardChanged) => Err(Failure::CardReset),
            Err(NotPresented::Failed(failure)) => Err(failure),
            Ok(transaction) => {
                transaction.leave()?;
                Ok((can, status))
            }
        }
    }

    /// Asks for the holder's yes, without a secret: to a terminal, or to a signature of its.
    pub(crate) fn ask_for_consent(&mut self, reader: &ReaderName, ask: &Ask, status: PinStatus) -> Result<(), Failure> {
        let question = Question { digits: 0, ..self.question_at(reader, ask, status, PasswordKind::Pin) };
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::Consent));
        let consent = self.surroundings.prompt.consent(&question, &asking);
        consent.map_err(|reason| Failure::without(SecretKind::Consent, reason))
    }

    /// The PIN's status, told, if it can be presented.
    fn usable_status(&mut self, card: &mut CardAtHand) -> Result<PinStatus, Failure> {
        match self.shown_status(card)? {
            PinStatus::Blocked => Err(Failure::PinBlocked),
            PinStatus::Deactivated => Err(Failure::PinDeactivated),
            status @ (PinStatus::Usable { .. } | PinStatus::Suspended) => Ok(status),
        }
    }

    fn ask_for_pin(&mut self, card: &CardAtHand, ask: &Ask, status: PinStatus) -> Result<Entered, Failure> {
        let mut can = None;
        if status.is_last_try() {
            let question = Question { digits: 0, ..self.question(card, ask, status, PasswordKind::Pin) };
            let asking = self.asking();
            self.tell(Step::WaitingFor(SecretKind::LastTryConfirmation));
            self.surroundings
                .prompt
                .confirm_last_try(&question, &asking)
                .map_err(|reason| Failure::without(SecretKind::LastTryConfirmation, reason))?;
        }
        if status.is_last_try() || self.profile.editions.are_assumed() {
            can = Some(self.ask_for_can(card, ask, status)?);
        }
        let question = self.question(card, ask, status, PasswordKind::Pin);
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::Pin));
        let entered = self.surroundings.prompt.pin(&question, &asking);
        let pin = entered.map_err(|reason| Failure::without(SecretKind::Pin, reason))?;
        let pin2 = match self.profile.pin2.filter(|_| ask.purpose.signs()) {
            Some(format) => Some(self.ask_for_pin2(&Question { digits: format.digits, ..question })?),
            None => None,
        };
        Ok(Entered { can, pin, pin2 })
    }

    pub(crate) fn ask_for_can(&mut self, card: &CardAtHand, ask: &Ask, status: PinStatus) -> Result<Can, Failure> {
        let question = self.question(card, ask, status, PasswordKind::Can);
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::Can));
        let entered = self.surroundings.prompt.can(&question, &asking);
        entered.map_err(|reason| Failure::without(SecretKind::Can, reason))
    }

    /// Asks for the second PIN while the card is open.
    pub(crate) fn ask_for_pin2_at(
        &mut self,
        reader: &ReaderName,
        ask: &Ask,
        status: PinStatus,
    ) -> Result<Pin2, Failure> {
        let format = self.profile.pin2.ok_or(Failure::AgentFault)?;
        let question = self.question_at(reader, ask, status, PasswordKind::Pin);
        self.ask_for_pin2(&Question { digits: format.digits, ..question })
    }

    fn ask_for_pin2(&mut self, question: &Question) -> Result<Pin2, Failure> {
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::Pin2));
        let entered = self.surroundings.prompt.pin2(question, &asking);
        entered.map_err(|reason| Failure::without(SecretKind::Pin2, reason))
    }

    fn ask_for_new_pin(&mut self, card: &CardAtHand, ask: &Ask, status: PinStatus) -> Result<Pin, Failure> {
        let question = self.question(card, ask, status, PasswordKind::Pin);
        let asking = self.asking();
        self.tell(Step::WaitingFor(SecretKind::NewPin));
        let entered = self.surroundings.prompt.new_pin(&question, &asking);
        entered.map_err(|reason| Failure::without(SecretKind::NewPin, reason))
    }

    fn question(&self, card: &CardAtHand, ask: &Ask, status: PinStatus, kind: PasswordKind) -> Question {
        self.question_at(&card.reader, ask, status, kind)
    }

    fn question_at(&self, reader: &ReaderName, ask: &Ask, status: PinStatus, kind: PasswordKind) -> Question {
        Question {
            asker: ask.asker.clone(),
            purpose: ask.purpose,
            digits: self.profile.password(kind).digits,
            reader: reader.clone(),
            pin: status,
            two_pins: self.profile.pin2.is_some(),
            documents: ask.documents.clone(),
            disclosure: ask.disclosure.clone(),
        }
    }

    /// How the question that is about to be asked is taken back, and where the holder's activity is told.
    fn asking(&self) -> Asking {
        let reports = self.reports.clone();
        Asking::new(self.cancellation.clone(), move || tell(&reports, Report::Progress(Step::HolderActive)))
    }

    /// Begins the transaction in which a secret is going to be used. It is the card whose status was shown only if no
    /// other program reset it since.
    pub(crate) fn begin_with_secret<'card>(
        &self,
        card: &'card mut CardAtHand,
    ) -> Result<CardTransaction<'card>, NotPresented> {
        if self.cancellation.is_cancelled() {
            return Err(NotPresented::Failed(Failure::Cancelled));
        }
        card.connection.begin().map_err(|error| match error {
            ReaderError::CardReset => NotPresented::CardChanged,
            error => NotPresented::Failed(error.into()),
        })
    }
}

impl Entered {
    /// Presents the PIN, if the card still says of it what was shown.
    pub(crate) fn present<'card>(
        self,
        channel: &'card mut dyn CardChannel,
        profile: &'card Profile,
        shown: PinStatus,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'card, ByPin>, Failure> {
        present_pin(channel, profile, self, shown, authority, random).map_err(|reason| match reason {
            NotPresented::CardChanged => Failure::PinStatusChanged,
            NotPresented::Failed(failure) => failure,
        })
    }
}

/// Presents the PIN if the card still says of it what was shown; the CAN before it if it was asked for.
fn present_pin<'card>(
    channel: &'card mut dyn CardChannel,
    profile: &'card Profile,
    entered: Entered,
    shown: PinStatus,
    authority: &Authority,
    random: &mut dyn CryptoRng,
) -> Result<Secured<'card, ByPin>, NotPresented> {
    let Entered { can, pin, pin2 } = entered;
    let secured = Selected::select(channel, profile).and_then(|selected| match can {
        None => selected.secure_with_pin(pin, shown, authority, random),
        Some(can) => {
            let by_can = selected.secure_with_can(can, &Authority::NOTHING, random)?;
            let after_can = PinStatus::Usable { tries_left: shown.tries_left() };
            by_can.secure_with_pin(pin, after_can, authority, random)
        }
    });
    let secured = secured.map(|secured| match pin2 {
        Some(pin2) => secured.with_pin2(pin2),
        None => secured,
    });
    secured.map_err(|error| match error {
        DialogueError::PinStatusChanged { .. }
        | DialogueError::PinSuspended
        | DialogueError::PinBlocked
        | DialogueError::PinDeactivated => NotPresented::CardChanged,
        error => NotPresented::Failed(error.into()),
    })
}

/// Ends a session by resetting the card. What was done is done: a card that is pulled now changes nothing.
pub(crate) fn end(transaction: CardTransaction<'_>) {
    if let Err(error) = transaction.reset() {
        tracing::warn!(code = error.code(), "the card could not be reset");
    }
}
