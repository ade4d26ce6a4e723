//! `#[state(scope = …)]` on a struct: who shares the state, and what comes with it.

use crate::state::snake_case;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Error, Ident, Path, Result, Token, spanned::Spanned};

/// What the attribute says.
pub(crate) struct Scope {
    kind: Kind,
    /// The rule that lets visitors in.
    join: Option<Path>,
    /// What the state does when it is told who is here.
    present: Option<Path>,
}

enum Kind {
    Session,
    Tab,
    Keyed,
    Process,
    /// The runtime's own states are in each scope.
    Each,
    /// In the scopes of another state.
    Of(Path),
}

impl Scope {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let mut scope = Scope {
            kind: Kind::Session,
            join: None,
            present: None,
        };
        let attributes = input.attrs.iter();
        for attribute in attributes.filter(|attribute| attribute.path().is_ident("state")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("scope") {
                    meta.input.parse::<Token![=]>()?;
                    scope.kind = Kind::of(meta.input.parse()?)?;
                    return Ok(());
                }
                if meta.path.is_ident("join") {
                    meta.input.parse::<Token![=]>()?;
                    scope.join = Some(meta.input.parse()?);
                    return Ok(());
                }
                if meta.path.is_ident("present") {
                    meta.input.parse::<Token![=]>()?;
                    scope.present = Some(meta.input.parse()?);
                    return Ok(());
                }
                Err(meta.error("a state knows `#[state(scope = …, join = …, present = …)]`"))
            })?;
        }
        match (&scope.kind, &scope.join) {
            (Kind::Session | Kind::Tab | Kind::Each, Some(join)) => Err(Error::new(
                join.span(),
                "a session is the visitor's own: nobody else is let in, and no \
                 rule is asked. `join` goes with `scope = keyed` or `scope = process`",
            )),
            (Kind::Keyed, None) => Err(Error::new(
                input.ident.span(),
                "a keyed state says who is let in: `join = rule`, with \
                 `fn rule(visitor: &Visitor, key: &str) -> Result<(), ForVisitor>`. The key comes \
                 from pages: anyone can name any",
            )),
            (Kind::Of(of), Some(join)) => Err(Error::new(
                join.span(),
                format!(
                    "the rule of a scope stands at the state that declares it: at `{}`",
                    quote!(#of)
                ),
            )),
            _ => scope.check_present(),
        }
    }

    fn check_present(self) -> Result<Self> {
        match (&self.kind, &self.present) {
            (Kind::Session | Kind::Tab | Kind::Each, Some(present)) => Err(Error::new(
                present.span(),
                "in a session there is its visitor alone: nobody comes or goes whom the state could \
                 be told of. `present` goes with a scope that several share, `scope = keyed` or \
                 `scope = process`",
            )),
            _ => Ok(self),
        }
    }

    /// The value of `State::SCOPE`.
    pub(crate) fn kind(&self, ident: &Ident) -> TokenStream {
        let name = snake_case(&ident.to_string());
        let kind = quote!(::undercurrent::__private::ScopeKind);
        match &self.kind {
            Kind::Session => quote!(#kind::Session),
            Kind::Tab => quote!(#kind::Tab),
            Kind::Keyed => quote!(#kind::Keyed(#name)),
            Kind::Process => quote!(#kind::Process(#name)),
            Kind::Each => quote!(#kind::Each),
            Kind::Of(of) => quote!(<#of as ::undercurrent::State>::SCOPE),
        }
    }

    /// The component that leads into a keyed scope, and the check of the rule on both sides.
    pub(crate) fn items(&self, input: &DeriveInput) -> TokenStream {
        let (ident, visibility) = (&input.ident, &input.vis);
        let provider = matches!(self.kind, Kind::Keyed).then(|| {
            let provider = format_ident!("{ident}Scope");
            let doc = format!(
                "Leads into one [`{ident}`], by its key: `<{provider} key=name>…</{provider}>`. \
                 What is inside means that one: its state, its tasks, its events."
            );
            quote! {
                #[doc = #doc]
                #[allow(non_snake_case, dead_code)]
                #visibility fn #provider(
                    props: ::undercurrent::__private::ScopeProps<#ident>,
                ) -> impl ::undercurrent::__private::IntoView {
                    ::undercurrent::__private::Scope(props)
                }
            }
        });
        // Named on both sides, so that it is used in the browser's build, too.
        let check = self.join.as_ref().map(|join| {
            quote! {
                const _: () = {
                    #[allow(dead_code)]
                    fn __join(visitor: &::undercurrent::Visitor, key: &str) {
                        let _ = #join(visitor, key);
                    }
                };
            }
        });
        let note = self.present.as_ref().map(|present| {
            quote! {
                const _: () = {
                    #[allow(dead_code)]
                    fn __present(state: &mut #ident, here: &[::undercurrent::Visitor]) {
                        let () = #present(state, here);
                    }
                };

                ::undercurrent::__server_only! {
                    #[automatically_derived]
                    impl ::undercurrent::server::Present for #ident {
                        fn note(&mut self, here: &[::undercurrent::Visitor]) {
                            #present(self, here)
                        }
                    }
                }
            }
        });
        quote!(#provider #check #note)
    }

    /// The registration of the state.
    pub(crate) fn registration(&self, ident: &Ident) -> TokenStream {
        let of = match &self.present {
            None => quote!(::undercurrent::server::StateRegistration::of::<#ident>()),
            Some(_) => quote!(::undercurrent::server::StateRegistration::told::<#ident>()),
        };
        match &self.join {
            None => of,
            Some(join) => quote! {
                #of.joined_by(|visitor, key| {
                    ::undercurrent::server::IntoRefusal::into_refusal(#join(visitor, key))
                })
            },
        }
    }
}

impl Kind {
    fn of(path: Path) -> Result<Self> {
        Ok(match path.get_ident().map(Ident::to_string).as_deref() {
            Some("session") => Kind::Session,
            Some("tab") => Kind::Tab,
            Some("keyed") => Kind::Keyed,
            Some("process") => Kind::Process,
            Some("each") => Kind::Each,
            _ => Kind::Of(path),
        })
    }
}
