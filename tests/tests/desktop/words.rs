//! What is pressed and read in the windows, by its name.

// A question that has just come takes no answer yet.
pub(crate) const AGREE: &str = "[data-action=agree][aria-disabled=false]";
pub(crate) const NOT_NOW: &str = "[data-action=not-now][aria-disabled=false]";
pub(crate) const REFUSE: &str = "[data-action=refuse][aria-disabled=false]";
pub(crate) const CLOSE: &str = "[data-action=close]";
pub(crate) const MEND: &str = "[data-action=mend]";
pub(crate) const BEGIN: &str = "[data-action=begin]";
pub(crate) const PIN: &str = "PIN of your card";
