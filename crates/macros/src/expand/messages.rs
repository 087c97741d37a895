//! The message enum.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::GenericParam;

use super::own;
use crate::check::{Handler, Kind, Server};
use crate::parse::plain;

/// The enum, and how it prints itself.
pub(super) fn expand(server: &Server) -> TokenStream {
    let Server { name, generics, this, handlers, .. } = server;
    let message = server.message();
    let (parameters, arguments, _) = generics.split_for_impl();
    let bounds = server.without_self(&generics.where_clause);
    let variants = handlers.iter().filter(|handler| handler.has_variant());
    let variants = variants.map(|handler| variant(server, handler));
    let unused = unused_generics(server);
    let docs = format!(" The messages of `{name}`.");
    let (f, fmt) = (own("f"), quote!(::core::fmt));
    quote! {
        #[doc = #docs]
        #[allow(unreachable_pub, private_interfaces, private_bounds, reason = "it is as public as its server can be")]
        pub enum #message #parameters #bounds { #(#variants,)* #unused }

        #[automatically_derived]
        impl #parameters #fmt::Debug for #message #arguments #bounds {
            fn fmt(&self, #f: &mut #fmt::Formatter<'_>) -> #fmt::Result {
                #f.write_str(<#this as ::fauxtp::GenServer>::message_name(self))
            }
        }
    }
}

fn variant(server: &Server, handler: &Handler) -> TokenStream {
    let Handler { hook, kind, variant, .. } = handler;
    let conditions = handler.conditions();
    let verb = match kind {
        Kind::Call(_) | Kind::Deferred(_) => "Calls",
        Kind::Cast => "Casts to",
        _ => "Runs",
    };
    let docs = handler.docs_or(&format!(" {verb} `{}`.", plain(&hook.method)));
    let hidden = matches!(kind, Kind::Tick(_) | Kind::ContinueWith).then(|| quote!(#[doc(hidden)]));
    let fields = hook.arguments().map(|argument| server.without_self(&argument.ty));
    let reply = handler.answer().map(|answer| {
        let answer = server.without_self(answer);
        quote!(::fauxtp::Reply<#answer>)
    });
    let mut fields = fields.chain(reply).peekable();
    let fields = fields.peek().is_some().then(|| quote!((#(#fields),*)));
    quote!(#docs #hidden #(#conditions)* #variant #fields)
}

/// A variant that is never made, and mentions what the other ones may not.
fn unused_generics(server: &Server) -> Option<TokenStream> {
    let types = server.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let mut types = types.peekable();
    types.peek()?;
    let (marker, variant) = (quote!(::core::marker::PhantomData), generics_variant());
    Some(quote! {
        #[doc(hidden)]
        #variant(#marker<fn() -> (#(#marker<#types>,)*)>, ::core::convert::Infallible),
    })
}

/// The arm for that variant.
pub(super) fn arm_for_generics(server: &Server) -> Option<TokenStream> {
    server.generics.type_params().next()?;
    let (message, variant, never) = (server.message(), generics_variant(), own("never"));
    Some(quote!(#message::#variant(_, #never) => match #never {},))
}

fn generics_variant() -> proc_macro2::Ident {
    format_ident!("__Generics")
}
