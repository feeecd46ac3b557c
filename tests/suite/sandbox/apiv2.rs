//! APIv2 on the wire.
