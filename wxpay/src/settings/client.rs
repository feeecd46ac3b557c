//! The client of some settings.

use std::time::Duration;

use wechatpay_chain::{Client, ClientBuilder, Transport};

use super::{Settings, read};
use crate::{
    exit::{Failure, Result, misconfigured},
    text::tf,
};

impl Settings {
    /// Returns a client with everything that is set.
    pub(crate) fn client(&self) -> Result<Client> {
        self.builder()?.build().map_err(misconfigured)
    }

    /// Returns a builder with everything that is set.
    fn builder(&self) -> Result<ClientBuilder> {
        let mut builder = Client::builder()
            .user_agent(concat!("wxpay/", env!("CARGO_PKG_VERSION")))
            .transport(self.transport()?);
        if let Some(mchid) = &self.mchid {
            builder = builder.mchid(mchid);
        }
        if let Some(serial) = self.serial()? {
            builder = builder.serial(serial);
        }
        if let Some(key) = self.private_key()? {
            builder = builder.private_key(key);
        }
        if let Some(identity) = self.identity()? {
            builder = builder.client_identity(identity);
        }
        if let Some((id, key)) = self.pub_key()? {
            builder = builder.platform_key(id, key);
        }
        for certificate in self.platform_certificates()? {
            builder = builder.platform_certificate(certificate);
        }
        if let Some(key) = &self.apiv3_key {
            builder = builder.apiv3_key(key);
        }
        if let Some(key) = &self.apiv2_key {
            builder = builder.apiv2_key(key);
        }
        if let Some(uri) = &self.base_uri {
            builder = builder.base_uri(uri);
        }
        if let Some(host) = &self.inline.sandbox {
            // Otherwise a sandbox's keys are for this machine alone.
            builder = builder.trust_host(host);
        }
        if let Some(seconds) = self.timeout {
            let timeout = Duration::try_from_secs_f64(seconds).map_err(|_| {
                Failure::usage(tf!(
                    "invalid timeout: {seconds} seconds",
                    "超时无效: {seconds} 秒"
                ))
            })?;
            builder = builder.timeout(timeout);
        }
        Ok(builder)
    }

    pub(crate) fn transport(&self) -> Result<Transport> {
        let mut transport = Transport::builder();
        if let Some(ca) = &self.ca {
            transport = transport.root_certificates_pem(&read(ca)?);
        }
        if let Some(proxy) = &self.proxy {
            transport = transport.proxy(proxy);
        }
        if self.inline.sandbox.is_some() {
            transport = transport.no_proxy();
        }
        transport.build().map_err(misconfigured)
    }
}
