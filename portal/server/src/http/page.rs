//! The page that signs in, and shows who is signed in. Without its script it offers the link and the command.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse as _, Response};
use latchkey_verify::Assurance;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use super::body::FormBody;
use super::cabinet::{CABINET, browser_family};
use super::header::Header;
use super::outside_account::OUTSIDE_ACCOUNT;
use super::page_texts::{SignInState, Texts};
use super::provider::RESUME;
use super::refusal_page::refused;
use super::{Language, Refusal, challenges, cookies};
use crate::link::{ShortCode, link};
use crate::organisation::Binding;
use crate::portal::{Portal, rfc3339};
use crate::provider::request::AuthorizationRequest;
use crate::provider::scope::Scopes;
use crate::session::{Holder, Person, Session};
use crate::storage::NotCompleted;
use crate::token::Token;

/// What the cookie says of the cabinet.
const CABINET_PLACE: &str = "cabinet";
/// The portal's own page.
pub(super) const HOME: &str = "/";
/// What the form for a link says on a page that another site's request led to.
const FOR_SITE: &[u8] = b"for=site";
/// What it says on the way to the cabinet.
const FOR_CABINET: &[u8] = b"for=cabinet";
/// How long a browser remembers that its visitor is on the way to the cabinet.
const PLACE_LIFETIME: Duration = Duration::minutes(15);

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: Language,
    texts: &'static Texts,
    header: Header<'a>,
    portal_name: &'a str,
    title: &'a str,
    client_port: u16,
    states: Vec<SignInState>,
    content: Content,
}

/// What a page is about.
pub(super) enum Content {
    NobodySignedIn {
        command: String,
        asking: Option<Asking>,
        /// Why one who is signed in is to sign in again.
        again: Option<Again>,
        /// The visitor is on the way to the cabinet.
        for_cabinet: bool,
        /// The service's terminal has to read the card; another sign-in does not serve.
        by_terminal: bool,
        /// An account with another provider would serve, too.
        outside: Option<OutsideOffer>,
    },
    Consent {
        asking: Asking,
        names: bool,
        number: bool,
        /// The visitor has shown a card, or a certificate.
        has_card: bool,
        /// The answer counts the next time, too.
        is_kept: bool,
        /// For whom the visitor acts, if the site wants to know.
        acting: Option<Acting>,
        /// The site wants to know whether the visitor is of age.
        age: bool,
        form_key: String,
    },
    Leaving(Leaving),
    SignedIn {
        /// What the visitor is called, if that is known.
        name: Option<String>,
        /// The number, if a card was shown.
        personal_number: Option<String>,
        /// The other provider, if the visitor has an account there and has shown no card.
        outside: Option<String>,
        assurance: &'static str,
        signed_in_at: Moment,
        expires_at: Moment,
        form_key: String,
        has_cabinet: bool,
        /// The organisation that the visitor acts for.
        acting: Option<String>,
    },
    Link {
        link: String,
        short_code: ShortCode,
        minutes: i64,
        /// Where the visitor goes on in this tab.
        next: &'static str,
    },
    Refused {
        what_happened: String,
        what_to_do: String,
        code: &'static str,
        /// Where the visitor goes on: his sign-in for a site, if he can.
        next: &'static str,
    },
}

/// Why somebody who is signed in is to sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The sign-in is not new enough, or not sure enough.
    Anew,
    /// Only the card serves, and it was an account elsewhere.
    CardWanted,
    /// The card was not asked then what a site wants to know.
    CardNotAsked,
}

/// Another provider, with an account of which one may sign in.
pub(super) struct OutsideOffer {
    name: String,
    /// Where the way there begins.
    address: &'static str,
}

/// A site that asks who the visitor is.
pub(super) struct Asking {
    name: String,
    host: String,
    /// Where the visitor is sent afterwards.
    target: String,
    /// Names the request in a form.
    request: String,
}

/// How the question whether a site may know is answered.
pub(super) struct Answering {
    pub(super) form_key: String,
    /// The visitor has shown a card, or a certificate.
    pub(super) has_card: bool,
    /// The answer counts the next time, too.
    pub(super) is_kept: bool,
}

/// For whom a visitor acts.
pub(super) struct Acting {
    /// What the organisation is called, unless it is the visitor himself.
    organisation: Option<String>,
    /// Names it in a form.
    binding: String,
}

/// A visitor whom a site wants to be signed out.
pub(super) struct Leaving {
    pub(super) site: Option<String>,
    pub(super) form_key: String,
    pub(super) client: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) state: Option<String>,
    /// Where the visitor is sent afterwards.
    pub(super) target: Option<String>,
}

pub(super) struct Moment {
    pub(super) machine: String,
    pub(super) human: String,
}

impl Asking {
    pub(super) fn of(request: &AuthorizationRequest, name: String, language: Language) -> Self {
        Self {
            name: latchkey_texts::printable(request.client.name(language)),
            host: request.redirect_uri.host().to_owned(),
            target: request.redirect_uri.origin().to_owned(),
            request: name,
        }
    }
}

impl Content {
    /// A site wants a sign-in, `by_terminal` if the card has to be read for it.
    pub(super) fn sign_in_for(
        portal: &Portal,
        asking: Asking,
        again: Option<Again>,
        by_terminal: bool,
        outside: Option<OutsideOffer>,
    ) -> Self {
        let asking = Some(asking);
        Self::NobodySignedIn { command: command(portal), asking, again, for_cabinet: false, by_terminal, outside }
    }

    /// The cabinet wants a sign-in; `again` if somebody is signed in, but not surely enough.
    pub(super) fn sign_in_for_cabinet(portal: &Portal, again: bool) -> Self {
        Self::NobodySignedIn {
            command: command(portal),
            asking: None,
            again: again.then_some(Again::Anew),
            for_cabinet: true,
            by_terminal: false,
            outside: None,
        }
    }

    /// The question whether the site may know; `acting` is the organisation that the visitor acts for. Of who has shown no card
    /// the site learns neither name nor number.
    pub(super) fn consent(
        asking: Asking,
        scopes: Scopes,
        acting: Option<Binding>,
        language: Language,
        Answering { form_key, has_card, is_kept }: Answering,
    ) -> Self {
        let acting = scopes.acting_account.then(|| Acting {
            organisation: acting.as_ref().map(|binding| binding.organisation.name(language)),
            binding: acting.map(|binding| binding.id.to_string()).unwrap_or_default(),
        });
        let (names, number) = (scopes.profile && has_card, scopes.personal_number && has_card);
        Self::Consent { asking, names, number, has_card, is_kept, acting, age: scopes.age_over_18, form_key }
    }

    /// Where the page is found again.
    fn place(&self) -> Option<&'static str> {
        match self {
            Self::NobodySignedIn { asking: Some(_), .. } | Self::Consent { .. } => Some(RESUME),
            Self::NobodySignedIn { for_cabinet: true, .. } => Some(CABINET),
            Self::NobodySignedIn { .. } | Self::SignedIn { .. } => Some(HOME),
            Self::Link { next, .. } | Self::Refused { next, .. } => Some(next),
            Self::Leaving(_) => None,
        }
    }

    /// The other site to which a form of the page leads in the end.
    fn form_target(&self) -> Option<&str> {
        match self {
            Self::NobodySignedIn { asking, .. } => asking.as_ref().map(|asking| asking.target.as_str()),
            Self::Consent { asking, .. } => Some(&asking.target),
            Self::Leaving(leaving) => leaving.target.as_deref(),
            Self::SignedIn { .. } | Self::Link { .. } | Self::Refused { .. } => None,
        }
    }
}

pub(super) async fn show(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    match shown(&portal, &headers).await {
        Ok(content) => page(&portal, Language::preferred(&headers), StatusCode::OK, content),
        Err(refusal) => refused(&portal, &headers, &refusal),
    }
}

async fn shown(portal: &Portal, headers: &HeaderMap) -> Result<Content, Refusal> {
    let language = Language::preferred(headers);
    let Some(token) = cookies::SESSION.read(headers) else { return Ok(nobody(portal, language)) };
    let Some(session) = portal.session(&token).await? else { return Ok(nobody(portal, language)) };
    let acting = match session.acting {
        Some(binding) => portal.binding(binding).await?,
        None => None,
    };
    signed_in(portal, &token, &session, acting.as_ref(), language)
}

/// Ends the session, if the form came from the page that was made for it.
pub(super) async fn sign_out(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    match end_session(&portal, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => refused(&portal, &headers, &refusal),
    }
}

/// Offers a link, for browsers that cannot call the client program.
pub(super) async fn offer_link(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let offered = match body {
        Ok(FormBody(body)) => match body.as_ref() {
            b"" => challenges::offer_link(&portal, &headers).await.map(|it| (it, HOME)),
            FOR_SITE => challenges::offer_link(&portal, &headers).await.map(|it| (it, RESUME)),
            FOR_CABINET => challenges::offer_link(&portal, &headers).await.map(|it| (it, CABINET)),
            _ => Err(Refusal::Body),
        },
        Err(refusal) => Err(refusal),
    };
    match offered {
        Ok(((offered, cookie), next)) => {
            let lifetime = offered.challenge.expires_at - offered.challenge.issued_at;
            let content = Content::Link {
                link: link(portal.origin(), &offered.request),
                short_code: offered.short_code,
                minutes: lifetime.whole_minutes().max(1),
                next,
            };
            // Who signs in on the portal's own page is not sent to a site that he has left before.
            let forgotten = cookies::PENDING.clear().ok().filter(|_| next != RESUME);
            let place = match next {
                CABINET => cookies::PLACE.set_text(CABINET_PLACE, PLACE_LIFETIME),
                _ => cookies::PLACE.clear(),
            };
            let cookies = [Some(cookie), forgotten, place.ok()].into_iter().flatten();
            let cookies = AppendHeaders(cookies.map(|it| (SET_COOKIE, it)));
            (cookies, page(&portal, Language::preferred(&headers), StatusCode::OK, content)).into_response()
        }
        Err(refusal) => refused(&portal, &headers, &refusal),
    }
}

/// Where a sign-in by link ends. Signs in the browser that asked for the link and no other.
pub(super) async fn complete(
    State(portal): State<Arc<Portal>>,
    completion: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    match signed_in_by_link(&portal, completion, &headers).await {
        Ok(response) => response,
        Err(refusal) => {
            portal.sign_in_refused(&refusal);
            refused(&portal, &headers, &refusal)
        }
    }
}

async fn signed_in_by_link(
    portal: &Portal,
    completion: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let completion = completion.ok().and_then(|Path(token)| Token::parse(&token)).ok_or(NotCompleted::Unknown)?;
    let (browser, former) = (cookies::BROWSER.read(headers), cookies::SESSION.read(headers));
    let family = browser_family(headers);
    let started = portal.complete(&completion, browser.as_ref(), former.as_ref(), family).await?;
    // The places are all listed here: no cookie can name another.
    let next = match (cookies::PENDING.text(headers), cookies::PLACE.text(headers)) {
        (Some(_), _) => RESUME,
        (None, Some(CABINET_PLACE)) => CABINET,
        (None, _) => HOME,
    };
    let next = [(LOCATION, HeaderValue::from_static(next))];
    Ok((StatusCode::SEE_OTHER, next, cookies::signed_in(&started)?).into_response())
}

async fn end_session(
    portal: &Portal,
    headers: &HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Result<Response, Refusal> {
    let FormBody(body) = body?;
    let mut fields = form_urlencoded::parse(&body);
    let (Some((name, key)), None) = (fields.next(), fields.next()) else { return Err(Refusal::Body) };
    if name != "key" {
        return Err(Refusal::Body);
    }
    // Whoever has no session is signed out already; there is nothing to protect.
    if let Some(token) = cookies::SESSION.read(headers) {
        if !token.form_key_is(&key) {
            return Err(Refusal::Form);
        }
        portal.end_session(&token).await?;
    }
    let cookie = cookies::SESSION.clear()?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(HOME)), (SET_COOKIE, cookie)]).into_response())
}

/// The offer to sign in with an account elsewhere, where there is one.
pub(super) fn outside_offer(portal: &Portal, language: Language, address: &'static str) -> Option<OutsideOffer> {
    let accounts = portal.outside_accounts()?;
    Some(OutsideOffer { name: accounts.name(language).to_owned(), address })
}

fn nobody(portal: &Portal, language: Language) -> Content {
    Content::NobodySignedIn {
        command: command(portal),
        asking: None,
        again: None,
        for_cabinet: false,
        by_terminal: false,
        outside: outside_offer(portal, language, OUTSIDE_ACCOUNT),
    }
}

fn command(portal: &Portal) -> String {
    format!("latchkey sign-in {}", portal.origin())
}

fn signed_in(
    portal: &Portal,
    token: &Token,
    session: &Session,
    acting: Option<&Binding>,
    language: Language,
) -> Result<Content, Refusal> {
    let texts = Texts::of(language);
    Ok(Content::SignedIn {
        assurance: match session.assurance {
            Assurance::Low => texts.assurance_low,
            Assurance::Substantial => texts.assurance_substantial,
            Assurance::High => texts.assurance_high,
        },
        name: match &session.person {
            Person::Holder(holder) => Some(name_in(language, holder)),
            Person::OutsideAccount(account) => account.name.as_deref().map(latchkey_texts::printable),
        },
        personal_number: session.holder().map(|holder| holder.personal_number.number().to_owned()),
        outside: session.outside_account().map(|account| match portal.outside_accounts() {
            Some(accounts) => accounts.name(language).to_owned(),
            None => latchkey_texts::printable(&account.issuer),
        }),
        signed_in_at: moment(portal, language, session.signed_in_at)?,
        expires_at: moment(portal, language, session.expires_at)?,
        form_key: token.form_key(),
        has_cabinet: portal.has_cabinets(),
        acting: acting.map(|binding| binding.organisation.name(language)),
    })
}

/// The name in the page's language, if the certificate has it. What would turn the direction of writing, or not be seen,
/// is made visible.
pub(super) fn name_in(language: Language, holder: &Holder) -> String {
    let subject = holder.name.to_string();
    let name = match language {
        Language::Belarusian => holder.belarusian_name.as_ref().map_or(subject, ToString::to_string),
        Language::Russian => subject,
        Language::English => holder.latin_name.clone().unwrap_or(subject),
    };
    latchkey_texts::printable(&name)
}

/// A moment as people write it, in the portal's own time; that it is UTC, if it is, is said.
pub(super) fn moment(portal: &Portal, language: Language, time: OffsetDateTime) -> Result<Moment, Refusal> {
    let cannot = Refusal::Internal("a time cannot be written");
    let offset = portal.utc_offset();
    let Some(local) = time.checked_to_offset(offset) else { return Err(cannot) };
    let human = match language {
        Language::Belarusian | Language::Russian => {
            local.format(format_description!("[day].[month].[year] [hour]:[minute]"))
        }
        Language::English => local.format(format_description!("[year]-[month]-[day] [hour]:[minute]")),
    };
    let Ok(human) = human else { return Err(cannot) };
    let human = if offset.is_utc() { format!("{human} UTC") } else { human };
    Ok(Moment { machine: rfc3339(time)?, human })
}

pub(super) fn page(portal: &Portal, language: Language, status: StatusCode, content: Content) -> Response {
    let texts = Texts::of(language);
    let title = match content {
        Content::NobodySignedIn { asking: Some(_), .. } => texts.site_sign_in,
        Content::NobodySignedIn { for_cabinet: true, .. } => texts.cabinet_sign_in,
        Content::NobodySignedIn { .. } => texts.nobody_signed_in,
        Content::Consent { .. } => texts.consent,
        Content::Leaving(_) => texts.leaving,
        Content::SignedIn { .. } => texts.signed_in,
        Content::Link { .. } => texts.link_title,
        Content::Refused { .. } => texts.refused,
    };
    let states = texts.states();
    let client_port = portal.client_port();
    let policy = policy(client_port, content.form_target());
    let (header, portal_name) = (Header::of(portal, language, content.place()), portal.name(language));
    let page = Page { language, texts, header, portal_name, title, client_port, states, content };
    match page.render() {
        Ok(html) => {
            let headers = [
                (CONTENT_LANGUAGE, language.tag().to_owned()),
                (VARY, "Accept-Language, Cookie".to_owned()),
                (CONTENT_SECURITY_POLICY, policy),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(_) => Refusal::Internal("the page cannot be written").into_response(),
    }
}

/// What the page may do: run its own scripts, and call this service and the program on the visitor's computer. Browsers
/// know no way to write the address ::1 here, hence any host at that port; over plain HTTP a page of HTTPS reaches none
/// but this computer, since all else is mixed content. Where a form leads to another site in the end, browsers want that
/// site named.
fn policy(client_port: u16, form_target: Option<&str>) -> String {
    let form_target = form_target.map(|target| format!(" {target}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; \
         connect-src 'self' http://127.0.0.1:{client_port} http://*:{client_port}; form-action 'self'{form_target}; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}
