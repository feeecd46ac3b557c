//! What subscribers see.
