//! Keys at work without a call: encrypting and decrypting fields, signing messages, and the parameters that
//! open a payment.

mod argument;
pub(crate) mod field;
pub(crate) mod params;
mod resource;
pub(crate) mod sign;
