//! The signals of a state: what views follow.

use super::fields::StateField;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Visibility};

/// The struct that `use_state` returns, with one method for each field that pages see; and a
/// trait with the same methods, for the signal of a field whose type this is.
pub(super) fn signals(input: &DeriveInput, fields: &[StateField<'_>]) -> TokenStream {
    let (ident, visibility) = (&input.ident, &input.vis);
    let signals = format_ident!("{ident}Signals");
    let nested = format_ident!("{ident}Fields");
    let public: Vec<_> = fields.iter().filter(|field| !field.server_only).collect();
    let methods = public.iter().enumerate().map(|(number, field)| {
        let visibility = field.visibility;
        let (signature, subfield) = method(input, field, number, &store(input));
        let doc = doc(field);
        quote!(#[doc = #doc] #visibility #signature { let inner = self.store; #subfield })
    });
    // Methods of a trait are as visible as it is: fields that are less so have none.
    let visible = public
        .iter()
        .enumerate()
        .filter(|(_, field)| field.visibility == visibility || is_public(field.visibility));
    let (declared, defined): (Vec<_>, Vec<_>) = visible
        .map(|(number, field)| {
            let (signature, subfield) = method(input, field, number, &quote!(Self));
            let doc = doc(field);
            let declared = quote!(#[doc = #doc] #signature;);
            (declared, quote!(#signature { let inner = self; #subfield }))
        })
        .unzip();
    let doc = format!("The signals of a [`{ident}`]: one for each field that pages see.");
    let nested_doc = format!("The signals inside of a field that is a [`{ident}`].");
    let store = store(input);
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #signals {
            store: #store,
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #signals {
            #(#methods)*
        }

        #[doc = #nested_doc]
        #[allow(dead_code)]
        #visibility trait #nested: Sized {
            #(#declared)*
        }

        #[automatically_derived]
        impl<__F> #nested for __F
        where
            __F: ::undercurrent::__private::StoreField<Value = #ident>,
        {
            #(#defined)*
        }

        #[automatically_derived]
        impl ::undercurrent::Followed for #ident {
            type Signals = #signals;

            fn signals(store: #store) -> Self::Signals {
                #signals { store }
            }
        }
    }
}

fn store(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    quote!(::undercurrent::__private::Store<#ident>)
}

fn doc(field: &StateField<'_>) -> String {
    format!("Follows `{}`.", field.name)
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn method(
    input: &DeriveInput,
    field: &StateField<'_>,
    number: usize,
    inner: &TokenStream,
) -> (TokenStream, TokenStream) {
    let (ident, name, ty) = (&input.ident, field.ident, field.ty);
    let signature = quote! {
        fn #name(self) -> ::undercurrent::__private::Subfield<#inner, #ident, #ty>
    };
    let subfield = quote! {
        ::undercurrent::__private::Subfield::new(
            inner,
            #number.into(),
            |state| &state.#name,
            |state| &mut state.#name,
        )
    };
    (signature, subfield)
}
