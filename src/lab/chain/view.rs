//! The pages of chains. Their element ids are those of Reflex's test.

use super::events::*;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::{
    any_nested_route::IntoAnyNestedRoute,
    components::{A, Outlet, ParentRoute, Route},
    path,
};
use undercurrent::prelude::*;

/// `/lab/chain` and the pages below it.
#[component(transparent)]
pub fn ChainRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/lab/chain") view=ChainFrame>
            <Route path=path!("") view=ChainPage/>
            <Route path=path!("on-load-return-chain") view=OnLoadReturnChain/>
            <Route path=path!("on-load-yield-chain") view=OnLoadYieldChain/>
            <Route path=path!("on-mount-return-chain") view=OnMountReturnChain/>
            <Route path=path!("on-mount-yield-chain") view=OnMountYieldChain/>
        </ParentRoute>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What all of them show: the order.
#[component]
fn ChainFrame() -> impl IntoView {
    let chain = use_state::<LabChain>();
    let loaded = use_loaded::<LabChain>();
    view! {
        <Title text="Chains"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Chains"</h1>
        <p class="lead">"A fixture: events that dispatch events, and the order they run in."</p>
        <Outlet/>
        <p>"Loaded: " <output id="is_hydrated">{move || loaded.get().to_string()}</output></p>
        <ol id="event_order">
            <ForList each=chain.event_order() let:event><li>{event}</li></ForList>
        </ol>
    }
    .into_any()
}

#[component]
fn ChainPage() -> impl IntoView {
    let chain = use_state::<LabChain>();
    let value = move || chain.interim_value().get();
    let typed = |name: &'static str, arg: fn() -> Typed| {
        move |_| click_return_typed(name.into(), arg()).dispatch()
    };
    view! {
        <p><label>"Value " <input id="interim_value" readonly prop:value=value value=value/></label></p>
        <p>
            <button id="return_event" on:click=click_return_event.on_click()>"Return event"</button>
            <button id="return_events" on:click=click_return_events.on_click()>"Return events"</button>
            <button id="yield_chain" on:click=click_yield_chain.on_click()>"Yield chain"</button>
            <button id="yield_many_events" on:click=click_yield_many_events.on_click()>"Yield many events"</button>
            <button id="yield_nested" on:click=click_yield_nested.on_click()>"Yield nested"</button>
            <button id="redirect_return_chain" on:click=redirect_return_chain.on_click()>"Redirect, return"</button>
            <button id="redirect_yield_chain" on:click=redirect_yield_chain.on_click()>"Redirect, yield"</button>
            <button id="click_int_type" on:click=|_| event_arg_repr(Typed::Int(1)).dispatch()>"Int"</button>
            <button id="click_dict_type" on:click=|_| event_arg_repr(Typed::dict()).dispatch()>"Dict"</button>
            <button id="return_int_type" on:click=typed("click_return_int_type", || Typed::Int(1))>"Return int"</button>
            <button id="return_dict_type" on:click=typed("click_return_dict_type", Typed::dict)>"Return dict"</button>
            <button id="click_yield_interim_value_async" on:click=click_yield_interim_value_async.on_click()>
                "Interim value, waiting"
            </button>
            <button id="click_yield_interim_value" on:click=click_yield_interim_value.on_click()>
                "Interim value, blocking"
            </button>
        </p>
    }
    .into_any()
}

// What a page begins with it sends itself, when it is alive: nothing changes on GET.

#[component]
fn OnLoadReturnChain() -> impl IntoView {
    Effect::new(|| on_load_return_chain().dispatch());
    view! { <p>"return"</p> }
}

#[component]
fn OnLoadYieldChain() -> impl IntoView {
    Effect::new(|| on_load_yield_chain().dispatch());
    view! { <p>"yield"</p> }
}

#[component]
fn OnMountReturnChain() -> impl IntoView {
    Effect::new(|| on_load_return_chain().dispatch());
    on_unmount(|| event_arg("unmount".into()).dispatch());
    view! { <p>"return " <A href="/lab/chain" attr:id="unmount">"Unmount"</A></p> }
}

#[component]
fn OnMountYieldChain() -> impl IntoView {
    Effect::new(|| {
        on_load_yield_chain().dispatch();
        event_arg("mount".into()).dispatch();
    });
    on_unmount(|| event_no_args().dispatch());
    view! { <p>"yield " <A href="/lab/chain" attr:id="unmount">"Unmount"</A></p> }
}

/// Runs when a page that was alive goes. On the server a page goes when it is written, and no effect
/// runs.
fn on_unmount(left: impl Fn() + Clone + Send + Sync + 'static) {
    Effect::new(move || on_cleanup(left.clone()));
}
