//! A shop that lets people in with the portal's sign-in, by the crate `openidconnect`, for browsers to visit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use openssl::base64::encode_block;
use openssl::rand::rand_bytes;
use tokio::runtime::Runtime;

use crate::desktop::{Answered, Asked, Site};
use crate::site::{HIGH, Known, LOW, RelyingParty, Visit};
use crate::stage::{Portal, SampleSet, free_port};

/// What the portal calls it.
pub const SHOP: &str = "shop";
const HOST: &str = "shop.example";
const COOKIE: &str = "shop-visit";
/// Where nobody needs a card.
pub const WINDOWS: &str = "/windows";
/// What only the card opens.
pub const ORDERS: &str = "/orders";

/// The shop at work.
pub struct Shop {
    site: Site,
    counter: Arc<Counter>,
}

/// Who knows the visitors.
struct Counter {
    runtime: Runtime,
    party: RelyingParty,
    origin: String,
    /// By the cookie.
    visits: Mutex<HashMap<String, At>>,
}

/// How far a visitor is.
enum At {
    Door {
        visit: Visit,
        /// Where the visitor goes on.
        next: &'static str,
    },
    Inside(Arc<Known>),
}

impl Shop {
    /// Registers it with the portal and opens it.
    ///
    /// # Errors
    /// If the portal does not register it or cannot be reached.
    pub fn open(set: &SampleSet, portal: &mut Portal) -> Result<Self> {
        let port = free_port()?;
        let origin = format!("https://{HOST}:{port}");
        let address = format!("{origin}/back");
        let afterwards = format!("{origin}/");
        let secret = portal.register(SHOP, &address, &["--post-logout-redirect-uri", &afterwards])?;
        let secret = secret.context("the shop has no secret")?;
        let runtime = Runtime::new()?;
        let party = runtime.block_on(RelyingParty::discover(
            &portal.origin(),
            &set.tls_authority(),
            SHOP,
            &secret,
            &address,
        ))?;
        let counter = Arc::new(Counter { runtime, party, origin, visits: Mutex::default() });
        let answering = Arc::clone(&counter);
        let site = Site::start_at(set, HOST, port, move |asked| answering.answer(asked))?;
        Ok(Self { site, counter })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }

    /// Whom it has let in, and can still ask the portal about.
    #[must_use]
    pub fn inside(&self) -> Vec<Arc<Known>> {
        let inside: Vec<_> = self.counter.visits().values().filter_map(At::inside).collect();
        inside.into_iter().filter(|known| self.counter.is_still_known(known)).collect()
    }
}

impl At {
    fn inside(&self) -> Option<Arc<Known>> {
        match self {
            Self::Door { .. } => None,
            Self::Inside(known) => Some(Arc::clone(known)),
        }
    }
}

impl Counter {
    fn answer(&self, asked: &Asked) -> Answered {
        let cookie = asked.cookies.split("; ").find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='));
        let cookie = cookie.unwrap_or_default();
        let path = asked.path.split('?').next().unwrap_or_default();
        match (asked.method.as_str(), path) {
            ("GET", "/") => self.page(asked, cookie),
            ("GET", "/enter") => self.enter(HIGH, "/"),
            ("GET", WINDOWS) => self.enter(LOW, "/"),
            ("GET", ORDERS) => self.orders(asked, cookie),
            ("GET", "/back") => self.back(asked, cookie),
            ("POST", "/leave") => self.leave(cookie),
            _ => Answered::nothing(),
        }
    }

    /// Who is inside is asked about each time: his session at the portal may have ended.
    fn page(&self, asked: &Asked, cookie: &str) -> Answered {
        let words = Words::of(&asked.languages);
        let known = self.visits().get(cookie).and_then(At::inside);
        match known.filter(|known| self.is_still_known(known)) {
            Some(known) => Answered::page(words.inside(&known)),
            None => Answered::page(words.outside()),
        }
    }

    /// Whoever is not known surely enough is asked at the portal, and comes back to this place.
    fn orders(&self, asked: &Asked, cookie: &str) -> Answered {
        let known = self.visits().get(cookie).and_then(At::inside);
        match known.filter(|known| known.level == HIGH && self.is_still_known(known)) {
            Some(known) => Answered::page(Words::of(&asked.languages).orders(&known)),
            None => self.enter(HIGH, ORDERS),
        }
    }

    fn enter(&self, level: &str, next: &'static str) -> Answered {
        let visit = self.party.begin(level);
        let mut drawn = [0; 24];
        if rand_bytes(&mut drawn).is_err() {
            return Answered::nothing();
        }
        let cookie = encode_block(&drawn).replace(['+', '/'], "-");
        let answered = Answered::redirect(&visit.address);
        self.visits().insert(cookie.clone(), At::Door { visit, next });
        // `Lax`: the visitor comes back from another site.
        answered.with_cookie(&format!("{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"))
    }

    fn back(&self, asked: &Asked, cookie: &str) -> Answered {
        let words = Words::of(&asked.languages);
        let (visit, next) = match self.visits().remove(cookie) {
            Some(At::Door { visit, next }) => (visit, next),
            _ => return Answered::page(words.refused("nobody has begun to enter in this browser")),
        };
        let answer = format!("{}{}", self.origin, asked.path);
        match self.runtime.block_on(self.party.finish(visit, &answer)) {
            Ok(known) => {
                self.visits().insert(cookie.to_owned(), At::Inside(Arc::new(known)));
                Answered::redirect(next)
            }
            Err(error) => Answered::page(words.refused(&format!("{error:#}"))),
        }
    }

    /// Ends the shop's own session, then the portal's.
    fn leave(&self, cookie: &str) -> Answered {
        let known = self.visits().remove(cookie).and_then(|at| at.inside());
        let address = known.and_then(|known| self.party.farewell(&known, &format!("{}/", self.origin)).ok());
        Answered::redirect(&address.unwrap_or_else(|| "/".to_owned()))
    }

    fn is_still_known(&self, known: &Known) -> bool {
        self.runtime.block_on(self.party.still_knows(known))
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<String, At>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the shop says in one language.
struct Words {
    language: &'static str,
    title: &'static str,
    offer: &'static str,
    hello: &'static str,
    name: &'static str,
    number: &'static str,
    level: &'static str,
    subject: &'static str,
    orders: &'static str,
    no_orders: &'static str,
    leave: &'static str,
    refused: &'static str,
}

impl Words {
    /// In the first language that the visitor's browser names.
    fn of(languages: &str) -> &'static Self {
        let wished = languages.get(..2).unwrap_or_default();
        WORDS.iter().find(|words| words.language == wished).unwrap_or(&ENGLISH)
    }

    fn outside(&self) -> String {
        self.fill("outside", &format!("<p>{}</p>\n<p>{}</p>", self.offer, button(self.language)))
    }

    fn inside(&self, known: &Known) -> String {
        let rows = [
            (self.name, &known.name),
            (self.number, &known.personal_number),
            (self.level, &known.level),
            (self.subject, &known.subject),
        ];
        let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
        let rows: String = rows.map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(value))).collect();
        let orders = format!("<p><a href=\"{ORDERS}\">{}</a></p>", self.orders);
        let leave = format!("<form method=\"post\" action=\"/leave\"><button>{}</button></form>", self.leave);
        self.fill("inside", &format!("<p>{}</p>\n<dl>\n{rows}</dl>\n{orders}\n{leave}", self.hello))
    }

    fn orders(&self, known: &Known) -> String {
        let (heading, none) = (self.orders, self.no_orders);
        self.fill("orders", &format!("<h2>{heading}</h2>\n<p>{}: {none}</p>", escaped(&known.name)))
    }

    fn refused(&self, why: &str) -> String {
        let again = button(self.language);
        self.fill("refused", &format!("<p>{} <code>{}</code></p>\n<p>{again}</p>", self.refused, escaped(why)))
    }

    fn fill(&self, page: &str, content: &str) -> String {
        include_str!("shop.html")
            .replace("{language}", self.language)
            .replace("{title}", self.title)
            .replace("{page}", page)
            .replace("{button_style}", include_str!("../../portal/server/web/sign-in-button.css"))
            .replace("{content}", content)
    }
}

/// The portal's button for other sites, in that language.
pub(crate) fn button(language: &str) -> &'static str {
    let mut buttons = include_str!("../../portal/server/web/sign-in-button.html").lines();
    buttons.find(|button| button.contains(&format!("lang=\"{language}\""))).unwrap_or_default()
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const WORDS: [Words; 3] = [
    Words {
        language: "be",
        title: "Выдуманая крама",
        offer: "Каб замовіць, увайдзіце праз дзяржаўны партал. Асобная рэгістрацыя не патрэбная.",
        hello: "Вы ўвайшлі. Вось што крама пра вас ведае:",
        name: "Імя",
        number: "Ідэнтыфікацыйны нумар",
        level: "Узровень упэўненасці",
        subject: "Хто вы для гэтай крамы",
        orders: "Мае заказы",
        no_orders: "заказаў яшчэ няма",
        leave: "Выйсці",
        refused: "Увайсці не ўдалося:",
    },
    Words {
        language: "ru",
        title: "Выдуманный магазин",
        offer: "Чтобы заказать, войдите через государственный портал. Отдельная регистрация не нужна.",
        hello: "Вы вошли. Вот что магазин о вас знает:",
        name: "Имя",
        number: "Идентификационный номер",
        level: "Уровень уверенности",
        subject: "Кто вы для этого магазина",
        orders: "Мои заказы",
        no_orders: "заказов ещё нет",
        leave: "Выйти",
        refused: "Войти не удалось:",
    },
    ENGLISH,
];

const ENGLISH: Words = Words {
    language: "en",
    title: "An invented shop",
    offer: "To order, sign in with the state's portal. You need not register here.",
    hello: "You are signed in. This is what the shop knows of you:",
    name: "Name",
    number: "Identification number",
    level: "Assurance level",
    subject: "Who you are to this shop",
    orders: "My orders",
    no_orders: "there are no orders yet",
    leave: "Sign out",
    refused: "You could not be signed in:",
};
