//! What sites read before they ask anything (OpenID Connect Discovery 1.0, clause 4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::http::Language;
use crate::http::refusal::RefusalAnswer;
use crate::provider::Provider;
use crate::provider::assurance::ACR_NAMES;
use crate::provider::jws::Algorithm;
use crate::provider::proof::METHOD_NAMES;
use crate::provider::scope::{AGE_OVER_18, CLAIM_NAMES, SCOPE_NAMES};

/// How long sites may keep what they have read. A key that is new is found by its name at once.
const CACHING: &str = "public, max-age=600";

/// What the provider can do (OpenID Connect Discovery 1.0). There only where a provider is configured, like all that is
/// tagged `provider`.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    operation_id = "readProviderConfiguration",
    tag = "provider",
    responses(
        (status = 200, description = "The discovery document", content_type = "application/json"),
        (status = 404, description = "`not-found`: there is no provider", body = RefusalAnswer),
    )
)]
pub(in crate::http) async fn configuration(State(provider): State<Arc<Provider>>) -> Response {
    let issuer = provider.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let [confidential @ .., _] = METHOD_NAMES;
    let algorithms = Algorithm::ALL.map(Algorithm::name);
    let is_offered = |name: &&str| *name != AGE_OVER_18 || provider.terminal().is_some();
    let scopes: Vec<_> = SCOPE_NAMES.into_iter().filter(is_offered).collect();
    let claims: Vec<_> = CLAIM_NAMES.into_iter().filter(is_offered).collect();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "pushed_authorization_request_endpoint": at("/par"),
        "require_pushed_authorization_requests": false,
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "revocation_endpoint": at("/revoke"),
        "introspection_endpoint": at("/introspect"),
        "end_session_endpoint": at("/end-session"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": METHOD_NAMES,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": METHOD_NAMES,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": algorithms,
        "scopes_supported": scopes,
        "claims_supported": claims,
        "acr_values_supported": ACR_NAMES,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": Language::ALL.map(Language::tag),
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    });
    cached(&document, "application/json")
}

/// The keys that tickets are signed with (RFC 7517).
#[utoipa::path(
    get,
    path = "/jwks",
    operation_id = "readTicketKeys",
    tag = "provider",
    responses((status = 200, description = "The keys", content_type = "application/jwk-set+json"))
)]
pub(in crate::http) async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    cached(provider.registered().keys.published(), "application/jwk-set+json")
}

fn cached(document: &Value, kind: &'static str) -> Response {
    ([(CACHE_CONTROL, CACHING), (CONTENT_TYPE, kind)], document.to_string()).into_response()
}
