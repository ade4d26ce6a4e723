//! A message as a form: a button that works without JavaScript, too.

use super::{
    connection::use_connection,
    event::{EventHandle, Sent},
};
use crate::{Call, browser, core::scope::ScopeName, message::EventDef};
use leptos::{
    attr::{self, Attribute},
    ev::SubmitEvent,
    html::Form,
    prelude::*,
};
use serde::ser::Error;
use serde_json::{Number, Value};

/// A form that sends a message. With JavaScript the page sends it; without, the browser posts
/// the form, and the answer leads back to this page.
///
/// The arguments travel in hidden fields; the children are what is seen, a button above all.
///
/// Arguments that the visitor fills in are named in `typed`: a control of that name gives the
/// value. What the message says in its place only tells its kind: where it has a number, what is
/// typed is sent as a number. Once sent, the controls are as they were at first; what was refused
/// stands in them again, so that it can be mended.
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

/// What stands in the controls of a form.
type Fields = Vec<(&'static str, String)>;

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
        let session = browser::form_session();
        let back = without_ended(&browser::form_return_path());
        let path = self.path;
        let form = NodeRef::new();
        let typing = (!typed.is_empty()).then(|| self.typing(form));
        let submit = move |submit: SubmitEvent| {
            submit.prevent_default();
            if browser::is_off(&submit) {
                return;
            }
            let arguments = match typed {
                [] => self.arguments.clone().map_err(Error::custom),
                typed => {
                    let fields = browser::take_fields(&submit, typed);
                    let arguments = self.with_typed(&fields);
                    if let (Some((which, last)), Ok(arguments)) = (typing, &arguments) {
                        last.set_value(fields);
                        which.set(Sent::With(arguments.clone()));
                    }
                    arguments
                }
            };
            // Which scope is meant is said by the place of the form, not by that of whoever
            // submits it.
            browser::send(self.event, self.scope.clone(), arguments);
        };
        view! {
            <form method="post" action=path class:waits=waits on:submit=submit node_ref=form>
                <input type="hidden" name="_client" value=client/>
                <input type="hidden" name="_n" value="1"/>
                <input type="hidden" name="_session" value=session/>
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

    /// What was typed and sent last, by its arguments and by its controls. It is put back where it
    /// was refused.
    fn typing(&self, form: NodeRef<Form>) -> (RwSignal<Sent>, StoredValue<Fields>) {
        let (which, last) = (
            RwSignal::new(Sent::None),
            StoredValue::new(Fields::default()),
        );
        let scope = self.scope.clone().unwrap_or(ScopeName::Session);
        let event = EventHandle::new(self.event.0, which.into(), scope);
        // By its number: what is refused at once, where the outbox is full, is refused again without
        // having been anything else in between.
        let refused = Memo::new(move |_| event.failed());
        Effect::new(move |_| {
            if refused.get().is_some()
                && let Some(form) = form.get_untracked()
            {
                last.with_value(|fields| browser::put_back(&form, fields));
            }
        });
        (which, last)
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
                *argument = match (&*argument, number_of(text)) {
                    // What is no number is refused by the server, as that of a form is.
                    (Value::Number(_), Some(number)) => Value::Number(number),
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

/// A number as people type it, and as browsers take it: 07 and .5 are none as JSON.
fn number_of(text: &str) -> Option<Number> {
    let text = text.trim();
    let whole = text.parse().map(<Number as From<u64>>::from);
    let signed = || text.parse().map(<Number as From<i64>>::from);
    let whole = whole.or_else(|_| signed()).ok();
    whole.or_else(|| Number::from_f64(text.parse().ok()?))
}

/// What is told in the address where a form leads back to, if what it has sent failed: the page says
/// then what went wrong.
const ENDED: &str = "_ended=";

/// Where a form leads back to, whose client was this, and which failed.
#[cfg(feature = "ssr")]
pub(crate) fn form_ended(back: &str, client: &str) -> String {
    let is_plain = client.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain && !back.contains('#') {
        true => {
            let sign = if back.contains('?') { '&' } else { '?' };
            format!("{back}{sign}{ENDED}{client}")
        }
        false => back.to_owned(),
    }
}

/// The client of the form that has led to this path and failed.
pub(super) fn ended_of(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(ENDED))
}

/// A form that is sent from there leads back without what the last one told.
fn without_ended(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let kept = query.split('&').filter(|pair| !pair.starts_with(ENDED));
    match kept.collect::<Vec<_>>().join("&") {
        none if none.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
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

    #[cfg(feature = "ssr")]
    #[test]
    fn where_a_form_leads_back_to_tells_that_it_failed_and_the_next_one_does_not() {
        for back in ["/room", "/assistant?c=2", "/a?b=c&d"] {
            let led = form_ended(back, "0a1b");
            assert_eq!(ended_of(&led), Some("0a1b"), "{led}");
            assert_eq!(without_ended(&led), back);
            assert_eq!(
                (ended_of(back), without_ended(back)),
                (None, back.to_owned())
            );
            assert_eq!(form_ended(back, "a&b"), back);
        }
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
        // As browsers take it.
        for (text, number) in [
            ("07", "7"),
            (" 8 ", "8"),
            (".5", "0.5"),
            ("-0", "0"),
            ("1e3", "1000.0"),
        ] {
            assert!(typed(&[("limit", text)]).starts_with(&format!("{{\"limit\":{number},")));
        }
        // It is sent as it is, and refused there.
        assert_eq!(
            typed(&[("limit", "many"), ("other", "x")]),
            r#"{"limit":"many","name":"nobody","on":false}"#
        );
    }
}
