//! Snapshots, restored.
