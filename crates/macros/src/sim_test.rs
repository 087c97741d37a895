//! `#[sim_test]`: a test that is a simulation.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ItemFn, Result, Token};

/// What may be said of a simulation, and how it is said.
const SETTINGS: [(&str, &str); 11] = [
    ("seeds", "seeds = 1000"),
    ("from", "from = 7"),
    ("crash", "crash = every_await"),
    ("kill", "kill = 0.02"),
    ("panic", "panic = 0.02"),
    ("error", "error = 0.02"),
    ("faults_max", "faults_max = 3"),
    ("delay", "delay = 0.1"),
    ("steps_max", "steps_max = 1_000_000"),
    ("time_max", "time_max = Duration::from_secs(60)"),
    ("twice", "twice"),
];

/// Everything in the parentheses of the attribute.
pub(crate) struct Settings(Punctuated<Setting, Token![,]>);

struct Setting {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Punctuated::parse_terminated(input).map(Self)
    }
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: Ident = input.parse()?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, value })
    }
}

impl Setting {
    /// The call that says the same to the builder.
    fn expand(&self) -> Result<TokenStream> {
        let Self { name, value } = self;
        let known = SETTINGS.iter().find(|(known, _)| name == known);
        let Some((_, example)) = known else {
            let all = SETTINGS.map(|(known, _)| format!("`{known}`")).join(", ");
            return Err(Error::new(name.span(), format!("no such setting: there are {all}")));
        };
        match (name == "twice", value) {
            (true, None) => Ok(quote_spanned!(name.span()=> .twice())),
            (false, Some(value)) if name == "crash" => {
                let when = when(value)?;
                Ok(quote_spanned!(name.span()=> .crash(::fauxtp::testing::Crash::#when)))
            }
            (false, Some(value)) => Ok(quote_spanned!(name.span()=> .#name(#value))),
            (_, _) => Err(Error::new(name.span(), format!("write `{example}`"))),
        }
    }
}

/// When processes are struck.
fn when(value: &Expr) -> Result<Ident> {
    let is = |name: &str| matches!(value, Expr::Path(path) if path.path.is_ident(name));
    match (is("every_await"), is("never")) {
        (true, _) => Ok(Ident::new("EveryAwait", value.span())),
        (_, true) => Ok(Ident::new("Never", value.span())),
        _ => Err(Error::new(value.span(), "write `crash = every_await` or `crash = never`")),
    }
}

/// The test that stands in place of the function.
pub(crate) fn expand(settings: &Settings, function: &ItemFn) -> Result<TokenStream> {
    check(function)?;
    let calls = settings.0.iter().map(Setting::expand).collect::<Result<Vec<_>>>()?;
    let (attributes, visibility) = (&function.attrs, &function.vis);
    let name = &function.sig.ident;
    let text = name.to_string();
    let mut scenario = function.clone();
    scenario.attrs.clear();
    scenario.vis = syn::Visibility::Inherited;
    Ok(quote! {
        #(#attributes)*
        #[::core::prelude::v1::test]
        #visibility fn #name() {
            #scenario
            ::fauxtp::testing::Simulation::new(#text) #(#calls)* .run(#name);
        }
    })
}

fn check(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    let wrong = |place: Span, advice: &str| Err(Error::new(place, advice));
    if signature.asyncness.is_none() {
        return wrong(signature.fn_token.span, "a simulated test is an `async fn`");
    }
    if signature.inputs.len() != 1 {
        let advice = "a simulated test takes its simulation: `async fn name(sim: Sim)`";
        return wrong(signature.ident.span(), advice);
    }
    if !signature.generics.params.is_empty() {
        return wrong(signature.generics.span(), "a test cannot be generic");
    }
    Ok(())
}
