//! What is an unknown card like? Asked with the CAN alone, which never blocks, and with commands that change nothing.
//!
//! Whatever is asked goes through [`Asking`](commands::Asking), which has no words for anything but SELECT, READ BINARY,
//! and what opens a channel with the CAN: MSE:Set AT and GENERAL AUTHENTICATE. What is found is written down by its
//! outline: status, tags and lengths; a value only of objects that say nothing of a person. The lists of what is tried
//! and of those objects are in `profiles/probe.toml`.

mod commands;
mod report;

pub use report::ProbeReport;

use latchkey_crypto::rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::apdu::StatusWord;
use crate::channel::CardChannel;
use crate::dialogue::error::DialogueError;
use crate::password::Can;
use crate::profile::{ApplicationId, Edition, Editions, FileId, Profile};
use crate::rights::{Authority, DataGroup, EidRights};
use crate::tlv::Tag;
use commands::{Asking, ProbeCommand};
use report::Notes;

include!(concat!(env!("OUT_DIR"), "/probe.rs"));

/// Examines a card and reports what it answered. The CAN is presented at most five times, with a pause of the card's own
/// after each that it refuses.
///
/// # Errors
/// [`DialogueError::Channel`] if the card could not be talked to. What the card refuses is part of the report.
pub fn probe(
    channel: &mut dyn CardChannel,
    can: &Can,
    random: &mut dyn CryptoRng,
) -> Result<ProbeReport, DialogueError> {
    let mut notes = Notes::new();
    let entries = find_entries(channel, &mut notes)?;
    let Some(entry) = entries.first().copied() else {
        notes.finding("entry", "none: nothing takes a CAN");
        return Ok(notes.finish(false));
    };
    notes.finding("entry", &name_of(entry));
    let Some(editions) = find_editions(channel, entry, can, random, &mut notes)? else {
        return Ok(notes.finish(false));
    };
    let opened = look_inside(channel, entry, editions, can, random, &mut notes)?;
    Ok(notes.finish(opened))
}

/// Where a session may begin: with this applet, or with the master file itself.
type Entry = Option<ApplicationId>;

fn name_of(entry: Entry) -> String {
    entry.map_or("the master file".to_owned(), |application| report::hex(application.octets()))
}

/// Asks for every application and file without a channel. Gives the places that take a CAN.
fn find_entries(channel: &mut dyn CardChannel, notes: &mut Notes) -> Result<Vec<Entry>, DialogueError> {
    notes.section("without a channel");
    let mut asking = Asking::plain(channel);
    let mut entries = Vec::new();
    let mut look = |asking: &mut Asking<'_>, notes: &mut Notes, entry: Entry| -> Result<(), DialogueError> {
        let master_file = asking.say(ProbeCommand::SelectMasterFile)?.status();
        let can = asking.choose_can()?;
        notes.entry(&name_of(entry), master_file, can);
        if master_file.is_success() && (can.is_success() || can.tries_left().is_some()) {
            entries.push(entry);
        }
        Ok(())
    };
    look(&mut asking, notes, None)?;
    for application in APPLICATIONS {
        let selected = asking.say(ProbeCommand::SelectApplication(*application))?.status();
        let described = asking.say(ProbeCommand::DescribeApplication(*application))?;
        notes.application(*application, selected, Some(&described));
        if selected.is_success() || described.status().is_success() {
            look(&mut asking, notes, Some(*application))?;
        }
    }
    asking.say(ProbeCommand::SelectMasterFile)?;
    read_files(&mut asking, notes)?;
    Ok(entries)
}

/// Finds the edition of the hello and then that of the MAC: with no rights asked for, the editions' hellos differ.
fn find_editions(
    channel: &mut dyn CardChannel,
    entry: Entry,
    can: &Can,
    random: &mut dyn CryptoRng,
    notes: &mut Notes,
) -> Result<Option<Editions>, DialogueError> {
    notes.section("editions");
    for hello in [Edition::Errata2020, Edition::Print2019] {
        for mac in [Edition::Errata2020, Edition::Print2019] {
            let editions = Editions::assumed(hello, mac);
            let mut asking = Asking::plain(channel);
            enter(&mut asking, entry)?;
            match going_on(asking.open_with_can(&model(entry, editions), can, &Authority::NOTHING, random))? {
                Err(refused) => {
                    notes.edition("hello", hello, Some(&refused));
                    // Another MAC changes nothing about that.
                    break;
                }
                Ok(()) => notes.edition("hello", hello, None),
            }
            match going_on(asking.say(ProbeCommand::SelectMasterFile).map(|_| ()))? {
                Ok(()) => {
                    notes.edition("mac", mac, None);
                    return Ok(Some(editions));
                }
                Err(refused) => notes.edition("mac", mac, Some(&refused)),
            }
        }
    }
    Ok(None)
}

/// Opens a channel with the right to read data groups, and reads what can be read.
fn look_inside(
    channel: &mut dyn CardChannel,
    entry: Entry,
    editions: Editions,
    can: &Can,
    random: &mut dyn CryptoRng,
    notes: &mut Notes,
) -> Result<bool, DialogueError> {
    notes.section("in a channel opened with the CAN");
    let mut asking = Asking::plain(channel);
    enter(&mut asking, entry)?;
    let authority = Authority { eid: Some(reading_rights()), ..Authority::NOTHING };
    if let Err(refused) = going_on(asking.open_with_can(&model(entry, editions), can, &authority, random))? {
        notes.refused("channel", &refused);
        return Ok(false);
    }
    notes.finding("channel", "open");
    let looked = going_on(look_at_all(&mut asking, notes))?;
    if let Err(refused) = looked {
        notes.refused("channel", &refused);
    }
    Ok(true)
}

fn look_at_all(asking: &mut Asking<'_>, notes: &mut Notes) -> Result<(), DialogueError> {
    for application in APPLICATIONS {
        asking.say(ProbeCommand::SelectMasterFile)?;
        let selected = asking.say(ProbeCommand::SelectApplication(*application))?.status();
        notes.application(*application, selected, None);
        if selected.is_success() {
            read_files(asking, notes)?;
        }
    }
    Ok(())
}

/// Reads every file of the list that is there.
fn read_files(asking: &mut Asking<'_>, notes: &mut Notes) -> Result<(), DialogueError> {
    for file in FILES {
        let selected = asking.say(ProbeCommand::SelectFile(*file))?.status();
        if !selected.is_success() {
            notes.file(*file, selected, None);
            continue;
        }
        let (contents, last) = read_file(asking)?;
        notes.file(*file, selected, Some((&contents, last)));
    }
    Ok(())
}

/// The contents of the selected file, and the status with which the card ended them.
fn read_file(asking: &mut Asking<'_>) -> Result<(Zeroizing<Vec<u8>>, StatusWord), DialogueError> {
    let mut contents = Zeroizing::new(Vec::new());
    loop {
        // A file beyond what an offset can name ends here.
        let Ok(offset) = u16::try_from(contents.len()) else { return Ok((contents, StatusWord::SUCCESS)) };
        let answer = asking.say(ProbeCommand::ReadBinary { offset: offset.min(MAX_OFFSET) })?;
        contents.extend_from_slice(answer.data());
        let is_last = answer.data().len() < usize::from(super::READ_BLOCK_SIZE) || offset >= MAX_OFFSET;
        if is_last || !answer.status().is_success() {
            return Ok((contents, answer.status()));
        }
    }
}

/// Begins anew: a channel that stood may have to be closed by the first plain command.
fn enter(asking: &mut Asking<'_>, entry: Entry) -> Result<(), DialogueError> {
    for _ in 0..2 {
        let selected = match entry {
            Some(application) => asking.say(ProbeCommand::SelectApplication(application))?.status(),
            None => StatusWord::SUCCESS,
        };
        let master_file = asking.say(ProbeCommand::SelectMasterFile)?.status();
        if selected.is_success() && master_file.is_success() {
            break;
        }
    }
    Ok(())
}

/// The model of card to talk as: its names of passwords and its order of rights.
fn model(entry: Entry, editions: Editions) -> Profile {
    let model = if entry.is_some() { Profile::kta() } else { Profile::standard() };
    Profile { editions, ..model }
}

/// The right to read every data group, and no other.
fn reading_rights() -> EidRights {
    (1..=22).filter_map(DataGroup::new).fold(EidRights::NONE, |rights, group| rights | EidRights::read(group))
}

/// What the card refuses is a finding; that it cannot be talked to is not.
fn going_on<T>(result: Result<T, DialogueError>) -> Result<Result<T, DialogueError>, DialogueError> {
    match result {
        Err(error @ DialogueError::Channel(_)) => Err(error),
        found => Ok(found),
    }
}

/// READ BINARY has 15 bits for an offset.
const MAX_OFFSET: u16 = 0x7FFF;
