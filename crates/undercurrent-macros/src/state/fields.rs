//! Named fields, and what is done to each of them. Structs and variants share it: they differ in
//! how a field is reached.

use crate::schema;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, Field, Ident, Result, Token, Type, Visibility, punctuated::Punctuated, spanned::Spanned,
};

/// A field, as far as the expansion needs it.
pub(super) struct StateField<'a> {
    pub(super) ident: &'a Ident,
    pub(super) name: String,
    pub(super) ty: &'a Type,
    pub(super) visibility: &'a Visibility,
    pub(super) server_only: bool,
}

pub(super) fn read(fields: &Punctuated<Field, Token![,]>) -> Result<Vec<StateField<'_>>> {
    fields.iter().map(field).collect()
}

fn field(field: &Field) -> Result<StateField<'_>> {
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
    let name = plain_name(ident);
    Ok(StateField {
        ident,
        name,
        ty: &field.ty,
        visibility: &field.vis,
        server_only,
    })
}

/// `r#type` → `type`.
pub(super) fn plain_name(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// How a field of this type is handled: chosen where the expansion is compiled, by the type.
/// Spanned at the type, so that one that fits no way is marked there.
pub(super) fn kind(ty: &Type) -> TokenStream {
    quote_spanned! {ty.span()=> (&&__field::Probe::<#ty>::NEW).kind() }
}

/// `Node::has_server` and the question behind it, of what is inside.
pub(super) fn server_methods(inside: impl Iterator<Item = TokenStream>) -> TokenStream {
    quote! {
        fn has_server() -> bool {
            static ANSWER: ::std::sync::OnceLock<bool> = ::std::sync::OnceLock::new();
            *ANSWER.get_or_init(|| Self::holds_server(&mut __node::Seen::default()))
        }

        #[allow(unused_variables)]
        fn holds_server(seen: &mut __node::Seen) -> bool {
            seen.is_new::<Self>() && (false #(|| #inside)*)
        }
    }
}

/// How the fields that pages see are looked into.
pub(super) fn insides(fields: &[StateField<'_>]) -> Vec<TokenStream> {
    let public = fields.iter().filter(|field| !field.server_only);
    public.map(StateField::kind).collect()
}

impl StateField<'_> {
    /// What the schema says of it, if pages see it.
    pub(super) fn schema(&self) -> Option<String> {
        (!self.server_only).then(|| schema::field(&self.name, self.ty))
    }

    pub(super) fn kind(&self) -> TokenStream {
        kind(self.ty)
    }

    /// The name of a variable that holds it.
    pub(super) fn var(&self, what: &str) -> Ident {
        format_ident!("{what}_{}", self.name)
    }

    fn sight(&self) -> TokenStream {
        let sight = if self.server_only { "Server" } else { "Public" };
        let sight = format_ident!("{sight}");
        quote!(__ops::Visibility::#sight)
    }

    pub(super) fn holds_server(&self) -> TokenStream {
        let kind = self.kind();
        if self.server_only {
            // Asked all the same, so that a type that is no node is marked.
            quote!({ let _ = #kind.holds_server(seen); true })
        } else {
            quote!(#kind.holds_server(seen))
        }
    }

    /// A statement.
    pub(super) fn record(&self, now: &TokenStream, shadow: &TokenStream) -> TokenStream {
        let (name, kind, sight) = (&self.name, self.kind(), self.sight());
        quote!(out.field(#name, #sight, |out| #kind.record(#now, #shadow, out))?;)
    }

    /// A statement that writes the field to `map`.
    pub(super) fn write(&self, field: &TokenStream) -> TokenStream {
        let (name, kind) = (&self.name, self.kind());
        let write = quote!(map.serialize_entry(#name, &#kind.write(#field, visibility))?;);
        if self.server_only {
            quote! {
                ::undercurrent::__unless_page!(
                    if visibility == __ops::Visibility::Server { #write },
                    ()
                );
            }
        } else {
            write
        }
    }
}

/// A block that reads the fields from `map`, into what `place` says.
pub(super) fn read_map(
    fields: &[StateField<'_>],
    place: impl Fn(&StateField<'_>) -> TokenStream,
) -> TokenStream {
    let arms = fields.iter().map(|field| {
        let (name, kind, place) = (&field.name, field.kind(), place(field));
        let read = quote!(#place = map.next_value_seed(#kind.seed())?);
        if field.server_only {
            let skip = quote!(_ = map.next_value::<__serde::de::IgnoredAny>()?);
            return quote!(#name => ::undercurrent::__unless_page!({ #read }, { #skip }),);
        }
        quote!(#name => #read,)
    });
    quote! {
        while let ::core::option::Option::Some(__field::Name(name)) = map.next_key()? {
            match &*name {
                #(#arms)*
                _ => { map.next_value::<__serde::de::IgnoredAny>()?; }
            }
        }
    }
}

/// A visitor that reads a JSON object by the block `read`, whose value is the result.
pub(super) fn map_visitor(
    visitor: &Ident,
    value: &TokenStream,
    what: &str,
    read: &TokenStream,
) -> TokenStream {
    quote! {
        struct #visitor;

        impl<'de> __serde::de::Visitor<'de> for #visitor {
            type Value = #value;

            fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#what)
            }

            fn visit_map<__A: __serde::de::MapAccess<'de>>(
                self,
                mut map: __A,
            ) -> ::core::result::Result<Self::Value, __A::Error> {
                #read
            }
        }
    }
}
