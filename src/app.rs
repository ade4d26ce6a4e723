//! The shell around the pages, and which page is where.

use crate::{
    assistant::AssistantPage,
    dashboard::DashboardPage,
    home::HomePage,
    import::{ImportPage, tasks::import_file},
    lab::{
        BarePacePage, ChainRoutes, EndsPage, LabPage, PacePage, RowsPage, SheetPage, WindowPage,
        WordsPage,
    },
    lobby::LobbyPage,
    lorem::LoremPage,
    monitor::MonitorPage,
    pieces::{Banner, Spoken, Toasts, Tray, provide_drafts, provide_sender, use_lost},
    posts::PostsPage,
    random::RandomPage,
    report::ReportPage,
    room::RoomPage,
};
use leptos::{html::Main, prelude::*};
use leptos_meta::{MetaTags, Stylesheet, Title, provide_meta_context};
use leptos_router::{
    components::{A, Route, Router, Routes},
    hooks::use_location,
    path,
};
use undercurrent::prelude::use_task;

/// The document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Background tasks for Leptos: work that takes minutes, on a page that answers at once."/>
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
    // What one page leaves to another, or finds when one comes back.
    provide_drafts();
    provide_sender(use_task(import_file));
    let lost = use_lost();
    let content = NodeRef::<Main>::new();
    view! {
        <Stylesheet id="leptos" href="/pkg/gallery.css"/>
        <Title formatter=|title| format!("{title} · Undercurrent")/>
        <Router>
            // The browser's own link: the router would leave the focus where it is.
            <a class="skip" href="#content" rel="external">"Skip to the content"</a>
            <header class="site-header">
                <A href="/" attr:class="site-name">
                    <svg viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M3 9h18M3 16c3 0 3 4 6 4s3-4 6-4 3 4 6 4"></path>
                    </svg>
                    "Undercurrent"
                </A>
                <nav aria-label="Pages">
                    <A href="/posts">"Posts"</A>
                    <A href="/assistant">"Assistant"</A>
                    <A href="/report">"Report"</A>
                    <A href="/room">"Room"</A>
                    <A href="/import">"Import"</A>
                    <A href="/monitor">"Monitor"</A>
                    <A href="/dashboard">"Dashboard"</A>
                    <A href="/random">"Random"</A>
                    <A href="/lorem">"Lorem"</A>
                </nav>
                <Tray/>
            </header>
            // Over the page, so that nothing moves.
            <div class="notices">
                <Toasts/>
                <Banner lost/>
            </div>
            <main id="content" tabindex="-1" node_ref=content class:offline=lost>
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=HomePage/>
                    <Route path=path!("/posts") view=PostsPage/>
                    <Route path=path!("/assistant") view=AssistantPage/>
                    <Route path=path!("/report") view=ReportPage/>
                    <Route path=path!("/room") view=LobbyPage/>
                    <Route path=path!("/room/:name") view=RoomPage/>
                    <Route path=path!("/import") view=ImportPage/>
                    <Route path=path!("/monitor") view=MonitorPage/>
                    <Route path=path!("/dashboard") view=DashboardPage/>
                    <Route path=path!("/random") view=RandomPage/>
                    <Route path=path!("/lorem") view=LoremPage/>
                    <Route path=path!("/lab") view=LabPage/>
                    <Route path=path!("/lab/rows") view=RowsPage/>
                    <Route path=path!("/lab/window") view=WindowPage/>
                    <Route path=path!("/lab/sheet") view=SheetPage/>
                    <Route path=path!("/lab/pace") view=PacePage/>
                    <Route path=path!("/lab/pace/bare") view=BarePacePage/>
                    <Route path=path!("/lab/words") view=WordsPage/>
                    <Route path=path!("/lab/ends") view=EndsPage/>
                    <ChainRoutes/>
                </Routes>
            </main>
            <Arrival content/>
            <footer class="site-footer">
                <p>"Background tasks for Leptos. The page is still, the data moves."</p>
            </footer>
        </Router>
    }
}

/// A page that is led to within the app begins where one that is loaded does: the focus is at its
/// begin, and its title is said.
#[component]
fn Arrival(content: NodeRef<Main>) -> impl IntoView {
    let path = use_location().pathname;
    let title = RwSignal::new(String::new());
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            // Once the page is there, and has said how it is called.
            request_animation_frame(move || {
                content.with_untracked(|main| main.as_ref().map(|main| main.focus()));
                title.set(document().title());
            });
        }
        now
    });
    view! { <Spoken words=title/> }
}

/// What is shown where no page is.
#[component]
fn NotFound() -> impl IntoView {
    let location = use_location();
    view! {
        <Title text="Not found"/>
        <div class="not-found">
            <svg viewBox="0 0 320 60" aria-hidden="true">
                <path d="M4 16h312M4 42c26 0 26 12 52 12s26-12 52-12 26 12 52 12"></path>
            </svg>
            <h1>"There is no page here"</h1>
            <p class="lead">
                <code>{move || location.pathname.get()}</code>
                " leads to nothing. It may be mistyped, or the page has moved."
            </p>
            <A href="/" attr:class="button">"Go to the first page"</A>
        </div>
    }
}
