//! Notifications: what was delivered, and how.
