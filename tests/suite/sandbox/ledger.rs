//! The account of a merchant agrees with its bills and notifications.
