//! The lowest layer: crypto, URI templates, percent-encoding, JSON, XML and times. Nothing here knows the
//! protocol or HTTP.

pub mod crypto;
pub(crate) mod edit_distance;
pub(crate) mod json;
pub(crate) mod percent;
pub(crate) mod scalar;
pub(crate) mod template;
pub(crate) mod time;
pub(crate) mod xml;
