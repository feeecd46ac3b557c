//! Several merchants, and service providers.
