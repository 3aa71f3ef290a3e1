//! What assistive tools are told beside what is shown.

use gtk::atk;
use gtk::atk::prelude::*;
use gtk::glib::subclass::SignalId;
use gtk::prelude::*;

/// Names a widget for assistive tools.
pub(crate) fn name(widget: &impl IsA<gtk::Widget>, name: &str) {
    if let Some(accessible) = widget.accessible() {
        accessible.set_name(name);
    }
}

/// Describes a widget for assistive tools.
pub(crate) fn describe(widget: &impl IsA<gtk::Widget>, description: &str) {
    if let Some(accessible) = widget.accessible() {
        accessible.set_description(description);
    }
}

/// Says what a widget is where its class does not say it.
pub(crate) fn role(widget: &impl IsA<gtk::Widget>, role: atk::Role) {
    if let Some(accessible) = widget.accessible() {
        accessible.set_role(role);
    }
}

/// Has something said now. Accessibility kits without the means leave it to the description and the text that changed.
pub(crate) fn announce(widget: &impl IsA<gtk::Widget>, text: &str) {
    let Some(accessible) = widget.accessible() else { return };
    if SignalId::lookup("announcement", accessible.type_()).is_some() {
        accessible.emit_by_name::<()>("announcement", &[&text]);
    }
}
