//! Electronic receipts, and their files.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Client, ErrorKind, Response, Result, sandbox::Sandbox};

use super::payments::orders::post;

fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

/// Returns the code of a refusal.
fn refused(result: Result<Response>) -> String {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    api.code().to_owned()
}

#[test]
fn receipt_of_a_transfer_is_a_pdf_with_its_hash() {
    let (sandbox, client) = started();
    let transfer = json!({
        "appid": sandbox.appid(), "out_bill_no": "t0001", "transfer_scene_id": "1000",
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "transfer_amount": 100, "transfer_remark": "茶",
        "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "茶" }],
    });
    let transfer = post(&client, "v3/fund-app/mch-transfer/transfer-bills", transfer).unwrap();
    let number = json!({ "json": { "out_bill_no": "t0001" } });
    let apply = client.chain("v3/fund-app/mch-transfer/elecsign/out-bill-no");
    assert_eq!(refused(apply.post(number.clone())), "INVALID_REQUEST");
    sandbox.user_confirms_transfer("t0001").unwrap();
    sandbox.transfer_succeeds("t0001").unwrap();
    let path = "v3/fund-app/mch-transfer/elecsign/transfer-bill-no/{transfer_bill_no}";
    let query = json!({ "transfer_bill_no": transfer["transfer_bill_no"] });
    assert_eq!(refused(client.chain(path).get(query.clone())), "NOT_FOUND");
    let applied: Value = apply.post(number).unwrap().json().unwrap();
    assert_eq!(applied["state"], "GENERATING");
    let state = || -> Value {
        let response = client.chain(path).get(query.clone());
        response.unwrap().json().unwrap()
    };
    assert_eq!(state()["download_url"], Value::Null);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(state()["state"], "FINISHED");

    // The client checks the SHA-256.
    let file = client.chain(path).download(query.clone()).unwrap();
    assert!(file.bytes().starts_with(b"%PDF-") && file.bytes().ends_with(b"%%EOF\n"));
    let url = state()["download_url"].as_str().unwrap().to_owned();
    assert_eq!(state()["download_url"], url);
    // No page documents this path.
    assert!(
        url.contains("/v3/transferbilldownload/elecvoucherfile?"),
        "{url}"
    );
    // It is not signed: only the response that named it, with its hash, makes it trustworthy.
    let unsigned = client.chain(&url).get(()).unwrap_err();
    assert_eq!(unsigned.kind(), ErrorKind::Verification, "{unsigned}");
    sandbox.advance(Duration::from_secs(600));
    assert_eq!(refused(client.chain(url).get(())), "NO_AUTH");
}

#[test]
fn receipt_of_a_batch_comes_after_the_batch() {
    let (sandbox, client) = started();
    let batch = json!({
        "appid": sandbox.appid(), "out_batch_no": "b0001", "batch_name": "奖金",
        "batch_remark": "奖金", "total_amount": 100, "total_num": 1,
        "transfer_detail_list": [{
            "out_detail_no": "d0001", "transfer_amount": 100, "transfer_remark": "奖金",
            "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        }],
    });
    post(&client, "v3/transfer/batches", batch).unwrap();
    let number = json!({ "json": { "out_batch_no": "b0001" } });
    let apply = client.chain("v3/transfer/bill-receipt");
    let early = apply.post(number.clone()).unwrap_err();
    assert_eq!(early.api().expect("a response").code(), "INVALID_REQUEST");
    sandbox.batch_finishes("b0001").unwrap();
    let applied: Value = apply.post(number.clone()).unwrap().json().unwrap();
    assert_eq!(applied["signature_status"], "ACCEPTED");
    let again: Value = apply.post(number).unwrap().json().unwrap();
    assert_eq!(again["signature_no"], applied["signature_no"]);

    sandbox.advance(Duration::from_secs(60));
    let receipt = client.chain("v3/transfer/bill-receipt/b0001");
    let file = receipt.download(()).unwrap();
    assert!(file.bytes().starts_with(b"%PDF-"));
    let other = client.chain("v3/transfer/bill-receipt/b0002").get(());
    let other = other.unwrap_err();
    assert_eq!(other.api().expect("a response").code(), "NOT_FOUND");
}

#[test]
fn receipt_of_one_transfer_of_older_merchants_has_its_file() {
    let (sandbox, client) = started();
    let detail = |number: &str| {
        json!({
            "out_detail_no": number, "transfer_amount": 100, "transfer_remark": "奖金",
            "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        })
    };
    let batch = json!({
        "appid": sandbox.appid(), "out_batch_no": "b0001", "batch_name": "奖金",
        "batch_remark": "奖金", "total_amount": 200, "total_num": 2,
        "transfer_detail_list": [detail("d0001"), detail("d0002")],
    });
    post(&client, "v3/transfer/batches", batch).unwrap();
    let receipts = client.chain("v3/transfer-detail/electronic-receipts");
    let of = |number: &str| {
        json!({
            "accept_type": "BATCH_TRANSFER", "out_batch_no": "b0001", "out_detail_no": number,
        })
    };
    let apply = |number: &str| receipts.post(json!({ "json": of(number) }));
    assert_eq!(refused(apply("d0001")), "INVALID_REQUEST");
    sandbox
        .batch_transfer_fails("d0002", "NAME_NOT_CORRECT")
        .unwrap();
    sandbox.batch_finishes("b0001").unwrap();
    assert_eq!(refused(apply("d0002")), "INVALID_REQUEST");
    assert_eq!(refused(apply("d0003")), "NOT_FOUND");
    let query = json!({ "query": of("d0001") });
    assert_eq!(refused(receipts.get(query.clone())), "NOT_FOUND");
    let applied: Value = apply("d0001").unwrap().json().unwrap();
    assert_eq!(applied["signature_status"], "ACCEPTED");
    assert_eq!(applied["out_batch_no"], "b0001");
    let again: Value = apply("d0001").unwrap().json().unwrap();
    assert_eq!(again, applied);

    sandbox.advance(Duration::from_secs(60));
    let seen: Value = receipts.get(query.clone()).unwrap().json().unwrap();
    assert_eq!(seen["signature_status"], "FINISHED");
    assert_eq!(seen["signature_no"], applied["signature_no"]);
    let url = seen["download_url"].as_str().unwrap();
    assert!(url.contains("/v3/transferdownload/signfile?"), "{url}");
    // The client follows the URL and checks the SHA-256.
    let file = receipts.download(query).unwrap();
    assert!(file.bytes().starts_with(b"%PDF-"));

    // A transfer of APIv2 has no batch.
    let client = sandbox.merchant().https_client_builder().unwrap().build();
    let client = client.unwrap();
    let transfer = json!({
        "mch_appid": sandbox.appid(), "mchid": sandbox.mchid(), "partner_trade_no": "p0001",
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "check_name": "NO_CHECK", "amount": 100,
        "desc": "奖金", "spbill_create_ip": "127.0.0.1",
    });
    let transfers = client.chain("v2/mmpaymkttransfers/promotion/transfers");
    let options = json!({ "security": true, "xml": transfer });
    transfers.post(options).unwrap();
    let pocket = json!({ "accept_type": "TRANSFER_TO_POCKET", "out_detail_no": "p0001" });
    let receipts = client.chain("v3/transfer-detail/electronic-receipts");
    receipts.post(json!({ "json": pocket })).unwrap();
    sandbox.advance(Duration::from_secs(60));
    let file = receipts.download(json!({ "query": pocket })).unwrap();
    assert!(file.bytes().ends_with(b"%%EOF\n"));
}
