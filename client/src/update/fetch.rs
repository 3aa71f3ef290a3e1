//! One small file over HTTPS, and nothing that could be traced to the holder.

use reqwest::StatusCode;

use super::{ANSWER_MAX_SIZE, UpdateFailure, UpdateSource};
use crate::portal::Access;

pub(super) async fn fetch(source: &UpdateSource, access: Access) -> Result<Vec<u8>, UpdateFailure> {
    let client = access.client(&source.origin).build().map_err(|error| of(&error))?;
    let mut answer = client.get(source.address.clone()).send().await.map_err(|error| of(&error))?;
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
