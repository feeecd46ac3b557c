//! Files of WeChat Pay: platform certificates, bills and uploads.

pub(crate) mod bill;
pub(crate) mod certs;
mod private;
mod progress;
pub(crate) mod upload;
