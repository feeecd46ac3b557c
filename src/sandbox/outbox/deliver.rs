//! Sends notifications as they become due.
