//! What was said about sites, where one site is all that matters.

use std::collections::BTreeMap;

use latchkey_client::desk::{Sites, Standing};
use latchkey_crypto::assertion::Origin;

/// Lets the page of a developer call.
pub(crate) struct Developers(pub(crate) &'static str);

/// Forbids one site.
pub(crate) struct Forbids(pub(crate) &'static str);

impl Sites for Developers {
    fn standing(&self, _: &Origin) -> Standing {
        Standing::Unknown
    }

    fn is_developers(&self, origin: &Origin) -> bool {
        origin.as_str() == self.0
    }

    fn refused(&self, _: &Origin) {}

    fn agreed(&self, _: &Origin) {}

    fn terminals(&self) -> BTreeMap<String, Origin> {
        BTreeMap::new()
    }

    fn let_in(&self, _: &str, _: &Origin) {}
}

impl Sites for Forbids {
    fn standing(&self, origin: &Origin) -> Standing {
        if origin.as_str() == self.0 { Standing::Forbidden } else { Standing::Unknown }
    }

    fn refused(&self, _: &Origin) {}

    fn agreed(&self, _: &Origin) {}

    fn terminals(&self) -> BTreeMap<String, Origin> {
        BTreeMap::new()
    }

    fn let_in(&self, _: &str, _: &Origin) {}
}
