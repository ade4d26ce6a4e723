//! Scopes in a page: which one a view means, and the components that lead into keyed ones.

use super::replicas::Replicas;
use crate::{
    State,
    core::scope::{ScopeKind, ScopeName},
};
use leptos::{context::Provider, prelude::*};
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

/// The keyed scopes that a view is in, by kind. In the context.
#[derive(Clone, Debug, Default)]
struct ScopesHere(Arc<BTreeMap<&'static str, ScopeName>>);

/// Leads into one keyed scope. Derives name it after their state: `<RoomScope key=name>`.
#[component]
#[allow(clippy::needless_pass_by_value, reason = "a component's properties")]
pub fn Scope<S: State>(
    /// Which one.
    #[prop(into)]
    key: String,
    children: Children,
    #[prop(optional)] state: PhantomData<S>,
) -> impl IntoView {
    let _ = state;
    let ScopeKind::Keyed(space) = S::SCOPE else {
        unreachable!("the derive makes this component for keyed states alone")
    };
    let key = key.into();
    let scope = ScopeName::Keyed { space, key };
    Replicas::current().enter(scope.clone());
    let here = use_context::<ScopesHere>().unwrap_or_default();
    let mut here = BTreeMap::clone(&here.0);
    here.insert(space, scope);
    view! { <Provider value=ScopesHere(Arc::new(here))>{children()}</Provider> }
}

/// The scope that a state of this kind means at this place of the page. `None` outside of the
/// component that leads into it.
pub(crate) fn scope_here(kind: ScopeKind) -> Option<ScopeName> {
    match kind {
        ScopeKind::Session | ScopeKind::Each => Some(ScopeName::Session),
        ScopeKind::Tab => Some(ScopeName::this_tab()),
        ScopeKind::Process(space) => Some(ScopeName::process(space)),
        ScopeKind::Keyed(space) => use_context::<ScopesHere>()?.0.get(space).cloned(),
    }
}

/// As [`scope_here`], for views: they are written by someone who can put them in their place.
///
/// # Panics
///
/// Outside of the component that leads into the scope.
pub(crate) fn scope_of_view<S: State>() -> ScopeName {
    scope_here(S::SCOPE).unwrap_or_else(|| {
        let name = std::any::type_name::<S>();
        let name = name.rsplit("::").next().unwrap_or(name);
        panic!("{name} is shared under a key: use it inside its scope component, which says which")
    })
}

/// Why the visitor may not be here: what the rule of the scope said. `None` where it may.
///
/// ```ignore
/// let refused = use_refused::<Room>();
/// view! { <p>{refused}</p> }
/// ```
///
/// # Panics
///
/// Outside of the component that leads into the scope.
pub fn use_refused<S: State>() -> Signal<Option<String>> {
    let refused = Replicas::current().enter(scope_of_view::<S>());
    Signal::derive(move || refused.get())
}
