//! The listener for HTTPS, with client certificates of the sandbox's own CA.
