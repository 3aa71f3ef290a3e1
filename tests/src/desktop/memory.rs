//! Whether a secret is, or was, in a process: its memory is searched for it in every form that programs keep digits in, or
//! texts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use aho_corasick::AhoCorasick;
use anyhow::{Context as _, Result};
use rustix::process::Pid;

/// A secret found where it does not belong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    /// Which of the secrets that were looked for.
    pub secret: usize,
    /// How it was written.
    pub form: &'static str,
}

/// Searches octets.
///
/// # Errors
/// If there is nothing to look for.
pub fn traces_in(octets: &[u8], secrets: &[&str]) -> Result<BTreeSet<Trace>> {
    traces_by(&Search::of(secrets, forms)?, octets)
}

/// Searches octets for what is no digits: texts, data objects.
///
/// # Errors
/// If there is nothing to look for.
pub fn traces_of_data_in(octets: &[u8], data: &[&[u8]]) -> Result<BTreeSet<Trace>> {
    traces_by(&Search::of(data, forms_of_data)?, octets)
}

#[expect(clippy::unnecessary_wraps, reason = "as its callers")]
fn traces_by(search: &Search, octets: &[u8]) -> Result<BTreeSet<Trace>> {
    let mut found = BTreeSet::new();
    search.look(octets, &mut found);
    Ok(found)
}

/// Searches whatever a process has written to its memory: also what it has freed.
///
/// # Errors
/// If the process has ended, or its memory is not shown to us.
pub fn traces_in_memory(process: Pid, secrets: &[&str]) -> Result<BTreeSet<Trace>> {
    traces_in_memory_by(&Search::of(secrets, forms)?, process)
}

/// The same for what is no digits.
///
/// # Errors
/// As [`traces_in_memory`].
pub fn traces_of_data_in_memory(process: Pid, data: &[&[u8]]) -> Result<BTreeSet<Trace>> {
    traces_in_memory_by(&Search::of(data, forms_of_data)?, process)
}

fn traces_in_memory_by(search: &Search, process: Pid) -> Result<BTreeSet<Trace>> {
    let folder = format!("/proc/{}", process.as_raw_nonzero());
    let memory = File::open(format!("{folder}/mem")).with_context(|| format!("{folder}/mem"))?;
    let pages = File::open(format!("{folder}/pagemap")).with_context(|| format!("{folder}/pagemap"))?;
    let mut found = BTreeSet::new();
    for area in areas(&fs::read_to_string(format!("{folder}/maps"))?) {
        for stretch in present(&pages, area)? {
            let mut octets = vec![0; usize::try_from(stretch.end - stretch.start)?];
            // What the process gives back meanwhile cannot be read.
            let count = memory.read_at(&mut octets, stretch.start).unwrap_or(0);
            search.look(octets.get(..count).unwrap_or_default(), &mut found);
        }
    }
    Ok(found)
}

struct Search {
    automaton: AhoCorasick,
    traces: Vec<Trace>,
}

impl Search {
    fn of<S: Copy>(secrets: &[S], forms: impl Fn(S) -> Vec<(&'static str, Vec<u8>)>) -> Result<Self> {
        let mut patterns = Vec::new();
        let mut traces = Vec::new();
        for (secret, value) in secrets.iter().enumerate() {
            for (form, octets) in forms(*value) {
                patterns.push(octets);
                traces.push(Trace { secret, form });
            }
        }
        Ok(Self { automaton: AhoCorasick::new(patterns)?, traces })
    }

    fn look(&self, octets: &[u8], found: &mut BTreeSet<Trace>) {
        let matches = self.automaton.find_overlapping_iter(octets);
        found.extend(matches.filter_map(|found| self.traces.get(found.pattern().as_usize()).cloned()));
    }
}

/// Pages, by their addresses.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: u64,
    end: u64,
}

/// The parts of the address space that the process can write, or could: not its program's text.
fn areas(maps: &str) -> Vec<Stretch> {
    let area = |line: &str| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let rights = words.next()?;
        let is_file = words.nth(2)? != "0";
        let is_kept_by_kernel = line.ends_with("[vvar]") || line.ends_with("[vsyscall]");
        let wanted = rights.starts_with('r') && !is_kept_by_kernel && (rights.contains('w') || !is_file);
        let address = |text| u64::from_str_radix(text, 16).ok();
        wanted.then_some(Stretch { start: address(start)?, end: address(end)? })
    };
    maps.lines().filter_map(area).collect()
}

const PAGE: u64 = 4096;

/// Longest stretch read at once.
const MOST: u64 = 16 << 20;

/// Those pages of an area that are there: browsers reserve far more than they use.
fn present(pages: &File, area: Stretch) -> io::Result<Vec<Stretch>> {
    /// Entry of `/proc/PID/pagemap`: the page is in memory, or swapped out.
    const THERE: u64 = 3 << 62;
    const ENTRY: usize = 8;
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut entries = vec![0; 1 << 20];
    let mut page = area.start / PAGE;
    while page < area.end / PAGE {
        let wanted = usize::try_from(area.end / PAGE - page).unwrap_or(usize::MAX).saturating_mul(ENTRY);
        let buffer = entries.get_mut(..wanted.min(1 << 20)).unwrap_or_default();
        let count = pages.read_at(buffer, page * 8)?;
        if count < ENTRY {
            break;
        }
        for entry in buffer.get(..count).unwrap_or_default().chunks_exact(ENTRY) {
            let there = entry.try_into().is_ok_and(|entry| u64::from_ne_bytes(entry) & THERE != 0);
            let start = page * PAGE;
            match stretches.last_mut() {
                Some(last) if there && last.end == start && last.end - last.start < MOST => last.end += PAGE,
                _ if there => stretches.push(Stretch { start, end: start + PAGE }),
                _ => {}
            }
            page += 1;
        }
    }
    Ok(stretches)
}

/// Every way to write those digits.
fn forms(digits: &str) -> Vec<(&'static str, Vec<u8>)> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit.wrapping_sub(b'0')).collect();
    let backwards: Vec<u8> = values.iter().rev().copied().collect();
    let mut forms = Vec::new();
    for (values, [text, wide, keys, pad, codes, pad_codes, numbers, script]) in [
        (
            &values,
            ["text", "wide text", "keys", "keys of the pad", "key codes", "key codes of the pad", "numbers", "script"],
        ),
        (
            &backwards,
            [
                "text backwards",
                "wide text backwards",
                "keys backwards",
                "keys of the pad backwards",
                "key codes backwards",
                "key codes of the pad backwards",
                "numbers backwards",
                "script backwards",
            ],
        ),
    ] {
        let ascii: String = values.iter().map(|value| char::from(b'0' + value)).collect();
        forms.push((text, ascii.clone().into_bytes()));
        // UTF-16, UTF-32 and the X Window System's symbols of keys.
        for (name, base) in [(wide, 0x30), (pad, 0xFFB0)] {
            forms.extend(in_every_width(values, |value| base + u64::from(value)).map(|octets| (name, octets)));
        }
        for separator in [",", ", ", " ", "\",\"", "\", \"", "\n", "\0"] {
            let parts: Vec<String> = ascii.chars().map(String::from).collect();
            forms.push((keys, parts.join(separator).into_bytes()));
        }
        let with_pad =
            |value: u8| [90, 87, 88, 89, 83, 84, 85, 79, 80, 81].get(usize::from(value)).copied().unwrap_or(0);
        let with_row = |value: u8| if value == 0 { 19 } else { 9 + u64::from(value) };
        // As the X server numbers keys, and as the kernel does.
        for shift in [0, 8] {
            let row = in_every_width(values, |value| with_row(value) - shift);
            forms.extend(row.map(|octets| (codes, octets)));
            let pad = in_every_width(values, |value| with_pad(value) - shift);
            forms.extend(pad.map(|octets| (pad_codes, octets)));
        }
        forms.extend(in_every_width(values, u64::from).map(|octets| (numbers, octets)));
        // As JavaScriptCore keeps numbers: integers under a tag, others as floating point with an offset.
        let tagged = values.iter().flat_map(|value| (0xFFFE_0000_0000_0000 | u64::from(*value)).to_le_bytes());
        forms.push((script, tagged.collect()));
        let floating = values.iter().flat_map(|value| f64::from(*value).to_le_bytes());
        forms.push((script, floating.collect()));
    }
    forms.push(("base16", digits.bytes().flat_map(|digit| format!("{digit:02x}").into_bytes()).collect()));
    forms.extend(in_base64(digits.as_bytes()).into_iter().map(|octets| ("base64", octets)));
    // ISO 9564-1, format 2: length, digits two to an octet, filled up with ones.
    let length = u8::try_from(values.len()).unwrap_or(0);
    let packed = values.chunks(2).map(|pair| match pair {
        [first, second] => first << 4 | second,
        [first] => first << 4 | 0x0F,
        _ => 0,
    });
    forms.push(("PIN block", [0x20 | length].into_iter().chain(packed).chain([0xFF]).collect()));
    forms
}

/// One number after the other, each in 1, 2, 4 or 8 octets, in both orders. Five octets in a row mean little in memory:
/// numbers of one octet are left to those forms that are text.
fn in_every_width(values: &[u8], number: impl Fn(u8) -> u64) -> impl Iterator<Item = Vec<u8>> {
    let numbers: Vec<u64> = values.iter().map(|value| number(*value)).collect();
    [(2, false), (2, true), (4, false), (4, true), (8, false), (8, true)].into_iter().map(
        move |(width, is_big_endian)| {
            let mut octets = Vec::new();
            for number in &numbers {
                let little = number.to_le_bytes();
                let kept = little.get(..width).unwrap_or_default();
                if is_big_endian { octets.extend(kept.iter().rev()) } else { octets.extend(kept) }
            }
            octets
        },
    )
}

/// Every way to write those octets: as they are, in base16 and base64, and in JSON and UTF-16 if they are text.
fn forms_of_data(data: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let base16 = |digit: fn(&u8) -> String| data.iter().map(digit).collect::<String>().into_bytes();
    let mut forms = vec![
        ("octets", data.to_vec()),
        ("base16", base16(|octet| format!("{octet:02x}"))),
        ("base16 in capitals", base16(|octet| format!("{octet:02X}"))),
        ("base16 with spaces", base16(|octet| format!("{octet:02X} "))),
        ("numbers", base16(|octet| format!("{octet}, "))),
    ];
    forms.extend(in_base64(data).into_iter().map(|octets| ("base64", octets)));
    let Ok(text) = std::str::from_utf8(data) else { return forms };
    let units: Vec<u16> = text.encode_utf16().collect();
    forms.push(("UTF-16", units.iter().flat_map(|unit| unit.to_le_bytes()).collect()));
    forms.push(("UTF-16, larger octet first", units.iter().flat_map(|unit| unit.to_be_bytes()).collect()));
    forms.push(("UTF-32", text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect()));
    if !text.is_ascii() {
        forms.push(("JSON", units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes()));
        let one_octet_each: Option<Vec<u8>> = units.iter().map(|unit| cyrillic_octet(*unit)).collect();
        forms.extend(one_octet_each.map(|octets| ("Windows-1251", octets)));
    }
    forms
}

/// Letters of Belarusian and Russian, and what stands between them, in Windows-1251.
fn cyrillic_octet(unit: u16) -> Option<u8> {
    let special = [(0x401, 0xA8), (0x451, 0xB8), (0x40E, 0xA1), (0x45E, 0xA2), (0x406, 0xB2), (0x456, 0xB3)];
    let letter = || special.into_iter().find(|(letter, _)| *letter == unit).map(|(_, octet)| octet);
    match unit {
        0..=0x7F => u8::try_from(unit).ok(),
        0x410..=0x44F => u8::try_from(unit - 0x410 + 0xC0).ok(),
        _ => letter(),
    }
}

/// Base64 at each of the three places where the digits can begin, without the characters that neighbours share.
fn in_base64(octets: &[u8]) -> Vec<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |octets: &[u8]| -> Vec<u8> {
        let mut text = Vec::new();
        for group in octets.chunks_exact(3) {
            let number = group.iter().fold(0_usize, |number, octet| number << 8 | usize::from(*octet));
            text.extend([18, 12, 6, 0].iter().filter_map(|shift| ALPHABET.get(number >> shift & 63)));
        }
        text
    };
    (0..3).map(|before| encode(octets.get(before..).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_found_in_every_form() {
        let secret = "938172";
        for (form, octets) in forms(secret) {
            let memory = [&[0x55; 100][..], &octets, &[0xAA; 100]].concat();
            let found = traces_in(&memory, &[secret]).unwrap();
            assert!(found.contains(&Trace { secret: 0, form }), "{form}: {octets:02X?}");
        }
        for text in ["PIN 938172.", "{\"pin\":\"938172\"}", "[9,3,8,1,7,2]", "271839"] {
            assert!(!traces_in(text.as_bytes(), &[secret]).unwrap().is_empty(), "{text}");
        }
        assert_eq!(traces_in(b"938 172 938173 38172", &[secret]).unwrap(), BTreeSet::new());
    }

    #[test]
    fn data_are_found_in_every_form() {
        for data in ["ВЫДУМАНАЯ", "ВЫДУМАНАЯ/ВЫДУМАННАЯ", "VYDUMANAYA"]
            .map(str::as_bytes)
            .iter()
            .chain([&&b"\x45\x02\xFF\xFE"[..]])
        {
            for (form, octets) in forms_of_data(data) {
                let memory = [&[0x55; 100][..], &octets, &[0xAA; 100]].concat();
                let found = traces_of_data_in(&memory, &[data]).unwrap();
                assert!(found.contains(&Trace { secret: 0, form }), "{form}: {octets:02X?}");
            }
        }
        let name = "ВЫДУМАНАЯ".as_bytes();
        // As other programs write them, at each of base64's three places.
        for before in ["", "a", "ab"] {
            let text = openssl::base64::encode_block(&[before.as_bytes(), name, b"/RU"].concat());
            assert!(!traces_of_data_in(text.as_bytes(), &[name]).unwrap().is_empty(), "{text}");
        }
        for text in ["{\"name\":\"ВЫДУМАНАЯ\"}", "\\u0412\\u042b\\u0414\\u0423\\u041c\\u0410\\u041d\\u0410\\u042f"]
        {
            assert!(!traces_of_data_in(text.as_bytes(), &[name]).unwrap().is_empty(), "{text}");
        }
        assert_eq!(traces_of_data_in("ВЫДУМАННЫЙ VYDUMANY".as_bytes(), &[name]).unwrap(), BTreeSet::new());
    }

    #[test]
    fn no_form_is_so_short_that_chance_writes_it() {
        for (form, octets) in forms("938172") {
            assert!(octets.len() >= 4, "{form}: {octets:02X?}");
        }
    }

    #[test]
    fn a_secret_of_this_process_is_found_and_another_is_not() {
        // Put together here, so that the program's text does not hold it.
        let kept: Vec<u8> = [0x30_u8; 10].iter().zip([4_u8, 1, 0, 9, 7, 7, 3, 2, 8, 5]).map(|(a, b)| a + b).collect();
        let other: Vec<u8> = kept.iter().rev().map(|digit| 0x30 + (digit - 0x30 + 1) % 10).collect();
        let this = rustix::process::getpid();
        let kept = String::from_utf8(kept).unwrap();
        assert!(!traces_in_memory(this, &[&kept]).unwrap().is_empty());
        let child = std::process::Command::new("sleep").arg("60").spawn();
        let mut child = child.unwrap();
        let id = Pid::from_child(&child);
        let found = traces_in_memory(id, &[&kept, &String::from_utf8(other).unwrap()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.unwrap(), BTreeSet::new());
    }
}
