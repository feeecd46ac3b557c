//! Whom a merchant acts for.

use super::{V2Ctx, V2Error};
use crate::sandbox::checks::merchant::Acting;

impl V2Ctx<'_> {
    /// Returns whose order a request is about: the merchant's own, or that of the sub-merchant which
    /// `sub_mch_id` names.
    ///
    /// Locks the world for a moment: do not hold it.
    pub(crate) fn acting(&self) -> Result<Acting, V2Error> {
        let signer = &self.merchant.mchid;
        let Some(sub_mchid) = self.optional("sub_mch_id") else {
            return Ok(Acting {
                mchid: signer.clone(),
                sp_mchid: None,
            });
        };
        if !self.world().may_act_for(signer, sub_mchid) {
            return Err(V2Error::Result {
                code: "NOAUTH",
                message: "特约子商户商户号未授权服务商的产品权限".to_owned(),
            });
        }
        Ok(Acting {
            mchid: sub_mchid.to_owned(),
            sp_mchid: Some(signer.clone()),
        })
    }

    /// Returns the app that this field names, which must be bound to the merchant.
    pub(crate) fn bound_app(&self, name: &str) -> Result<&str, V2Error> {
        let appid = self.text(name)?;
        if self.merchant.appids.iter().any(|bound| bound == appid) {
            return Ok(appid);
        }
        Err(V2Error::Return("商户号mch_id与appid不匹配".to_owned()))
    }
}
