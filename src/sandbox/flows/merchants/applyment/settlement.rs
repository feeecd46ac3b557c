//! The bank account that a sub-merchant's money is settled to, and changes of it.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    account::Account,
    read::{check_clear, each_sealed},
};
use crate::{
    catalog,
    sandbox::{
        checks::merchant::acting_for_sub,
        dispatch::{
            refusal::Refusal,
            request::Ctx,
            response::{ApiResponse, HandlerResult},
        },
        shaped,
        state::{StateKind, changes::Stateful, timers::Timer, world::World},
        time::format_rfc3339,
    },
};

/// How many changes a merchant can ask for in a day, as documented.
const MAX_PER_DAY: usize = 5;

/// A change of a bank account.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    account: Account,
    created_at: u64,
    result: Verified,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verified {
    Auditing,
    /// Since this time, in seconds since 1970.
    Success(u64),
    Failed(u64, String),
}

/// Answers which account a sub-merchant has.
// A sub-merchant that no application made has none here: its answer is made up, in the documented shape.
pub(super) fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_sub(ctx, ctx.path("sub_mchid"))?;
    let account = ctx.world().store(&acting.mchid).applyment.account.clone();
    let Some(account) = account else {
        return shaped::answer(ctx);
    };
    let mut body = account_body(&account, ctx.optional_query("account_number_rule"));
    body["verify_result"] = "VERIFY_SUCCESS".into();
    Ok(ApiResponse::ok(&body))
}

/// Asks for another account.
pub(super) fn modify(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_sub(ctx, ctx.path("sub_mchid"))?;
    let fields = ctx.fields();
    let is_business = match fields.text("account_type", 64)? {
        "ACCOUNT_TYPE_BUSINESS" => true,
        "ACCOUNT_TYPE_PRIVATE" => false,
        _ => {
            let issue = "must be ACCOUNT_TYPE_BUSINESS or ACCOUNT_TYPE_PRIVATE";
            return Err(fields.error("account_type", issue));
        }
    };
    let (mut owner, mut number) = (None, String::new());
    let table = ctx.op.request().get("json");
    let table = table.map_or(catalog::Fields::NONE, |json| json.fields());
    each_sealed(ctx, &fields, table, &mut |fields, name, clear| {
        match name {
            "account_name" => owner = Some(clear.to_owned()),
            _ => number = clear.to_owned(),
        }
        check_clear(fields, name, clear)
    })?;
    let mut account = Account::read(
        &fields,
        is_business,
        owner.as_deref().unwrap_or(""),
        &number,
    )?;
    let mut world = ctx.world();
    if owner.is_none() {
        let known = world.store(&acting.mchid).applyment.account.as_ref();
        account.owner = known.map_or_else(String::new, |known| known.owner.clone());
    }
    let number = change(&mut world, &acting.mchid, account, ctx.now)?;
    Ok(ApiResponse::ok(&json!({ "application_no": number })))
}

/// Answers what came of a change.
pub(super) fn query_change(ctx: &Ctx<'_>) -> HandlerResult {
    let acting = acting_for_sub(ctx, ctx.path("sub_mchid"))?;
    let mut world = ctx.world();
    let changes = &world.store(&acting.mchid).applyment.changes;
    let change = changes.get(ctx.path("application_no"));
    let change = change.ok_or_else(not_found)?;
    Ok(ApiResponse::ok(
        &change.body(ctx.optional_query("account_number_rule")),
    ))
}

/// Asks for another account. Returns the number of the change.
fn change(w: &mut World, mchid: &str, account: Account, now: u64) -> Result<String, Refusal> {
    let changes = &w.store(mchid).applyment.changes;
    if changes
        .iter()
        .any(|known| known.result == Verified::Auditing)
    {
        return Err(Refusal::invalid_request(
            "结算银行账户修改申请正在审核中，请勿重复提交",
        ));
    }
    let day = |at: u64| format_rfc3339(at).chars().take(10).collect::<String>();
    let same_day = changes
        .iter()
        .filter(|known| day(known.created_at) == day(now));
    if same_day.count() >= MAX_PER_DAY {
        return Err(Refusal::invalid_request("每天仅能提交5次修改申请"));
    }
    let number = w.number("1023", 20);
    let change = Change {
        account,
        created_at: now,
        result: Verified::Auditing,
    };
    let changes = &mut w.store(mchid).applyment.changes;
    changes.insert(number.clone(), change);
    let timer = Timer {
        mchid: mchid.to_owned(),
        key: number.clone(),
        fire: |w, _, timer, at| change_succeeds(w, &timer.mchid, &timer.key, at),
    };
    w.settle_later(now, timer);
    Ok(number)
}

/// Lets a change of an account succeed.
pub(crate) fn change_succeeds(
    w: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), Refusal> {
    let change = under_way(w, mchid, number)?;
    change.result = Verified::Success(now);
    let account = change.account.clone();
    w.store(mchid).applyment.account = Some(account);
    Ok(())
}

/// Lets a change of an account fail.
pub(crate) fn change_fails(
    w: &mut World,
    mchid: &str,
    number: &str,
    reason: &str,
    now: u64,
) -> Result<(), Refusal> {
    let change = under_way(w, mchid, number)?;
    change.result = Verified::Failed(now, reason.to_owned());
    Ok(())
}

fn under_way<'a>(w: &'a mut World, mchid: &str, number: &str) -> Result<&'a mut Change, Refusal> {
    let store = w.stores.get_mut(mchid);
    let change = store.and_then(|store| store.applyment.changes.get_mut(number));
    let change = change.ok_or_else(not_found)?;
    match change.result {
        Verified::Auditing => Ok(change),
        _ => Err(Refusal::invalid_request("结算银行账户修改申请已审核完成")),
    }
}

impl Stateful for Change {
    const KIND: StateKind = StateKind::SettlementChange;

    fn state_name(&self) -> Cow<'static, str> {
        self.result.name().into()
    }
}

impl Verified {
    fn name(&self) -> &'static str {
        match self {
            Self::Auditing => "AUDITING",
            Self::Success(_) => "AUDIT_SUCCESS",
            Self::Failed(..) => "AUDIT_FAIL",
        }
    }
}

impl Change {
    fn body(&self, rule: Option<&str>) -> Value {
        let mut body = account_body(&self.account, rule);
        body["account_name"] = self.account.owner.as_str().into();
        let (at, reason) = match &self.result {
            Verified::Auditing => (None, None),
            Verified::Success(at) => (Some(*at), None),
            Verified::Failed(at, reason) => (Some(*at), Some(reason)),
        };
        body["verify_result"] = self.result.name().into();
        if let Some(at) = at {
            body["verify_finish_time"] = format_rfc3339(at).into();
        }
        if let Some(reason) = reason {
            body["verify_fail_reason"] = reason.as_str().into();
        }
        body
    }
}

fn account_body(account: &Account, rule: Option<&str>) -> Value {
    let mut body = json!({
        "account_type": account.kind(),
        "account_bank": account.bank,
        "account_number": account.number(rule),
    });
    for (name, value) in [
        ("bank_name", &account.bank_name),
        ("bank_branch_id", &account.branch_id),
    ] {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    body
}

fn not_found() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "RESOURCE_NOT_EXISTS",
        "申请单不存在",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::state::{merchant::Merchants, random::Rng};

    const NOW: u64 = 1_528_425_296;
    const MCHID: &str = "1900000110";

    fn asked(w: &mut World, now: u64) -> Result<String, Refusal> {
        let account = Account {
            bank: "招商银行".to_owned(),
            ..Account::default()
        };
        change(w, MCHID, account, now)
    }

    #[test]
    fn change_takes_effect_once_it_is_verified() {
        let mut w = World::new(Rng::from_seed(1), Some(60));
        let number = asked(&mut w, NOW).unwrap();
        assert!(w.store(MCHID).applyment.account.is_none());
        assert_eq!(asked(&mut w, NOW).unwrap_err().code, "INVALID_REQUEST");
        let changed_to = |w: &mut World| w.take_changes(0).waiting[0].to().to_owned();
        assert_eq!(changed_to(&mut w), "AUDITING");
        w.run_due(&Merchants::default(), NOW + 60);
        assert_eq!(changed_to(&mut w), "AUDIT_SUCCESS");
        let account = w.store(MCHID).applyment.account.clone();
        assert_eq!(account.unwrap().bank, "招商银行");
        assert!(change_fails(&mut w, MCHID, &number, "卡号有误", NOW).is_err());
    }

    #[test]
    fn day_has_five_changes() {
        let mut w = World::new(Rng::from_seed(1), None);
        for _ in 0..MAX_PER_DAY {
            let number = asked(&mut w, NOW).unwrap();
            change_fails(&mut w, MCHID, &number, "卡号有误", NOW).unwrap();
        }
        assert!(asked(&mut w, NOW).is_err());
        assert!(asked(&mut w, NOW + 24 * 3600).is_ok());
    }
}
