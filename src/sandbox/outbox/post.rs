//! What the senders of one sandbox share beside the outbox.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::event::{SandboxEvent, Subscribers, Subscription};
use crate::{
    error::{Cause, cause::Result, value::shown},
    protocol::url::host::Origin,
    sandbox::state::changes::Changes,
};

/// Where notifications may go, and who watches.
#[derive(Default)]
pub(crate) struct Post {
    /// Hosts beside this machine, with the port if only that one is meant.
    hosts: Vec<(String, Option<u16>)>,
    changed: Notify,
    replaced: Arc<Notify>,
    subscribers: Mutex<Subscribers>,
}

impl Post {
    /// Allows these hosts beside this machine: `host` or `host:port`.
    pub(crate) fn new(hosts: &[String]) -> Result<Self> {
        let hosts = hosts.iter().map(|host| {
            Origin::split_authority(host).ok_or_else(|| {
                Cause::config(format!(
                    "invalid host `{}` in deliver_to: expected a host such as shop.example.com, or a host \
                     and a port such as shop.example.com:8080",
                    shown(host)
                ))
            })
        });
        Ok(Self {
            hosts: hosts.collect::<Result<_>>()?,
            ..Self::default()
        })
    }

    /// Splits a URL into its origin and the rest, if notifications may go there.
    ///
    /// # Errors
    /// Returns the reason if they may not.
    // A test with a real `notify_url` must not send anything to a real shop.
    pub(crate) fn check(&self, url: &str) -> std::result::Result<(Origin, String), String> {
        let (origin, rest) = Origin::split(url).map_err(|err| err.to_string())?;
        if !origin.is_loopback() && !self.allows(&origin) {
            return Err(format!(
                "{}:{} is not this machine: set a notify_url on localhost, redirect_notifications to one, or \
                 allow the host with deliver_to",
                origin.host, origin.port
            ));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        Ok(match rest.starts_with('/') {
            true => (origin, rest.to_owned()),
            false => (origin, format!("/{rest}")),
        })
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.hosts
            .iter()
            .any(|(host, port)| *host == origin.host && port.is_none_or(|port| port == origin.port))
    }

    /// Tells those who wait in [`changed`](Self::changed) that something was delivered.
    pub(crate) fn tell(&self) {
        self.changed.notify_waiters();
    }

    /// Waits for [`tell`](Self::tell). A call counts from the moment this returns.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Tells those who wait for [`replaced`](Self::replaced) that all they know is of another state.
    pub(crate) fn tell_replaced(&self) {
        self.replaced.notify_waiters();
    }

    /// Waits for [`tell_replaced`](Self::tell_replaced). A call counts from the moment this returns.
    pub(crate) fn replaced(&self) -> tokio::sync::futures::OwnedNotified {
        Arc::clone(&self.replaced).notified_owned()
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        self.subscribers().add()
    }

    /// Publishes an event, if there is one. It is made only if somebody subscribed.
    pub(crate) fn publish(&self, event: impl FnOnce() -> Option<SandboxEvent>) {
        // Made outside the lock: `event` takes others.
        if self.subscribers().is_empty() {
            return;
        }
        if let Some(event) = event() {
            self.subscribers().publish(&event);
        }
    }

    /// Publishes changes of states. The world may be locked.
    pub(crate) fn publish_changes(&self, changes: Changes) {
        self.subscribers().publish_changes(changes);
    }

    fn subscribers(&self) -> std::sync::MutexGuard<'_, Subscribers> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(hosts: &[&str]) -> Result<Post> {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        Post::new(&hosts)
    }

    #[test]
    fn host_that_cannot_match_is_an_error() {
        for host in [
            "",
            "http://hooks.test",
            "hooks.test/notify",
            "hooks.test:",
            "hooks.test:http",
            "hooks.test:0",
            "hooks.test:65536",
            "user@hooks.test",
            "*.hooks.test",
            "2001:db8::1",
        ] {
            let err = post(&["a.test", host]).err().unwrap().to_string();
            assert!(
                err.contains(&format!("invalid host `{host}` in deliver_to")),
                "{err}"
            );
        }
    }

    #[test]
    fn only_this_machine_and_named_hosts_are_allowed() {
        let post = post(&["Hooks.Test", "hooks:8080", "[2001:db8::1]:9"]).unwrap();
        for (url, path) in [
            ("http://127.0.0.1:8080/notify", "/notify"),
            ("http://127.9.9.9", "/"),
            ("http://localhost:1/a?b=c#d", "/a?b=c"),
            ("http://[::1]:8080/x", "/x"),
            ("https://hooks.test/x", "/x"),
            ("http://hooks.test:8080/x", "/x"),
            ("http://HOOKS:8080/x", "/x"),
            ("http://[2001:db8::1]:9/x", "/x"),
        ] {
            assert_eq!(post.check(url).unwrap().1, path, "{url}");
        }
        for url in [
            "https://example.com/notify",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "http://example.com\\@localhost/",
            "http://hooks.test.example.com/",
            "http://hooks/",
            "http://hooks:8081/",
            "http://[2001:db8::1]/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://2130706433/",
            "ftp://localhost/",
            "localhost:8080/notify",
            "",
        ] {
            assert!(post.check(url).is_err(), "{url}");
        }
    }
}
