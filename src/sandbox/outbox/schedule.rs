//! When a notification is sent again.
