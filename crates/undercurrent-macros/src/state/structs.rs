//! A struct as a node and as a state.

use super::{
    fields::{self, StateField, map_visitor, read_map},
    snake_case,
};
use crate::{schema, scope::Scope};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::DeriveInput;

pub(super) fn methods(input: &DeriveInput, fields: &[StateField<'_>]) -> TokenStream {
    let has_server = fields::server_methods(fields.iter().map(StateField::holds_server));
    let own = fields.iter().filter_map(StateField::schema);
    let own = format!("struct {};{}", input.ident, own.collect::<String>());
    let schema = schema::method(&own, &fields::insides(fields));
    let arm = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, field.kind());
        quote!(#ident: #kind.arm(&mut self.#ident))
    });
    let record = fields.iter().map(|field| {
        let ident = field.ident;
        field.record(&quote!(&mut self.#ident), &quote!(&shadow.#ident))
    });
    let each_pair = |method: &str| {
        let method = format_ident!("{method}");
        let each = fields.iter().map(|field| {
            let (ident, kind) = (field.ident, field.kind());
            quote!(#kind.#method(&mut self.#ident, &mut shadow.#ident);)
        });
        quote!(#(#each)*)
    };
    let (park, settle) = (each_pair("park"), each_pair("settle"));
    let undo = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, field.kind());
        quote!(let undone = #kind.undo(&mut self.#ident, shadow.#ident).and(undone);)
    });
    let (apply, patch) = (apply(fields), patch(fields));
    let same = fields.iter().map(|field| {
        let (ident, kind) = (field.ident, field.kind());
        quote!(&& #kind.same(&self.#ident, &other.#ident))
    });
    let write = fields.iter().map(|field| {
        let ident = field.ident;
        field.write(&quote!(&self.#ident))
    });
    let read = read(input, fields);
    quote! {
        #has_server

        #schema

        fn arm(&mut self) -> Self {
            Self { #(#arm),* }
        }

        fn record(
            &mut self,
            shadow: &Self,
            out: &mut __writer::Out<'_>,
        ) -> ::core::result::Result<(), __ops::RecordError> {
            #(#record)*
            ::core::result::Result::Ok(())
        }

        fn park(&mut self, shadow: &mut Self) {
            #park
        }

        fn undo(&mut self, shadow: Self) -> ::core::result::Result<(), __node::Lost> {
            let undone = ::core::result::Result::Ok(());
            #(#undo)*
            undone
        }

        fn settle(&mut self, shadow: &mut Self) {
            #settle
        }

        #apply

        #patch

        fn same(&self, other: &Self) -> bool {
            true #(#same)*
        }

        fn write<__S: __serde::Serializer>(
            &self,
            visibility: __ops::Visibility,
            to: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            use __serde::ser::SerializeMap as _;
            let _ = visibility;
            #[allow(unused_mut)]
            let mut map = to.serialize_map(::core::option::Option::None)?;
            #(#write)*
            map.end()
        }

        #read
    }
}

fn apply(fields: &[StateField<'_>]) -> TokenStream {
    let mut number = 0usize;
    let arms = fields.iter().map(|field| {
        let (ident, name, kind) = (field.ident, &field.name, field.kind());
        let apply = quote!(|applied| #kind.apply(&mut self.#ident, op, at + 1, applied));
        // A field that no page sees has no signal, and no number.
        if field.server_only {
            return quote! {
                #name => ::undercurrent::__unless_page!(applied.item(#apply), ::core::result::Result::Ok(())),
            };
        }
        number += 1;
        let number = number - 1;
        quote!(#name => applied.field(#number, #apply),)
    });
    quote! {
        fn apply(
            &mut self,
            op: &__ops::Op<'_>,
            at: usize,
            applied: &mut __ops::Applied,
        ) -> ::core::result::Result<(), __ops::ApplyError> {
            match op.path.get(at) {
                ::core::option::Option::Some(__ops::Step::Name(name)) => match &**name {
                    #(#arms)*
                    _ => ::core::result::Result::Err(op.unfit("there is no such field")),
                },
                ::core::option::Option::None => __state::set_whole(self, op, applied, "a struct has fields"),
                _ => ::core::result::Result::Err(op.unfit("a struct has fields")),
            }
        }
    }
}

fn patch(fields: &[StateField<'_>]) -> TokenStream {
    let public = fields.iter().filter(|field| !field.server_only);
    let patch = public.enumerate().map(|(number, field)| {
        let (ident, kind) = (field.ident, field.kind());
        quote! {
            differs |= applied.field(#number, |applied| {
                #kind.patch(&mut self.#ident, new.#ident, applied)
            });
        }
    });
    let server = fields.iter().filter(|field| field.server_only);
    let patch_server = server.map(|field| {
        let ident = field.ident;
        quote!(self.#ident = new.#ident;)
    });
    quote! {
        #[allow(unused_mut)]
        fn patch(&mut self, new: Self, applied: &mut __ops::Applied) -> bool {
            let mut differs = false;
            #(#patch)*
            #(#patch_server)*
            differs
        }
    }
}

fn read(input: &DeriveInput, fields: &[StateField<'_>]) -> TokenStream {
    let ident = &input.ident;
    let read = read_map(fields, |field| {
        let ident = field.ident;
        quote!(value.#ident)
    });
    let read = quote! {
        #[allow(unused_mut)]
        let mut value = <#ident as ::core::default::Default>::default();
        #read
        ::core::result::Result::Ok(value)
    };
    let what = format!("the fields of {ident}");
    let visitor = map_visitor(&format_ident!("__Fields"), &quote!(#ident), &what, &read);
    quote! {
        fn read<'de, __D: __serde::Deserializer<'de>>(
            from: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            #visitor
            from.deserialize_map(__Fields)
        }
    }
}

/// `impl State`, and that the server knows it.
pub(super) fn state(input: &DeriveInput, fields: &[StateField<'_>], scope: &Scope) -> TokenStream {
    let ident = &input.ident;
    let (kind, registration) = (scope.kind(ident), scope.registration(ident));
    let name = snake_case(&ident.to_string());
    let public = fields.iter().filter(|field| !field.server_only);
    let names = public.map(|field| &field.name);
    quote! {
        #[automatically_derived]
        impl ::undercurrent::State for #ident {
            const NAME: &'static str = #name;
            const FIELDS: &'static [&'static str] = &[#(#names),*];
            const SCOPE: ::undercurrent::__private::ScopeKind = #kind;
        }

        ::undercurrent::__server_only! {
            ::undercurrent::__private::inventory::submit! { #registration }
        }
    }
}
