//! Every documented operation, called with its recorded sample.
