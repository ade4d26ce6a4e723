//! A message as a form: a button that works without JavaScript, too.

use crate::{Call, browser, core::scope::ScopeName, message::EventDef};
use leptos::{ev::SubmitEvent, prelude::*};
use serde_json::Value;

/// A form that sends a message. With JavaScript the page sends it; without, the browser posts
/// the form, and the answer leads back to this page.
///
/// The arguments travel in hidden fields; the children are what is seen, a button above all.
#[component]
pub fn EventForm<E: EventDef>(
    /// What is sent.
    event: Call<E>,
    children: Children,
) -> impl IntoView {
    let fields = hidden_fields(event.event());
    // A form is sent once: its number is the first of a client of its own, so that a double
    // click, or a repeated request, is one event.
    let scope = event.scope();
    // The session is meant where nothing is said.
    let scope_field = scope.clone().filter(|scope| *scope != ScopeName::Session);
    let client = browser::form_client();
    let back = browser::form_return_path();
    // Which scope is meant is said by the place of the form, not by that of whoever submits it.
    let event = match scope {
        Some(scope) => event.sent_to(scope),
        None => event,
    };
    let submit = move |submit: SubmitEvent| {
        submit.prevent_default();
        event.clone().dispatch();
    };
    view! {
        <form method="post" action=E::PATH on:submit=submit>
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

/// The arguments as a form's fields. An argument that is itself an object or a list has its
/// parts under `name[part]`.
fn hidden_fields<E: EventDef>(event: &E) -> Vec<(String, String)> {
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
    if let Ok(Value::Object(arguments)) = serde_json::to_value(event) {
        arguments
            .into_iter()
            .for_each(|(name, value)| flatten(name, value, &mut fields));
    }
    fields
}
