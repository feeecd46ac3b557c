//! The platform's keys: modes and rotation.
