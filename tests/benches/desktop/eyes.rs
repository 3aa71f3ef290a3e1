//! Sees when a window is painted: whoever made it, by the pixels on the display.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, MapState, Window};
use x11rb::rust_connection::RustConnection;

/// How often the display is looked at: short beside what is measured.
const GLANCE: Duration = Duration::from_millis(2);

/// How long anything may take to appear or go.
const PATIENCE: Duration = Duration::from_secs(60);

/// Smaller windows are icons and helpers.
const LEAST_EDGE: u16 = 300;

/// A strip of each window is looked at, this wide, across its whole height.
const STRIP: u16 = 80;

/// As soon as one pixel of so many differs from the background, something is painted.
const ONE_OF: usize = 200;

/// Looks at a display.
pub(crate) struct Eyes {
    display: RustConnection,
    root: Window,
}

impl Eyes {
    /// Opens the display of that name.
    pub(crate) fn open(display: &str) -> Result<Self> {
        let (display, screen) = x11rb::connect(Some(display))?;
        let root = display.setup().roots.get(screen).context("the display has no screen")?.root;
        Ok(Self { display, root })
    }

    /// Waits until a window with something in it is on the screen, and gives the moment at which it was.
    pub(crate) fn see_window(&self) -> Result<Instant> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            for window in self.windows()? {
                if self.is_painted(window) {
                    return Ok(Instant::now());
                }
            }
            std::thread::sleep(GLANCE);
        }
        bail!("no window appeared")
    }

    /// Waits until there is no window any more.
    pub(crate) fn see_none(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.windows()?.is_empty() {
                return Ok(());
            }
            std::thread::sleep(GLANCE);
        }
        bail!("a window stays")
    }

    /// The windows of programs that are on the screen.
    fn windows(&self) -> Result<Vec<Window>> {
        let children = self.display.query_tree(self.root)?.reply()?.children;
        let is_shown = |window: &Window| {
            // A window may go while it is looked at.
            let shown = self.display.get_window_attributes(*window).ok()?.reply().ok()?.map_state == MapState::VIEWABLE;
            let place = self.display.get_geometry(*window).ok()?.reply().ok()?;
            Some(shown && place.width >= LEAST_EDGE && place.height >= LEAST_EDGE)
        };
        Ok(children.into_iter().filter(|window| is_shown(window) == Some(true)).collect())
    }

    fn is_painted(&self, window: Window) -> bool {
        let pixels = || {
            let place = self.display.get_geometry(window).ok()?.reply().ok()?;
            let left = i16::try_from(place.width.saturating_sub(STRIP) / 2).ok()?;
            let strip = self.display.get_image(ImageFormat::Z_PIXMAP, window, left, 0, STRIP, place.height, u32::MAX);
            Some(strip.ok()?.reply().ok()?.data)
        };
        pixels().is_some_and(|pixels| differ(&pixels))
    }
}

/// Whether enough of the pixels (four octets each) are unlike the first.
fn differ(pixels: &[u8]) -> bool {
    let background = pixels.get(..4).unwrap_or_default();
    let others = pixels.chunks_exact(4).filter(|pixel| *pixel != background).count();
    others * ONE_OF > pixels.len() / 4
}
