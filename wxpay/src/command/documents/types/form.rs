//! Fields as a type needs them: the forms that a page has of one field are one.

use wechatpay_chain::catalog::{Field, Fields, Kind, Sealing};

/// A field of a struct.
pub(super) struct Form {
    pub(super) name: &'static str,
    /// `None` if the forms of the field have several types.
    pub(super) kind: Option<Kind>,
    pub(super) required: Need,
    pub(super) values: Vec<&'static str>,
    pub(super) sealed: Option<Sealing>,
    pub(super) fields: Vec<Form>,
}

/// Whether a field is always there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Always,
    /// Another field replaces it, or only some merchants send it.
    Mostly,
    /// The client sets it.
    ByClient,
    Never,
}

/// Who writes the fields. What a page requires of a request, some merchants may leave out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Merchant,
    WeChatPay,
    /// WeChat Pay, if nothing that it is documented to send is relied on.
    Doubted,
}

/// The client sets this header.
const SERIAL: &str = "Wechatpay-Serial";

/// What the pages of APIv2 require of every response, and only a failure has.
const OF_FAILURES: [&str; 3] = ["return_msg", "err_code", "err_code_des"];

/// Returns the fields in the order of the page, each once.
pub(super) fn forms(fields: Fields, writer: Writer) -> Vec<Form> {
    merged(fields.iter().map(|field| form(field, fields, writer)))
}

fn form(field: Field, siblings: Fields, writer: Writer) -> Form {
    let name = field.name();
    let is_always = match writer {
        Writer::Merchant => siblings.requires(name, |_| true),
        Writer::WeChatPay => !OF_FAILURES.contains(&name),
        Writer::Doubted => false,
    };
    let required = match (field.is_required(), is_always) {
        _ if name == SERIAL => Need::ByClient,
        (false, _) => Need::Never,
        (true, true) => Need::Always,
        (true, false) => Need::Mostly,
    };
    Form {
        name,
        kind: Some(field.kind()),
        required,
        values: field.values().to_vec(),
        sealed: field.sealed(),
        fields: forms(field.fields(), writer),
    }
}

fn merged(forms: impl Iterator<Item = Form>) -> Vec<Form> {
    let mut merged: Vec<Form> = Vec::new();
    for form in forms {
        match merged.iter_mut().find(|known| known.name == form.name) {
            Some(known) => merge(known, form),
            None => merged.push(form),
        }
    }
    merged
}

/// Makes one form of two, which reads what either reads.
fn merge(known: &mut Form, other: Form) {
    if known.kind != other.kind {
        known.kind = None;
        known.fields.clear();
        known.values.clear();
        return;
    }
    if known.required != other.required {
        known.required = Need::Mostly;
    }
    for value in other.values {
        if !known.values.contains(&value) {
            known.values.push(value);
        }
    }
    known.sealed = known.sealed.or(other.sealed);
    let is_in = |fields: &[Form], form: &Form| fields.iter().any(|field| field.name == form.name);
    // What only one of the forms has is not always there.
    for field in &mut known.fields {
        if !is_in(&other.fields, field) && field.required == Need::Always {
            field.required = Need::Mostly;
        }
    }
    for mut field in other.fields {
        match known
            .fields
            .iter_mut()
            .find(|known| known.name == field.name)
        {
            Some(known) => merge(known, field),
            None => {
                if field.required == Need::Always {
                    field.required = Need::Mostly;
                }
                known.fields.push(field);
            }
        }
    }
}
