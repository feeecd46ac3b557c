//! Payments of every product.
