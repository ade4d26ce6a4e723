//! The shell around the pages, and which page is where.

use crate::{pieces::Banner, posts::PostsPage};
use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, Title, provide_meta_context};
use leptos_router::{
    components::{A, Route, Router, Routes},
    path,
};

/// The document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The app: header, banner, pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Stylesheet id="leptos" href="/pkg/gallery.css"/>
        <Title formatter=|title| format!("{title} · Undercurrent")/>
        <Router>
            <a class="skip" href="#content">"Skip to the content"</a>
            <header class="site-header">
                <A href="/" attr:class="site-name">"Undercurrent"</A>
                <nav aria-label="Pages">
                    <A href="/posts">"Posts"</A>
                </nav>
            </header>
            <Banner/>
            <main id="content">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=PostsPage/>
                    <Route path=path!("/posts") view=PostsPage/>
                </Routes>
            </main>
        </Router>
    }
}

/// What is shown where no page is.
#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <h1>"There is no page here"</h1>
        <p>"The address leads to nothing. "<A href="/posts">"Ten posts"</A>" is a page."</p>
    }
}
