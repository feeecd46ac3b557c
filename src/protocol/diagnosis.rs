//! Why a signature was refused: WeChat Pay's view of the signed message beside ours.

use serde_json::Value;

/// The lines of the message of a request, as the documents name them.
const LINES: [&str; 5] = ["method", "URL", "timestamp", "nonce", "body"];

/// What differs between the message that we signed and the one that a `SIGN_ERROR` tells of, in
/// its `sign_information`. Says where, never what: the message holds the body.
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
    let common = ours
        .iter()
        .zip(theirs)
        .position(|(a, b)| a != b)
        .unwrap_or(ours.len().min(theirs.len()));
    let differs = common < theirs.len();
    if differs || length != ours.len() as u64 {
        let before = &ours[..common];
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        let name = LINES[line.min(LINES.len() - 1)];
        let lengths = format!("{} bytes signed here, {length} seen there", ours.len());
        return Some(if differs {
            format!(
                "the message differs in the {name} from byte {column} on ({lengths}): something \
                 on the way changed the request"
            )
        } else {
            format!(
                "the message differs after its first {common} bytes ({lengths}): something on the way changed the body"
            )
        });
    }
    Some(
        "the message is the same on both sides: the private key is not the one of the serial, or \
         the serial is not this merchant's"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &[u8] = b"POST\n/v3/x?a=1\n1554208460\nNONCE\n{\"secret\":1}\n";

    fn told(theirs: &str, length: u64) -> String {
        let detail = json!({ "sign_information": {
            "truncated_sign_message": theirs, "sign_message_length": length,
        }});
        sign_error(Some(&detail), OURS).unwrap()
    }

    #[test]
    fn the_line_that_differs_is_named() {
        for (theirs, text) in [
            ("POST\n/v3/x?a=2\n1554208460\n", "in the URL from byte 8 on"),
            ("GET\n/v3/x?a=1\n", "in the method from byte 0 on"),
            (
                "POST\n/v3/x?a=1\n1554208460\nNONCE\n{\"secret\":2}\n",
                "in the body from byte 10 on",
            ),
        ] {
            let told = told(theirs, OURS.len() as u64);
            assert!(told.contains(text), "{told}");
            assert!(!told.contains("secret"));
        }
        assert!(told("POST\n/v3/x?a=1\n", 999).contains("after its first 15 bytes"));
    }

    #[test]
    fn the_same_message_points_at_the_key() {
        assert!(told("POST\n/v3/x?a=1\n", OURS.len() as u64).contains("private key"));
        assert!(sign_error(None, OURS).is_none());
        assert!(sign_error(Some(&json!({ "sign_information": 1 })), OURS).is_none());
    }
}
