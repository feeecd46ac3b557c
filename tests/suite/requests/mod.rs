//! What is sent: URLs, bodies, signatures and encrypted fields.

mod brand;
mod browser_urls;
mod client_identity;
#[cfg(feature = "documents")]
mod documented;
mod over_tls;
mod pay_params;
mod recorded;
mod remote_signer;
#[cfg(feature = "documents")]
mod sealed_fields;
mod sensitive_fields;
mod signatures;
