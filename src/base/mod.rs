//! The ground floor: crypto, URI templates, XML. Nothing here knows of WeChat Pay or of HTTP.

pub mod crypto;
pub(crate) mod percent;
pub(crate) mod scalar;
#[allow(dead_code)] // `variables`
pub(crate) mod template;
#[allow(dead_code)] // until APIv2 is called
pub(crate) mod xml;
