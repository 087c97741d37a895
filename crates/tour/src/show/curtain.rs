//! The second screen of the terminal, and the way back from it, whatever happens.

use std::io::{self, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::queue;
use crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
};

/// Whether the second screen is on. Whoever switches it off is the one to say goodbye to it.
static UP: AtomicBool = AtomicBool::new(false);

/// As long as this lives, the second screen is on.
#[derive(Debug)]
pub(crate) struct Curtain(());

impl Curtain {
    pub(crate) fn raise() -> io::Result<Self> {
        UP.store(true, Ordering::SeqCst);
        let curtain = Self(());
        let mut out = stdout();
        queue!(out, EnterAlternateScreen, Hide, DisableLineWrap, Clear(ClearType::All))?;
        out.flush()?;
        Ok(curtain)
    }
}

impl Drop for Curtain {
    fn drop(&mut self) {
        fall();
    }
}

/// Whether it is up; after a fall nothing is painted any more.
pub(crate) fn is_up() -> bool {
    UP.load(Ordering::SeqCst)
}

/// Brings the terminal back to how it was. Does nothing if it is.
pub(crate) fn fall() {
    if UP.swap(false, Ordering::SeqCst) {
        let mut out = stdout();
        let _nowhere_to_tell = queue!(out, EnableLineWrap, Show, LeaveAlternateScreen);
        let _nowhere_to_tell = out.flush();
    }
}
