//! The keys of the platform: modes and rotation.
