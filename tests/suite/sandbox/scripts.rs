//! Scripted answers.
