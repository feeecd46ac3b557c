//! Complaints, from the user to their end.
