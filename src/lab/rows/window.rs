//! The same list, of which only the rows that are seen are in the page.

use super::state::*;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn WindowPage() -> impl IntoView {
    let rows = use_state::<LabRows>();
    let len = move || rows.list().read().len();
    view! {
        <Title text="A window"/>
        <Meta name="robots" content="noindex"/>
        <h1>"A window"</h1>
        <p class="lead">"A fixture: a list of any length, of which a box shows some."</p>
        <p><output id="len">{move || len()}</output></p>
        <div id="window">
            <WindowedList each=rows.list() label="Rows" rows=12 let:row>
                <p data-id=move || row.read().id>{move || row.read().value}</p>
            </WindowedList>
        </div>
    }
    .into_any()
}
