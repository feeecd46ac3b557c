//! What a customer does with contracts, complaints, coupons and applications.
