//! The tables and the signing code, compared with the documents and the recorded requests.

mod documents;
mod recorded;
