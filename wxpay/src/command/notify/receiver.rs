//! The keys that open notifications: the settings', or those of all merchants of a sandbox.

use wechatpay_chain::Notifications;

use crate::{
    exit::{Failure, Result},
    settings::{Settings, Source},
    text::t,
};

pub(super) fn notifications(source: &Source) -> Result<Notifications> {
    let all = source.receivers()?;
    if !all.iter().any(opens_something) {
        return Err(Failure::configuration(t(
            "no key that opens notifications: set `apiv3_key`, or `apiv2_key` for APIv2",
            "没有可解密通知的密钥: 请设置 `apiv3_key`, APIv2请设置 `apiv2_key`",
        )));
    }
    let clients = all.iter().map(Settings::client);
    let clients = clients.collect::<Result<Vec<_>>>()?;
    Ok(Notifications::all(&clients))
}

fn opens_something(settings: &Settings) -> bool {
    settings.apiv3_key.is_some() || settings.apiv2_key.is_some()
}
