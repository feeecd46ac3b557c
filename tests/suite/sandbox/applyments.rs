//! Applications of merchants, from their submission to a new sub-merchant.
