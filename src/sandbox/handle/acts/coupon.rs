//! What users do with coupons.

use crate::{
    error::Result,
    sandbox::{flows::marketing::favor, handle::Sandbox, state::world::Store},
};

impl Sandbox {
    /// Pays an order as the user who has this coupon of WeChat Pay's (代金券). The user pays less, the
    /// coupon becomes `USED`, and the merchants of the order and of the coupon are notified.
    ///
    /// The order must fit the rules of the coupon's stock: its merchants, its smallest order, its goods and
    /// its times. Of a stock with `no_cash: false`, the merchant that made it pays what the coupon takes off.
    /// Otherwise, the merchant of the order receives less. A refund takes back its part of the coupon; one of
    /// the whole order gives the coupon back to the user.
    ///
    /// # Errors
    /// Returns an error if there is no such order or coupon, if the order is part of a combined one or its
    /// state does not allow it, or if the coupon cannot be used for it.
    pub fn user_pays_with_coupon(&self, out_trade_no: &str, coupon_id: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_order = |store: &Store| store.pay.transactions.get(out_trade_no).is_some();
        self.change("order", out_trade_no, has_order, |world, mchid| {
            favor::pay_with(world, mchid, out_trade_no, coupon_id, now)
        })
    }
}
