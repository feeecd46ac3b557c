//! What is about merchants: several of them in one sandbox, applications for new ones, and complaints.

mod applications;
mod complaints;
mod several;
