//! The documented path nearest to one that is not: what a compile error and a hint show.

use super::{
    key::{Key, VARIABLE, after_symbol},
    table::OPERATIONS,
};

/// How many templates are compared in full: those that share the most with the path at both ends.
const SHORTLIST: usize = 64;
/// More segments than any documented path has.
const MAX_SEGMENTS: usize = 16;
/// More bytes than any documented segment has.
const MAX_SEGMENT: usize = 64;
/// What a value costs where the template has a variable.
const VALUE_FOR_VARIABLE: usize = 3;

/// The template nearest to `path`, however far that is.
pub(super) const fn nearest_template(path: &str) -> &'static str {
    let key = Key::loose(path);
    let own = Segments::of(&key);
    let shortlist = shortlist(&key);
    let (mut nearest, mut least) = (0, usize::MAX);
    let mut at = 0;
    while at < SHORTLIST {
        let candidate = shortlist[at];
        let template = Key::of(OPERATIONS[candidate].template());
        let distance = distance(&key, &own, &template);
        // Of equals the first in the catalogue, wherever the shortlist has it.
        if distance < least || (distance == least && candidate < nearest) {
            least = distance;
            nearest = candidate;
        }
        at += 1;
    }
    OPERATIONS[nearest].template()
}

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

/// What a key and a template share at both ends, less what is left of the template. Most templates
/// share little, and little is looked at.
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

/// How many symbols two keys share at the beginning, and of the rest at the end.
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

/// By segments or, where a slash was lost or put in, by symbols: the lesser of the two.
const fn distance(key: &Key, own: &Segments, template: &Key) -> usize {
    let (head, tail) = shared(key, template);
    let (by_segments, by_symbols) = (
        segments_distance(key, own, template, &Segments::of(template)),
        levenshtein(
            key,
            (head, key.len - tail),
            template,
            (head, template.len - tail),
        ),
    );
    if by_segments < by_symbols {
        by_segments
    } else {
        by_symbols
    }
}

/// Where the segments of a key begin and end.
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

/// The edit distance over segments, where to alter a segment costs its own edit distance.
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
            let altered = diagonal + segment_distance(a, a_parts.bounds[i], b, b_parts.bounds[j]);
            let left_out = row[j + 1] + whole_segment(a_parts.bounds[i]);
            let put_in = row[j] + whole_segment(b_parts.bounds[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(altered, left_out, put_in);
            j += 1;
        }
        i += 1;
    }
    row[b_parts.count]
}

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
    levenshtein(a, (a_at.0 + head, a_at.1), b, (b_at.0 + head, b_at.1))
}

const fn levenshtein(a: &Key, a_at: (usize, usize), b: &Key, b_at: (usize, usize)) -> usize {
    let (a_len, b_len) = (a_at.1 - a_at.0, b_at.1 - b_at.0);
    if a_len == 0 || b_len == 0 || a_len > MAX_SEGMENT || b_len > MAX_SEGMENT {
        return if a_len > b_len { a_len } else { b_len };
    }
    let mut row = [0; MAX_SEGMENT + 1];
    let mut j = 0;
    while j <= b_len {
        row[j] = j;
        j += 1;
    }
    let mut i = 0;
    while i < a_len {
        let mut diagonal = row[0];
        row[0] += 1;
        j = 0;
        while j < b_len {
            let differs = a.bytes[a_at.0 + i] != b.bytes[b_at.0 + j];
            let altered = diagonal + differs as usize;
            diagonal = row[j + 1];
            row[j + 1] = least(altered, row[j + 1] + 1, row[j] + 1);
            j += 1;
        }
        i += 1;
    }
    row[b_len]
}

const fn least(a: usize, b: usize, c: usize) -> usize {
    let least = if a < b { a } else { b };
    if least < c { least } else { c }
}
