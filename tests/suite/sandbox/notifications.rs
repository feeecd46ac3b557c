//! Notifications that arrive, opened by this library and by openssl.
