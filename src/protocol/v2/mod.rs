//! APIv2: flat fields, signed with a digest over them and the APIv2 key, sent as XML.

pub(crate) mod answer;
pub(crate) mod codes;
pub(crate) mod paths;
pub(crate) mod request;
pub(crate) mod sign;

#[cfg(test)]
mod recorded;
