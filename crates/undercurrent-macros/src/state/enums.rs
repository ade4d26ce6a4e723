//! An enum as a node: as long as the variant stays, what is inside of it is recorded; another
//! variant is sent whole. On the wire it has serde's usual form, `"Idle"` or
//! `{"Running":content}`.

use super::fields::{self, StateField, kind, map_visitor, plain_name, read_map};
use crate::schema;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, DataEnum, DeriveInput, Error, Fields, Ident, Result, Type};

pub(super) struct Variant<'a> {
    ident: &'a Ident,
    name: String,
    content: Content<'a>,
}

enum Content<'a> {
    /// `Idle`
    Unit,
    /// `Running(Run)`
    One(&'a Type),
    /// `Done { seconds: u32 }`
    Fields(Vec<StateField<'a>>),
}

/// What is for the server alone is left out of a variant's fields; a content without a name could
/// not be left out.
const NEEDS_A_NAME: &str = "a field that is for the server alone needs a name: \
                            `Granted { #[state(server)] token: Token }`";

pub(super) fn read<'a>(input: &'a DeriveInput, data: &'a DataEnum) -> Result<Vec<Variant<'a>>> {
    refuse_attributes(
        &input.attrs,
        "an enum is inside of a state and has no scope of its own: \
         `#[state(...)]` stands on the struct, or on a named field of a variant",
    )?;
    data.variants
        .iter()
        .map(|variant| {
            refuse_attributes(&variant.attrs, NEEDS_A_NAME)?;
            let content = match &variant.fields {
                Fields::Unit => Content::Unit,
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    refuse_attributes(&fields.unnamed[0].attrs, NEEDS_A_NAME)?;
                    Content::One(&fields.unnamed[0].ty)
                }
                Fields::Unnamed(_) => {
                    return Err(Error::new_spanned(
                        variant,
                        "a variant of a state has one content, or named fields: ops call them by name",
                    ));
                }
                Fields::Named(fields) => Content::Fields(fields::read(&fields.named)?),
            };
            Ok(Variant {
                ident: &variant.ident,
                name: plain_name(&variant.ident),
                content,
            })
        })
        .collect()
}

/// None of these may be `#[state(...)]`: it would say nothing there, and seem to.
fn refuse_attributes(attributes: &[Attribute], why: &str) -> Result<()> {
    let state = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("state"));
    state.map_or(Ok(()), |state| Err(Error::new_spanned(state, why)))
}

impl Variant<'_> {
    /// What the schema says of it.
    fn schema(&self) -> String {
        let content = match &self.content {
            Content::Unit => String::new(),
            Content::One(ty) => schema::field("", ty),
            Content::Fields(fields) => fields.iter().filter_map(StateField::schema).collect(),
        };
        format!("{}({content})", self.name)
    }

    /// A pattern whose variables begin with a word.
    fn pattern(&self, what: &str) -> TokenStream {
        let ident = self.ident;
        match &self.content {
            Content::Unit => quote!(Self::#ident),
            Content::One(_) => {
                let var = format_ident!("{what}");
                quote!(Self::#ident(#var))
            }
            Content::Fields(fields) => {
                let fields = fields.iter().map(|field| {
                    let (ident, var) = (field.ident, field.var(what));
                    quote!(#ident: #var)
                });
                quote!(Self::#ident { #(#fields),* })
            }
        }
    }

    /// The variables of such a pattern, each with its kind.
    fn vars(&self, what: &str) -> Vec<(Ident, TokenStream)> {
        match &self.content {
            Content::Unit => Vec::new(),
            Content::One(ty) => vec![(format_ident!("{what}"), kind(ty))],
            Content::Fields(fields) => fields
                .iter()
                .map(|field| (field.var(what), field.kind()))
                .collect(),
        }
    }

    /// A match arm for two of this variant: what `code` says of each content, and then `result`.
    fn pair(
        &self,
        code: impl Fn(&Ident, &Ident, &TokenStream) -> TokenStream,
        result: &TokenStream,
    ) -> TokenStream {
        let (now, was) = (self.pattern("now"), self.pattern("was"));
        let each = self
            .vars("now")
            .into_iter()
            .zip(self.vars("was"))
            .map(|((now, kind), (was, _))| code(&now, &was, &kind));
        quote!((#now, #was) => { #(#each)* #result })
    }

    fn is_unit(&self) -> bool {
        matches!(self.content, Content::Unit)
    }
}

pub(super) fn methods(input: &DeriveInput, variants: &[Variant<'_>]) -> TokenStream {
    let has_server = variants.iter().flat_map(|variant| match &variant.content {
        Content::Unit => Vec::new(),
        Content::One(ty) => {
            let kind = kind(ty);
            vec![quote!(#kind.holds_server(seen))]
        }
        Content::Fields(fields) => fields.iter().map(StateField::holds_server).collect(),
    });
    let has_server = fields::server_methods(has_server);
    let own: String = variants.iter().map(Variant::schema).collect();
    let insides = variants.iter().flat_map(|variant| match &variant.content {
        Content::Unit => Vec::new(),
        Content::One(ty) => vec![kind(ty)],
        Content::Fields(fields) => fields::insides(fields),
    });
    let own = format!("enum {};{own}", input.ident);
    let schema = schema::method(&own, &insides.collect::<Vec<_>>());
    let arm = variants.iter().map(arm);
    let record = variants.iter().map(record);
    let nothing = TokenStream::new();
    let each_pair = |method: &str| -> Vec<TokenStream> {
        let method = format_ident!("{method}");
        let pair = |variant: &Variant<'_>| {
            variant.pair(
                |now, was, kind| quote!(#kind.#method(#now, #was);),
                &nothing,
            )
        };
        variants.iter().map(pair).collect()
    };
    let undo = variants.iter().map(|variant| {
        let take_back = |now: &Ident, was: &Ident, kind: &TokenStream| {
            quote!(let undone = #kind.undo(#now, #was).and(undone);)
        };
        variant.pair(take_back, &quote!(undone))
    });
    let undo_unit = variants
        .iter()
        .filter(|variant| variant.is_unit())
        .map(|variant| {
            let ident = variant.ident;
            quote!((now, Self::#ident) => { *now = Self::#ident; undone })
        });
    let same = variants.iter().map(|variant| {
        let compare = |now: &Ident, was: &Ident, kind: &TokenStream| {
            quote!(let same = same && #kind.same(#now, #was);)
        };
        variant.pair(compare, &quote!(same))
    });
    let (park, settle) = (each_pair("park"), each_pair("settle"));
    let apply = variants
        .iter()
        .filter(|variant| !variant.is_unit())
        .map(apply);
    let write = (0u32..)
        .zip(variants)
        .map(|(number, variant)| write(input, number, variant));
    let read = read_enum(input, variants);
    quote! {
        #has_server

        #schema

        fn arm(&mut self) -> Self {
            match self { #(#arm)* }
        }

        #[allow(unreachable_patterns)]
        fn record(
            &mut self,
            shadow: &Self,
            out: &mut __writer::Out<'_>,
        ) -> ::core::result::Result<(), __ops::RecordError> {
            match (self, shadow) {
                #(#record)*
                (now, _) => out.set(now),
            }
        }

        #[allow(unreachable_patterns)]
        fn park(&mut self, shadow: &mut Self) {
            match (self, shadow) {
                #(#park)*
                _ => {}
            }
        }

        #[allow(unreachable_patterns)]
        fn undo(&mut self, shadow: Self) -> ::core::result::Result<(), __node::Lost> {
            let undone = ::core::result::Result::Ok(());
            match (&mut *self, shadow) {
                #(#undo)*
                #(#undo_unit)*
                _ => ::core::result::Result::Err(__node::Lost),
            }
        }

        #[allow(unreachable_patterns)]
        fn settle(&mut self, shadow: &mut Self) {
            match (&mut *self, &mut *shadow) {
                #(#settle)*
                _ => *shadow = __node::Node::arm(self),
            }
        }

        fn apply(
            &mut self,
            op: &__ops::Op<'_>,
            at: usize,
            applied: &mut __ops::Applied,
        ) -> ::core::result::Result<(), __ops::ApplyError> {
            match op.path.get(at) {
                ::core::option::Option::Some(__ops::Step::Name(name)) => match (&mut *self, &**name) {
                    #(#apply)*
                    _ => ::core::result::Result::Err(op.unfit("it is not this variant")),
                },
                ::core::option::Option::None => __state::set_whole(self, op, applied, "an enum has variants"),
                _ => ::core::result::Result::Err(op.unfit("an enum has variants")),
            }
        }

        fn patch(&mut self, new: Self, applied: &mut __ops::Applied) -> bool {
            let differs = !__node::Node::same(self, &new);
            if differs {
                *self = new;
                applied.touch();
            }
            differs
        }

        #[allow(unreachable_patterns)]
        fn same(&self, other: &Self) -> bool {
            let same = true;
            match (self, other) {
                #(#same)*
                _ => false,
            }
        }

        fn write<__S: __serde::Serializer>(
            &self,
            visibility: __ops::Visibility,
            to: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match self { #(#write)* }
        }

        #read
    }
}

fn arm(variant: &Variant<'_>) -> TokenStream {
    let (pattern, ident) = (variant.pattern("now"), variant.ident);
    let made = match &variant.content {
        Content::Unit => quote!(Self::#ident),
        Content::One(ty) => {
            let kind = kind(ty);
            quote!(Self::#ident(#kind.arm(now)))
        }
        Content::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let (ident, var, kind) = (field.ident, field.var("now"), field.kind());
                quote!(#ident: #kind.arm(#var))
            });
            quote!(Self::#ident { #(#fields),* })
        }
    };
    quote!(#pattern => #made,)
}

fn record(variant: &Variant<'_>) -> TokenStream {
    let (now, was, name) = (
        variant.pattern("now"),
        variant.pattern("was"),
        &variant.name,
    );
    let inside = match &variant.content {
        Content::Unit => return quote!((#now, #was) => ::core::result::Result::Ok(()),),
        Content::One(ty) => {
            let kind = kind(ty);
            quote!(#kind.record(now, was, out))
        }
        Content::Fields(fields) => {
            let each = fields.iter().map(|field| {
                let (now, was) = (field.var("now"), field.var("was"));
                field.record(&quote!(#now), &quote!(#was))
            });
            quote!({ #(#each)* ::core::result::Result::Ok(()) })
        }
    };
    quote!((#now, #was) => out.field(#name, __ops::Visibility::Public, |out| #inside),)
}

fn apply(variant: &Variant<'_>) -> TokenStream {
    let (pattern, name) = (variant.pattern("now"), &variant.name);
    let inside = match &variant.content {
        Content::Unit => quote!(::core::result::Result::Err(
            op.unfit("there is nothing inside")
        )),
        Content::One(ty) => {
            let kind = kind(ty);
            quote!(#kind.apply(now, op, at + 1, applied))
        }
        Content::Fields(fields) => {
            let arms = fields.iter().map(|field| {
                let (name, var, kind) = (&field.name, field.var("now"), field.kind());
                quote!(#name => #kind.apply(#var, op, at + 2, applied),)
            });
            quote! {
                match op.path.get(at + 1) {
                    ::core::option::Option::Some(__ops::Step::Name(name)) => match &**name {
                        #(#arms)*
                        _ => ::core::result::Result::Err(op.unfit("there is no such field")),
                    },
                    _ => ::core::result::Result::Err(op.unfit("a variant has fields")),
                }
            }
        }
    };
    quote! {
        (#pattern, #name) => {
            applied.touch();
            applied.item(|applied| #inside)
        }
    }
}

fn write(input: &DeriveInput, number: u32, variant: &Variant<'_>) -> TokenStream {
    let (pattern, name) = (variant.pattern("now"), &variant.name);
    let of = input.ident.to_string();
    match &variant.content {
        Content::Unit => quote!(#pattern => to.serialize_unit_variant(#of, #number, #name),),
        Content::One(ty) => {
            let kind = kind(ty);
            quote! {
                #pattern => {
                    let content = #kind.write(now, visibility);
                    to.serialize_newtype_variant(#of, #number, #name, &content)
                }
            }
        }
        Content::Fields(fields) => {
            let len = fields.len();
            let each = fields.iter().map(|field| {
                let (name, var, kind) = (&field.name, field.var("now"), field.kind());
                let write = quote!(map.serialize_field(#name, &#kind.write(#var, visibility))?;);
                if field.server_only {
                    quote!(if visibility == __ops::Visibility::Server { #write })
                } else {
                    write
                }
            });
            quote! {
                #pattern => {
                    use __serde::ser::SerializeStructVariant as _;
                    let mut map = to.serialize_struct_variant(#of, #number, #name, #len)?;
                    #(#each)*
                    map.end()
                }
            }
        }
    }
}

fn read_enum(input: &DeriveInput, variants: &[Variant<'_>]) -> TokenStream {
    let (ident, of) = (&input.ident, input.ident.to_string());
    let names = variants.iter().map(|variant| &variant.name);
    let visitors = variants
        .iter()
        .filter_map(|variant| match &variant.content {
            Content::Fields(fields) => Some(variant_visitor(input, variant, fields)),
            _ => None,
        });
    let arms = variants.iter().map(|variant| {
        let (variant_ident, name) = (variant.ident, &variant.name);
        let read = match &variant.content {
            Content::Unit => quote!({ content.unit_variant()?; ::core::result::Result::Ok(#ident::#variant_ident) }),
            Content::One(ty) => {
                let kind = kind(ty);
                quote!(content.newtype_variant_seed(#kind.seed()).map(#ident::#variant_ident))
            }
            Content::Fields(fields) => {
                let names = fields.iter().map(|field| &field.name);
                let visitor = format_ident!("__FieldsOf{variant_ident}");
                quote!(content.struct_variant(&[#(#names),*], #visitor))
            }
        };
        quote!(#name => #read,)
    });
    let what = format!("a variant of {of}");
    quote! {
        fn read<'de, __D: __serde::Deserializer<'de>>(
            from: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            const __VARIANTS: &[&str] = &[#(#names),*];

            #(#visitors)*

            struct __Variants;

            impl<'de> __serde::de::Visitor<'de> for __Variants {
                type Value = #ident;

                fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.write_str(#what)
                }

                fn visit_enum<__A: __serde::de::EnumAccess<'de>>(
                    self,
                    data: __A,
                ) -> ::core::result::Result<Self::Value, __A::Error> {
                    use __serde::de::VariantAccess as _;
                    let (__field::Name(name), content) = data.variant()?;
                    match &*name {
                        #(#arms)*
                        other => ::core::result::Result::Err(__serde::de::Error::unknown_variant(other, __VARIANTS)),
                    }
                }
            }

            from.deserialize_enum(#of, __VARIANTS, __Variants)
        }
    }
}

fn variant_visitor(
    input: &DeriveInput,
    variant: &Variant<'_>,
    fields: &[StateField<'_>],
) -> TokenStream {
    let (ident, variant_ident) = (&input.ident, variant.ident);
    let begin = fields.iter().map(|field| {
        let (var, ty) = (field.var("new"), field.ty);
        quote!(#[allow(unused_mut)] let mut #var = <#ty as ::core::default::Default>::default();)
    });
    let read = read_map(fields, |field| {
        let var = field.var("new");
        quote!(#var)
    });
    let end = fields.iter().map(|field| {
        let (ident, var) = (field.ident, field.var("new"));
        quote!(#ident: #var)
    });
    let read = quote! {
        #(#begin)*
        #read
        ::core::result::Result::Ok(#ident::#variant_ident { #(#end),* })
    };
    let what = format!("the fields of {ident}::{variant_ident}");
    let visitor = format_ident!("__FieldsOf{variant_ident}");
    map_visitor(&visitor, &quote!(#ident), &what, &read)
}
