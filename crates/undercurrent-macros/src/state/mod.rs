//! `#[derive(State)]`.
//!
//! A struct becomes a state, and a node that other states may hold; an enum becomes a node. What
//! is done to a node is done to each of its fields; see `node.rs` and `field.rs` in the
//! runtime's core.

mod enums;
mod fields;
mod signals;
mod structs;

use crate::scope::Scope;
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Result, parse2, spanned::Spanned};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let input = &without_self(input)?;
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new(
            parameter.span(),
            "a state has no type parameters or lifetimes: pages and server must agree on one type",
        ));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields = fields::read(&named.named)?;
                let node = node_impl(input, &structs::methods(input, &fields));
                let scope = Scope::of(input)?;
                let state = structs::state(input, &fields, &scope);
                let signals = signals::signals(input, &fields);
                let scope = scope.items(input);
                Ok(quote!(#node #state #signals #scope))
            }
            other => Err(Error::new(
                other.span(),
                "a state has named fields: ops and stores call them by name",
            )),
        },
        Data::Enum(data) => {
            let variants = enums::read(input, data)?;
            Ok(node_impl(input, &enums::methods(input, &variants)))
        }
        Data::Union(_) => Err(Error::new(
            input.ident.span(),
            "a state is a struct with named fields, or an enum inside of one",
        )),
    }
}

/// The same with the type's name where its fields say `Self`: types of the expansion's own, which
/// read it, are something else.
fn without_self(input: &DeriveInput) -> Result<DeriveInput> {
    let mut input = input.clone();
    let own = input.ident.clone();
    let fields: Vec<&mut Field> = match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().collect(),
        Data::Enum(data) => data
            .variants
            .iter_mut()
            .flat_map(|variant| &mut variant.fields)
            .collect(),
        Data::Union(_) => Vec::new(),
    };
    for field in fields {
        field.ty = parse2(named(field.ty.to_token_stream(), &own))?;
    }
    Ok(input)
}

fn named(tokens: TokenStream, own: &Ident) -> TokenStream {
    let named = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => {
            let mut own = own.clone();
            own.set_span(ident.span());
            TokenTree::Ident(own)
        }
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), named(group.stream(), own));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    };
    tokens.into_iter().map(named).collect()
}

fn node_impl(input: &DeriveInput, methods: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    quote! {
        const _: () = {
            use ::undercurrent::__private::{field as __field, node as __node, ops as __ops};
            use ::undercurrent::__private::{serde as __serde, state as __state};
            use ::undercurrent::__private::{schema as __schema, writer as __writer};
            #[allow(unused_imports)]
            use __field::{ViaNode as _, ViaOption as _};

            #[automatically_derived]
            impl __node::Node for #ident {
                #methods
            }

            #[automatically_derived]
            impl __node::Tracked for #ident {}
        };
    }
}

/// `PostFeed` → `post_feed`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.trim_start_matches("r#").char_indices() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
