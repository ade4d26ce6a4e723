//! `#[derive(State)]`.

use crate::scope::Scope;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Error, Field, Fields, Ident, Result, Type, Visibility, spanned::Spanned,
};

/// A field of the struct, as far as the expansion needs it.
struct StateField<'a> {
    ident: &'a Ident,
    name: String,
    ty: &'a Type,
    visibility: &'a Visibility,
    server_only: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new(
            parameter.span(),
            "a state has no type parameters or lifetimes: pages and server must agree on one type",
        ));
    }
    let fields = named_fields(input)?
        .iter()
        .map(state_field)
        .collect::<Result<Vec<_>>>()?;
    let scope = Scope::of(input)?;
    let trait_impl = state_impl(input, &fields, &scope);
    let signals = signals(input, &fields);
    let scope_items = scope.items(input);
    let registration = scope.registration(&input.ident);
    Ok(quote! {
        #trait_impl
        #signals
        #scope_items
        ::undercurrent::__server_only! {
            ::undercurrent::__private::inventory::submit! { #registration }
        }
    })
}

fn named_fields(
    input: &DeriveInput,
) -> Result<&syn::punctuated::Punctuated<Field, syn::Token![,]>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(&fields.named),
            other => Err(Error::new(
                other.span(),
                "a state has named fields: ops and stores call them by name",
            )),
        },
        _ => Err(Error::new(
            input.ident.span(),
            "a state is a struct with named fields; an enum can be the type of a field",
        )),
    }
}

fn state_field(field: &Field) -> Result<StateField<'_>> {
    let Some(ident) = &field.ident else {
        return Err(Error::new(field.span(), "a state has named fields"));
    };
    let mut server_only = false;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("state"))
    {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("server") {
                server_only = true;
                return Ok(());
            }
            Err(meta.error("a field of a state knows `#[state(server)]` only"))
        })?;
    }
    let name = ident.to_string().trim_start_matches("r#").to_owned();
    Ok(StateField {
        ident,
        name,
        ty: &field.ty,
        visibility: &field.vis,
        server_only,
    })
}

fn state_impl(input: &DeriveInput, fields: &[StateField<'_>], scope: &Scope) -> TokenStream {
    let ident = &input.ident;
    let scope = scope.kind(ident);
    let state_name = snake_case(&ident.to_string());
    let public: Vec<_> = fields.iter().filter(|field| !field.server_only).collect();
    let public_names = public.iter().map(|field| &field.name);

    // Spanned at the field's type, so that a type that fits neither kind is marked there.
    let kind = |field: &StateField<'_>| {
        let ty = field.ty;
        quote_spanned! {ty.span()=> (&&__state::Probe::<#ty>::NEW).kind() }
    };
    let visibility = |field: &StateField<'_>| {
        let variant = format_ident!(
            "{}",
            if field.server_only {
                "Server"
            } else {
                "Public"
            }
        );
        quote!(__ops::Visibility::#variant)
    };

    let arm = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, kind(field));
        quote!(#ident: #kind.arm(&mut self.#ident))
    });
    let record = fields.iter().map(|field| {
        let (ident, name, kind, visibility) =
            (field.ident, &field.name, kind(field), visibility(field));
        quote! {
            #kind.record(&mut self.#ident, &shadow.#ident, &mut out.field(#name, #visibility))?;
        }
    });
    let settle = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, kind(field));
        quote!(#kind.settle(&mut self.#ident, &mut shadow.#ident);)
    });
    let undo = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, kind(field));
        quote!(let undone = #kind.undo(&mut self.#ident, &shadow.#ident).and(undone);)
    });
    let mut number = 0usize;
    let apply = fields.iter().map(|field| {
        let (ident, name, kind) = (field.ident, &field.name, kind(field));
        let touch = (!field.server_only).then(|| {
            number += 1;
            let number = number - 1;
            quote!(applied.touch(#number);)
        });
        quote! {
            #name => {
                #kind.apply(&mut self.#ident, op, applied)?;
                #touch
            }
        }
    });
    let patch = public.iter().enumerate().map(|(number, field)| {
        let (ident, kind) = (field.ident, kind(field));
        quote! {
            if #kind.patch(&mut self.#ident, new.#ident, applied) { applied.touch(#number); }
        }
    });
    let patch_server = fields
        .iter()
        .filter(|field| field.server_only)
        .map(|field| {
            let ident = field.ident;
            quote!(self.#ident = new.#ident;)
        });
    let write = fields.iter().map(|field| {
        let (ident, name, visibility) = (field.ident, &field.name, visibility(field));
        quote!(out.put(#name, #visibility, &self.#ident)?;)
    });
    let read = fields.iter().map(|field| {
        let (ident, name) = (field.ident, &field.name);
        quote!(#ident: fields.get(#name)?)
    });

    quote! {
        const _: () = {
            use ::undercurrent::__private::{ops as __ops, state as __state};
            #[allow(unused_imports)]
            use __state::{ViaPlain as _, ViaTracked as _};

            #[automatically_derived]
            impl ::undercurrent::State for #ident {
                const NAME: &'static str = #state_name;
                const FIELDS: &'static [&'static str] = &[#(#public_names),*];
                const SCOPE: ::undercurrent::__private::ScopeKind = #scope;

                fn arm(&mut self) -> Self {
                    Self { #(#arm),* }
                }

                fn record(
                    &mut self,
                    shadow: &Self,
                    out: &mut __ops::OpsWriter,
                ) -> ::core::result::Result<(), __ops::RecordError> {
                    #(#record)*
                    Ok(())
                }

                fn settle(&mut self, shadow: &mut Self) {
                    #(#settle)*
                }

                fn undo(&mut self, shadow: &Self) -> ::core::result::Result<(), __state::Lost> {
                    let undone = Ok(());
                    #(#undo)*
                    undone
                }

                fn apply(
                    &mut self,
                    op: &__ops::Op<'_>,
                    applied: &mut __ops::Applied,
                ) -> ::core::result::Result<(), __ops::ApplyError> {
                    match &*op.field {
                        #(#apply)*
                        _ => return Err(op.unfit("there is no such field")),
                    }
                    Ok(())
                }

                fn patch(&mut self, new: Self, applied: &mut __ops::Applied) {
                    #(#patch)*
                    #(#patch_server)*
                }

                fn write(
                    &self,
                    out: &mut __state::Fields,
                ) -> ::core::result::Result<(), __ops::RecordError> {
                    #(#write)*
                    Ok(())
                }

                fn read(
                    fields: &__state::ReadFields<'_>,
                ) -> ::core::result::Result<Self, __ops::ApplyError> {
                    Ok(Self { #(#read),* })
                }
            }
        };
    }
}

/// The struct that `use_state` returns: one method for each field that pages see.
fn signals(input: &DeriveInput, fields: &[StateField<'_>]) -> TokenStream {
    let (ident, visibility) = (&input.ident, &input.vis);
    let signals = format_ident!("{ident}Signals");
    let doc = format!("The signals of a [`{ident}`]: one for each field that pages see.");
    let public = fields.iter().filter(|field| !field.server_only);
    let methods = public.enumerate().map(|(number, field)| {
        let StateField { ident: name, ty, visibility, .. } = field;
        let doc = format!("Follows `{name}`.");
        quote! {
            #[doc = #doc]
            #visibility fn #name(
                self,
            ) -> ::undercurrent::__private::Subfield<::undercurrent::__private::Store<#ident>, #ident, #ty>
            {
                ::undercurrent::__private::Subfield::new(
                    self.store,
                    #number.into(),
                    |state| &state.#name,
                    |state| &mut state.#name,
                )
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #signals {
            store: ::undercurrent::__private::Store<#ident>,
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #signals {
            #(#methods)*
        }

        #[automatically_derived]
        impl ::undercurrent::Followed for #ident {
            type Signals = #signals;

            fn signals(store: ::undercurrent::__private::Store<Self>) -> Self::Signals {
                #signals { store }
            }
        }
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
