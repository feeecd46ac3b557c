//! From a configuration to a client: everything that can be checked without I/O.

use std::sync::Arc;

use http::HeaderValue;

use super::ClientBuilder;
use crate::{
    client::{
        CertificateMode, Client, Identity, core::Core, failover::Failover, refresher::Refresher,
    },
    error::{Cause, cause::Result},
    protocol::{
        host::{Base, HostRule},
        merchant::{apiv3_key, check_apiv2_key, check_id, check_serial},
        notification::{Owners, Receiver},
        request::Setup,
        retry::Budget,
        sign::MerchantKey,
        trust::{Guard, Own, Sandboxes, Trust},
    },
    wire::Transport,
};

impl ClientBuilder {
    /// Builds the client.
    ///
    /// # Errors
    /// On a configuration that could not work or would not be safe, each with what to do.
    pub fn build(self) -> crate::Result<Client> {
        self.checked().map_err(Cause::not_sent)
    }

    fn checked(mut self) -> Result<Client> {
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
            return Err(Cause::config("max_response is 0: no answer could be taken"));
        }
        let mode = self.certificate_mode(apiv3_key.is_some())?;
        let trust = Trust::new(self.platform, self.verifier, Arc::clone(&setup.guard))?;
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
        })
    }

    /// Whose notifications are taken: any merchant's only where the client has none itself.
    fn owners(&self) -> Result<Owners> {
        let mut owners = self.notified.clone();
        for mchid in &owners.mchids {
            check_id("notification_mchid", mchid)?;
        }
        if owners.appids.iter().any(String::is_empty) {
            return Err(Cause::config("a `notification_appid` is empty"));
        }
        // The first is told of where a notification names nobody.
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
                "a signer stands in place of `serial` and `private_key`: give one or the other",
            )),
            ((Some(serial), Some(key)), None) => Ok(Some(MerchantKey::local(serial, key))),
            ((Some(_), None), None) => Err(Cause::config(
                "a `serial` without its `private_key`: give both",
            )),
            ((None, Some(_)), None) => Err(Cause::config(
                "a `private_key` without the `serial` of its certificate: give both \
                 (openssl x509 -noout -serial -in apiclient_cert.pem)",
            )),
        }
    }

    fn certificate_mode(&self, decrypts: bool) -> Result<CertificateMode> {
        match self.certificates {
            None if decrypts && self.verifier.is_none() => Ok(CertificateMode::OnDemand),
            None | Some(CertificateMode::Fixed) => Ok(CertificateMode::Fixed),
            Some(_) if !decrypts => Err(Cause::config(
                "platform certificates are decrypted with the APIv3 key: give `apiv3_key`, or \
                 CertificateMode::Fixed",
            )),
            Some(_) if self.verifier.is_some() => Err(Cause::config(
                "a verifier keeps its own keys: CertificateMode is for the client's",
            )),
            Some(mode) => Ok(mode),
        }
    }

    /// Tells the guard what is the merchant's own, which must never be trusted as WeChat Pay's.
    fn take_own(&self, guard: &Guard, identity: Option<&Identity>) -> Result<()> {
        let mut all = Vec::new();
        if let Some(serial) = &self.serial {
            check_serial(serial).map_err(|what| Cause::config(format!("the serial {what}")))?;
            all.extend(self.private_key.as_ref().map(|key| Own {
                serial: serial.clone(),
                key: key.public_key(),
            }));
        }
        all.extend(identity.map(Identity::certificate).map(|shown| Own {
            serial: shown.serial().to_owned(),
            key: shown.public_key().clone(),
        }));
        all.into_iter()
            .try_for_each(|own| guard.take_own(own, None, || Ok(())))
    }

    /// A sandbox's keys are taken where all requests go to hosts that may be one.
    fn sandboxes(hosts: &HostRule) -> Sandboxes {
        match hosts
            .configured()
            .find(|origin| !hosts.may_be_sandbox(origin))
        {
            None => Sandboxes::Taken,
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
                "a client has one identity: give `client_identity` or `client_identity_pkcs12`",
            )),
            (None, Some(archive)) => {
                let password = self.mchid.as_deref().ok_or_else(|| {
                    Cause::config(
                        "`client_identity_pkcs12` takes the `mchid` for the password: give it, or \
                         open the archive by Identity::from_pkcs12",
                    )
                })?;
                Identity::open_pkcs12(&archive, password).map(Some)
            }
            (identity, None) => Ok(identity),
        }
    }

    fn take_transport(&mut self) -> Result<Transport> {
        match (self.transport.take(), self.proxy.take(), self.no_proxy) {
            (None, None, false) => Ok(Transport::shared()),
            (None, None, true) => Ok(Transport::direct()),
            (None, Some(proxy), false) => Transport::builder().proxy(&proxy).checked(),
            (None, Some(_), true) => {
                Err(Cause::config("`proxy` and `no_proxy` exclude one another"))
            }
            (Some(transport), None, false) => Ok(transport),
            (Some(_), _, _) => Err(Cause::config(
                "a transport brings its own proxy: set it on Transport::builder()",
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
        .ok_or_else(|| Cause::config("user_agent is empty or holds a control character"))
}
