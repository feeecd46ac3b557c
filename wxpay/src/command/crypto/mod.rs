//! Keys at work without a call: encrypting and decrypting fields, signing messages, and the parameters that
//! open a payment.

pub(crate) mod field;
mod input;
pub(crate) mod params;
mod resource;
pub(crate) mod sign;
