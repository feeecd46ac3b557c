//! Coupons, from their stock to their use.
