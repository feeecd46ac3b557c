//! Lists of orders, one order, and what can be done: compared with what the API says and the acts accept.

mod can;
mod lists;
mod money;
mod one;
mod timeline;

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client,
    sandbox::{MerchantOptions, RefundFailure, Sandbox},
};

use super::{ok, post};
use crate::sandbox::{
    noon::to_noon,
    payments::{
        combined::combined,
        orders::{SP_MCHID, SUB_MCHID, order, partner_order, provider},
    },
};

const NONE: &Value = &Value::Null;
const TRANSFERS: &str = "v3/fund-app/mch-transfer/transfer-bills";

/// A merchant, and a service provider with the same app, whose orders wait until somebody decides.
pub struct Shop {
    pub sandbox: Sandbox,
    pub client: Client,
    pub provider: Client,
}

impl Shop {
    pub fn open() -> Self {
        let partner = MerchantOptions::new(SP_MCHID)
            .appid("wx1")
            .partner_of([SUB_MCHID]);
        let builder = Sandbox::builder().appid("wx1").merchant(partner);
        let builder = builder.settle_after(None).opening_balance(1_000_000);
        let sandbox = builder.start().unwrap();
        to_noon(&sandbox);
        Self {
            client: sandbox.client_builder().build().unwrap(),
            provider: provider(&sandbox),
            sandbox,
        }
    }

    /// Calls an endpoint that must succeed.
    pub fn get(&self, target: &str) -> Value {
        ok(&self.sandbox, "GET", target, NONE)
    }

    /// Returns the row of a number in a list.
    pub fn row(&self, list: &str, number: &str) -> Value {
        let rows = self.get(list);
        let mut rows = rows["data"].as_array().unwrap().iter();
        let row = rows.find(|row| row["number"] == number);
        row.unwrap_or_else(|| panic!("{list} has no {number}"))
            .clone()
    }

    pub fn prepay(&self, product: &str, number: &str) -> Value {
        let body = order(&self.sandbox, number, 100);
        post(
            &self.client,
            &format!("v3/pay/transactions/{product}"),
            body,
        )
        .unwrap()
    }

    pub fn scan(&self, number: &str, total: u64) {
        let mut body = order(&self.sandbox, number, total);
        let fields = body.as_object_mut().unwrap();
        fields.remove("notify_url");
        let auth_code = json!({ "auth_code": self.sandbox.auth_code() });
        fields.insert("payer".to_owned(), auth_code);
        let scene = json!({ "store_info": { "id": "1" } });
        fields.insert("scene_info".to_owned(), scene);
        post(&self.client, "v3/pay/transactions/codepay", body).unwrap();
    }

    pub fn combine(&self, number: &str) {
        let body = combined(number, self.sandbox.mchid());
        post(&self.provider, "v3/combine-transactions/native", body).unwrap();
    }

    pub fn apiv2(&self, number: &str) {
        let fields = json!({
            "appid": "wx1", "mch_id": self.sandbox.mchid(), "body": "茶", "out_trade_no": number,
            "total_fee": 100, "spbill_create_ip": "127.0.0.1", "trade_type": "NATIVE",
            "notify_url": "https://example.com/notify",
        });
        let chain = self.client.chain("v2/pay/unifiedorder");
        chain.post(json!({ "xml": fields })).unwrap();
    }

    pub fn refund(&self, order: &str, number: &str, fen: u64) {
        let refund = json!({
            "out_trade_no": order, "out_refund_no": number,
            "notify_url": "https://example.com/refunds",
            "amount": { "refund": fen, "total": 100, "currency": "CNY" },
        });
        post(&self.client, "v3/refund/domestic/refunds", refund).unwrap();
    }

    pub fn transfer(&self, number: &str) {
        let bill = json!({
            "appid": "wx1", "out_bill_no": number, "openid": "o1", "transfer_amount": 100,
            "transfer_remark": "奖金", "transfer_scene_id": "1000",
            "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
        });
        post(&self.client, TRANSFERS, bill).unwrap();
    }

    pub fn ride(&self, number: &str) {
        let created = json!({
            "out_order_no": number, "appid": "wx1", "service_id": "500001",
            "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
            "post_payments": [{ "name": "骑行", "description": "每小时3.5元" }],
            "risk_fund": { "name": "DEPOSIT", "amount": 10_000 },
            "notify_url": "https://example.com/payscore",
        });
        post(&self.client, "v3/payscore/serviceorder", created).unwrap();
    }

    pub fn complete(&self, number: &str) {
        let completion = json!({
            "appid": "wx1", "service_id": "500001", "total_amount": 350,
            "post_payments": [{ "name": "骑行", "amount": 350 }],
        });
        let path = format!("v3/payscore/serviceorder/{number}/complete");
        post(&self.client, &path, completion).unwrap();
    }

    /// Adds orders of all kinds in all states.
    pub fn fill(&self) {
        let sandbox = &self.sandbox;
        self.prepay("native", "pay-late");
        self.combine("all-late");
        sandbox.advance(Duration::from_secs(2 * 3600));
        self.pay();
        self.agree();
        self.give_back();
        sandbox.settle().unwrap();
    }

    fn pay(&self) {
        let sandbox = &self.sandbox;
        for product in ["native", "jsapi", "app", "h5"] {
            self.prepay(product, &format!("pay-{product}"));
        }
        for number in ["pay-paid", "pay-closed", "pay-expired"] {
            self.prepay("native", number);
        }
        sandbox.user_pays("pay-paid").unwrap();
        sandbox.order_expires("pay-expired").unwrap();
        let close = "v3/pay/transactions/out-trade-no/pay-closed/close";
        post(&self.client, close, json!({ "mchid": sandbox.mchid() })).unwrap();
        let partner = "v3/pay/partner/transactions/jsapi";
        for number in ["sub-waits", "sub-paid"] {
            post(&self.provider, partner, partner_order(number)).unwrap();
        }
        sandbox.user_pays("sub-paid").unwrap();

        self.scan("scan-paid", 100);
        for number in ["scan-waits", "scan-failed", "scan-taken-back"] {
            self.scan(number, 200_000);
        }
        sandbox.user_fails("scan-failed").unwrap();
        let reverse = "v3/pay/transactions/out-trade-no/scan-taken-back/reverse";
        let body = json!({ "appid": "wx1", "mchid": sandbox.mchid() });
        post(&self.client, reverse, body).unwrap();

        for number in ["all-waits", "all-paid", "all-expired"] {
            self.combine(number);
        }
        sandbox.user_pays("all-paid").unwrap();
        sandbox.order_expires("all-expired").unwrap();
        // The first part has the number of the whole.
        let mut same = combined("all-same", sandbox.mchid());
        same["combine_mchid"] = SP_MCHID.into();
        same["sub_orders"][0]["out_trade_no"] = "all-same".into();
        same["sub_orders"][0]["sub_mchid"] = Value::Null;
        same["sub_orders"][0]
            .as_object_mut()
            .unwrap()
            .remove("sub_mchid");
        post(&self.provider, "v3/combine-transactions/native", same).unwrap();

        for number in ["v2-waits", "v2-paid"] {
            self.apiv2(number);
        }
        sandbox.user_pays("v2-paid").unwrap();
    }

    fn agree(&self) {
        let sandbox = &self.sandbox;
        for number in [
            "ride-new",
            "ride-on",
            "ride-over",
            "ride-paid",
            "ride-off",
            "ride-expired",
        ] {
            self.ride(number);
        }
        for number in ["ride-on", "ride-over", "ride-paid"] {
            sandbox.user_confirms(number).unwrap();
        }
        self.complete("ride-over");
        self.complete("ride-paid");
        sandbox.user_pays("ride-paid").unwrap();
        sandbox.order_expires("ride-expired").unwrap();
        let cancel = "v3/payscore/serviceorder/ride-off/cancel";
        let body = json!({ "appid": "wx1", "service_id": "500001", "reason": "r" });
        post(&self.client, cancel, body).unwrap();
        // A payment has this number, too.
        self.ride("pay-native");

        let contract = json!({
            "appid": "wx1", "openid": "o1", "plan_id": 12535, "out_contract_code": "club",
            "contract_display_account": "张三", "contract_notify_url": "https://example.com/contracts",
        });
        let sign = "v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/jsapi";
        post(&self.client, sign, contract).unwrap();
        sandbox.user_signs("club").unwrap();
        let seen = "v3/papay/sign/contracts/plan-id/12535/out-contract-code/club";
        let contract: Value = self
            .client
            .chain(seen)
            .get(json!({}))
            .unwrap()
            .json()
            .unwrap();
        let deduction = json!({
            "appid": "wx1", "out_trade_no": "club-waits", "description": "会员",
            "transaction_notify_url": "https://example.com/deductions",
            "contract_id": contract["contract_id"], "amount": { "total": 300, "currency": "CNY" },
        });
        post(&self.client, "v3/papay/pay/transactions/apply", deduction).unwrap();
    }

    fn give_back(&self) {
        let sandbox = &self.sandbox;
        for number in ["r-waits", "r-done", "r-abnormal", "r-closed"] {
            self.refund("pay-paid", number, 10);
        }
        sandbox.refund_succeeds("r-done").unwrap();
        sandbox
            .refund_fails("r-abnormal", RefundFailure::Abnormal)
            .unwrap();
        sandbox
            .refund_fails("r-closed", RefundFailure::Closed)
            .unwrap();

        for number in ["tnew", "ton", "tdone", "tfailed", "tending", "tended"] {
            self.transfer(number);
        }
        for number in ["ton", "tdone"] {
            sandbox.user_confirms_transfer(number).unwrap();
        }
        sandbox.transfer_succeeds("tdone").unwrap();
        sandbox
            .transfer_fails("tfailed", "NAME_NOT_CORRECT")
            .unwrap();
        for number in ["tending", "tended"] {
            let path = format!("{TRANSFERS}/out-bill-no/{number}/cancel");
            post(&self.client, &path, json!({})).unwrap();
        }
        sandbox.transfer_is_cancelled("tended").unwrap();
    }
}
