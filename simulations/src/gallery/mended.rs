//! The answers: the programs of the gallery without their faults.

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
