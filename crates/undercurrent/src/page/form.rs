//! A message as a form: a button that works without JavaScript, too.

use super::{
    connection::use_connection,
    event::{EventHandle, Sent},
};
use crate::{Call, browser, core::scope::ScopeName, message::EventDef};
use leptos::{
    attr::{self, Attribute},
    ev::SubmitEvent,
    prelude::*,
};
use serde::ser::Error;
use serde_json::Value;

/// A form that sends a message. With JavaScript the page sends it; without, the browser posts
/// the form, and the answer leads back to this page.
///
/// The arguments travel in hidden fields; the children are what is seen, a button above all.
///
/// Arguments that the visitor fills in are named in `typed`: a control of that name gives the
/// value. What the message says in its place only tells its kind: where it has a number, what is
/// typed is sent as a number. Once sent, the controls are as they were at first.
///
/// While what it has sent waits for a connection that is lost, the form is of the class `waits`.
///
/// ```
/// # use leptos::prelude::*; use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] pub struct Feed { limit: u32 }
/// #[event]
/// fn set_limit(feed: &mut Feed, limit: u32) {
///     feed.limit = limit;
/// }
///
/// #[component]
/// fn Limit() -> impl IntoView {
///     view! {
///         <EventForm event=set_limit(0) typed=&["limit"]>
///             <label>"Limit" <input type="number" name="limit" value="10" required/></label>
///             <button>"Set"</button>
///         </EventForm>
///     }
/// }
/// ```
#[component]
pub fn EventForm(
    /// What is sent.
    #[prop(into)]
    event: AnyCall,
    /// The arguments that controls of the form give.
    #[prop(default = &[])]
    typed: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    event.form(typed, children).into_any()
}

/// A message whose kind is forgotten: what takes one, a form or a component around it, is compiled
/// once and not for each kind of message. Made from a message by `into()`, which `EventForm` does.
///
/// It goes to the scope that the place in the page is in where it is made.
#[derive(Clone, Debug)]
pub struct AnyCall {
    /// Its name, and the number of its arguments' types.
    event: (&'static str, u32),
    path: &'static str,
    scope: Option<ScopeName>,
    /// As JSON, or why they can't be.
    arguments: std::result::Result<String, String>,
}

impl<E: EventDef> From<Call<E>> for AnyCall {
    fn from(call: Call<E>) -> Self {
        AnyCall {
            event: (E::NAME, E::SCHEMA),
            path: E::PATH,
            // The session is meant where nothing is said.
            scope: call.scope(),
            arguments: serde_json::to_string(&call).map_err(|error| error.to_string()),
        }
    }
}

impl AnyCall {
    fn form(self, typed: &'static [&'static str], children: Children) -> impl IntoView {
        let mut fields = self.hidden_fields();
        fields.retain(|(name, _)| !typed.contains(&name.as_str()));
        let waits = self.waits(typed.is_empty());
        let scope_field = self.scope.clone();
        let scope_field = scope_field.filter(|scope| *scope != ScopeName::Session);
        // A form is sent once: its number is the first of a client of its own, so that a double
        // click, or a repeated request, is one event.
        let client = browser::form_client();
        let back = browser::form_return_path();
        let path = self.path;
        let submit = move |submit: SubmitEvent| {
            submit.prevent_default();
            if browser::is_off(&submit) {
                return;
            }
            let arguments = match typed {
                [] => self.arguments.clone().map_err(Error::custom),
                typed => self.with_typed(&browser::take_fields(&submit, typed)),
            };
            // Which scope is meant is said by the place of the form, not by that of whoever
            // submits it.
            browser::send(self.event, self.scope.clone(), arguments);
        };
        view! {
            <form method="post" action=path class:waits=waits on:submit=submit>
                <input type="hidden" name="_client" value=client/>
                <input type="hidden" name="_n" value="1"/>
                <input type="hidden" name="_back" value=back/>
                {scope_field.map(|scope| {
                    view! { <input type="hidden" name="_scope" value=scope.to_string()/> }
                })}
                {fields
                    .into_iter()
                    .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
                    .collect_view()}
                {children()}
            </form>
        }
    }

    /// What the form sends was sent, and waits for the connection.
    fn waits(&self, is_fixed: bool) -> Memo<bool> {
        let sent = match &self.arguments {
            Ok(arguments) if is_fixed => Sent::With(arguments.clone()),
            _ => Sent::All,
        };
        let scope = self.scope.clone().unwrap_or(ScopeName::Session);
        let (link, sent) = (
            use_connection(),
            EventHandle::new(self.event.0, Signal::stored(sent), scope),
        );
        Memo::new(move |_| !link.is_connected() && sent.is_pending())
    }

    fn arguments(&self) -> serde_json::Result<Value> {
        let arguments = self.arguments.as_deref().map_err(Error::custom)?;
        serde_json::from_str(arguments)
    }

    /// The arguments as JSON, with what was typed in the place of what the message has.
    fn with_typed(&self, typed: &[(&'static str, String)]) -> serde_json::Result<String> {
        let mut arguments = self.arguments()?;
        for (name, text) in typed {
            if let Some(argument) = arguments.get_mut(*name) {
                *argument = match (&*argument, text.parse()) {
                    // What is no number is refused by the server, as that of a form is.
                    (Value::Number(_), Ok(number)) => Value::Number(number),
                    (Value::Bool(_), _) => Value::Bool(text == "true" || text == "on"),
                    _ => Value::String(text.clone()),
                };
            }
        }
        serde_json::to_string(&arguments)
    }

    /// The arguments as a form's fields. An argument that is itself an object or a list has its
    /// parts under `name[part]`.
    fn hidden_fields(&self) -> Vec<(String, String)> {
        fn flatten(name: String, value: Value, fields: &mut Vec<(String, String)>) {
            match value {
                Value::Null => {}
                Value::String(text) => fields.push((name, text)),
                Value::Array(items) => items
                    .into_iter()
                    .enumerate()
                    .for_each(|(index, item)| flatten(format!("{name}[{index}]"), item, fields)),
                Value::Object(parts) => parts
                    .into_iter()
                    .for_each(|(part, value)| flatten(format!("{name}[{part}]"), value, fields)),
                plain => fields.push((name, plain.to_string())),
            }
        }
        let mut fields = Vec::new();
        if let Ok(Value::Object(arguments)) = self.arguments() {
            arguments
                .into_iter()
                .for_each(|(name, value)| flatten(name, value, &mut fields));
        }
        fields
    }
}

/// The attributes of a button that is off for a while: `<button {..off_while(is_full)}>`.
///
/// A button that is `disabled` loses the focus, and who works by keyboard or listens is nowhere
/// then. So in a page that is alive it is `aria-disabled`, keeps the focus, and its [`EventForm`]
/// sends nothing; without JavaScript it is `disabled`.
pub fn off_while(is_off: impl Fn() -> bool + Send + Sync + 'static) -> impl Attribute {
    off(Signal::derive(is_off))
}

/// Compiled once, whatever tells when it is off.
fn off(is_off: Signal<bool>) -> impl Attribute {
    let is_alive = RwSignal::new(false);
    Effect::new(move |_| is_alive.set(true));
    (
        attr::disabled(move || !is_alive.get() && is_off.get()),
        attr::aria_disabled(move || (is_alive.get() && is_off.get()).then_some("true")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[derive(State, Clone, Debug, Default)]
    struct Sheet {
        #[allow(dead_code)]
        limit: u32,
    }

    #[event]
    fn fill(_sheet: &mut Sheet, limit: u32, name: String, on: bool) {
        let _ = (limit, name, on);
    }

    #[test]
    fn what_is_typed_takes_the_place_of_an_argument_and_is_of_its_kind() {
        let message = AnyCall::from(fill(0, "nobody".into(), false));
        let typed = |fields: &[(&'static str, &str)]| {
            let owned = |(name, text): &(&'static str, &str)| (*name, (*text).to_owned());
            let fields: Vec<_> = fields.iter().map(owned).collect();
            message.with_typed(&fields).unwrap()
        };
        assert_eq!(
            typed(&[("limit", "7"), ("name", "12"), ("on", "on")]),
            r#"{"limit":7,"name":"12","on":true}"#
        );
        // It is sent as it is, and refused there.
        assert_eq!(
            typed(&[("limit", "many"), ("other", "x")]),
            r#"{"limit":"many","name":"nobody","on":false}"#
        );
    }
}
