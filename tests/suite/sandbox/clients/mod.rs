//! Clients that are not this library, and clients of APIv2 and of mutual TLS.

mod apiv2;
mod axios_plugin;
mod mutual_tls;
mod node;
mod python_client;
mod script;
