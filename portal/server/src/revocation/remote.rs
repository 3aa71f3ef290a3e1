//! What authorities and their status services are asked over HTTP, and how little they are trusted: nothing is believed
//! that is not signed, so that an address may be plain HTTP; nothing may be long or take long.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use url::Url;

use crate::calling::{caller, innermost_cause};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// Nobody answers there, or not in time.
    #[error("there is no answer: {0}")]
    Unreachable(String),
    /// The answer is another than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// It is longer than such an answer can be.
    #[error("the answer is longer than {0} octets")]
    TooLong(usize),
}

/// What tells that a file has not changed since it was fetched, as its server has said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edition(Vec<(HeaderName, String)>);

/// What came of asking for a file.
pub(super) enum Fetched {
    /// It is the one that was fetched before.
    Unchanged,
    /// The file, and what tells it apart.
    Octets(Vec<u8>, Edition),
}

/// Who asks. No redirect is followed, and no answer waited for longer than `limit`.
///
/// # Errors
/// What the library says if it cannot begin.
pub(super) fn client(limit: Duration) -> Result<Client, reqwest::Error> {
    caller(limit, None).build()
}

/// An address as browsers write it, HTTP or HTTPS, without name, password or fragment.
///
/// # Errors
/// What is wrong with it, for the configuration's author.
pub fn remote_address(text: String) -> Result<Url, String> {
    let url = Url::parse(&text).ok().filter(|url| url.as_str() == text && matches!(url.scheme(), "http" | "https"));
    let bare = url.filter(|url| url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    bare.ok_or_else(|| format!("must be an HTTP or HTTPS address as browsers write it, not {text}"))
}

/// Fetches a file of at most `limit` octets, unless it is still that edition.
pub(super) async fn fetch(
    client: &Client,
    address: &Url,
    known: &Edition,
    limit: usize,
) -> Result<Fetched, RemoteError> {
    let request =
        known.0.iter().fold(client.get(address.clone()), |request, (name, value)| request.header(name, value));
    let answer = send(request).await?;
    if answer.status() == StatusCode::NOT_MODIFIED && !known.0.is_empty() {
        return Ok(Fetched::Unchanged);
    }
    let edition = Edition::of(answer.headers());
    Ok(Fetched::Octets(body(answer, limit).await?, edition))
}

pub(super) async fn send(request: RequestBuilder) -> Result<Response, RemoteError> {
    request.send().await.map_err(|error| unreachable(&error))
}

/// The body of an answer with the status 200, if it has no more than `limit` octets.
pub(super) async fn body(mut answer: Response, limit: usize) -> Result<Vec<u8>, RemoteError> {
    if answer.status() != StatusCode::OK {
        return Err(RemoteError::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len().saturating_add(part.len()) > limit {
            return Err(RemoteError::TooLong(limit));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn unreachable(error: &reqwest::Error) -> RemoteError {
    RemoteError::Unreachable(innermost_cause(error))
}

impl Edition {
    fn of(headers: &HeaderMap) -> Self {
        let stated = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)].into_iter();
        let known = stated.filter_map(|(stated, asked)| {
            let value = headers.get(stated)?.to_str().ok().filter(|value| value.len() <= EDITION_MAX_SIZE)?;
            Some((asked, value.to_owned()))
        });
        Self(known.collect())
    }
}

/// Most octets of an edition's mark that is remembered.
const EDITION_MAX_SIZE: usize = 256;
