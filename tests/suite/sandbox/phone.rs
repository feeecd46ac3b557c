//! The customer's phone, which checks what a front end got.
