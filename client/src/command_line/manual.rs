//! The manual page, made from the same command line and texts as the help.

use std::io;

use super::arguments::command;
use crate::texts::Texts;

/// The manual page `latchkey(1)` in roff: the program, then each of its commands.
///
/// # Errors
/// None that a vector of octets gives.
pub fn manual_page(texts: &Texts) -> io::Result<String> {
    let mut command = command(texts);
    command.build();
    let mut page = Vec::new();
    let whole = clap_mangen::Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    render_commands(&command, &mut page)?;
    whole.render_extra_section(&mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}

fn render_commands(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if subcommand.has_subcommands() {
            render_commands(subcommand, page)?;
        } else {
            let man = clap_mangen::Man::new(subcommand.clone());
            man.render_synopsis_section(page)?;
            man.render_description_section(page)?;
            man.render_options_section(page)?;
        }
    }
    Ok(())
}
