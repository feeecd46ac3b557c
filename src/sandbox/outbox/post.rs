//! What the senders of one sandbox share beside the outbox.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::event::{SandboxEvent, Subscribers, Subscription};
use crate::protocol::url::host::Origin;

/// Where notifications may go, and who watches.
#[derive(Default)]
pub(crate) struct Post {
    /// Hosts beside this machine.
    hosts: Vec<String>,
    changed: Notify,
    subscribers: Mutex<Subscribers>,
}

impl Post {
    pub(crate) fn new(hosts: Vec<String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase());
        Self {
            hosts: hosts.collect(),
            ..Self::default()
        }
    }

    /// Splits a URL into its origin and the rest, if notifications may go there.
    ///
    /// # Errors
    /// Returns the reason if they may not.
    // A test with a real `notify_url` must not send anything to a real shop.
    pub(crate) fn check(&self, url: &str) -> Result<(Origin, String), String> {
        let (origin, rest) = Origin::split(url).map_err(|err| err.to_string())?;
        if !origin.is_loopback() && !self.hosts.contains(&origin.host) {
            return Err(format!(
                "{} is not this machine: set a notify_url on localhost, redirect_notifications to one, or \
                 allow the host with deliver_to",
                origin.host
            ));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        Ok(match rest.starts_with('/') {
            true => (origin, rest.to_owned()),
            false => (origin, format!("/{rest}")),
        })
    }

    /// Tells those who wait in [`changed`](Self::changed) that something was delivered.
    pub(crate) fn tell(&self) {
        self.changed.notify_waiters();
    }

    /// Waits for [`tell`](Self::tell). A call counts from the moment this returns.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
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

    fn subscribers(&self) -> std::sync::MutexGuard<'_, Subscribers> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_named_hosts_are_allowed() {
        let post = Post::new(vec!["Hooks.Test".to_owned()]);
        for (url, path) in [
            ("http://127.0.0.1:8080/notify", "/notify"),
            ("http://127.9.9.9", "/"),
            ("http://localhost:1/a?b=c#d", "/a?b=c"),
            ("http://[::1]:8080/x", "/x"),
            ("https://hooks.test/x", "/x"),
        ] {
            assert_eq!(post.check(url).unwrap().1, path, "{url}");
        }
        for url in [
            "https://example.com/notify",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "http://example.com\\@localhost/",
            "http://hooks.test.example.com/",
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
