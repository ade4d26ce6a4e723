//! `#[background]`.

use crate::handler::{Handler, context_state, first_type};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, Expr, ExprCall, Ident, ItemFn, Lit, Result, Token, parse::Parser,
    punctuated::Punctuated, spanned::Spanned,
};

const NOTE: &str = "a task does not run until it is started: `.start()` it";
const WRONG_FIRST: &str = "a background task begins with its context, `cx: TaskContext<Feed>`";

/// What the attribute says.
struct Policy {
    /// An argument, or an expression over the arguments, that tells instances apart.
    key: Option<Expr>,
    /// What happens when it is started again while it runs.
    overlap: TokenStream,
}

pub(crate) fn expand(attribute: TokenStream, function: ItemFn) -> Result<TokenStream> {
    let policy = Policy::parse(attribute)?;
    let Some(ty) = first_type(&function) else {
        return Err(Error::new(function.sig.span(), WRONG_FIRST));
    };
    let state =
        context_state(ty, "TaskContext").ok_or_else(|| Error::new(ty.span(), WRONG_FIRST))?;
    if function.sig.asyncness.is_none() {
        return Err(Error::new(
            function.sig.fn_token.span(),
            "a background task is async",
        ));
    }
    let handler = Handler::new(function, state)?;
    let message = handler.message(NOTE);
    let body = handler.body();
    let registration = handler.registration(&quote!(task));
    let (ident, state) = (&handler.message, &handler.state);
    let (arguments, _) = handler.idents_and_types();
    let Policy { key, overlap } = policy;
    let key = match key {
        None => quote!(::std::string::String::new()),
        Some(key) => quote! {{
            let Self { #(#arguments),* } = self;
            let _ = (#(#arguments),*);
            ::std::string::ToString::to_string(&#key)
        }},
    };
    Ok(quote! {
        #message
        impl ::undercurrent::TaskDef for #ident {}
        ::undercurrent::__server_only! {
            const _: () = {
                #body
                impl ::undercurrent::server::TaskHandler for #ident {
                    const OVERLAP: ::undercurrent::server::Overlap = #overlap;

                    fn key(&self) -> ::std::string::String {
                        #key
                    }

                    async fn run(
                        self,
                        cx: ::undercurrent::TaskContext<#state>,
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

impl Policy {
    fn parse(attribute: TokenStream) -> Result<Self> {
        let mut policy = Policy {
            key: None,
            overlap: quote!(::undercurrent::server::Overlap::Reject),
        };
        let settings = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(attribute)?;
        for Setting { name, value } in settings {
            match name.to_string().as_str() {
                "key" => policy.key = Some(value),
                "overlap" => policy.overlap = overlap(&value)?,
                _ => {
                    return Err(Error::new(
                        name.span(),
                        "`#[background]` knows `key = …` and `overlap = …`",
                    ));
                }
            }
        }
        Ok(policy)
    }
}

fn overlap(value: &Expr) -> Result<TokenStream> {
    match value {
        Expr::Path(path) if path.path.is_ident("reject") => {
            Ok(quote!(::undercurrent::server::Overlap::Reject))
        }
        Expr::Call(ExprCall { func, args, .. }) if matches!(&**func, Expr::Path(path) if path.path.is_ident("parallel")) => {
            match args.first() {
                Some(Expr::Lit(literal))
                    if args.len() == 1
                        && matches!(&literal.lit, Lit::Int(n) if n.base10_parse::<usize>().is_ok_and(|n| n > 0)) =>
                {
                    Ok(quote!(::undercurrent::server::Overlap::Parallel(#literal)))
                }
                _ => Err(Error::new(
                    args.span(),
                    "`parallel(n)` takes a number, at least 1",
                )),
            }
        }
        other => Err(Error::new(
            other.span(),
            "`overlap` is `reject` or `parallel(n)`",
        )),
    }
}

/// `name = value`.
struct Setting {
    name: Ident,
    value: Expr,
}

impl syn::parse::Parse for Setting {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Setting {
            name,
            value: input.parse()?,
        })
    }
}
