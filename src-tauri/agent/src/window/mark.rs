//! The program's mark, as large as the text beside it.

use gtk::cairo;
use gtk::prelude::*;

/// The mark at that height in pixels.
pub(crate) fn mark(height: i32) -> gtk::DrawingArea {
    let area = gtk::DrawingArea::new();
    area.set_size_request(height, height);
    area.set_valign(gtk::Align::Center);
    super::speech::role(&area, gtk::atk::Role::RedundantObject);
    area.connect_draw(|area, context| {
        let size = f64::from(area.allocated_width().min(area.allocated_height()));
        context.scale(size / DESIGN, size / DESIGN);
        if let Err(error) = draw(context) {
            tracing::debug!(%error, "the mark could not be drawn");
        }
        gtk::glib::Propagation::Proceed
    });
    area
}

/// A card that is a key, in the mark's own measures.
fn draw(context: &cairo::Context) -> Result<(), cairo::Error> {
    fill(context, 0x14_70_7C);
    rounded(context, 0.0, 0.0, DESIGN, DESIGN, 116.0);
    context.fill()?;
    fill(context, 0xFF_FF_FF);
    rounded(context, 96.0, 80.0, 320.0, 208.0, 40.0);
    context.fill()?;
    rounded(context, 224.0, 200.0, 64.0, 248.0, 28.0);
    context.fill()?;
    for tooth in [320.0, 400.0] {
        rounded(context, 252.0, tooth, 100.0, 48.0, 16.0);
        context.fill()?;
    }
    fill(context, 0xF2_B6_3D);
    rounded(context, 152.0, 136.0, 104.0, 88.0, 20.0);
    context.fill()
}

fn fill(context: &cairo::Context, colour: u32) {
    let [_, red, green, blue] = colour.to_be_bytes().map(|part| f64::from(part) / 255.0);
    context.set_source_rgb(red, green, blue);
}

fn rounded(context: &cairo::Context, left: f64, top: f64, width: f64, height: f64, radius: f64) {
    use std::f64::consts::{FRAC_PI_2, PI};
    let (right, bottom) = (left + width, top + height);
    context.new_sub_path();
    context.arc(right - radius, top + radius, radius, -FRAC_PI_2, 0.0);
    context.arc(right - radius, bottom - radius, radius, 0.0, FRAC_PI_2);
    context.arc(left + radius, bottom - radius, radius, FRAC_PI_2, PI);
    context.arc(left + radius, top + radius, radius, PI, PI + FRAC_PI_2);
    context.close_path();
}

/// The side of the mark in its own measures.
const DESIGN: f64 = 512.0;
