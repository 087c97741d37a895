//! Programs with one fault each, for the reader to find before the simulator does.
//!
//! Each of them is small, compiles without a warning, and works nearly always. Its first lines say what it does and what
//! is expected; nothing says where the fault is. Read, make up your mind, and then have it found:
//!
//! ```text
//! FAUXTP_GALLERY=two_clerks cargo nextest run -p fauxtp-simulations --test gallery --no-capture shows
//! ```
//!
//! prints the timeline of the simplest run in which it goes wrong. The answers are in [`mended`]: the same programs without
//! the fault, each with a sentence on what it was.
//!
//! | program | what goes wrong shows |
//! | --- | --- |
//! | [`two_clerks`], [`empty_throne`], [`two_messengers`] | in some orders of execution |
//! | [`second_alarm`], [`door_ajar`] | in every run, to those who look at the end |
//! | [`patient_customer`], [`night_porter`], [`slow_kitchen`], [`old_friend`], [`burning_lamp`], [`fresh_bread`], [`two_pockets`] | when somebody is struck in the wrong place |

pub mod two_clerks;
pub mod patient_customer;
pub mod night_porter;
pub mod empty_throne;
pub mod slow_kitchen;
pub mod old_friend;
pub mod burning_lamp;
pub mod fresh_bread;
pub mod two_messengers;
pub mod door_ajar;
pub mod second_alarm;
pub mod two_pockets;

pub mod mended;
