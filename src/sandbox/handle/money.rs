//! What a user and WeChat Pay do with transfers and profit sharing.
