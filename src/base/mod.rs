//! The ground floor: crypto, URI templates, JSON, XML. Nothing here knows of WeChat Pay or of HTTP.

pub mod crypto;
pub(crate) mod json;
pub(crate) mod percent;
pub(crate) mod scalar;
pub(crate) mod template;
pub(crate) mod xml;
