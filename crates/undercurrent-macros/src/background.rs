//! `#[background]`.

use crate::handler::{Handler, context_state, first_type};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, Expr, ExprCall, ExprLit, Ident, ItemFn, Lit, Result, Token, parse::Parser, parse_quote,
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
    /// Milliseconds that an attempt may take.
    timeout: TokenStream,
    /// Attempts after the first.
    retries: TokenStream,
    /// Milliseconds after the visitor's last stream has gone.
    on_disconnect: TokenStream,
    /// What becomes of it when the server goes down.
    on_crash: TokenStream,
    /// Whoever may look controls what the server has started.
    anyone_controls: bool,
    /// A function over the state and the end.
    on_end: Option<Expr>,
}

pub(crate) fn expand(attribute: TokenStream, mut function: ItemFn) -> Result<TokenStream> {
    let policy = Policy::parse(attribute)?;
    if let Some(Expr::Path(key)) = &policy.key {
        // An argument may be there for the key alone.
        function.block.stmts.insert(0, parse_quote!(let _ = &#key;));
    }
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
    let Policy {
        key,
        overlap,
        timeout,
        retries,
        on_disconnect,
        on_crash,
        anyone_controls,
        on_end,
    } = policy;
    let on_end = on_end.map(|function| {
        let check = quote! {
            const _: fn(&mut #state, &::undercurrent::TaskEnd) = #function;
        };
        let constant = quote! {
            const ON_END: ::core::option::Option<fn(&mut #state, &::undercurrent::TaskEnd)> =
                ::core::option::Option::Some(#function);
        };
        (check, constant)
    });
    // Named on both sides, so that the browser's build does not call it unused.
    let (on_end_check, on_end) = on_end.unzip();
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
        #on_end_check
        ::undercurrent::__server_only! {
            const _: () = {
                #body
                impl ::undercurrent::server::TaskHandler for #ident {
                    const POLICY: ::undercurrent::server::Policy = ::undercurrent::server::Policy {
                        overlap: #overlap,
                        timeout_ms: #timeout,
                        retries: #retries,
                        on_disconnect_ms: #on_disconnect,
                        on_crash: #on_crash,
                        anyone_controls: #anyone_controls,
                    };
                    #on_end

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
            timeout: quote!(::core::option::Option::None),
            retries: quote!(0),
            on_disconnect: quote!(::core::option::Option::None),
            on_crash: quote!(::undercurrent::server::OnCrash::Interrupt),
            anyone_controls: false,
            on_end: None,
        };
        let settings = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(attribute)?;
        for Setting { name, value } in settings {
            match name.to_string().as_str() {
                "key" => policy.key = Some(value),
                "overlap" => policy.overlap = overlap(&value)?,
                "timeout" => {
                    let ms = milliseconds(&value)?;
                    policy.timeout = quote!(::core::option::Option::Some(#ms));
                }
                "retries" => policy.retries = retries(&value)?,
                "on_disconnect" => policy.on_disconnect = on_disconnect(&value)?,
                "on_crash" => policy.on_crash = on_crash(&value)?,
                "control" => policy.anyone_controls = control(&value)?,
                "on_end" => match value {
                    Expr::Path(_) => policy.on_end = Some(value),
                    other => {
                        return Err(Error::new(
                            other.span(),
                            "`on_end` names a function, `fn(&mut Feed, &TaskEnd)`",
                        ));
                    }
                },
                _ => {
                    return Err(Error::new(
                        name.span(),
                        "`#[background]` knows `key`, `overlap`, `timeout`, `retries`, `on_disconnect`, \
                         `on_crash`, `on_end` and `control`",
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
        Expr::Path(path) if path.path.is_ident("queue") => {
            Ok(quote!(::undercurrent::server::Overlap::Queue))
        }
        Expr::Path(path) if path.path.is_ident("replace") => {
            Ok(quote!(::undercurrent::server::Overlap::Replace))
        }
        Expr::Call(ExprCall { func, args, .. }) if matches!(&**func, Expr::Path(path) if path.path.is_ident("parallel")) =>
        {
            match args.first() {
                // Whatever type the number says that it has.
                Some(Expr::Lit(ExprLit {
                    lit: Lit::Int(n), ..
                })) if args.len() == 1 && n.base10_parse::<usize>().is_ok_and(|n| n > 0) => {
                    let n: usize = n.base10_parse()?;
                    Ok(quote!(::undercurrent::server::Overlap::Parallel(#n)))
                }
                _ => Err(Error::new(
                    args.span(),
                    "`parallel(n)` takes a number, at least 1",
                )),
            }
        }
        other => Err(Error::new(
            other.span(),
            "`overlap` is `reject`, `queue`, `replace` or `parallel(n)`",
        )),
    }
}

/// `"10m"`: a number and a unit.
pub(crate) fn milliseconds(value: &Expr) -> Result<u64> {
    let wrong = || {
        Error::new(
            value.span(),
            "a span of time is a number and a unit: \"500ms\", \"30s\", \"10m\" or \"2h\"",
        )
    };
    let Expr::Lit(literal) = value else {
        return Err(wrong());
    };
    let Lit::Str(text) = &literal.lit else {
        return Err(wrong());
    };
    let text = text.value();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(factor) {
        Some(ms) if ms > 0 => Ok(ms),
        _ => Err(wrong()),
    }
}

fn retries(value: &Expr) -> Result<TokenStream> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(n), ..
        }) if n.base10_parse::<u16>().is_ok() => {
            let n: u32 = n.base10_parse()?;
            Ok(quote!(#n))
        }
        other => Err(Error::new(
            other.span(),
            "`retries` is the number of attempts after the first, at most 65535",
        )),
    }
}

/// `keep_going`, or `cancel_after("30s")`.
fn on_disconnect(value: &Expr) -> Result<TokenStream> {
    const LEAST_MS: u64 = 5_000;
    match value {
        Expr::Path(path) if path.path.is_ident("keep_going") => {
            Ok(quote!(::core::option::Option::None))
        }
        Expr::Call(ExprCall { func, args, .. })
            if args.len() == 1
                && matches!(&**func, Expr::Path(path) if path.path.is_ident("cancel_after")) =>
        {
            let ms = milliseconds(&args[0])?;
            if ms < LEAST_MS {
                return Err(Error::new(
                    args.span(),
                    "at least \"5s\": a page that is reloaded is gone for a moment, too",
                ));
            }
            Ok(quote!(::core::option::Option::Some(#ms)))
        }
        other => Err(Error::new(
            other.span(),
            "`on_disconnect` is `keep_going` or `cancel_after(\"30s\")`",
        )),
    }
}

/// `interrupt` or `resume`.
fn on_crash(value: &Expr) -> Result<TokenStream> {
    match value {
        Expr::Path(path) if path.path.is_ident("interrupt") => {
            Ok(quote!(::undercurrent::server::OnCrash::Interrupt))
        }
        Expr::Path(path) if path.path.is_ident("resume") => {
            Ok(quote!(::undercurrent::server::OnCrash::Resume))
        }
        other => Err(Error::new(
            other.span(),
            "`on_crash` is `interrupt` or `resume`",
        )),
    }
}

/// `anyone`, which is all that can be said.
fn control(value: &Expr) -> Result<bool> {
    match value {
        Expr::Path(path) if path.path.is_ident("anyone") => Ok(true),
        other => Err(Error::new(
            other.span(),
            "`control` is `anyone`; without it the server alone controls what it has started",
        )),
    }
}

/// `name = value`.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
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
