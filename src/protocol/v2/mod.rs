//! APIv2 requests: flat fields, signed with a digest over them and the APIv2 key, sent as XML.

pub(crate) mod codes;
mod names;
pub(crate) mod paths;
pub(crate) mod request;
pub(crate) mod result_code;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
