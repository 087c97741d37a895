//! Drives the key-value server with Redis' own programs, with a client that checks every answer, and with
//! bytes that are no requests.

mod server;
mod client;
mod commands;
mod hostile;
mod crashes;
