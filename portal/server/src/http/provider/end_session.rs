//! Signing out on a site's wish (OpenID Connect RP-Initiated Logout 1.0). The person is asked first: a link that signs
//! people out would be a nuisance in anybody's hand.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

use super::authorize::{on_a_page, redirect};
use crate::http::body::FormBody;
use crate::http::page::{Content, Leaving, page};
use crate::http::{Language, Refusal, cookies};
use crate::provider::Provider;
use crate::provider::clients::{Client, RedirectUri};
use crate::provider::parameters::{PARAMETERS_MAX_SIZE, Parameters};
use crate::provider::request::ToldFault;
use crate::provider::tickets;

/// Asks the visitor whether to sign out, and then goes to `post_logout_redirect_uri`, if it is registered.
#[utoipa::path(
    get,
    path = "/end-session",
    operation_id = "endSessionForSite",
    tag = "provider",
    params(
        ("id_token_hint" = Option<String>, Query, description = "A ticket of the site, however old"),
        ("client_id" = Option<String>, Query, description = "The site, unless the ticket says it"),
        ("post_logout_redirect_uri" = Option<String>, Query, description = "One of its registered addresses, letter by letter"),
        ("state" = Option<String>, Query, description = "For that address"),
        ("ui_locales" = Option<String>, Query, description = "Languages of the page, as at `/authorize`"),
    ),
    responses(
        (status = 200, description = "A page that asks", content_type = "text/html"),
        (status = 303, description = "To the site: nobody is signed in"),
        (status = 400, description = "A page: `site-request-malformed`, `site-unknown`, `site-address-unknown`", content_type = "text/html"),
    )
)]
pub(in crate::http) async fn end_session(
    State(provider): State<Arc<Provider>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).map_err(ToldFault::from)?;
        let wish = Wish::of(&provider, &parameters)?;
        match (provider.signed_in(cookies::SESSION.read(&headers)).await?, wish.address()) {
            (Some(browser), _) => {
                let language = Language::for_site(&headers, wish.language);
                let leaving = wish.leaving(browser.token.form_key(), language);
                Ok(page(provider.portal(), language, StatusCode::OK, Content::Leaving(leaving)))
            }
            (None, Some(address)) => redirect(&address),
            (None, None) => redirect("/"),
        }
    };
    on_a_page(&provider, &headers, answer).await
}

/// The same with the parameters in a form. Browsers bring no session along with another site's form; the visitor is asked
/// at the same address.
#[utoipa::path(
    post,
    path = "/end-session",
    operation_id = "endSessionForSiteByForm",
    tag = "provider",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To where the visitor is asked"),
        (status = 400, description = "A page: `body-malformed`", content_type = "text/html"),
        (status = 415, description = "A page: `content-type-refused`", content_type = "text/html"),
    )
)]
pub(in crate::http) async fn end_session_form(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = body.and_then(|FormBody(body)| match std::str::from_utf8(&body) {
        // What is in the form may be anything; as a query it is read as strictly.
        Ok(query) if query.len() <= PARAMETERS_MAX_SIZE && query.bytes().all(|octet| octet.is_ascii_graphic()) => {
            redirect(&format!("/end-session?{query}"))
        }
        _ => Err(Refusal::Body),
    });
    on_a_page(&provider, &headers, async { answer }).await
}

/// Signs out, if the form came from the page that was made for this session.
pub(in crate::http) async fn confirm(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let FormBody(body) = body?;
        let form = Parameters::parse(&body).map_err(|_| Refusal::Body)?;
        let wish = Wish::of(&provider, &form)?;
        if let Some(token) = cookies::SESSION.read(&headers) {
            if !form.get("key").is_some_and(|key| token.form_key_is(key)) {
                return Err(Refusal::Form);
            }
            provider.portal().end_session(&token).await?;
        }
        let response = redirect(&wish.address().unwrap_or_else(|| "/".to_owned()))?;
        Ok(([(SET_COOKIE, cookies::SESSION.clear()?)], response).into_response())
    };
    on_a_page(&provider, &headers, answer).await
}

/// What a site wishes.
struct Wish {
    client: Option<Arc<Client>>,
    redirect_uri: Option<RedirectUri>,
    state: Option<String>,
    /// In which the page is to be.
    language: Option<Language>,
}

impl Wish {
    fn of(provider: &Provider, parameters: &Parameters) -> Result<Self, ToldFault> {
        let registered = provider.registered();
        let hint = parameters.get("id_token_hint");
        let hint = hint.map(|ticket| tickets::hint(ticket, provider.issuer(), registered.keys.public()));
        let by_ticket = match hint {
            Some(Some(hint)) => Some(hint.client),
            // Nothing of a ticket that is none is believed, nor of what comes with it.
            Some(None) => return Err(ToldFault::UnknownClient),
            None => None,
        };
        let named = parameters.get("client_id").map(str::to_owned);
        if let (Some(by_ticket), Some(named)) = (&by_ticket, &named)
            && by_ticket != named
        {
            return Err(ToldFault::UnknownClient);
        }
        let client = match by_ticket.or(named) {
            Some(id) => Some(Arc::clone(registered.registry.client(&id).ok_or(ToldFault::UnknownClient)?)),
            None => None,
        };
        let redirect_uri = match parameters.get("post_logout_redirect_uri") {
            Some(wanted) => {
                let known = client.as_ref().map(|client| client.post_logout_redirect_uris.as_slice());
                let known = known.unwrap_or_default().iter().find(|address| address.as_str() == wanted);
                Some(known.ok_or(ToldFault::RedirectUri)?.clone())
            }
            None => None,
        };
        let state = parameters.get("state").map(str::to_owned);
        let language = parameters.get("ui_locales").and_then(Language::first_of);
        Ok(Self { client, redirect_uri, state, language })
    }

    /// Where the browser is sent afterwards.
    fn address(&self) -> Option<String> {
        let address = self.redirect_uri.as_ref()?.as_str();
        let Some(state) = &self.state else { return Some(address.to_owned()) };
        let joint = if address.contains('?') { '&' } else { '?' };
        let state: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
        Some(format!("{address}{joint}state={state}"))
    }

    fn leaving(&self, form_key: String, language: Language) -> Leaving {
        Leaving {
            site: self.client.as_ref().map(|client| latchkey_texts::printable(client.name(language))),
            form_key,
            client: self.client.as_ref().map(|client| client.id.as_str().to_owned()),
            redirect_uri: self.redirect_uri.as_ref().map(|address| address.as_str().to_owned()),
            state: self.state.clone(),
            target: self.redirect_uri.as_ref().map(|address| address.origin().to_owned()),
        }
    }
}
