//! A bank account, as far as anybody may see it.

use crate::sandbox::{checks::fields::Fields, dispatch::response::ApiResponse};

/// A bank account. Its number and the name of its owner are kept masked alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) is_business: bool,
    pub(super) bank: String,
    pub(super) bank_name: Option<String>,
    pub(super) branch_id: Option<String>,
    pub(super) owner: String,
    /// In the two forms of `account_number_rule`.
    pub(super) number: [String; 2],
}

impl Account {
    /// Reads an account. `owner` and `number` are in the clear.
    pub(super) fn read(
        fields: &Fields<'_>,
        is_business: bool,
        owner: &str,
        number: &str,
    ) -> Result<Self, ApiResponse> {
        let text = |name: &str| {
            let text = fields.optional_text(name, 128)?;
            Ok::<_, ApiResponse>(text.map(str::to_owned))
        };
        Ok(Self {
            is_business,
            bank: text("account_bank")?.unwrap_or_default(),
            bank_name: text("bank_name")?,
            branch_id: text("bank_branch_id")?,
            owner: masked(owner, 1, 0),
            // The documents show one sample, of the first form. That of the second is not known.
            number: [masked(number, 2, 2), masked(number, 0, 4)],
        })
    }

    /// Returns `account_type`.
    pub(super) fn kind(&self) -> &'static str {
        match self.is_business {
            true => "ACCOUNT_TYPE_BUSINESS",
            false => "ACCOUNT_TYPE_PRIVATE",
        }
    }

    /// Returns the masked number, in the form that `account_number_rule` names.
    pub(super) fn number(&self, rule: Option<&str>) -> &str {
        let [first, second] = &self.number;
        match rule {
            Some("ACCOUNT_NUMBER_RULE_MASK_V2") => second,
            _ => first,
        }
    }
}

/// Returns a text of which the first and the last characters can be read.
fn masked(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    let is_shown = |at: usize| at < first || at + last >= length;
    let shown = text.chars().enumerate();
    shown
        .map(|(at, letter)| if is_shown(at) { letter } else { '*' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_text_has_its_length_and_its_ends() {
        assert_eq!(masked("6222021234567890123", 2, 2), "62***************23");
        assert_eq!(masked("6222021234567890123", 0, 4), "***************0123");
        assert_eq!(masked("张三丰", 1, 0), "张**");
        assert_eq!(masked("", 2, 2), "");
    }
}
