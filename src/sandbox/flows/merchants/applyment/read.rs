//! Reads the request of an application, and what is sealed in it.

use super::{Kind, NewApplication, account::Account};
use crate::{
    catalog::{self, Kind as FieldKind, Sealing},
    sandbox::{
        checks::fields::Fields,
        dispatch::{request::Ctx, response::ApiResponse},
    },
};

/// How many items of a list are read. Each has values to decrypt.
const MAX_ITEMS: usize = 10;
/// How long a number of the provider is at most.
const MAX_NUMBER: usize = 124;
const ID_CARD: &str = "IDENTIFICATION_TYPE_IDCARD";

/// Reads an application. Every sealed field must be one, and its clear text fit its rule.
pub(super) fn application(ctx: &Ctx<'_>, kind: Kind) -> Result<NewApplication, ApiResponse> {
    let fields = ctx.fields();
    let number = number(&fields, kind)?;
    if kind == Kind::Special {
        check_subject(&fields)?;
    }
    let (mut owner, mut account) = (String::new(), String::new());
    let table = ctx.op.request().get("json");
    let table = table.map_or(catalog::Fields::NONE, |json| json.fields());
    each_sealed(ctx, &fields, table, &mut |fields, name, clear| {
        match name {
            "account_name" => owner = clear.to_owned(),
            "account_number" => account = clear.to_owned(),
            _ => {}
        }
        check_clear(fields, name, clear)
    })?;
    let part = match kind {
        Kind::Special => fields.object("bank_account_info")?,
        Kind::Ecommerce => fields.object("account_info")?,
    };
    let bank_type = part.optional_text("bank_account_type", 64)?;
    let is_business = matches!(bank_type, Some("BANK_ACCOUNT_TYPE_CORPORATE" | "74"));
    Ok(NewApplication {
        kind,
        number: number.to_owned(),
        account: Account::read(&part, is_business, &owner, &account)?,
    })
}

fn number<'a>(fields: &Fields<'a>, kind: Kind) -> Result<&'a str, ApiResponse> {
    let name = match kind {
        Kind::Special => "business_code",
        Kind::Ecommerce => "out_request_no",
    };
    let number = fields.text(name, MAX_NUMBER)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match number.bytes().all(is_word) {
        true => Ok(number),
        false => Err(fields.error(name, "must be letters, digits and underscores")),
    }
}

/// Checks the parts that depend on the kind of the merchant.
fn check_subject(fields: &Fields<'_>) -> Result<(), ApiResponse> {
    let subject = fields.object("subject_info")?;
    match subject.text("subject_type", 64)? {
        "SUBJECT_TYPE_INDIVIDUAL" | "SUBJECT_TYPE_ENTERPRISE" => {
            subject.object("business_license_info")?;
        }
        "SUBJECT_TYPE_INSTITUTIONS"
        | "SUBJECT_TYPE_INSTITUTIONS_CLONED"
        | "SUBJECT_TYPE_OTHERS"
        | "SUBJECT_TYPE_GOVERNMENT" => {
            subject.object("certificate_info")?;
        }
        _ => {}
    }
    let identity = subject.object("identity_info")?;
    let id = match identity.text("id_doc_type", 64)? {
        ID_CARD => "id_card_info",
        _ => "id_doc_info",
    };
    identity.object(id).map(drop)
}

/// Decrypts the sealed fields that are given, and visits each with its clear text.
pub(super) fn each_sealed<'a>(
    ctx: &Ctx<'_>,
    fields: &Fields<'a>,
    table: catalog::Fields,
    visit: &mut dyn FnMut(&Fields<'a>, &str, &str) -> Result<(), ApiResponse>,
) -> Result<(), ApiResponse> {
    for field in table {
        let name = field.name();
        if field.sealed() == Some(Sealing::RsaOaep) {
            if let Some(clear) = ctx.unseal(fields, name)? {
                visit(fields, name, &clear)?;
            }
        } else if field.kind() == FieldKind::Object {
            if let Some(inner) = fields.optional_object(name)? {
                each_sealed(ctx, &inner, field.fields(), visit)?;
            }
        } else if field.kind() == FieldKind::ObjectList {
            for inner in fields.objects(name, MAX_ITEMS)? {
                each_sealed(ctx, &inner, field.fields(), visit)?;
            }
        }
    }
    Ok(())
}

/// Checks the clear text of a sealed field. It is not part of the error.
pub(super) fn check_clear(fields: &Fields<'_>, name: &str, clear: &str) -> Result<(), ApiResponse> {
    // What kind of ID it is stands beside most numbers.
    let mut given = fields.as_map().iter();
    let kind = given.find(|(name, _)| name.ends_with("id_doc_type"));
    let is_of_id_card = match kind {
        Some((_, kind)) => name.ends_with("_number") && kind == ID_CARD,
        None => name.ends_with("id_card_number"),
    };
    match broken_rule(name, clear, is_of_id_card) {
        Some(issue) => Err(fields.error(name, issue)),
        None => Ok(()),
    }
}

/// Returns the rule that a clear text breaks.
fn broken_rule(name: &str, clear: &str, is_of_id_card: bool) -> Option<&'static str> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (fits, rule) = match name {
        "mobile_phone" => (
            clear.len() == 11 && is_digits(clear),
            "must be sealed 11 digits",
        ),
        "contact_email" => (
            clear
                .split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.')),
            "must be a sealed address of e-mail",
        ),
        "account_number" => (
            (1..=32).contains(&clear.len()) && is_digits(clear),
            "must be sealed digits",
        ),
        _ if is_of_id_card => (
            is_id_card(clear),
            "must be a sealed number of an ID card: 15 digits, or 17 and a digit or X",
        ),
        _ => (
            !clear.is_empty() && clear.trim() == clear,
            "must be a sealed text without spaces around it",
        ),
    };
    (!fits).then_some(rule)
}

fn is_id_card(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.len() {
        15 => digits == 15,
        18 => digits == 18 || digits == 17 && text.ends_with(['X', 'x']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_texts_fit_their_rules() {
        for (name, is_of_id_card, fits, breaks) in [
            ("mobile_phone", false, "13900000000", "1390000000"),
            ("mobile_phone", false, "13900000000", "1390000000a"),
            ("contact_email", false, "tea@example.com", "tea.example.com"),
            ("contact_email", false, "tea@example.com", "tea@example"),
            ("account_number", false, "6222021234567890123", "6222 0212"),
            ("account_number", false, "1", ""),
            (
                "id_card_number",
                true,
                "110101199003070073",
                "11010119900307007",
            ),
            (
                "id_card_number",
                true,
                "11010119900307007X",
                "X10101199003070070",
            ),
            ("id_card_number", true, "110101900307007", "11010190030700X"),
            ("contact_name", false, "张三", " 张三"),
            ("contact_name", false, "张三", ""),
        ] {
            assert_eq!(
                broken_rule(name, fits, is_of_id_card),
                None,
                "{name} {fits}"
            );
            assert!(
                broken_rule(name, breaks, is_of_id_card).is_some(),
                "{name} {breaks}"
            );
        }
    }
}
