//! What is about merchants: several of them in one sandbox, and complaints.

mod complaints;
mod several;
