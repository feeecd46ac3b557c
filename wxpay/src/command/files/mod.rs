//! Files of WeChat Pay: platform certificates, bills and uploads.

pub(crate) mod bill;
pub(crate) mod certs;
mod progress;
mod temporary;
pub(crate) mod upload;
