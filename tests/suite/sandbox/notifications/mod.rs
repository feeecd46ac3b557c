//! Notifications that the sandbox sends.

mod deliveries;
mod events;
