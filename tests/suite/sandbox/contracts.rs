//! Contracts for deductions, from signing to termination.
