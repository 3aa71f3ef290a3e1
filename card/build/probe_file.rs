//! The lists of the probe: what is tried on an unknown card, and what may be written down.

use serde::Deserialize;

use crate::profile_file::Hex;

/// The constants that the file describes.
///
/// # Errors
/// What is wrong with the file, for whoever edits it.
pub(crate) fn to_rust(text: &str) -> Result<String, String> {
    let file: ProbeFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut constants = String::from("const APPLICATIONS: &[ApplicationId] = &[");
    for Application { aid: Hex(aid), .. } in &file.applications {
        if !(5..=16).contains(&aid.len()) {
            return Err(format!("a name of an application has 5 to 16 octets, not {}", aid.len()));
        }
        constants.push_str(&format!("ApplicationId::new(&{aid:?}), "));
    }
    constants.push_str("];\nconst FILES: &[FileId] = &[");
    for Hex(file) in &file.files {
        let &[high, low] = file.as_slice() else { return Err(format!("a file's name has two octets: {file:?}")) };
        constants.push_str(&format!("FileId::new({:#06X}), ", u16::from_be_bytes([high, low])));
    }
    constants.push_str("];\nconst IMPERSONAL: &[Tag] = &[");
    for Impersonal { tag, .. } in &file.impersonal {
        constants.push_str(&format!("Tag::new({tag:#X}), "));
    }
    constants.push_str("];\n");
    Ok(constants)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeFile {
    applications: Vec<Application>,
    files: Vec<Hex>,
    impersonal: Vec<Impersonal>,
}

/// The name is for whoever edits the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    #[serde(rename = "name")]
    _name: String,
    aid: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Impersonal {
    #[serde(rename = "name")]
    _name: String,
    tag: u32,
}
