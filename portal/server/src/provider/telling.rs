//! Telling sites of ends, as long as the service runs: at once where it can be, and again where nobody listens.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::Provider;
use super::logout::NotTold;
use crate::metrics::UNREACHABLE;
use crate::storage::{DueLogout, StorageError};

/// How often what is due is looked for, besides whenever this process has ended something.
const ROUND: Duration = Duration::from_secs(10);
/// Most messages that are under way at once.
const UNDER_WAY_MAX: usize = 64;
/// How often a site is tried, which takes about a day: no session of this service lasts longer.
pub const TRIES_MAX: u32 = 32;

/// What tells sites.
pub struct Telling {
    provider: Arc<Provider>,
    under_way: JoinSet<()>,
}

/// What has come of a try.
enum Told {
    Yes,
    NotYet(NotTold),
    GivenUp(NotTold),
    /// The site is not registered any more, or not for this.
    Nobody,
    /// The key for tickets does not sign.
    Unsigned,
}

impl Telling {
    /// For this provider.
    #[must_use]
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider, under_way: JoinSet::new() }
    }

    /// Tells sites until `stop`; then ends what is under way, which takes no longer than a site may take to answer.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        let portal = Arc::clone(self.provider.portal());
        loop {
            let may_be_more = self.begin().await.unwrap_or_else(|error| {
                tracing::error!(%error, "the database does not say which sites are to be told");
                false
            });
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = portal.something_ends() => {}
                Some(_) = self.under_way.join_next(), if may_be_more => {}
                _ = rounds.tick() => {}
            }
        }
        self.finish().await;
    }

    /// Begins to tell what is due, as far as there is room; whether there may be more.
    ///
    /// # Errors
    /// [`StorageError`] if the database gives no answer.
    pub async fn begin(&mut self) -> Result<bool, StorageError> {
        while self.under_way.try_join_next().is_some() {}
        let room = UNDER_WAY_MAX.saturating_sub(self.under_way.len());
        if room == 0 {
            return Ok(true);
        }
        let due = self.provider.due_logouts(u32::try_from(room).unwrap_or(u32::MAX)).await?;
        let may_be_more = !due.is_empty();
        for logout in due {
            let provider = Arc::clone(&self.provider);
            self.under_way.spawn(async move { provider.tell(&logout).await });
        }
        Ok(may_be_more)
    }

    /// Waits for what is under way.
    pub async fn finish(&mut self) {
        while self.under_way.join_next().await.is_some() {}
    }
}

impl Provider {
    /// Tells a site of an end. The message is made anew for each try, with the name that it had before.
    async fn tell(&self, logout: &DueLogout) {
        let told = self.try_to_tell(logout).await;
        let (client, tries) = (logout.client.as_str(), logout.tries.saturating_add(1));
        self.portal().metrics().logout_told(told.name());
        match &told {
            Told::Yes | Told::Nobody => tracing::debug!(client, tries, "a site was told of an end"),
            Told::NotYet(error) => tracing::warn!(client, tries, %error, "a site could not be told of an end yet"),
            Told::GivenUp(error) => {
                tracing::error!(client, tries, %error, "a site could not be told of an end, and is not told any more");
            }
            Told::Unsigned => tracing::error!(client, "the key for tickets does not sign what a site is to be told"),
        }
        if told.is_over()
            && let Err(error) = self.forget_logout(&logout.grant).await
        {
            tracing::error!(%error, "the database does not take note that a site was told, which will be told again");
        }
    }

    async fn try_to_tell(&self, logout: &DueLogout) -> Told {
        let registered = self.registered();
        let Some(client) = registered.registry.client(logout.client.as_str()) else { return Told::Nobody };
        let Some(address) = &client.logout else { return Told::Nobody };
        let Ok(token) = self.logout_token(client, &logout.grant) else { return Told::Unsigned };
        match self.messenger().tell(address, &token).await {
            Ok(()) => Told::Yes,
            Err(error) if logout.tries.saturating_add(1) >= TRIES_MAX => Told::GivenUp(error),
            Err(error) => Told::NotYet(error),
        }
    }
}

impl Told {
    const fn name(&self) -> &'static str {
        match self {
            Self::Yes => "told",
            Self::NotYet(NotTold::Unreachable(_)) => UNREACHABLE,
            Self::NotYet(NotTold::Status(_)) => "refused",
            Self::GivenUp(_) => "given-up",
            Self::Nobody => "nobody",
            Self::Unsigned => "unsigned",
        }
    }

    const fn is_over(&self) -> bool {
        match self {
            Self::Yes | Self::GivenUp(_) | Self::Nobody => true,
            Self::NotYet(_) | Self::Unsigned => false,
        }
    }
}
