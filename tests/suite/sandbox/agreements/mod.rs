//! What a customer agrees to first and pays later.

mod service_orders;
