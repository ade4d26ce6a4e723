//! One of a few, in a form.

use leptos::prelude::*;

/// A box that opens: for what is chosen before a form is sent.
#[component]
pub fn Select<T: Copy + ToString + 'static>(
    /// The argument of the form's event.
    name: &'static str,
    /// What stands before the box.
    label: &'static str,
    /// What there is to choose from, as it is sent.
    options: &'static [T],
    /// What is read of it.
    words: fn(T) -> String,
) -> impl IntoView {
    let option = |option: &T| {
        view! { <option value=option.to_string()>{words(*option)}</option> }
    };
    view! {
        <label class="field">
            {label}
            <select name=name>{options.iter().map(option).collect_view()}</select>
        </label>
    }
}
