//! Turns a configuration into a client. Checks everything that can be checked without I/O, so that a
//! mistake shows when the program starts and not at its first payment.

use std::sync::Arc;

use http::HeaderValue;

use super::ClientBuilder;
use crate::{
    client::{
        CertificateMode, Client, Identity, call::failover::Failover, core::Core,
        platform_keys::Refresher,
    },
    error::{Cause, cause::Result},
    protocol::{
        merchant::{apiv3_key, check_apiv2_key, check_id, check_serial},
        notification::{owner::Owners, receiver::Receiver},
        request::Setup,
        retry::Budget,
        sign::MerchantKey,
        trust::{
            Trust,
            guard::{Guard, MerchantCredentials, Sandboxes},
        },
        url::host::{Base, HostRule},
    },
    wire::Transport,
};

impl ClientBuilder {
    /// Builds the client. Does no I/O.
    ///
    /// # Errors
    /// Returns an error if the configuration cannot work or would not be safe. The error says which
    /// setting is wrong and what to do.
    pub fn build(self) -> crate::Result<Client> {
        self.try_build().map_err(Cause::not_sent)
    }

    fn try_build(mut self) -> Result<Client> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let setup = self.setup()?;
        let failover = Failover::new(setup.base.clone(), self.backup()?);
        let named = [("mchid", &self.mchid), ("brand_id", &self.brand_id)];
        for (field, id) in named {
            if let Some(id) = id {
                check_id(field, id)?;
            }
        }
        // The guard learns the merchant's own keys before the trust store is filled, which then refuses
        // them.
        let identity = self.take_identity()?;
        self.take_own(&setup.guard, identity.as_ref())?;
        let key = self.merchant_key()?;
        let transport = self.take_transport()?;
        let owners = self.owners()?;
        let apiv3_key = self
            .apiv3_key
            .as_deref()
            .map(|key| apiv3_key(key))
            .transpose()?;
        check_apiv2_key(self.apiv2_key.as_ref())?;
        if self.max_response == 0 {
            return Err(Cause::config(
                "invalid max_response 0: expected at least 1 byte",
            ));
        }
        let mode = self.resolve_certificate_mode(apiv3_key.is_some())?;
        let trust = Trust::new(self.platform, self.verifier, Arc::clone(&setup.guard))?;
        // Built with the client, although it may never receive a notification: its configuration is
        // checked here, where the program starts.
        let receiver = Arc::new(Receiver {
            trust: trust.clone(),
            apiv3_key: apiv3_key.clone(),
            apiv2_key: self.apiv2_key.clone(),
            owners,
        });
        Ok(Client::new(Core {
            setup,
            mchid: self.mchid,
            brand_id: self.brand_id,
            key,
            trust,
            refresher: Refresher::new(mode),
            apiv2_key: self.apiv2_key,
            identity,
            apiv3_key,
            receiver,
            transport,
            budget: Budget::new(&self.retry),
            retry: self.retry,
            failover,
            max_response: self.max_response,
        }))
    }

    fn setup(&self) -> Result<Setup> {
        let base =
            Base::parse(&self.base_uri).map_err(|err| Cause::config(format!("base_uri: {err}")))?;
        // The backup is one of the hosts that signed requests may go to, like the base URI's own.
        let backup = self.backup()?.map(|backup| backup.origin);
        let mut hosts = HostRule::new(base.origin.clone(), backup);
        for host in &self.trusted_hosts {
            hosts.trust(host)?;
        }
        Ok(Setup {
            base,
            guard: Arc::new(Guard::new(Self::sandboxes(&hosts))),
            hosts,
            user_agent: user_agent(self.user_agent.as_deref())?,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            strict: self.strict,
            #[cfg(feature = "documents")]
            check: self.check,
            #[cfg(feature = "documents")]
            seal: self.seal,
        })
    }

    /// Whose notifications are accepted. A client without a merchant ID accepts any merchant's.
    fn owners(&self) -> Result<Owners> {
        let mut owners = self.notified.clone();
        for mchid in &owners.mchids {
            check_id("notification_mchid", mchid)?;
        }
        if owners.appids.iter().any(String::is_empty) {
            return Err(Cause::config(
                "invalid notification_appid: expected an app ID, found an empty string",
            ));
        }
        // The client's own ID goes first: a notification that names no merchant is reported as for
        // the first one.
        owners.mchids.splice(..0, self.mchid.clone());
        Ok(owners)
    }

    fn backup(&self) -> Result<Option<Base>> {
        let parsed = self.backup_base_uri.as_deref().map(Base::parse).transpose();
        parsed.map_err(|err| Cause::config(format!("backup_base_uri: {err}")))
    }

    fn merchant_key(&mut self) -> Result<Option<MerchantKey>> {
        let local = (self.serial.take(), self.private_key.take());
        match (local, self.signer.take()) {
            ((None, None), signer) => Ok(signer),
            (_, Some(_)) => Err(Cause::config(
                "`signer` replaces `serial` and `private_key`: set either the signer or those two",
            )),
            ((Some(serial), Some(key)), None) => Ok(Some(MerchantKey::local(serial, key))),
            ((Some(_), None), None) => Err(Cause::config(
                "`serial` is set without `private_key`: set both",
            )),
            ((None, Some(_)), None) => Err(Cause::config(
                "`private_key` is set without the `serial` of its certificate: set both \
                 (openssl x509 -noout -serial -in apiclient_cert.pem)",
            )),
        }
    }

    fn resolve_certificate_mode(&self, decrypts: bool) -> Result<CertificateMode> {
        match self.certificate_mode {
            // The default of a client that can decrypt certificates: without a download, its first
            // rotation would stop it.
            None if decrypts && self.verifier.is_none() => Ok(CertificateMode::OnDemand),
            None | Some(CertificateMode::Fixed) => Ok(CertificateMode::Fixed),
            Some(_) if !decrypts => Err(Cause::config(
                "platform certificates are decrypted with the APIv3 key: set `apiv3_key`, or use \
                 CertificateMode::Fixed",
            )),
            Some(_) if self.verifier.is_some() => Err(Cause::config(
                "`certificate_mode` has no effect with a `verifier`, which manages its own keys: \
                 remove one of the two",
            )),
            Some(mode) => Ok(mode),
        }
    }

    /// Tells the guard the merchant's own serials and keys. Trusting one of them as WeChat Pay's would
    /// let the merchant's own key sign responses.
    fn take_own(&self, guard: &Guard, identity: Option<&Identity>) -> Result<()> {
        let mut all = Vec::new();
        if let Some(serial) = &self.serial {
            check_serial(serial).map_err(|what| Cause::config(format!("invalid serial {what}")))?;
            all.extend(self.private_key.as_ref().map(|key| MerchantCredentials {
                serial: serial.clone(),
                key: key.public_key(),
            }));
        }
        all.extend(
            identity
                .map(Identity::certificate)
                .map(|shown| MerchantCredentials {
                    serial: shown.serial().to_owned(),
                    key: shown.public_key().clone(),
                }),
        );
        all.into_iter()
            .try_for_each(|own| guard.take_own(own, Vec::new, || Ok(())))
    }

    /// A sandbox's keys are accepted only if every configured host may be a sandbox.
    fn sandboxes(hosts: &HostRule) -> Sandboxes {
        match hosts
            .configured()
            .find(|origin| !hosts.may_be_sandbox(origin))
        {
            None => Sandboxes::Accepted,
            Some(origin) => Sandboxes::Refused(
                format!(
                    ", and {origin} is not one: a sandbox's keys must not be used in production"
                )
                .into(),
            ),
        }
    }

    #[cfg(not(feature = "pkcs12"))]
    fn take_identity(&mut self) -> Result<Option<Identity>> {
        Ok(self.identity.take())
    }

    #[cfg(feature = "pkcs12")]
    fn take_identity(&mut self) -> Result<Option<Identity>> {
        match (self.identity.take(), self.pkcs12.take()) {
            (Some(_), Some(_)) => Err(Cause::config(
                "`client_identity` and `client_identity_pkcs12` exclude each other: set one",
            )),
            (None, Some(archive)) => {
                let password = self.mchid.as_deref().ok_or_else(|| {
                    Cause::config(
                        "`client_identity_pkcs12` uses the `mchid` as the password: set it, or open \
                         the archive with Identity::from_pkcs12",
                    )
                })?;
                Identity::open_pkcs12(&archive, password).map(Some)
            }
            (identity, None) => Ok(identity),
        }
    }

    fn take_transport(&mut self) -> Result<Transport> {
        match (self.transport.take(), self.proxy.take(), self.no_proxy) {
            // One transport per process: thousands of merchants share its pool and its TLS setup.
            (None, None, false) => Ok(Transport::shared()),
            (None, None, true) => Ok(Transport::direct()),
            (None, Some(proxy), false) => Transport::builder().proxy(proxy.as_str()).checked(),
            (None, Some(_), true) => Err(Cause::config(
                "`proxy` and `no_proxy` exclude each other: set one",
            )),
            (Some(transport), None, false) => Ok(transport),
            (Some(_), _, _) => Err(Cause::config(
                "`transport` has its own proxy setting: set the proxy on Transport::builder()",
            )),
        }
    }
}

fn user_agent(given: Option<&str>) -> Result<HeaderValue> {
    let own = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    let text = match given {
        Some(text) => text.to_owned(),
        None => format!(
            "{own} ({}; {})",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    };
    HeaderValue::try_from(&text)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Cause::config("invalid user_agent: expected visible characters, found none or a control character"))
}
