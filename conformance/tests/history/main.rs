//! What went wrong elsewhere, and must not come back: in the Python original, and in other people's libraries.

#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../pools/mod.rs"]
mod pools;
#[path = "../robot/mod.rs"]
mod robot;
mod python_faults;
mod python_faults_serious;
mod peers_actix;
mod peers_kameo;
mod peers_kameo_messages;
mod peers_others;
mod peers_others_messages;
mod peers_ractor;
mod peers_ractor_lives;
