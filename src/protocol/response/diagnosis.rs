//! Why WeChat Pay refused a signature, found by comparing its view of the signed message with ours.

use serde_json::Value;

/// The lines of a request's signed message, as the documents name them.
const LINES: [&str; 5] = ["method", "URL", "timestamp", "nonce", "body"];

/// Compares the message that we signed with the one in the `sign_information` of a `SIGN_ERROR`.
///
/// Describes where they differ, never the bytes themselves: the message contains the body, and
/// errors end up in logs.
pub(crate) fn sign_error(detail: Option<&Value>, ours: &[u8]) -> Option<String> {
    let information = detail?.get("sign_information")?;
    let theirs = information
        .get("truncated_sign_message")?
        .as_str()?
        .as_bytes();
    let length = information
        .get("sign_message_length")
        .and_then(Value::as_u64)
        .unwrap_or(theirs.len() as u64);
    // Theirs is truncated, so it may end early without being different.
    let common = ours
        .iter()
        .zip(theirs)
        .position(|(a, b)| a != b)
        .unwrap_or(ours.len().min(theirs.len()));
    // WeChat Pay cuts the body short but still ends the text with a line break. That line break
    // is part of the cut, not a difference.
    let is_cut = (theirs.len() as u64) < length && theirs[common..] == *b"\n";
    let differs = common < theirs.len() && !is_cut;
    if differs || length != ours.len() as u64 {
        // Counting the line breaks before the difference names the line, which is the useful part: a
        // different URL points at a proxy, a different body at a middleware.
        let before = &ours[..common];
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        let name = LINES[line.min(LINES.len() - 1)];
        let lengths = format!("{} bytes signed, {length} received", ours.len());
        return Some(if differs {
            format!(
                "the signed message differs in the {name} from byte {column} on ({lengths}): \
                 something on the way changed the request"
            )
        } else {
            format!(
                "the signed message differs after its first {common} bytes ({lengths}): something \
                 on the way changed the body"
            )
        });
    }
    Some(
        "the signed message is the same on both sides: the private key does not belong to the \
         serial, or the serial does not belong to this merchant"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &[u8] = b"POST\n/v3/x?a=1\n1554208460\nNONCE\n{\"secret\":1}\n";

    fn diagnosis(theirs: &str, length: u64) -> String {
        let detail = json!({ "sign_information": {
            "truncated_sign_message": theirs, "sign_message_length": length,
        }});
        sign_error(Some(&detail), OURS).unwrap()
    }

    #[test]
    fn differing_line_is_named_without_its_content() {
        for (theirs, text) in [
            ("POST\n/v3/x?a=2\n1554208460\n", "in the URL from byte 8 on"),
            ("GET\n/v3/x?a=1\n", "in the method from byte 0 on"),
            (
                "POST\n/v3/x?a=1\n1554208460\nNONCE\n{\"secret\":2}\n",
                "in the body from byte 10 on",
            ),
        ] {
            let found = diagnosis(theirs, OURS.len() as u64);
            assert!(found.contains(text), "{found}");
            assert!(!found.contains("secret"));
        }
        assert!(diagnosis("POST\n/v3/x?a=1\n", 999).contains("after its first 15 bytes"));
    }

    #[test]
    fn line_break_after_a_truncated_body_is_not_a_difference() {
        let cut = "POST\n/v3/x?a=1\n1554208460\nNONCE\n{\"secre\n";
        assert!(diagnosis(cut, OURS.len() as u64).contains("private key"));
        let found = diagnosis(cut, 999);
        assert!(found.contains("after its first 39 bytes"), "{found}");
        // In a message that is complete, it is one.
        let complete = diagnosis(cut, cut.len() as u64);
        assert!(
            complete.contains("in the body from byte 7 on"),
            "{complete}"
        );
    }

    #[test]
    fn equal_messages_point_at_the_key() {
        assert!(diagnosis("POST\n/v3/x?a=1\n", OURS.len() as u64).contains("private key"));
        assert!(sign_error(None, OURS).is_none());
        assert!(sign_error(Some(&json!({ "sign_information": 1 })), OURS).is_none());
    }
}
