//! What happens to permissions, and the notifications that go with it.

use serde_json::{Map, Value};

use super::{Permission, State, TOKEN_LIFETIME, Token, User};
use crate::sandbox::{checks::merchant::Acting, dispatch::refusal::Refusal, state::world::World};

/// A permission that a merchant asks for.
pub(super) struct NewPermission {
    pub(super) acting: Acting,
    pub(super) service_id: String,
    pub(super) appid: String,
    pub(super) sub_appid: Option<String>,
    pub(super) code: String,
    pub(super) notify_url: Option<String>,
    pub(super) request: Map<String, Value>,
}

/// Which permission is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum By<'a> {
    /// The merchant's `authorization_code`.
    Code(&'a str),
    /// A user of this app. Of several permissions, the open one.
    User { user: &'a User, appid: &'a str },
}

/// Returns the token that opens the authorization page. The same request again returns the same one while
/// it is valid.
pub(super) fn authorize(w: &mut World, new: NewPermission, now: u64) -> Result<String, Refusal> {
    let token = Token {
        text: w.token(64),
        issued_at: now,
    };
    let id = w.number("1000", 28);
    let permissions = &mut w.store(&new.acting.mchid).service_orders.permissions;
    if let Some(known) = permissions.get_mut(&new.code) {
        if known.request != new.request || known.acting != new.acting {
            return Err(code_used());
        }
        if now.saturating_sub(known.token.issued_at) >= TOKEN_LIFETIME {
            known.token = token;
        }
        return Ok(known.token.text.clone());
    }
    let text = token.text.clone();
    let NewPermission {
        acting,
        service_id,
        appid,
        sub_appid,
        code,
        notify_url,
        request,
    } = new;
    let permission = Permission {
        acting,
        service_id,
        appid,
        sub_appid,
        code: code.clone(),
        notify_url,
        request,
        id,
        token,
        state: State::Unbound,
    };
    permissions.insert(code, permission);
    Ok(text)
}

/// Opens the service as the user, and notifies.
///
/// # Errors
/// Refuses a permission that does not exist or is open, and one whose token has expired.
pub(crate) fn open(w: &mut World, mchid: &str, code: &str, now: u64) -> Result<(), Refusal> {
    let (openid, sub_openid) = (w.openid(), w.openid());
    let permission = by_code(w, mchid, code)?;
    let someone = User {
        openid: Some(openid),
        sub_openid: permission.sub_appid.as_ref().map(|_| sub_openid),
    };
    permission.open(someone, now)?;
    notify(w, mchid, code)
}

/// Closes the service as the user, and notifies.
///
/// # Errors
/// Refuses a permission that does not exist or is not open.
pub(crate) fn close(w: &mut World, mchid: &str, code: &str, now: u64) -> Result<(), Refusal> {
    by_code(w, mchid, code)?.close(None, now)?;
    notify(w, mchid, code)
}

/// Closes the service for the merchant, and notifies. The same request again changes nothing.
pub(super) fn terminate(
    w: &mut World,
    acting: &Acting,
    service_id: &str,
    by: By<'_>,
    request: &Map<String, Value>,
    now: u64,
) -> Result<(), Refusal> {
    let known = find(w, acting, service_id, by)?;
    if matches!(&known.state, State::Closed { by: Some(by), .. } if by == request) {
        return Ok(());
    }
    let code = known.code.clone();
    by_code(w, &acting.mchid, &code)?.close(Some(request.clone()), now)?;
    notify(w, &acting.mchid, &code)
}

/// Finds a permission for a service of those that the merchant acts on.
pub(super) fn find<'a>(
    w: &'a World,
    acting: &Acting,
    service_id: &str,
    by: By<'_>,
) -> Result<&'a Permission, Refusal> {
    let store = w.stores.get(&acting.mchid).ok_or_else(not_found)?;
    let permissions = &store.service_orders.permissions;
    let is_meant = |known: &&Permission| known.acting == *acting && known.service_id == service_id;
    match by {
        By::Code(code) => permissions.get(code).filter(is_meant),
        By::User { user, appid } => permissions
            .iter()
            .filter(|known| is_meant(known) && known.is_of(user) && known.appid == appid)
            // The last of equal ones: the latest.
            .max_by_key(|known| matches!(known.state, State::Open { .. })),
    }
    .ok_or_else(not_found)
}

/// Checks that a user who need not confirm an order has not closed the service.
// Where this sandbox has no permission of the user, it assumes one: it may have been given elsewhere. The
// text and the code are a guess.
pub(in super::super) fn check_user(
    w: &World,
    acting: &Acting,
    service_id: &str,
    appid: &str,
    user: &User,
) -> Result<(), Refusal> {
    match find(w, acting, service_id, By::User { user, appid }) {
        Ok(known) if !matches!(known.state, State::Open { .. }) => Err(Refusal::new(
            403,
            "NO_AUTH",
            "NO_AUTH",
            "用户未授权服务: the user closed it",
        )),
        _ => Ok(()),
    }
}

fn by_code<'a>(w: &'a mut World, mchid: &str, code: &str) -> Result<&'a mut Permission, Refusal> {
    let permission = w.store(mchid).service_orders.permissions.get_mut(code);
    permission.ok_or_else(not_found)
}

fn notify(w: &mut World, mchid: &str, code: &str) -> Result<(), Refusal> {
    if let Some(notice) = by_code(w, mchid, code)?.notice() {
        w.notify(notice);
    }
    Ok(())
}

// As seen on the wire.
fn not_found() -> Refusal {
    let code = "ORDER_NOT_EXIST";
    Refusal::new(404, code, code, "请求操作的授权记录不存在")
}

fn code_used() -> Refusal {
    let code = "INVALID_REQUEST";
    let message = "授权协议号已被使用，且请求参数与首次请求不一致";
    Refusal::new(400, code, code, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::state::random::Rng;

    const NOW: u64 = 1_528_425_296;
    const MCHID: &str = "1900000109";

    fn world() -> World {
        World::new(Rng::from_seed(1), None)
    }

    fn direct() -> Acting {
        Acting {
            mchid: MCHID.to_owned(),
            sp_mchid: None,
        }
    }

    fn request(code: &str, notify_url: &str) -> NewPermission {
        NewPermission {
            acting: direct(),
            service_id: "500001".to_owned(),
            appid: "wx1".to_owned(),
            sub_appid: None,
            code: code.to_owned(),
            notify_url: Some(notify_url.to_owned()),
            request: json!({ "code": code, "notify_url": notify_url })
                .as_object()
                .cloned()
                .unwrap(),
        }
    }

    fn state(w: &World) -> &'static str {
        let found = find(w, &direct(), "500001", By::Code("a1"));
        found.unwrap().state_text()
    }

    fn reason(text: &str) -> Map<String, Value> {
        json!({ "reason": text }).as_object().cloned().unwrap()
    }

    #[test]
    fn same_pre_authorization_has_one_token_for_an_hour() {
        let mut w = world();
        let ask = |w: &mut World, url, now| authorize(w, request("a1", url), now);
        let first = ask(&mut w, "https://x.test/1", NOW).unwrap();
        assert_eq!(
            ask(&mut w, "https://x.test/1", NOW + 3599),
            Ok(first.clone())
        );
        assert_eq!(
            ask(&mut w, "https://x.test/2", NOW).unwrap_err().code,
            "INVALID_REQUEST"
        );
        let expired = open(&mut w, MCHID, "a1", NOW + 3600).unwrap_err();
        assert!(expired.message.contains("token"), "{expired:?}");
        let second = ask(&mut w, "https://x.test/1", NOW + 3600).unwrap();
        assert_ne!(first, second);
        open(&mut w, MCHID, "a1", NOW + 3601).unwrap();
    }

    #[test]
    fn permission_is_opened_closed_and_opened_again_by_the_same_user() {
        let mut w = world();
        authorize(&mut w, request("a1", "https://x.test/1"), NOW).unwrap();
        assert_eq!(state(&w), "UNBINDUSER");
        assert_eq!(
            close(&mut w, MCHID, "a1", NOW).unwrap_err().code,
            "INVALID_ORDER_STATE"
        );
        open(&mut w, MCHID, "a1", NOW).unwrap();
        assert_eq!(state(&w), "AVAILABLE");
        assert_eq!(
            open(&mut w, MCHID, "a1", NOW).unwrap_err().code,
            "INVALID_ORDER_STATE"
        );
        let user = find(&w, &direct(), "500001", By::Code("a1"))
            .unwrap()
            .user()
            .cloned()
            .unwrap();
        let by_user = By::User {
            user: &user,
            appid: "wx1",
        };
        assert!(check_user(&w, &direct(), "500001", "wx1", &user).is_ok());

        terminate(&mut w, &direct(), "500001", by_user, &reason("r"), NOW).unwrap();
        assert_eq!(state(&w), "UNAVAILABLE");
        terminate(&mut w, &direct(), "500001", by_user, &reason("r"), NOW).unwrap();
        let other = terminate(&mut w, &direct(), "500001", by_user, &reason("s"), NOW);
        assert_eq!(other.unwrap_err().code, "ORDER_CANCELED");
        assert_eq!(
            check_user(&w, &direct(), "500001", "wx1", &user)
                .unwrap_err()
                .code,
            "NO_AUTH"
        );

        open(&mut w, MCHID, "a1", NOW).unwrap();
        assert!(find(&w, &direct(), "500001", by_user).is_ok());
        close(&mut w, MCHID, "a1", NOW).unwrap();
    }

    #[test]
    fn permission_of_another_service_app_or_provider_is_not_found() {
        let mut w = world();
        authorize(&mut w, request("a1", "https://x.test/1"), NOW).unwrap();
        open(&mut w, MCHID, "a1", NOW).unwrap();
        let user = find(&w, &direct(), "500001", By::Code("a1"))
            .unwrap()
            .user()
            .cloned()
            .unwrap();
        let provider = Acting {
            sp_mchid: Some("1900000110".to_owned()),
            ..direct()
        };
        let nobody = User::default();
        for (acting, service_id, by) in [
            (direct(), "500002", By::Code("a1")),
            (direct(), "500001", By::Code("a2")),
            (provider, "500001", By::Code("a1")),
            (
                direct(),
                "500001",
                By::User {
                    user: &user,
                    appid: "wx2",
                },
            ),
            (
                direct(),
                "500001",
                By::User {
                    user: &nobody,
                    appid: "wx1",
                },
            ),
        ] {
            let found = find(&w, &acting, service_id, by);
            assert_eq!(found.unwrap_err().code, "ORDER_NOT_EXIST", "{by:?}");
        }
    }
}
