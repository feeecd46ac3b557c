//! The Chinese titles of fields, which WeChat Pay's errors name them by.

/// Returns the title of a field, by its JSON pointer.
// Without a table of titles, the field's own name stands for it.
pub(crate) fn title(pointer: &str) -> &str {
    let named = pointer.rsplit('/').find(|token| {
        // The index of a list's item is not a name.
        !token.bytes().all(|byte| byte.is_ascii_digit())
    });
    named.unwrap_or(pointer)
}
