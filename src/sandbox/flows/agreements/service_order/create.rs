//! How a service order begins.

use super::{
    charge::Charge,
    order::{MAX_AMOUNT, OrderIds, OrderState, ServiceOrder, User},
    parts::{Start, read_location, read_time_range},
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::Acting},
    dispatch::response::ApiResponse,
};

const RISK_NAMES: [&str; 4] = ["DEPOSIT", "ADVANCE", "CASH_DEPOSIT", "ESTIMATE_ORDER_COST"];

impl ServiceOrder {
    /// Creates an order that waits for the user, unless the request says that it need not.
    pub(super) fn create(
        fields: &Fields<'_>,
        acting: Acting,
        ids: OrderIds,
        now: u64,
    ) -> Result<Self, ApiResponse> {
        let risk_fund = fields.object("risk_fund")?;
        if !RISK_NAMES.contains(&risk_fund.text("name", 64)?) {
            return Err(risk_fund.error("name", "must be one of the documented risk names"));
        }
        let risk_amount = risk_fund.integer("amount", 1..=MAX_AMOUNT)?;
        risk_fund.optional_text("description", 30)?;
        let start = match acting.sp_mchid {
            None => Start::Required,
            Some(_) => Start::OnAccept,
        };
        let charge = Charge::read_estimate(fields)?;
        let mut order = Self::read(fields, acting, ids, start, charge, now)?;
        fields.notify_url()?;
        order.risk_amount = risk_amount;
        let needs_confirmation = fields.optional_bool("need_user_confirm")?.unwrap_or(true);
        if !needs_confirmation {
            order.require_user(fields)?;
            order.start_service(now);
        }
        Ok(order)
    }

    /// Creates an order whose service is over: the merchant states at once what the user has to pay.
    pub(super) fn create_completed(
        fields: &Fields<'_>,
        acting: Acting,
        ids: OrderIds,
        now: u64,
    ) -> Result<Self, ApiResponse> {
        // Without a risk fund, no amount of the order limits its total.
        let charge = Charge::read_final(fields, MAX_AMOUNT)?;
        let mut order = Self::read(fields, acting, ids, Start::OnAccept, charge.clone(), now)?;
        if fields.has("notify_url") {
            fields.notify_url()?;
        }
        order.require_user(fields)?;
        order.start_service(now);
        order.read_payment_options(fields)?;
        order.completion = Some(fields.as_map().clone());
        order.request_payment(charge);
        Ok(order)
    }

    /// Reads what every creation has.
    fn read(
        fields: &Fields<'_>,
        acting: Acting,
        ids: OrderIds,
        start: Start,
        charge: Charge,
        now: u64,
    ) -> Result<Self, ApiResponse> {
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let out_order_no = fields.merchant_order_number("out_order_no", 1)?;
        let appid = fields.text("appid", 32)?;
        let service_id = fields.text("service_id", 32)?;
        fields.text("service_introduction", 20)?;
        let time_range = read_time_range(&fields.object("time_range")?, start)?;
        let location = read_location(fields)?;
        fields.optional_text("attach", 256)?;
        let is_partner = acting.sp_mchid.is_some();
        let of_partner = |name: &str, max| match is_partner {
            true => fields.optional_text(name, max).map(owned),
            false => Ok(None),
        };
        Ok(Self {
            request: fields.as_map().clone(),
            out_order_no: out_order_no.to_owned(),
            appid: appid.to_owned(),
            sub_appid: of_partner("sub_appid", 32)?,
            service_id: service_id.to_owned(),
            ids,
            risk_amount: MAX_AMOUNT,
            created_at: now,
            state: OrderState::Created,
            time_range,
            location,
            charge,
            profit_sharing: false,
            completion: None,
            modification: None,
            cancellation: None,
            user: User {
                openid: owned(fields.optional_text("openid", 128)?),
                sub_openid: of_partner("sub_openid", 128)?,
            },
            payment: None,
            acting,
        })
    }

    /// Checks that the request names the user: without the confirmation page, nothing else does.
    fn require_user(&self, fields: &Fields<'_>) -> Result<(), ApiResponse> {
        match (&self.user.openid, &self.user.sub_openid) {
            (None, None) => Err(fields.error("openid", "is required if the user need not confirm")),
            (Some(_), Some(_)) => {
                Err(fields.error("sub_openid", "must not be there together with openid"))
            }
            (None, Some(_)) if self.sub_appid.is_none() => {
                Err(fields.error("sub_appid", "is required with sub_openid"))
            }
            _ => Ok(()),
        }
    }
}
