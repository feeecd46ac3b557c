//! Groups of fields of which one suffices, although all of them are marked as required.
