//! What `#[event]` and `#[background]` have in common: reading the signature, making the
//! message.

use crate::{schema, state::snake_case};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Error, ExprMethodCall, FnArg, GenericArgument, Ident, Item, ItemFn, ItemUse, Pat, PatType,
    PathArguments, Result, Stmt, Type, spanned::Spanned, visit::Visit,
};

/// A handler's function, taken apart.
pub(crate) struct Handler {
    pub(crate) function: ItemFn,
    /// The type of the state that it works on.
    pub(crate) state: Type,
    /// That of another one, which it changes together with the first.
    pub(crate) second: Option<Type>,
    pub(crate) arguments: Vec<Argument>,
    /// `__StepEvent` for `fn step`.
    pub(crate) message: Ident,
    /// `feed/step` for a handler of `Feed`.
    pub(crate) name: String,
}

/// `EventFn` is there for so many.
const MOST_ARGUMENTS: usize = 6;

pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
}

impl Handler {
    /// Reads the signature; `state` is what the first parameter names.
    pub(crate) fn new(function: ItemFn, state: Type) -> Result<Self> {
        let signature = &function.sig;
        if let Some(parameter) = signature.generics.params.first() {
            return Err(Error::new(
                parameter.span(),
                "a handler has no type parameters: it is called by its name, from afar",
            ));
        }
        let second = signature.inputs.iter().nth(1).and_then(mutable_type);
        let states = 1 + usize::from(second.is_some());
        let arguments = signature
            .inputs
            .iter()
            .skip(states)
            .map(argument)
            .collect::<Result<Vec<_>>>()?;
        if let Some(argument) = arguments.get(MOST_ARGUMENTS) {
            return Err(Error::new(
                argument.ident.span(),
                "a handler has six arguments at most: a struct takes more",
            ));
        }
        let ident = signature.ident.to_string();
        if !ident.is_ascii() {
            return Err(Error::new(
                signature.ident.span(),
                "the name of a handler is a part of its path: letters of English, digits and `_`",
            ));
        }
        let ident = ident.trim_start_matches("r#");
        let state_name = snake_case(&last_segment(&state)?);
        Ok(Handler {
            message: format_ident!("__{}Event", camel_case(ident)),
            name: format!("{state_name}/{ident}"),
            state,
            second,
            arguments,
            function,
        })
    }

    /// The message's type, the function that makes it, and the checks on both sides.
    pub(crate) fn message(&self, note: &str) -> TokenStream {
        let Handler {
            function,
            state,
            message,
            name,
            ..
        } = self;
        let path = format!("/api/{name}");
        let arguments = self.arguments.iter();
        let arguments = arguments.map(|one| schema::field(&one.ident.to_string(), &one.ty));
        let schema = schema::number(&arguments.collect::<String>());
        let (visibility, attributes) = (&function.vis, &function.attrs);
        let ident = &function.sig.ident;
        let (idents, types) = self.idents_and_types();
        let signature_check = self.signature_check();
        // A form has no field for an empty list.
        let defaults = self.arguments.iter().map(|argument| {
            let last = last_segment(&argument.ty).unwrap_or_default();
            let is_collection = matches!(
                last.as_str(),
                "Vec" | "VecDeque" | "BTreeMap" | "BTreeSet" | "HashMap" | "HashSet"
            );
            is_collection.then(|| quote!(#[serde(default)]))
        });
        quote! {
            #[doc(hidden)]
            #[derive(
                Clone, Debug,
                ::undercurrent::__private::serde::Serialize,
                ::undercurrent::__private::serde::Deserialize,
            )]
            #[serde(crate = "::undercurrent::__private::serde")]
            #visibility struct #message { #(#defaults #idents: #types),* }

            impl ::undercurrent::EventDef for #message {
                type State = #state;
                const NAME: &'static str = #name;
                const PATH: &'static str = #path;
                const SCHEMA: u32 = #schema;
            }

            #(#attributes)*
            #[must_use = #note]
            #visibility fn #ident(#(#idents: #types),*) -> ::undercurrent::Call<#message> {
                ::undercurrent::Call::new(#message { #(#idents),* })
            }

            #signature_check
        }
    }

    /// Names the handler's own signature on both sides, so that an import that only it uses is
    /// used in the browser's build, too.
    fn signature_check(&self) -> TokenStream {
        let inputs = self.function.sig.inputs.iter().map(|input| match input {
            FnArg::Typed(PatType { ty, .. }) => quote!(_: #ty),
            FnArg::Receiver(receiver) => receiver.to_token_stream(),
        });
        let output = &self.function.sig.output;
        quote! {
            const _: () = {
                #[allow(dead_code, clippy::diverging_sub_expression, clippy::extra_unused_lifetimes)]
                fn __signature(#(#inputs),*) #output { ::core::unreachable!() }
            };
        }
    }

    /// The function itself, under a name that nobody can call.
    pub(crate) fn body(&self) -> TokenStream {
        let mut body = self.function.clone();
        body.sig.ident = format_ident!("__body", span = self.function.sig.ident.span());
        body.vis = syn::Visibility::Inherited;
        body.attrs
            .retain(|attribute| !attribute.path().is_ident("doc"));
        quote! { #[allow(clippy::unused_async)] #body }
    }

    /// Registers the handler, and its path as that of a server function.
    pub(crate) fn registration(&self, of: &TokenStream) -> TokenStream {
        let message = &self.message;
        let expected = expected(&self.function);
        let imports = imports(&self.function);
        quote! {
            ::undercurrent::__private::inventory::submit! {{
                #[allow(unused_imports)]
                const EXPECTED: &[::undercurrent::server::Expected] = {
                    #(#imports)*
                    &[#(::undercurrent::server::Expected::of::<#expected>()),*]
                };
                ::undercurrent::server::Registration::#of::<#message>(EXPECTED)
            }}
            ::undercurrent::__private::inventory::submit! {
                ::undercurrent::server::server_fn::<#message>()
            }
        }
    }

    pub(crate) fn idents_and_types(&self) -> (Vec<&Ident>, Vec<&Type>) {
        self.arguments
            .iter()
            .map(|argument| (&argument.ident, &argument.ty))
            .unzip()
    }
}

/// `EventContext<Feed>` → `Feed`, for the context that is asked for.
pub(crate) fn context_state(ty: &Type, context: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(state) if last.ident == context => Some(state.clone()),
        _ => None,
    }
}

/// `Cart` of a parameter `&mut Cart`.
fn mutable_type(input: &FnArg) -> Option<Type> {
    match input {
        FnArg::Typed(PatType { ty, .. }) => match &**ty {
            Type::Reference(reference) if reference.mutability.is_some() => {
                Some((*reference.elem).clone())
            }
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// The type of the first parameter.
pub(crate) fn first_type(function: &ItemFn) -> Option<&Type> {
    match function.sig.inputs.first()? {
        FnArg::Typed(PatType { ty, .. }) => Some(ty),
        FnArg::Receiver(_) => None,
    }
}

fn argument(input: &FnArg) -> Result<Argument> {
    match input {
        FnArg::Typed(PatType { pat, ty, .. }) => match &**pat {
            Pat::Ident(pat) if pat.ident.to_string().starts_with('_') => Err(Error::new(
                pat.ident.span(),
                "an argument of a handler begins with no `_`: such fields of a form are the runtime's",
            )),
            Pat::Ident(pat) => Ok(Argument {
                ident: pat.ident.clone(),
                ty: (**ty).clone(),
            }),
            other => Err(Error::new(
                other.span(),
                "an argument of a handler has a name: it travels under it",
            )),
        },
        FnArg::Receiver(receiver) => Err(Error::new(
            receiver.span(),
            "a handler is a function, not a method",
        )),
    }
}

fn last_segment(ty: &Type) -> Result<String> {
    match ty {
        Type::Path(path) if !path.path.segments.is_empty() => Ok(path.path.segments
            [path.path.segments.len() - 1]
            .ident
            .to_string()),
        _ => Err(Error::new(
            ty.span(),
            "a handler works on a state: name its type here",
        )),
    }
}

/// The `use` lines at the top of the body: the types that it asks for may be named by them.
fn imports(function: &ItemFn) -> Vec<&ItemUse> {
    let of_statement = |statement| match statement {
        &Stmt::Item(Item::Use(ref import)) => Some(import),
        _ => None,
    };
    function
        .block
        .stmts
        .iter()
        .filter_map(of_statement)
        .collect()
}

/// The types that the body asks for by `.expect::<T>()`, so that a missing one is found at start.
fn expected(function: &ItemFn) -> Vec<Type> {
    struct Finder(Vec<Type>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if call.method == "expect"
                && call.args.is_empty()
                && let Some(turbofish) = &call.turbofish
                && let Some(GenericArgument::Type(ty)) = turbofish.args.first()
            {
                self.0.push(ty.clone());
            }
            syn::visit::visit_expr_method_call(self, call);
        }
    }
    let mut finder = Finder(Vec::new());
    finder.visit_item_fn(function);
    finder.0
}

/// `get_posts` → `GetPosts`.
fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters
                .next()
                .map(|letter| letter.to_uppercase().to_string());
            first.into_iter().chain(Some(letters.as_str().to_owned()))
        })
        .collect()
}
