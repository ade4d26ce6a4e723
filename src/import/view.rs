//! The page.

use super::{bad::BadFiles, parts::*, state::Import};
use crate::pieces::BreakIt;
use leptos::prelude::*;
use leptos_meta::Title;

/// An import, from the choice of a file to its last row.
#[component]
pub fn ImportPage() -> impl IntoView {
    view! {
        <Title text="Import"/>
        <h1>"A file of rows, taken in while you watch"</h1>
        <p class="lead">
            "A file streams to the server. A background task checks it and takes it in, 500 rows an \
             update, and asks where it does not know. Reload, close the page, stop the server: it \
             goes on at the row where it was, and takes none twice."
        </p>
        <Choose/>
        <Run/>
        <Rows/>
        <BadFiles/>
        <BreakIt<Import>/>
    }
}
