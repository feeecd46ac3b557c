//! Service orders, from their creation to their payment.
