//! What a customer does with payments, and what becomes of refunds.
