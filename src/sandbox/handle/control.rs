//! Scripted answers and faults.
