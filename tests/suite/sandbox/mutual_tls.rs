//! The HTTPS listener, with and without a client certificate.
