//! Finds the documented path that is most similar to an undocumented one, for compile errors and hints.
//!
//! All of it is `const`. The compiler's interpreter is slow and warns about long evaluations, so a
//! shortlist, which is cheap to make, comes before the edit distances.

use super::{
    key::{Key, VARIABLE, after_symbol},
    table::OPERATIONS,
};
use crate::base::edit_distance::{least, levenshtein};

/// How many templates are compared by edit distance. The test `one_typing_error_is_recognized` shows that
/// this is enough.
const SHORTLIST: usize = 64;
/// More segments than any documented path has.
const MAX_SEGMENTS: usize = 16;
/// The distance between a value and a variable: less than that of two words, so that a path with a value
/// in it (`id/4200001234`) is near its own template.
const VALUE_FOR_VARIABLE: usize = 3;

/// The template that is most similar to `path`, however different it is.
pub(super) const fn nearest_template(path: &str) -> &'static str {
    let key = Key::loose(path);
    let own = Segments::of(&key);
    let shortlist = shortlist(&key);
    let (mut nearest, mut least) = (0, usize::MAX);
    let mut at = 0;
    while at < SHORTLIST {
        let candidate = shortlist[at];
        // Made again for each candidate: a table of all keys would take 190 kB in every program that
        // uses `nearest`.
        let template = Key::of(OPERATIONS[candidate].template());
        let distance = distance(&key, &own, &template);
        // Of equal distances, the first in the catalogue: the shortlist is not in order.
        if distance < least || (distance == least && candidate < nearest) {
            least = distance;
            nearest = candidate;
        }
        at += 1;
    }
    OPERATIONS[nearest].template()
}

/// The templates that share the most with the key at both ends.
const fn shortlist(key: &Key) -> [usize; SHORTLIST] {
    let mut shortlist = [0; SHORTLIST];
    let mut scores = [isize::MIN; SHORTLIST];
    let mut worst = 0;
    let mut candidate = 0;
    while candidate < OPERATIONS.len() {
        let score = likeness(key, OPERATIONS[candidate].template());
        if score > scores[worst] {
            shortlist[worst] = candidate;
            scores[worst] = score;
            let mut at = 0;
            while at < SHORTLIST {
                if scores[at] < scores[worst] {
                    worst = at;
                }
                at += 1;
            }
        }
        candidate += 1;
    }
    shortlist
}

/// How much a key and a template share at both ends, less the rest of the template. Most templates share
/// little, so that few bytes are read.
const fn likeness(key: &Key, template: &str) -> isize {
    let template = template.as_bytes();
    let (mut key_begin, mut key_end) = (0, key.len);
    let (mut begin, mut end) = (0, template.len());
    while key_begin < key_end && begin < end {
        if key.bytes[key_begin] == template[begin] {
            begin += 1;
        } else if key.bytes[key_begin] == VARIABLE && template[begin] == b'{' {
            begin = after_symbol(template, begin);
        } else {
            break;
        }
        key_begin += 1;
    }
    while key_begin < key_end && begin < end {
        if key.bytes[key_end - 1] == template[end - 1] {
            end -= 1;
        } else if key.bytes[key_end - 1] == VARIABLE && template[end - 1] == b'}' {
            while template[end - 1] != b'{' {
                end -= 1;
            }
            end -= 1;
        } else {
            break;
        }
        key_end -= 1;
    }
    let shared = key.len - (key_end - key_begin);
    shared as isize - (end - begin) as isize
}

/// How many symbols two keys share at the beginning, and how many of the rest at the end.
const fn shared(key: &Key, template: &Key) -> (usize, usize) {
    let shorter = if key.len < template.len {
        key.len
    } else {
        template.len
    };
    let mut head = 0;
    while head < shorter && key.bytes[head] == template.bytes[head] {
        head += 1;
    }
    let mut tail = 0;
    while tail < shorter - head
        && key.bytes[key.len - 1 - tail] == template.bytes[template.len - 1 - tail]
    {
        tail += 1;
    }
    (head, tail)
}

/// The lesser of two distances: by segments, and by symbols. The latter is less if a slash is missing or
/// there is one too many.
const fn distance(key: &Key, own: &Segments, template: &Key) -> usize {
    let (head, tail) = shared(key, template);
    let (by_segments, by_symbols) = (
        segments_distance(key, own, template, &Segments::of(template)),
        levenshtein(
            key.part(head, key.len - tail),
            template.part(head, template.len - tail),
        ),
    );
    if by_segments < by_symbols {
        by_segments
    } else {
        by_symbols
    }
}

/// The positions of the segments in a key.
struct Segments {
    bounds: [(usize, usize); MAX_SEGMENTS],
    count: usize,
}

impl Segments {
    const fn of(key: &Key) -> Self {
        let mut segments = Self {
            bounds: [(0, 0); MAX_SEGMENTS],
            count: 0,
        };
        let (mut begin, mut at) = (0, 0);
        while at <= key.len && segments.count < MAX_SEGMENTS {
            if at == key.len || key.bytes[at] == b'/' {
                segments.bounds[segments.count] = (begin, at);
                segments.count += 1;
                begin = at + 1;
            }
            at += 1;
        }
        segments
    }
}

/// The edit distance in segments. Replacing a segment costs the edit distance of the two.
const fn segments_distance(a: &Key, a_parts: &Segments, b: &Key, b_parts: &Segments) -> usize {
    let mut row = [0; MAX_SEGMENTS + 1];
    let mut j = 0;
    while j < b_parts.count {
        row[j + 1] = row[j] + whole_segment(b_parts.bounds[j]);
        j += 1;
    }
    let mut i = 0;
    while i < a_parts.count {
        let mut diagonal = row[0];
        row[0] += whole_segment(a_parts.bounds[i]);
        j = 0;
        while j < b_parts.count {
            let replaced = diagonal + segment_distance(a, a_parts.bounds[i], b, b_parts.bounds[j]);
            let removed = row[j + 1] + whole_segment(a_parts.bounds[i]);
            let inserted = row[j] + whole_segment(b_parts.bounds[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, removed, inserted);
            j += 1;
        }
        i += 1;
    }
    row[b_parts.count]
}

/// The cost of a segment that only one of the two paths has. The 2 keeps a missing segment farther away
/// than a misspelt one.
const fn whole_segment((begin, end): (usize, usize)) -> usize {
    end - begin + 2
}

const fn segment_distance(a: &Key, a_at: (usize, usize), b: &Key, b_at: (usize, usize)) -> usize {
    let (a_len, b_len) = (a_at.1 - a_at.0, b_at.1 - b_at.0);
    let a_variable = a_len == 1 && a.bytes[a_at.0] == VARIABLE;
    let b_variable = b_len == 1 && b.bytes[b_at.0] == VARIABLE;
    if a_variable || b_variable {
        return if a_variable && b_variable {
            0
        } else if b_variable {
            VALUE_FOR_VARIABLE
        } else {
            b_len + 1
        };
    }
    let mut head = 0;
    while head < a_len && head < b_len && a.bytes[a_at.0 + head] == b.bytes[b_at.0 + head] {
        head += 1;
    }
    levenshtein(a.part(a_at.0 + head, a_at.1), b.part(b_at.0 + head, b_at.1))
}
