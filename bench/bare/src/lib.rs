//! A bare leptos app with a router: a counter on a page.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::{A, Route, Router, Routes},
    path,
};

#[component]
fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="Bare"/>
        <Router>
            <A href="/">"Home"</A>
            <Routes fallback=|| "There is no page here.">
                <Route path=path!("/") view=Home/>
            </Routes>
        </Router>
    }
}

#[component]
fn Home() -> impl IntoView {
    let (count, set_count) = signal(0);
    view! { <button on:click=move |_| set_count.update(|count| *count += 1)>{count}</button> }
}

#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(App);
}
