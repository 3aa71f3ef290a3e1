//! Examining a card of any kind: the CAN is asked for, and nothing else is ever presented.

use latchkey_card::CardChannel;
use latchkey_card::dialogue::{PinStatus, probe};

use crate::pin_care::{Ask, NotPresented, end};
use crate::session::{CardAtHand, Session};
use crate::{Answer, Failure, ProbeFindings, Purpose, Step};

impl Session<'_> {
    pub(crate) fn probe(&mut self, card: &mut CardAtHand) -> Result<Answer, Failure> {
        let ask = Ask::of_holder(Purpose::Probe);
        // What state a PIN is in nobody has asked, and no question for a CAN tells it.
        let can = self.ask_for_can(card, &ask, PinStatus::Usable { tries_left: self.profile.pin.tries })?;
        let atr = card.connection.atr();
        let mut transaction = match self.begin_with_secret(card) {
            Err(NotPresented::CardChanged) => return Err(Failure::CardReset),
            Err(NotPresented::Failed(failure)) => return Err(failure),
            Ok(transaction) => transaction,
        };
        self.tell(Step::Examining);
        let random = &mut *self.surroundings.random;
        let report = probe(&mut transaction as &mut dyn CardChannel, &can, random)?;
        end(transaction);
        let findings =
            ProbeFindings { report: format!("{report}\n[reader]\natr: {atr}\n"), channel_opened: report.was_opened() };
        Ok(Answer::Probed(findings))
    }
}
