//! A PDF of one page with lines of text.

use std::fmt::Write as _;

/// Returns a page with these lines, which must be ASCII: the standard fonts of PDF have no others.
pub(super) fn page(lines: &[String]) -> String {
    let mut content = String::from("BT /F1 12 Tf 50 780 Td 18 TL\n");
    for line in lines {
        let escaped: String = line
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .flat_map(|c| {
                matches!(c, '(' | ')' | '\\')
                    .then_some('\\')
                    .into_iter()
                    .chain([c])
            })
            .collect();
        let _ = writeln!(content, "({escaped}) Tj T*");
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let start = file.len();
    let _ = write!(
        file,
        "{table}trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1,
    );
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_a_page_has_the_place_of_each_object() {
        let file = page(&["a (b) \\ 茶".to_owned()]);
        assert!(file.contains("(a \\(b\\) \\\\ ) Tj"), "{file}");
        let (_, table) = file.split_once("xref\n0 6\n").unwrap();
        let places = table.lines().skip(1).take(5);
        for (index, line) in places.enumerate() {
            let place: usize = line[..10].parse().unwrap();
            assert!(file[place..].starts_with(&format!("{} 0 obj", index + 1)));
            assert_eq!(line.len(), 19);
        }
        let (_, start) = file.split_once("startxref\n").unwrap();
        let start: usize = start.lines().next().unwrap().parse().unwrap();
        assert!(file[start..].starts_with("xref\n"));
    }
}
