//! One request at a card: from choosing the reader to the card's reset.

use std::sync::mpsc;
use std::time::Duration;

use latchkey_card::dialogue::{self, DialogueError, PinStatus};
use latchkey_card::key::KeyId;
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_card::{CardChannel, ChannelError};
use latchkey_reader::{CardConnection, CardPresence, ChosenCard, ReaderError, ReaderName, choose_card};

use crate::agent::{Surroundings, tell};
use crate::pin_care::Ask;
use crate::terminal_session::Orders;
use crate::{
    AfterUnblocking, Answer, Cancellation, CardContents, CardModel, CardRequest, CardStatus, CardTask, DeactivateWith,
    Failure, Purpose, ReaderChoice, Report, Step,
};

/// What one request works with.
pub(crate) struct Session<'work> {
    pub(crate) surroundings: &'work mut Surroundings,
    pub(crate) cancellation: &'work Cancellation,
    /// The model of the card at hand, once it was recognised.
    pub(crate) profile: &'static Profile,
    pub(crate) reports: &'work mpsc::Sender<Report>,
    pub(crate) orders: &'work Orders,
}

/// The card that a request is about. Dropping it resets the card.
pub(crate) struct CardAtHand {
    pub(crate) reader: ReaderName,
    pub(crate) connection: Box<dyn CardConnection>,
}

/// How often other programs may reset the card, or spend tries, before a request gives up.
pub(crate) const ROUNDS: usize = 3;

impl<'work> Session<'work> {
    pub(crate) fn new(
        surroundings: &'work mut Surroundings,
        reports: &'work mpsc::Sender<Report>,
        cancellation: &'work Cancellation,
        orders: &'work Orders,
    ) -> Self {
        let [profile, ..] = Profile::KNOWN;
        Self { surroundings, cancellation, profile, reports, orders }
    }

    pub(crate) fn carry_out(&mut self, request: CardRequest) -> Result<Answer, Failure> {
        let CardRequest { reader, patience, task } = request;
        let answer = match task {
            // Contents are read before a card is asked for.
            CardTask::SignDocuments(order) => self.sign_documents(&reader, patience, &order),
            task => self.at_card(&reader, patience, task),
        }?;
        self.tell(Step::Done);
        Ok(answer)
    }

    fn at_card(&mut self, reader: &ReaderChoice, patience: Duration, task: CardTask) -> Result<Answer, Failure> {
        let mut card = self.connect(reader, patience)?;
        match task {
            CardTask::Status => self.status(&mut card),
            CardTask::SignIn(sign_in) => self.sign_in(&mut card, &sign_in),
            CardTask::ReadCertificates => self.read_certificates(&mut card),
            CardTask::ChangePin => self.change_pin(&mut card),
            CardTask::UnblockPin(after) => self.unblock_pin(&mut card, after),
            CardTask::ActivatePin => self.activate_pin(&mut card),
            CardTask::DeactivatePin(with) => self.deactivate_pin(&mut card, with),
            CardTask::Probe => self.probe(&mut card),
            CardTask::TerminalSession(order) => self.terminal_session(&mut card, &order),
            CardTask::SignDocuments(_) => Err(Failure::AgentFault),
        }
    }

    pub(crate) fn tell(&self, step: Step) {
        tracing::info!(?step, "reached");
        tell(self.reports, Report::Progress(step));
    }

    /// Asks the card for its PIN's status and leaves it as it is. If another program resets the card meanwhile, it is
    /// asked again.
    pub(crate) fn learn_status(&mut self, card: &mut CardAtHand) -> Result<PinStatus, Failure> {
        for _ in 0..ROUNDS {
            let mut transaction = match card.connection.begin() {
                Err(ReaderError::CardReset) => continue,
                begun => begun?,
            };
            match dialogue::recognise(&mut transaction as &mut dyn CardChannel, Profile::KNOWN) {
                Err(DialogueError::Channel(ChannelError::CardReset)) => {}
                Err(error) => return Err(error.into()),
                Ok(dialogue::CardModel::Other(other)) => return Err(Failure::OtherCard(other)),
                Ok(dialogue::CardModel::Known { profile, pin }) => {
                    transaction.leave()?;
                    self.profile = profile;
                    return Ok(pin);
                }
            }
        }
        Err(Failure::CardReset)
    }

    pub(crate) fn connect(&self, reader: &ReaderChoice, patience: Duration) -> Result<CardAtHand, Failure> {
        let ChosenCard { reader, insertion, atr } = self.choose_in_time(reader, patience)?;
        tracing::debug!(%reader, %atr, "a card was chosen");
        self.tell(Step::ReaderChosen(reader.clone()));
        let connection = self.surroundings.readers.connect(&reader, insertion)?;
        Ok(CardAtHand { reader, connection })
    }

    /// The card that is meant, if it is there now.
    pub(crate) fn choose(&self, reader: &ReaderChoice) -> Result<ChosenCard, Failure> {
        let readers = self.surroundings.readers.list()?;
        let wanted = match reader {
            ReaderChoice::TheOnlyCard => None,
            ReaderChoice::Reader(name) => Some(name),
        };
        choose_card(&readers, wanted).map_err(|error| {
            let names = |with_card: bool| {
                let wanted = readers.iter().filter(|state| !with_card || state.presence != CardPresence::Absent);
                wanted.map(|state| state.name.clone()).collect()
            };
            match (error, wanted) {
                (ReaderError::SeveralCards { .. }, _) => Failure::SeveralCards { readers: names(true) },
                (ReaderError::ReaderGone, Some(name)) => {
                    Failure::UnknownReader { name: name.clone(), readers: names(false) }
                }
                (error, _) => error.into(),
            }
        })
    }

    fn status(&mut self, card: &mut CardAtHand) -> Result<Answer, Failure> {
        let pin = self.shown_status(card)?;
        Ok(Answer::CardStatus(CardStatus { reader: card.reader.clone(), model: self.model()?, pin }))
    }

    /// The PIN's status, learnt from the card and told.
    pub(crate) fn shown_status(&mut self, card: &mut CardAtHand) -> Result<PinStatus, Failure> {
        let pin = self.learn_status(card)?;
        self.tell(Step::CardRecognised(self.model()?));
        self.tell(Step::PinStatusKnown(pin));
        Ok(pin)
    }

    /// What the card at hand is called. A test goes through all profiles.
    pub(crate) fn model(&self) -> Result<CardModel, Failure> {
        CardModel::of(self.profile).ok_or(Failure::AgentFault)
    }

    /// What a PIN is after it was changed, unblocked or activated.
    const fn all_tries(&self) -> PinStatus {
        PinStatus::Usable { tries_left: self.profile.pin.tries }
    }

    fn read_certificates(&mut self, card: &mut CardAtHand) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::ReadCertificates);
        let certificates = self.with_pin(card, &ask, &Authority::READ_CERTIFICATES, |secured, session| {
            let mut holder = secured.select_esign()?;
            // The right to read allows a signature too: the card is told to give none.
            holder.forget_confirmation()?;
            let mut certificates = Vec::new();
            for key in KeyId::ALL.into_iter().filter(|key| key.is_base_mode()) {
                match holder.read_certificate(key) {
                    Ok(certificate) => {
                        session.tell(Step::CertificateRead);
                        certificates.push(certificate);
                    }
                    Err(DialogueError::CertificateMissing | DialogueError::CertificatePending) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(certificates)
        })?;
        Ok(Answer::Card(CardContents { reader: card.reader.clone(), model: self.model()?, certificates }))
    }

    fn change_pin(&mut self, card: &mut CardAtHand) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::ChangePin);
        self.with_pin_and_new_pin(card, &ask, &Authority::CHANGE_PIN, |secured, new, _| {
            Ok(secured.select_esign()?.change_pin(new)?)
        })?;
        Ok(self.managed(card, self.all_tries()))
    }

    fn unblock_pin(&mut self, card: &mut CardAtHand, after: AfterUnblocking) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::UnblockPin);
        let new = after == AfterUnblocking::NewPin;
        self.with_puk(card, &ask, &Authority::UNBLOCK_PIN, new, |secured, new| {
            let mut esign = secured.select_esign()?;
            let unblocked = match new {
                Some(new) => esign.unblock_with_new_pin(new),
                None => esign.unblock_pin(),
            };
            match unblocked {
                // With the PUK accepted, the card calls the PIN blocked only if nothing can unblock it.
                Err(DialogueError::PinBlocked) => Err(Failure::PinDead),
                unblocked => Ok(unblocked?),
            }
        })?;
        Ok(self.managed(card, self.all_tries()))
    }

    fn activate_pin(&mut self, card: &mut CardAtHand) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::ActivatePin);
        self.with_puk(card, &ask, &Authority::ACTIVATE_PIN, false, |secured, _| {
            Ok(secured.select_esign()?.activate_pin()?)
        })?;
        Ok(self.managed(card, self.all_tries()))
    }

    fn deactivate_pin(&mut self, card: &mut CardAtHand, with: DeactivateWith) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::DeactivatePin);
        match with {
            DeactivateWith::Pin => self.with_pin(card, &ask, &Authority::ACTIVATE_PIN, |secured, _| {
                Ok(secured.select_esign()?.deactivate_pin()?)
            })?,
            DeactivateWith::Puk => self.with_puk(card, &ask, &Authority::ACTIVATE_PIN, false, |secured, _| {
                Ok(secured.select_esign()?.deactivate_pin()?)
            })?,
        }
        Ok(self.managed(card, PinStatus::Deactivated))
    }

    /// What the card says of its PIN after it was managed. It is done: a card that says nothing any more does not undo it.
    fn managed(&mut self, card: &mut CardAtHand, done: PinStatus) -> Answer {
        let status = self.learn_status(card).unwrap_or_else(|failure| {
            tracing::warn!(code = failure.code(), "what was done could not be confirmed");
            done
        });
        Answer::PinManaged(status)
    }
}
