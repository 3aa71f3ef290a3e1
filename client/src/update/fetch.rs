//! One small file over HTTPS, and nothing that could be traced to the holder.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};

use super::{ANSWER_MAX_SIZE, UpdateFailure};
use crate::portal::ExtraTrust;
use crate::settings::Proxy;

/// Longest time for the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn fetch(address: &Url, proxy: &Proxy, trust: ExtraTrust) -> Result<Vec<u8>, UpdateFailure> {
    let mut builder = Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        .timeout(TIMEOUT)
        .tls_certs_merge(trust.into_certificates());
    builder = match proxy {
        Proxy::System => builder,
        Proxy::Direct => builder.no_proxy(),
        Proxy::Through(address) => builder.proxy(reqwest::Proxy::all(address.as_str()).map_err(|error| of(&error))?),
    };
    let client = builder.build().map_err(|error| of(&error))?;
    let mut answer = client.get(address.clone()).send().await.map_err(|error| of(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(UpdateFailure::Unreachable { reason: answer.status().to_string() });
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| of(&error))? {
        if body.len().saturating_add(part.len()) > ANSWER_MAX_SIZE {
            return Err(UpdateFailure::Malformed);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn of(error: &reqwest::Error) -> UpdateFailure {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    UpdateFailure::Unreachable { reason: causes.last().map(ToString::to_string).unwrap_or_default() }
}
