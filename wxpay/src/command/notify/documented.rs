//! The documented notification that a name means, for a sandbox.

use wechatpay_chain::catalog::{self, Event};

use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

/// Returns the documented notification of a name or an event type, whatever its capitals, with the name that
/// a sandbox understands. `v2/…` and `v3/…` tell those of equal names apart.
pub(super) fn find(wanted: &str) -> Result<(Event, String)> {
    let (version, name) = split(wanted);
    // The latest version first, as the sandbox has it.
    let events = || {
        catalog::events()
            .rev()
            .filter(|event| version.is_none_or(|version| event.version() == version))
    };
    let known = |text: &str| text.eq_ignore_ascii_case(name);
    let named = events().find(|event| known(event.name()));
    if let Some(event) = named {
        return Ok((event, format!("{}/{}", event.version(), event.name())));
    }
    let typed = events().find_map(|event| {
        let mut types = event.event_types().iter();
        Some((event, *types.find(|event_type| known(event_type))?))
    });
    match typed {
        Some((event, event_type)) => Ok((event, format!("{}/{event_type}", event.version()))),
        None => Err(unknown(wanted, name)),
    }
}

/// Splits `v2/…` and `v3/…`.
fn split(wanted: &str) -> (Option<&str>, &str) {
    match wanted.split_once('/') {
        Some((version @ ("v2" | "v3"), name)) => (Some(version), name),
        _ => (None, wanted),
    }
}

fn unknown(wanted: &str, name: &str) -> Failure {
    let name = name.to_lowercase();
    let distance = |event: &Event| {
        let known = event.name().to_lowercase();
        // A part of a name is nearer than another name of its length: `refund`.
        (!known.contains(&name), strsim::osa_distance(&known, &name))
    };
    let nearest = catalog::events().rev().min_by_key(distance);
    let nearest = nearest.map_or("", |event| event.name());
    Failure::usage(tf!(
        "no event {wanted} is documented; the nearest is {nearest}",
        "文档中没有事件 {wanted}; 最接近的是 {nearest}"
    ))
    .with_advice(t(
        "`wxpay trigger --list` lists them all.",
        "`wxpay trigger --list` 列出全部事件。",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_event_is_found_by_its_name() {
        for event in catalog::events() {
            let name = format!("{}/{}", event.version(), event.name());
            let (found, key) = find(&name.to_lowercase()).unwrap();
            assert_eq!(
                (found.version(), found.name()),
                (event.version(), event.name())
            );
            assert_eq!(key, name);
        }
    }

    #[test]
    fn equal_names_mean_the_latest_version() {
        let (event, key) = find("transaction.success").unwrap();
        assert_eq!((event.version(), &*key), ("v3", "v3/TRANSACTION.SUCCESS"));
        assert_eq!(find("v2/TRANSACTION.SUCCESS").unwrap().0.version(), "v2");
    }

    #[test]
    fn misspelt_event_names_the_nearest() {
        for (wrong, right) in [
            ("TRANSACTION.SUCESS", "TRANSACTION.SUCCESS"),
            ("papay", "PAPAY."),
        ] {
            let failure = find(wrong).unwrap_err();
            assert!(failure.message.contains(right), "{}", failure.message);
        }
    }
}
