//! The edit distance between two texts, which finds what a misspelt name was meant to be.

/// Texts longer than this are not compared byte by byte: a table row has a fixed size, so that the
/// distance can be computed in `const`.
pub(crate) const MAX_LEN: usize = 64;

/// Levenshtein's distance in bytes: how many must be replaced, inserted or removed.
///
/// If either text is empty or longer than [`MAX_LEN`], returns the longer length.
// `const`, because `path!` names the nearest documented path while a program compiles.
pub(crate) const fn levenshtein(a: &[u8], b: &[u8]) -> usize {
    if a.is_empty() || b.is_empty() || a.len() > MAX_LEN || b.len() > MAX_LEN {
        return if a.len() > b.len() { a.len() } else { b.len() };
    }
    let mut row = [0; MAX_LEN + 1];
    let mut j = 0;
    while j <= b.len() {
        row[j] = j;
        j += 1;
    }
    let mut i = 0;
    while i < a.len() {
        let mut diagonal = row[0];
        row[0] += 1;
        j = 0;
        while j < b.len() {
            let replaced = diagonal + (a[i] != b[j]) as usize;
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, row[j + 1] + 1, row[j] + 1);
            j += 1;
        }
        i += 1;
    }
    row[b.len()]
}

/// The least of three. `Ord::min` is not `const`.
pub(crate) const fn least(a: usize, b: usize, c: usize) -> usize {
    let least = if a < b { a } else { b };
    if least < c { least } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_replacements_insertions_and_removals() {
        for (a, b, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "abcd", 1),
            ("abc", "bc", 1),
            ("kitten", "sitting", 3),
            ("out_orderno", "out_order_no", 1),
        ] {
            assert_eq!(levenshtein(a.as_bytes(), b.as_bytes()), distance);
            assert_eq!(levenshtein(b.as_bytes(), a.as_bytes()), distance);
        }
    }

    #[test]
    fn long_texts_are_as_far_apart_as_they_are_long() {
        let long = [b'a'; MAX_LEN + 1];
        assert_eq!(levenshtein(&long, &long), long.len());
        assert_eq!(levenshtein(&long[1..], &long[1..]), 0);
    }
}
