//! A table of virtual cards, as a page: testers put them into the reader and take them out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use latchkey_fixtures::holders::{Holder, deployed_holders, sample_holders};

use crate::desktop::{Answered, Asked, Site};
use crate::shop::escaped;
use crate::stage::{Cards, SampleSet, has_deployed_card};

/// The page at work. The cards are its own.
#[derive(Debug)]
pub struct CardTable {
    site: Site,
}

#[derive(Debug)]
struct Table {
    cards: Cards,
    /// Whose card is in the reader.
    inserted: Option<String>,
}

impl CardTable {
    /// Shows the cards of the set, for one reader.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, cards: Cards) -> Result<Self> {
        let table = Arc::new(Mutex::new(Table { cards, inserted: None }));
        let site = Site::start_at(set, "localhost", 0, move |asked| {
            table.lock().unwrap_or_else(PoisonError::into_inner).answer(asked)
        })?;
        Ok(Self { site })
    }

    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }
}

impl Table {
    fn answer(&mut self, asked: &Asked) -> Answered {
        let moved = match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/") => return Answered::page(self.page("")),
            // Only the table's own page moves cards.
            ("POST", "/insert" | "/remove") if !asked.is_own => return Answered::nothing(),
            ("POST", "/insert") => self.insert(&asked.body),
            ("POST", "/remove") => self.remove(),
            _ => return Answered::nothing(),
        };
        match moved {
            Ok(()) => Answered::redirect("/"),
            Err(error) => Answered::page(self.page(&format!("{error:#}"))),
        }
    }

    fn insert(&mut self, body: &[u8]) -> Result<()> {
        let fields: Vec<_> = openidconnect::url::form_urlencoded::parse(body).collect();
        let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_ref());
        let holder = holders().into_iter().find(|holder| Some(holder.id) == field("card")).context("whose card?")?;
        let fault = faults()?.into_iter().find(|fault| Some(name_of(fault).as_str()) == field("fault"));
        self.remove()?;
        match fault {
            Some(profile) => self.cards.insert_with_faults(holder.id, 1, &profile)?,
            None => self.cards.insert(holder.id, 1)?,
        }
        self.inserted = Some(holder.id.to_owned());
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        self.inserted = None;
        // A fault may have taken it out before.
        if self.cards.has_card(1)? { self.cards.remove(1) } else { Ok(()) }
    }

    fn page(&self, trouble: &str) -> String {
        let inserted = self.inserted.as_deref().filter(|_| self.cards.has_card(1).unwrap_or_default());
        let state = match inserted {
            Some(id) => format!(
                "<p>In the reader: <strong>{id}</strong></p>\n\
                 <form method=\"post\" action=\"/remove\"><button>Take it out</button></form>"
            ),
            None => "<p>The reader is empty.</p>".to_owned(),
        };
        let options: String =
            faults().unwrap_or_default().iter().map(|fault| format!("<option>{}</option>", name_of(fault))).collect();
        let rows: String = holders().iter().map(|holder| row(holder, &options)).collect();
        include_str!("card_table.html")
            .replace("{tokens}", include_str!("../../ui/src/tokens.css"))
            .replace("{style}", include_str!("../../portal/server/web/style.css"))
            .replace("{trouble}", &escaped(trouble))
            .replace("{state}", &state)
            .replace("{rows}", &rows)
    }
}

fn holders() -> Vec<Holder> {
    sample_holders().into_iter().chain(deployed_holders()).collect()
}

fn row(holder: &Holder, faults: &str) -> String {
    let Holder { id, case, pin, can, puk, .. } = holder;
    let second = if has_deployed_card(holder) { format!(", PIN2 {}", holder.pin2()) } else { String::new() };
    format!(
        "<tr><th scope=\"row\">{id}</th><td>{case}</td><td>PIN {pin}{second}, CAN {can}, PUK {puk}</td><td>\
         <form method=\"post\" action=\"/insert\"><input type=\"hidden\" name=\"card\" value=\"{id}\">\
         <select name=\"fault\" aria-label=\"Fault of the card of {id}\"><option value=\"\">without a fault</option>\
         {faults}</select> <button aria-label=\"Insert the card of {id}\">Insert</button></form></td></tr>\n"
    )
}

/// Profiles of faults that a card may have.
fn faults() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/data/faults");
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn name_of(profile: &Path) -> String {
    profile.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
