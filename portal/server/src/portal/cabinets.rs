//! What a holder does in the cabinet.

use time::{Duration, OffsetDateTime};

use super::{CabinetSurroundings, Portal};
use crate::audit::Event;
use crate::cabinet::{CabinetId, CabinetState};
use crate::http::Refusal;
use crate::organisation::{Binding, BindingId, OrganisationNumber};
use crate::outside::Outside as _;
use crate::session::{Assurance, Holder, Session};
use crate::storage::{Cabinets, Ending, ListedSession, SignIn, SignIns, StorageError};
use crate::token::{Token, TokenHash};

/// How long sign-ins are listed.
pub const SIGN_INS_KEPT: Duration = Duration::days(90);

/// A holder in the cabinet.
pub(crate) struct Visit {
    pub(crate) token: Token,
    pub(crate) session: Session,
    pub(crate) holder: Holder,
    pub(crate) cabinet: CabinetId,
}

/// What somebody has to do before the cabinet lets him in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Sign in.
    SignIn,
    /// Sign in once more, with the card.
    StepUp,
}

/// What the cabinet has to show.
pub(crate) struct Contents {
    pub(crate) sessions: Vec<ListedSession>,
    pub(crate) sign_ins: Vec<SignIn>,
    /// Those among them that the holder has not seen.
    pub(crate) unseen: Vec<SignIn>,
    /// The organisations that the holder may act for.
    pub(crate) bindings: Vec<Binding>,
}

impl Portal {
    /// Lets a browser into its holder's cabinet: only a session with the assurance `high` is let in.
    pub(crate) async fn visit(&self, token: Option<Token>) -> Result<Result<Visit, Demand>, Refusal> {
        self.cabinet_storage()?;
        let Some(token) = token else { return Ok(Err(Demand::SignIn)) };
        let Some(session) = self.session(&token).await? else { return Ok(Err(Demand::SignIn)) };
        Ok(match (session.cabinet, session.holder().cloned()) {
            (Some(cabinet), Some(holder)) if session.assurance == Assurance::High => {
                Ok(Visit { token, session, holder, cabinet })
            }
            _ => Err(Demand::StepUp),
        })
    }

    pub(crate) async fn contents(&self, visit: &Visit) -> Result<Contents, Refusal> {
        let storage = self.cabinet_storage()?;
        let sessions = self.counted(storage.cabinet_sessions(visit.cabinet, self.now()).await)?;
        let SignIns { seen_until, newest } = self.counted(storage.sign_ins(visit.cabinet).await)?;
        let own = visit.token.hash();
        let is_unseen = |it: &&SignIn| it.session != own && seen_until.is_none_or(|seen| it.signed_in_at > seen);
        let unseen = newest.iter().filter(is_unseen).copied().collect();
        let bindings = self.counted(storage.bindings(visit.cabinet).await)?;
        Ok(Contents { sessions, sign_ins: newest, unseen, bindings })
    }

    /// Ends the session with this name, if it is one of the cabinet's.
    pub(crate) async fn end_named_session(&self, visit: &Visit, name: &str) -> Result<u64, Refusal> {
        let storage = self.cabinet_storage()?;
        let sessions = self.counted(storage.cabinet_sessions(visit.cabinet, self.now()).await)?;
        let named = sessions.iter().map(|listed| listed.sign_in.session).find(|session| session.name() == name);
        let Some(session) = named else { return Ok(0) };
        self.end_sessions(visit, Ending::One(session)).await
    }

    pub(crate) async fn end_other_sessions(&self, visit: &Visit) -> Result<u64, Refusal> {
        self.end_sessions(visit, Ending::AllBut(visit.token.hash())).await
    }

    /// The holder has seen the sign-ins up to this time.
    pub(crate) async fn see_sign_ins(&self, visit: &Visit, until: OffsetDateTime) -> Result<(), Refusal> {
        // A time to come would hide sign-ins that the holder has not seen.
        let until = until.min(self.now());
        Ok(self.counted(self.cabinet_storage()?.see_sign_ins(visit.cabinet, until).await)?)
    }

    /// Has the holder act for an organisation of the cabinet, or for himself, in this session; whether he does now.
    pub(crate) async fn act_for(
        &self,
        visit: &Visit,
        organisation: Option<&OrganisationNumber>,
    ) -> Result<bool, Refusal> {
        let storage = self.cabinet_storage()?;
        let acts = self.counted(storage.act_for(&visit.token.hash(), visit.cabinet, organisation).await)?;
        if acts {
            let organisation = organisation.map(OrganisationNumber::as_str);
            self.note(&Event::AccountChosen { cabinet: visit.cabinet, organisation });
        }
        Ok(acts)
    }

    /// An organisation that somebody acts for, if he still may.
    pub(crate) async fn binding(&self, binding: BindingId) -> Result<Option<Binding>, Refusal> {
        Ok(self.counted(self.cabinet_storage()?.binding(binding).await)?)
    }

    /// Whether there are cabinets.
    pub(crate) const fn has_cabinets(&self) -> bool {
        self.cabinets.is_some()
    }

    pub(crate) async fn cabinet_state(&self, visit: &Visit) -> Result<Option<CabinetState>, Refusal> {
        Ok(self.counted(self.cabinet_storage()?.cabinet_state(visit.cabinet).await)?)
    }

    pub(super) async fn forget_sign_ins(&self) -> Result<(), StorageError> {
        let Some(CabinetSurroundings { storage, .. }) = &self.cabinets else { return Ok(()) };
        let before = self.now().saturating_sub(SIGN_INS_KEPT);
        self.counted(storage.forget_sign_ins(before).await).map(|_| ())
    }

    async fn end_sessions(&self, visit: &Visit, ending: Ending) -> Result<u64, Refusal> {
        let ended = self.counted(self.cabinet_storage()?.end_sessions(visit.cabinet, &ending).await);
        self.end_something();
        let count = ended?;
        if count > 0 {
            self.note(&Event::SessionsEnded { cabinet: visit.cabinet, count });
        }
        Ok(count)
    }

    fn cabinet_storage(&self) -> Result<&dyn Cabinets, Refusal> {
        self.cabinets.as_ref().map(|cabinets| &*cabinets.storage).ok_or(Refusal::NotFound)
    }
}

impl TokenHash {
    /// What a form calls the session with this token: nothing that the database is asked by.
    pub(crate) fn name(&self) -> String {
        let hash = latchkey_crypto::belt::hash(&[b"latchkey-portal session name", self.octets()]);
        hex::encode(hash.get(..8).unwrap_or_default())
    }
}
