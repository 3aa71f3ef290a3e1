//! The outline of data objects: which tags, how deep and how long, without a value. What is no well-formed sequence of
//! data objects from its first octet to its last has none, so that plain text never passes for one.

use crate::tlv::{Cursor, Tag};

/// An object within octets: where it stands and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outlined<'a> {
    /// How many objects it stands in.
    pub(crate) depth: usize,
    /// Its tag.
    pub(crate) tag: Tag,
    /// Where its value begins, counted from the beginning.
    pub(crate) start: usize,
    /// Its value.
    pub(crate) value: &'a [u8],
    /// Whether its value is objects.
    pub(crate) is_constructed: bool,
}

/// Every object, in the order of the octets: an object before those within it.
pub(crate) fn outline(octets: &[u8]) -> Option<Vec<Outlined<'_>>> {
    let mut objects = Vec::new();
    walk(Cursor::new(octets), 0, &mut objects)?;
    (!objects.is_empty()).then_some(objects)
}

/// The same octets with every primitive value blanked to zeros, tags and lengths kept; without an outline all of them
/// are blanked.
pub(crate) fn blanked(octets: &[u8]) -> Vec<u8> {
    let mut kept = vec![0; octets.len()];
    let Some(objects) = outline(octets) else { return kept };
    kept.copy_from_slice(octets);
    for object in objects.iter().filter(|object| !object.is_constructed) {
        let value = kept.iter_mut().skip(object.start).take(object.value.len());
        value.for_each(|octet| *octet = 0);
    }
    kept
}

fn walk<'a>(mut cursor: Cursor<'a>, depth: usize, objects: &mut Vec<Outlined<'a>>) -> Option<()> {
    while !cursor.is_empty() {
        let object = cursor.object().ok()?;
        let is_constructed = is_constructed(object.tag);
        objects.push(Outlined {
            depth,
            tag: object.tag,
            start: object.value.offset(),
            value: object.value.rest(),
            is_constructed,
        });
        if depth >= MAX_DEPTH || objects.len() > MAX_OBJECTS {
            return None;
        }
        if is_constructed {
            walk(object.value, depth.saturating_add(1), objects)?;
        }
    }
    Some(())
}

/// Bit 6 of the first octet says so.
const fn is_constructed(tag: Tag) -> bool {
    let first = match tag.number().to_be_bytes() {
        [0, 0, 0, first] | [0, 0, first, _] | [0, first, _, _] | [first, ..] => first,
    };
    first & 0x20 != 0
}

/// Deeper than any certificate.
const MAX_DEPTH: usize = 24;
/// More than any file of a card has.
const MAX_OBJECTS: usize = 4096;
