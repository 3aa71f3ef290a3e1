//! A link as the desk carries it out.

use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::{ReaderChoice, Request};
use latchkey_crypto::assertion::{Assertion, Origin};

use super::{AgreedLinkSignIn, Fetched, Link, LinkFailure, LinkHandOverQuestion};
use crate::desk::{self, FetchedLink, Pending};
use crate::portal::Access;
use crate::sign_in::browser::Opener;
use crate::sign_in::card_request;
use crate::texts::Language;

/// A link that the holder followed, with what is needed to carry it out. The desk asks the holder.
pub struct FollowedLink {
    link: Link,
    access: Access,
    language: Language,
    browser: Arc<dyn Opener>,
}

impl FollowedLink {
    /// The portal is reached by `access` and asked to name itself in `language`; the sign-in ends in `browser`.
    #[must_use]
    pub fn new(link: Link, access: Access, language: Language, browser: Arc<dyn Opener>) -> Self {
        Self { link, access, language, browser }
    }
}

impl desk::Link for FollowedLink {
    fn origin(&self) -> &Origin {
        self.link.origin()
    }

    fn fetch(self: Box<Self>) -> Pending<Box<dyn FetchedLink>> {
        Box::pin(async move {
            let LinkHandOverQuestion(fetched) = self.link.agreed().fetch(self.access, self.language).await?;
            Ok(Box::new(AtPortal { fetched, browser: self.browser }) as Box<dyn FetchedLink>)
        })
    }
}

/// A link whose portal has said what it wants.
struct AtPortal {
    fetched: Fetched,
    browser: Arc<dyn Opener>,
}

impl FetchedLink for AtPortal {
    fn says_it_is(&self) -> &str {
        &self.fetched.challenge.challenge.portal_name
    }

    fn short_code(&self) -> Option<&str> {
        Some(&self.fetched.challenge.short_code)
    }

    fn request(&self, reader: ReaderChoice, patience: Duration) -> Request {
        card_request(self.fetched.portal.origin(), &self.fetched.challenge.challenge, reader, patience)
    }

    fn present(self: Box<Self>, assertion: Assertion) -> Pending<()> {
        Box::pin(async move {
            let Self { fetched, browser } = *self;
            let address = AgreedLinkSignIn(fetched).present(&assertion).await?;
            // The program that opens it is waited for.
            let opening = address.clone();
            let opened = tokio::task::spawn_blocking(move || browser.open(&opening)).await;
            Ok(opened
                .unwrap_or_else(|error| Err(LinkFailure::BrowserNotOpened { reason: error.to_string(), address }))?)
        })
    }
}
