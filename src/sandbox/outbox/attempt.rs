//! One attempt to deliver a notification.
