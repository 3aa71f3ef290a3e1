//! How this service calls others over HTTP.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

/// Calls others, and is led nowhere else by them: it follows nothing, says nothing of where it comes from, and waits for no
/// answer longer than `limit`. For TLS the authorities in `trusted` count, or those that the system trusts.
pub(crate) fn caller(limit: Duration, trusted: Option<Vec<Certificate>>) -> ClientBuilder {
    let builder = Client::builder()
        .tls_backend_native()
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("latchkey-portal/", env!("CARGO_PKG_VERSION")))
        .timeout(limit);
    match trusted {
        Some(trusted) => builder.tls_certs_only(trusted),
        None => builder,
    }
}

/// Why somebody does not answer: the innermost cause, as the others name his address once more.
pub(crate) fn innermost_cause(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}
