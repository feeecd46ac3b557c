//! What happens to an application.

use super::{Application, Kind, MAX_APPLICATIONS, NewApplication, Objection, State};
use crate::{
    catalog::{self, Fields},
    sandbox::{dispatch::refusal::Refusal, state::world::World},
};

/// Submits an application, or submits one again that was rejected. Returns its ID.
///
/// # Errors
/// Refuses a number whose application is under way or finished.
pub(super) fn submit(w: &mut World, mchid: &str, new: NewApplication) -> Result<u64, Refusal> {
    let known = w.store(mchid).applyment.applications.get_mut(&new.number);
    if let Some(application) = known {
        let is_open = matches!(application.state, State::Editing | State::Rejected(_));
        if application.new.kind != new.kind || !is_open && application.state != State::Canceled {
            return Err(under_way());
        }
        if is_open {
            application.state = first(new.kind);
            application.new = new;
            return Ok(application.id);
        }
    }
    // Sixteen digits, as those in the documents.
    let id = w.number("2000", 16).parse().unwrap_or_default();
    let number = new.number.clone();
    let application = Application {
        id,
        state: first(new.kind),
        new,
        sub_mchid: None,
    };
    let applications = &mut w.store(mchid).applyment.applications;
    if !applications.try_insert(number, application, Application::has_ended) {
        return Err(Refusal::too_many(MAX_APPLICATIONS, "applications"));
    }
    Ok(id)
}

/// Moves an application to its next state, and returns that state's name.
///
/// # Errors
/// Refuses one that has ended, or that waits for the provider.
pub(crate) fn advance(w: &mut World, mchid: &str, number: &str) -> Result<&'static str, Refusal> {
    let sub_mchid = new_mchid(w);
    let application = by_number(w, mchid, number)?;
    let way = application.new.kind.way();
    let at = way.iter().position(|state| *state == application.state);
    let next = at.and_then(|at| way.get(at + 1));
    application.state = next.ok_or_else(not_under_way)?.clone();
    if application.state == State::ToBeSigned {
        application.sub_mchid = Some(sub_mchid);
    }
    let (application, name) = (application.clone(), application.name_of_state());
    if let (State::Finished, Some(sub_mchid)) = (&application.state, &application.sub_mchid) {
        w.add_sub_merchant(mchid, sub_mchid, 0);
        w.store(sub_mchid).applyment.account = Some(application.new.account);
    }
    Ok(name)
}

/// Lets an application pass, whatever is left of it. Returns the ID of the new sub-merchant.
pub(crate) fn pass(w: &mut World, mchid: &str, number: &str) -> Result<String, Refusal> {
    loop {
        advance(w, mchid, number)?;
        let application = by_number(w, mchid, number)?;
        if application.state == State::Finished {
            return application.sub_mchid.clone().ok_or_else(not_under_way);
        }
    }
}

/// Rejects an application because of one field of its request.
pub(crate) fn reject(
    w: &mut World,
    mchid: &str,
    number: &str,
    field: &str,
    reason: &str,
) -> Result<(), Refusal> {
    let objection = Objection {
        field: field.to_owned(),
        reason: reason.to_owned(),
    };
    let from = [State::Checking, State::Auditing, State::ToBeConfirmed];
    enter(w, mchid, number, &from, State::Rejected(objection))
}

/// Fails an application of a service provider, who submits it again. Platforms have no such state.
pub(crate) fn fail(w: &mut World, mchid: &str, number: &str) -> Result<(), Refusal> {
    if by_number(w, mchid, number)?.new.kind != Kind::Special {
        return Err(not_under_way());
    }
    enter(w, mchid, number, &[State::Auditing], State::Editing)
}

/// Cancels an application that is not finished. To cancel it again changes nothing.
pub(crate) fn cancel(w: &mut World, mchid: &str, number: &str) -> Result<(), Refusal> {
    let application = by_number(w, mchid, number)?;
    if application.state == State::Finished {
        return Err(not_under_way());
    }
    application.state = State::Canceled;
    Ok(())
}

/// Finds an application of a kind.
pub(super) fn find(
    w: &World,
    mchid: &str,
    kind: Kind,
    matches: impl Fn(&Application) -> bool,
) -> Result<Application, Refusal> {
    let store = w.stores.get(mchid).ok_or_else(|| not_found(kind))?;
    let applications = &store.applyment.applications;
    let found = applications.find(|known| known.new.kind == kind && matches(known));
    found.cloned().ok_or_else(|| not_found(kind))
}

/// Returns whether a field of this name is part of an application, of either kind.
pub(crate) fn is_documented(name: &str) -> bool {
    fn has(fields: Fields, name: &str) -> bool {
        fields
            .iter()
            .any(|field| field.name() == name || has(field.fields(), name))
    }
    let templates = ["v3/applyment4sub/applyment/", "v3/ecommerce/applyments/"];
    templates.into_iter().any(|path| {
        let op = catalog::find(&http::Method::POST, path);
        let json = op.and_then(|op| op.request().get("json"));
        json.is_some_and(|json| has(json.fields(), name))
    })
}

impl Application {
    /// Returns whether nothing more will happen to it.
    fn has_ended(&self) -> bool {
        matches!(self.state, State::Finished | State::Canceled)
    }
}

/// Returns the state that an application begins with.
fn first(kind: Kind) -> State {
    kind.way().first().cloned().unwrap_or(State::Auditing)
}

/// Returns an ID that no merchant has.
fn new_mchid(w: &mut World) -> String {
    loop {
        let mchid = w.number("16", 10);
        if !w.stores.contains_key(&mchid) {
            return mchid;
        }
    }
}

fn enter(
    w: &mut World,
    mchid: &str,
    number: &str,
    from: &[State],
    to: State,
) -> Result<(), Refusal> {
    let application = by_number(w, mchid, number)?;
    if !from.contains(&application.state) {
        return Err(not_under_way());
    }
    application.state = to;
    Ok(())
}

fn by_number<'a>(
    w: &'a mut World,
    mchid: &str,
    number: &str,
) -> Result<&'a mut Application, Refusal> {
    let store = w.stores.get_mut(mchid);
    let application = store.and_then(|store| store.applyment.applications.get_mut(number));
    application.ok_or_else(|| not_found(Kind::Special))
}

// Documented with this status for platforms. For service providers, older pages name PROCESSING.
fn under_way() -> Refusal {
    Refusal::new(
        400,
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_ALREADY_EXISTS",
        "存在流程进行中的申请单，请检查是否重入",
    )
}

/// Documented for platforms. What service providers get was seen on the wire.
fn not_found(kind: Kind) -> Refusal {
    match kind {
        Kind::Special => Refusal::new(400, "PARAM_ERROR", "PARAM_ERROR", "未能找到申请单"),
        Kind::Ecommerce => Refusal::new(
            404,
            "RESOURCE_NOT_EXISTS",
            "RESOURCE_NOT_EXISTS",
            "申请单不存在",
        ),
    }
}

fn not_under_way() -> Refusal {
    Refusal::invalid_request("申请单当前状态不支持此操作")
}
