//! Pages that want documents signed: contents come in, never a hash value.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{DOCUMENT_NAME_MAX_SIZE, Document, DocumentResults, Documents, Failure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{DOCUMENTS_BODY_MAX_SIZE, JsonBody};
use super::guard::Site;
use super::operations::{ask, name_of_portal};
use super::refusal::RefusalAnswer;
use super::requests::RequestId;
use super::{ServiceRefusal, Shared};
use crate::desk::{Fulfilled, PageRequest, PageWish, RequestFailure};
use crate::documents::attach;

/// A page's wish that the holder sign documents.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SignBody {
    /// A UUID that the page chose and that the site has not used before.
    #[schema(value_type = String, example = "7f0c6a5e-0c8a-4a58-9a0e-3d0f6f1f5c11")]
    request_id: RequestId,
    /// The documents: 1 to 255, at most 8 MiB together.
    #[schema(min_items = 1, max_items = 255)]
    documents: Vec<DocumentBody>,
    /// Whether the signed files hold the documents.
    placement: PlacementBody,
    /// What the page calls its portal. Shown to the holder as "says it is".
    #[schema(max_length = 200)]
    portal_name: Option<String>,
}

/// A document.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentBody {
    /// What the holder is shown.
    #[schema(min_length = 1, max_length = 255, example = "contract.pdf")]
    name: String,
    /// The contents, in padded base64. The program hashes them itself: a hash value is signed as the contents that it is.
    contents: String,
}

/// Where a document is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PlacementBody {
    /// Beside the signature.
    Detached,
    /// Inside the signed message.
    Attached,
}

/// What became of each document, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedAnswer {
    documents: Vec<SignedDocument>,
}

/// What became of a document: one of the two is there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedDocument {
    /// CMS SignedData in the form CAdES B-B, DER in padded base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// Why it was not signed: a code of the card or its reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// Asks the holder to sign documents. Answered when he did, or when it is clear that he does not; a page that is closed
/// meanwhile takes the request back. The holder is asked each time, whatever he said of the site before.
#[utoipa::path(
    post,
    path = "/latchkey/v1/sign",
    operation_id = "sign",
    request_body = SignBody,
    responses(
        (status = 200, description = "The holder agreed; each document was signed, or says why not", body = SignedAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`holder-refused`, `request-ended`, `cancelled`: the holder said no. \
            `refused-today`: he did less than a day ago", body = RefusalAnswer),
        (status = 408, description = "`holder-silent`: the holder did nothing for two minutes. `request-timeout`: \
            the body did not arrive", body = RefusalAnswer),
        (status = 409, description = "`request-repeated`: the site used the name before. `request-taken-back`: the \
            page did", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "A code of the card, its reader or the PIN, `certificate-not-for-documents` among \
            them; the holder has seen what it means", body = RefusalAnswer),
        (status = 503, description = "`program-stopping`", body = RefusalAnswer),
    )
)]
pub(super) async fn sign(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(body): JsonBody<SignBody, DOCUMENTS_BODY_MAX_SIZE>,
) -> Result<Json<SignedAnswer>, ServiceRefusal> {
    let says_it_is = name_of_portal(body.portal_name)?;
    let documents = body.documents.into_iter().map(DocumentBody::read).collect::<Result<Vec<_>, _>>()?;
    let documents = Documents::new(documents).map_err(|_| ServiceRefusal::Body)?;
    // Contents that go into the signed message are needed once more.
    let inside = matches!(body.placement, PlacementBody::Attached).then(|| documents.clone());
    let page = PageRequest { origin: site, wish: PageWish::SignDocuments(documents), says_it_is };
    let (fulfilled, _under_way) = ask(&shared, page, &body.request_id).await?;
    match fulfilled {
        Fulfilled::DocumentsSigned(results) => Ok(Json(SignedAnswer::of(&results, inside.as_ref()))),
        Fulfilled::SignedIn(_) | Fulfilled::TerminalSessionEnded => {
            Err(RequestFailure::Card(Failure::AgentFault).into())
        }
    }
}

impl DocumentBody {
    fn read(self) -> Result<Document, ServiceRefusal> {
        let is_name = !self.name.trim().is_empty() && self.name.chars().count() <= DOCUMENT_NAME_MAX_SIZE;
        match STANDARD.decode(self.contents) {
            Ok(octets) if is_name => Ok(Document::Contents { name: self.name, octets }),
            _ => Err(ServiceRefusal::Body),
        }
    }
}

impl SignedAnswer {
    fn of(results: &DocumentResults, inside: Option<&Documents>) -> Self {
        let contents = |position: usize| match inside?.as_slice().get(position)? {
            Document::Contents { octets, .. } => Some(octets.as_slice()),
            Document::File(_) => None,
        };
        let answer = |(position, result): (usize, &Result<_, Failure>)| match (result, contents(position)) {
            (Ok(signature), Some(contents)) => SignedDocument::of(&attach(signature, contents)),
            (Ok(signature), None) => SignedDocument::of(&signature.to_der()),
            (Err(failure), _) => SignedDocument { signature: None, code: Some(failure.code()) },
        };
        Self { documents: results.iter().enumerate().map(answer).collect() }
    }
}

impl SignedDocument {
    fn of(message: &[u8]) -> Self {
        Self { signature: Some(STANDARD.encode(message)), code: None }
    }
}
