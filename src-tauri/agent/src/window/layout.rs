//! What stands where in a question's window.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{atk, pango};

use super::field::DigitField;
use super::mark::mark;
use super::speech;
use crate::words::{Documents, Gravity, Tries, Whom, Words};

/// The parts of a window that change or are acted upon.
pub(crate) struct Parts {
    pub(crate) window: gtk::Window,
    top: gtk::Box,
    page: gtk::Box,
    scrolled: gtk::ScrolledWindow,
    actions: gtk::Box,
    pub(crate) field: Option<Field>,
    pub(crate) notice: Notice,
    pub(crate) agree: gtk::Button,
    pub(crate) refuse: gtk::Button,
}

/// A field with what is said about it.
pub(crate) struct Field {
    pub(crate) digits: Rc<DigitField>,
    pub(crate) label: gtk::Label,
    pub(crate) count: gtk::Label,
}

/// A line that comes and goes.
pub(crate) struct Notice {
    pub(crate) whole: gtk::Box,
    pub(crate) text: gtk::Label,
    pub(crate) more_time: gtk::Button,
}

/// Texts that belong to no single question.
pub(crate) struct CommonTexts {
    pub(crate) program: String,
    pub(crate) next: String,
    pub(crate) more_time: String,
    /// The pad's name and that of its key that erases; without a pad, nothing.
    pub(crate) pad: Option<(String, String)>,
}

impl Parts {
    /// Puts a window together. It is not shown yet.
    pub(crate) fn new(words: &Words, digits: usize, common: &CommonTexts) -> Self {
        let top = top(words, common);
        let page = column(SECTION);
        page.style_context().add_class("page");
        page.add(&panel(&words.whom));
        if let Some(documents) = &words.documents {
            page.add(&of_documents(documents));
        }
        if let Some(meaning) = &words.meaning {
            page.add(&text(meaning, "text"));
        }
        if !words.next.is_empty() {
            page.add(&next(&common.next, &words.next));
        }
        if let Some(hesitation) = &words.hesitation {
            page.add(&text(hesitation, "text"));
        }
        let field = words.field.as_ref().map(|label| field(&page, label, digits, words.tries.as_ref(), common));
        let notice = notice(&common.more_time);
        page.add(&notice.whole);
        page.add(&text(&words.reader, "soft"));

        let (actions, agree, refuse) = actions(words);
        let all = column(0);
        let scrolled = scrolled(&page);
        all.add(&top);
        all.add(&scrolled);
        all.add(&actions);
        let window = window(&common.program, words);
        window.add(&all);
        Self { window, top, page, scrolled, actions, field, notice, agree, refuse }
    }

    /// Gives the page the height that its texts need now, or as much of it as the screen has.
    pub(crate) fn fit(&self) {
        let (_, width) = self.page.preferred_width();
        let (_, wanted) = self.page.preferred_height_for_width(width);
        let (_, top) = self.top.preferred_height_for_width(width);
        let (_, actions) = self.actions.preferred_height();
        let height = wanted.min(room().saturating_sub(top).saturating_sub(actions));
        // What has to be scrolled can be by keyboard.
        self.scrolled.set_can_focus(height < wanted);
        self.scrolled.set_min_content_height(NO_HEIGHT);
        self.scrolled.set_max_content_height(height);
        self.scrolled.set_min_content_height(height);
    }
}

fn window(program: &str, words: &Words) -> gtk::Window {
    let window = gtk::Window::new(gtk::WindowType::Toplevel);
    window.set_title(program);
    window.set_type_hint(gtk::gdk::WindowTypeHint::Dialog);
    window.set_position(gtk::WindowPosition::CenterAlways);
    window.set_keep_above(true);
    window.set_resizable(false);
    window.set_urgency_hint(true);
    window.style_context().add_class("question");
    speech::role(&window, atk::Role::Dialog);
    speech::describe(&window, &words.spoken());
    window
}

/// What stays in sight however long the page is: what is asked, and for whom.
fn top(words: &Words, common: &CommonTexts) -> gtk::Box {
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 10);
    let program = gtk::Label::new(Some(&common.program));
    program.style_context().add_class("program");
    // What is hidden has no height.
    program.show();
    let (_, height) = program.preferred_height();
    line.add(&mark(height.saturating_mul(3) / 2));
    line.add(&program);
    if let Some(step) = &words.step {
        let step = gtk::Label::new(Some(step));
        step.style_context().add_class("step");
        line.pack_end(&step, false, false, 0);
    }
    let top = column(12);
    top.style_context().add_class("top");
    top.add(&line);
    let heading = text(&words.heading, "heading");
    speech::role(&heading, atk::Role::Heading);
    top.add(&heading);
    if let Whom::Portal { introduction, origin, .. } = &words.whom {
        let whom = column(2);
        whom.add(&text(introduction, "soft"));
        let origin = text(origin, "origin");
        // A long name breaks anywhere rather than losing its end, which says whose site it is.
        origin.set_line_wrap_mode(pango::WrapMode::Char);
        whom.add(&origin);
        top.add(&whom);
    }
    top
}

/// What whoever asks gets.
fn panel(whom: &Whom) -> gtk::Box {
    let panel = column(6);
    panel.style_context().add_class("panel");
    match whom {
        Whom::Portal { receives, handed_over, .. } => {
            panel.add(&text(receives, "soft"));
            panel.add(&of_parts(handed_over));
        }
        Whom::Holder { introduction, reassurance } => {
            panel.add(&text(introduction, "field-label"));
            panel.add(&text(reassurance, "soft"));
        }
    }
    panel
}

/// What is handed over, all of it in sight: many short parts stand in two columns, line by line.
fn of_parts(parts: &[String]) -> gtk::Grid {
    let grid = gtk::Grid::new();
    grid.set_row_spacing(6);
    grid.set_column_spacing(16);
    let in_two = parts.len() > FEW_PARTS;
    grid.set_column_homogeneous(in_two);
    let (mut row, mut column) = (0_i32, 0_i32);
    for part in parts {
        let is_short = in_two && part.chars().count() <= SHORT_PART;
        if column == 1 && !is_short {
            (row, column) = (row.saturating_add(1), 0);
        }
        let width = if in_two && !is_short { 2 } else { 1 };
        let item = item("•", part, None, if is_short { HALF_MEASURE } else { MEASURE });
        grid.attach(&item, column, row, width, 1);
        (row, column) = if is_short && column == 0 { (row, 1) } else { (row.saturating_add(1), 0) };
    }
    grid
}

/// What is going to be signed. A long list scrolls on its own, so that the field stays in sight.
fn of_documents(documents: &Documents) -> gtk::Box {
    let all = column(8);
    all.add(&text(&documents.title, "field-label"));
    let lines = column(4);
    for line in &documents.lines {
        lines.add(&item("•", line, None, MEASURE));
    }
    if documents.lines.len() <= FEW_DOCUMENTS {
        all.add(&lines);
        return all;
    }
    let list = scrolled(&lines);
    list.set_can_focus(true);
    list.set_min_content_height(LIST_HEIGHT);
    list.set_max_content_height(LIST_HEIGHT);
    speech::describe(&list, &documents.title);
    all.add(&list);
    all
}

fn next(title: &str, steps: &[String]) -> gtk::Box {
    let all = column(8);
    all.add(&text(title, "field-label"));
    for (index, step) in steps.iter().enumerate() {
        all.add(&item(&index.saturating_add(1).to_string(), step, Some("number"), MEASURE));
    }
    all
}

fn item(sign: &str, what: &str, class: Option<&str>, measure: i32) -> gtk::Box {
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 10);
    let sign = gtk::Label::new(Some(sign));
    sign.set_valign(gtk::Align::Start);
    if let Some(class) = class {
        sign.style_context().add_class(class);
    }
    line.add(&sign);
    let what = text(what, "text");
    what.set_max_width_chars(measure);
    what.set_hexpand(true);
    what.set_valign(if class.is_some() { gtk::Align::Center } else { gtk::Align::Start });
    line.add(&what);
    line
}

fn field(page: &gtk::Box, label: &str, digits: usize, tries: Option<&Tries>, common: &CommonTexts) -> Field {
    let all = column(8);
    let digits = DigitField::new(digits);
    let label = text(label, "field-label");
    label.set_mnemonic_widget(Some(digits.entry()));
    all.add(&label);
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    line.add(digits.widget());
    let count = gtk::Label::new(None);
    count.style_context().add_class("soft");
    speech::role(&count, atk::Role::Statusbar);
    line.add(&count);
    all.add(&line);
    if let Some(tries) = tries {
        all.add(&of_tries(tries));
    }
    if let Some((name, erase)) = &common.pad {
        all.add(&super::pad::pad(&digits, name, erase));
    }
    page.add(&all);
    Field { digits, label, count }
}

fn of_tries(tries: &Tries) -> gtk::Label {
    let label = text(&tries.text, "tries");
    label.set_halign(gtk::Align::Start);
    match tries.gravity {
        Gravity::Usual => {}
        Gravity::Warning => label.style_context().add_class("warning"),
        Gravity::Last => label.style_context().add_class("last"),
    }
    label
}

fn notice(more_time: &str) -> Notice {
    let whole = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    whole.style_context().add_class("notice");
    speech::role(&whole, atk::Role::Notification);
    let text = text("", "text");
    let more_time = gtk::Button::with_label(more_time);
    whole.add(&text);
    whole.pack_end(&more_time, false, false, 0);
    // Parts are shown one by one when there is something to say.
    whole.set_no_show_all(true);
    text.show();
    Notice { whole, text, more_time }
}

fn actions(words: &Words) -> (gtk::Box, gtk::Button, gtk::Button) {
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    line.style_context().add_class("actions");
    let refuse = gtk::Button::with_label(&words.refuse);
    let agree = gtk::Button::with_label(&words.agree);
    agree.style_context().add_class("agree");
    if words.field.is_none() {
        agree.style_context().add_class("grave");
    }
    line.pack_end(&agree, false, false, 0);
    line.pack_end(&refuse, false, false, 0);
    (line, agree, refuse)
}

/// The page, with a bar to scroll by if the screen is too small for it; what to press stays in sight.
fn scrolled(page: &gtk::Box) -> gtk::ScrolledWindow {
    let scrolled = gtk::ScrolledWindow::new(gtk::Adjustment::NONE, gtk::Adjustment::NONE);
    scrolled.set_policy(gtk::PolicyType::Never, gtk::PolicyType::Automatic);
    scrolled.set_propagate_natural_width(true);
    scrolled.add(page);
    scrolled
}

/// How high a page with its buttons may be.
fn room() -> i32 {
    let height = gtk::gdk::Display::default()
        .and_then(|display| display.primary_monitor().or_else(|| display.monitor(0)))
        .map_or(SMALL_SCREEN, |monitor| monitor.workarea().height());
    height.saturating_sub(FRAME)
}

fn column(gap: i32) -> gtk::Box {
    gtk::Box::new(gtk::Orientation::Vertical, gap)
}

fn text(text: &str, class: &str) -> gtk::Label {
    let label = gtk::Label::new(Some(text));
    label.set_xalign(0.0);
    label.set_line_wrap(true);
    label.set_line_wrap_mode(pango::WrapMode::WordChar);
    label.set_max_width_chars(MEASURE);
    label.style_context().add_class(class);
    label
}

/// How many characters a line asks for. Less than the page has, so that the page's width is the same for every question
/// and the height of its texts is known.
const MEASURE: i32 = 30;
/// The same in one of two columns.
const HALF_MEASURE: i32 = 12;
/// How many parts of what is handed over stand in one column.
const FEW_PARTS: usize = 6;
/// How many characters a part has at most that stands in one of two columns.
const SHORT_PART: usize = 40;
/// How many documents are shown without a list that scrolls.
const FEW_DOCUMENTS: usize = 5;
/// How high such a list is, in pixels.
const LIST_HEIGHT: i32 = 150;
/// The gap between parts, in pixels.
const SECTION: i32 = 18;
/// GTK's number for a height that is not set.
const NO_HEIGHT: i32 = -1;
/// What a desktop puts around a window, above and below it.
const FRAME: i32 = 72;
/// The height of the smallest screen, if nothing is known of the one there is.
const SMALL_SCREEN: i32 = 600;
