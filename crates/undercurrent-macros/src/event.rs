//! `#[event]`.

use crate::{
    background::{Setting, milliseconds},
    handler::{Handler, context_state, first_type},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, Ident, ItemFn, Result, Token, Type, parse::Parser, punctuated::Punctuated,
    spanned::Spanned,
};

const NOTE: &str = "an event does nothing until it is sent: `.dispatch()` it";

pub(crate) fn expand(attribute: TokenStream, function: ItemFn) -> Result<TokenStream> {
    let timeout = timeout(attribute)?;
    match first_type(&function) {
        Some(Type::Reference(reference)) if reference.mutability.is_some() => {
            if let Some((name, _)) = timeout {
                return Err(Error::new(
                    name.span(),
                    "an event over `&mut` state has no `timeout`: it can't be stopped while it holds \
                     the state. Take `cx: EventContext<…>` for one that waits",
                ));
            }
            let state = (*reference.elem).clone();
            expand_sync(Handler::new(check_not_async(function)?, state)?)
        }
        Some(ty) => match context_state(ty, "EventContext") {
            Some(state) => {
                let handler = only_context(Handler::new(check_async(function)?, state)?)?;
                expand_async(handler, timeout.map(|(_, ms)| ms))
            }
            None => Err(Error::new(ty.span(), WRONG_FIRST)),
        },
        None => Err(Error::new(function.sig.span(), WRONG_FIRST)),
    }
}

/// `timeout = "10s"`, which is all that `#[event]` knows.
fn timeout(attribute: TokenStream) -> Result<Option<(Ident, u64)>> {
    let settings = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(attribute)?;
    let mut timeout = None;
    for Setting { name, value } in settings {
        if name != "timeout" {
            return Err(Error::new(name.span(), "`#[event]` knows `timeout`"));
        }
        let ms = milliseconds(&value)?;
        timeout = Some((name, ms));
    }
    Ok(timeout)
}

const WRONG_FIRST: &str = "an event begins with the state, `feed: &mut Feed`, or, when it must \
     wait, with the context, `cx: EventContext<Feed>`";

/// A second `&mut` stands beside a first one, not beside a context.
fn only_context(handler: Handler) -> Result<Handler> {
    match &handler.second {
        Some(second) => Err(Error::new(
            second.span(),
            "the state is changed by `cx.update(…)`",
        )),
        None => Ok(handler),
    }
}

fn check_not_async(function: ItemFn) -> Result<ItemFn> {
    match function.sig.asyncness {
        Some(keyword) => Err(Error::new(
            keyword.span(),
            "an event over `&mut` state can't wait: the state is held while it runs. Take \
             `cx: EventContext<…>` and change the state in `cx.update(|state| …)`",
        )),
        None => Ok(function),
    }
}

fn check_async(function: ItemFn) -> Result<ItemFn> {
    match function.sig.asyncness {
        Some(_) => Ok(function),
        None => Err(Error::new(
            function.sig.fn_token.span(),
            "an event that takes the context is async; one that need not wait takes \
             `&mut` state",
        )),
    }
}

fn expand_sync(handler: Handler) -> Result<TokenStream> {
    if let Some(second) = &handler.second {
        return expand_pair(&handler, second);
    }
    let message = handler.message(NOTE);
    let body = handler.body();
    let registration = handler.registration(&quote!(sync));
    let (ident, state) = (&handler.message, &handler.state);
    let (arguments, _) = handler.idents_and_types();
    Ok(quote! {
        #message
        ::undercurrent::__server_only! {
            const _: () = {
                #body
                impl ::undercurrent::server::SyncHandler for #ident {
                    fn apply(self, state: &mut #state) -> ::undercurrent::server::Outcome {
                        ::undercurrent::server::IntoOutcome::into_outcome(
                            __body(state, #(self.#arguments),*)
                        )
                    }
                }
                #registration
            };
        }
    })
}

/// One update over two states of a scope.
fn expand_pair(handler: &Handler, second: &Type) -> Result<TokenStream> {
    let (ident, state) = (&handler.message, &handler.state);
    if quote!(#state).to_string() == quote!(#second).to_string() {
        return Err(Error::new(
            second.span(),
            "the two states of an event are different ones",
        ));
    }
    let message = handler.message(NOTE);
    let body = handler.body();
    let registration = handler.registration(&quote!(sync_pair));
    let (arguments, _) = handler.idents_and_types();
    Ok(quote! {
        #message
        ::undercurrent::__server_only! {
            const _: () = {
                #body
                impl ::undercurrent::server::PairHandler for #ident {
                    type Second = #second;

                    fn apply(
                        self,
                        state: &mut #state,
                        second: &mut #second,
                    ) -> ::undercurrent::server::Outcome {
                        ::undercurrent::server::IntoOutcome::into_outcome(
                            __body(state, second, #(self.#arguments),*)
                        )
                    }
                }
                #registration
            };
        }
    })
}

fn expand_async(handler: Handler, timeout_ms: Option<u64>) -> Result<TokenStream> {
    let message = handler.message(NOTE);
    let body = handler.body();
    let registration = handler.registration(&quote!(asynchronous));
    let (ident, state) = (&handler.message, &handler.state);
    let (arguments, _) = handler.idents_and_types();
    let timeout = timeout_ms.map(|ms| {
        quote! {
            const TIMEOUT_MS: ::core::option::Option<u64> = ::core::option::Option::Some(#ms);
        }
    });
    Ok(quote! {
        #message
        ::undercurrent::__server_only! {
            const _: () = {
                #body
                impl ::undercurrent::server::AsyncHandler for #ident {
                    #timeout

                    async fn run(
                        self,
                        cx: ::undercurrent::EventContext<#state>,
                    ) -> ::undercurrent::server::Outcome {
                        ::undercurrent::server::IntoOutcome::into_outcome(
                            __body(cx, #(self.#arguments),*).await
                        )
                    }
                }
                #registration
            };
        }
    })
}
