//! The rules of applications, without a server.

use super::{rules::*, *};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::tests::{SP_MCHID, code, world},
    state::world::World,
};

fn submitted(w: &mut World, kind: Kind, number: &str, bank: &str) -> Result<u64, Refusal> {
    let new = NewApplication {
        kind,
        number: number.to_owned(),
        account: Account {
            bank: bank.to_owned(),
            ..Account::default()
        },
    };
    submit(w, SP_MCHID, new)
}

fn seen(w: &World, number: &str) -> Application {
    find(w, SP_MCHID, Kind::Special, |known| {
        known.new.number == number
    })
    .unwrap()
}

#[test]
fn application_goes_through_its_states_to_a_sub_merchant() {
    let mut w = world();
    let id = submitted(&mut w, Kind::Special, "a1", "招商银行").unwrap();
    assert_eq!(id.to_string().len(), 16);
    let states = [
        "APPLYMENT_STATE_TO_BE_CONFIRMED",
        "APPLYMENT_STATE_TO_BE_SIGNED",
        "APPLYMENT_STATE_SIGNING",
        "APPLYMENT_STATE_FINISHED",
    ];
    for (at, state) in states.into_iter().enumerate() {
        let busy = submitted(&mut w, Kind::Special, "a1", "工商银行");
        assert_eq!(code(busy), (400, "RESOURCE_ALREADY_EXISTS"));
        assert_eq!(advance(&mut w, SP_MCHID, "a1").unwrap(), state);
        let sub_mchid = seen(&w, "a1").sub_mchid;
        // The number is known before it is a merchant.
        assert_eq!(sub_mchid.is_some(), at > 0);
        let acts = sub_mchid.is_some_and(|sub| w.may_act_for(SP_MCHID, &sub));
        assert_eq!(acts, at == 3);
    }
    let sub_mchid = seen(&w, "a1").sub_mchid.unwrap();
    let account = w.stores[&sub_mchid].applyment.account.clone();
    assert_eq!(account.unwrap().bank, "招商银行");
    assert_eq!(w.stores[&sub_mchid].account.available(), 0);
    for refused in [
        advance(&mut w, SP_MCHID, "a1").map(drop),
        pass(&mut w, SP_MCHID, "a1").map(drop),
        reject(&mut w, SP_MCHID, "a1", "license_copy", "模糊"),
        fail(&mut w, SP_MCHID, "a1"),
        cancel(&mut w, SP_MCHID, "a1"),
    ] {
        assert_eq!(code(refused), (400, "INVALID_REQUEST"));
    }
}

#[test]
fn rejected_application_is_submitted_again_under_its_number() {
    let mut w = world();
    let id = submitted(&mut w, Kind::Special, "a1", "招商银行").unwrap();
    reject(&mut w, SP_MCHID, "a1", "license_copy", "模糊").unwrap();
    let body = seen(&w, "a1").body();
    assert_eq!(body["applyment_state"], "APPLYMENT_STATE_REJECTED");
    assert_eq!(body["audit_detail"][0]["reject_reason"], "模糊");
    assert!(pass(&mut w, SP_MCHID, "a1").is_err());
    assert_eq!(
        submitted(&mut w, Kind::Special, "a1", "工商银行").unwrap(),
        id
    );
    let body = seen(&w, "a1").body();
    assert_eq!(body["applyment_state"], "APPLYMENT_STATE_AUDITING");
    assert_eq!(body["audit_detail"], serde_json::json!([]));
    fail(&mut w, SP_MCHID, "a1").unwrap();
    assert_eq!(seen(&w, "a1").name_of_state(), "APPLYMENT_STATE_EDITTING");
    assert_eq!(
        submitted(&mut w, Kind::Special, "a1", "工商银行").unwrap(),
        id
    );
    let sub_mchid = pass(&mut w, SP_MCHID, "a1").unwrap();
    let account = w.stores[&sub_mchid].applyment.account.clone();
    assert_eq!(account.unwrap().bank, "工商银行");
}

#[test]
fn application_of_a_platform_has_states_of_its_own() {
    let mut w = world();
    submitted(&mut w, Kind::Ecommerce, "a1", "招商银行").unwrap();
    assert_eq!(code(fail(&mut w, SP_MCHID, "a1")), (400, "INVALID_REQUEST"));
    for state in ["ACCOUNT_NEED_VERIFY", "AUDITING", "NEED_SIGN", "FINISH"] {
        assert_eq!(advance(&mut w, SP_MCHID, "a1").unwrap(), state);
    }
    let a1 = find(&w, SP_MCHID, Kind::Ecommerce, |_| true).unwrap();
    assert!(w.may_act_for(SP_MCHID, a1.sub_mchid.as_deref().unwrap()));
}

#[test]
fn canceled_application_gives_way_to_a_new_one() {
    let mut w = world();
    let id = submitted(&mut w, Kind::Ecommerce, "a1", "招商银行").unwrap();
    cancel(&mut w, SP_MCHID, "a1").unwrap();
    cancel(&mut w, SP_MCHID, "a1").unwrap();
    let again = submitted(&mut w, Kind::Ecommerce, "a1", "招商银行").unwrap();
    assert_ne!(id, again);
    let other = submitted(&mut w, Kind::Special, "a1", "招商银行");
    assert_eq!(code(other), (400, "RESOURCE_ALREADY_EXISTS"));
}

#[test]
fn application_is_of_its_kind_and_its_provider() {
    let mut w = world();
    submitted(&mut w, Kind::Ecommerce, "a1", "招商银行").unwrap();
    let all = |_: &Application| true;
    assert!(find(&w, SP_MCHID, Kind::Ecommerce, all).is_ok());
    let other = find(&w, SP_MCHID, Kind::Special, all);
    assert_eq!(code(other), (400, "PARAM_ERROR"));
    let unknown = find(&w, "1", Kind::Ecommerce, all);
    assert_eq!(code(unknown), (404, "RESOURCE_NOT_EXISTS"));
}

#[test]
fn documented_fields_of_either_kind_can_be_rejected() {
    for name in ["license_copy", "id_card_number", "business_license_copy"] {
        assert!(is_documented(name), "{name}");
    }
    for name in ["licence", "", "verify_result"] {
        assert!(!is_documented(name), "{name}");
    }
}
