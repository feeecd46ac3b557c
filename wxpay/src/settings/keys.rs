//! The keys and certificates of some settings, from their files or from a sandbox.

use std::path::PathBuf;

use wechatpay_chain::{Certificate, Identity, PrivateKey, PublicKey};

use super::{Settings, read};
use crate::{
    exit::{Failure, Result, misconfigured},
    text::tf,
};

impl Settings {
    /// Returns the serial that is set, or else the one of the merchant's certificate.
    pub(crate) fn serial(&self) -> Result<Option<String>> {
        match (&self.serial, self.certificate_pem()?) {
            (Some(serial), _) => Ok(Some(serial.clone())),
            (None, Some(pem)) => {
                let certificate = Certificate::from_pem(&pem).map_err(misconfigured)?;
                Ok(Some(certificate.serial().to_owned()))
            }
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn private_key(&self) -> Result<Option<PrivateKey>> {
        self.private_key_pem()?
            .map(|pem| PrivateKey::from_pem(&pem).map_err(misconfigured))
            .transpose()
    }

    /// Returns the PEM of the merchant's private key.
    pub(crate) fn private_key_pem(&self) -> Result<Option<String>> {
        text_of(&self.inline.private_key, &self.private_key)
    }

    /// Returns the PEM of the merchant's certificate.
    pub(crate) fn certificate_pem(&self) -> Result<Option<String>> {
        text_of(&self.inline.certificate, &self.client_certificate)
    }

    pub(super) fn identity(&self) -> Result<Option<Identity>> {
        let (Some(certificate), Some(key)) = (self.certificate_pem()?, self.private_key_pem()?)
        else {
            return Ok(None);
        };
        Identity::from_pem(&certificate, &key)
            .map(Some)
            .map_err(misconfigured)
    }

    /// Returns the ID and WeChat Pay's public key.
    pub(crate) fn pub_key(&self) -> Result<Option<(String, PublicKey)>> {
        match (
            &self.pub_key_id,
            text_of(&self.inline.pub_key, &self.pub_key)?,
        ) {
            (Some(id), Some(pem)) => {
                let key = PublicKey::from_pem(&pem).map_err(misconfigured)?;
                Ok(Some((id.clone(), key)))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing("pub_key", "pub_key_id", "WXPAY_PUB_KEY_ID")),
            (Some(_), None) => Err(missing("pub_key_id", "pub_key", "WXPAY_PUB_KEY")),
        }
    }

    /// Returns WeChat Pay's certificates.
    pub(crate) fn platform_certificates(&self) -> Result<Vec<Certificate>> {
        let mut pems = self.inline.platform_certificates.clone();
        if let Some(path) = &self.platform_certificate {
            pems.push(read(path)?);
        }
        pems.iter()
            .map(|pem| Certificate::from_pem(pem).map_err(misconfigured))
            .collect()
    }
}

fn missing(given: &str, absent: &str, variable: &str) -> Failure {
    Failure::configuration(tf!(
        "`{given}` is set and `{absent}` is not: set it in the profile or as {variable}",
        "设置了 `{given}`, 但没有 `{absent}`: 请在配置文件中设置, 或用环境变量 {variable}"
    ))
}

fn text_of(inline: &Option<String>, path: &Option<PathBuf>) -> Result<Option<String>> {
    match (path, inline) {
        (Some(path), _) => read(path).map(Some),
        (None, inline) => Ok(inline.clone()),
    }
}
