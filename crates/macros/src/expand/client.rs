//! The client: a trait for everything that leads to a server.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Attribute;
use syn::spanned::Spanned;

use super::{at, own};
use crate::check::{Handler, Reach, Server, is_result};
use crate::parse::plain;

/// A trait for each reach; the widest has the plain name.
pub(super) fn expand(server: &Server) -> TokenStream {
    let mut traits = TokenStream::new();
    let mut is_widest = true;
    for (reach, name) in
        [(Reach::Public, ""), (Reach::Restricted, "Inner"), (Reach::Private, "Private")]
    {
        let handlers = server.handlers.iter().filter(|handler| handler.has_client());
        let handlers: Vec<_> =
            handlers.filter(|handler| Reach::of(&handler.visibility) == reach).collect();
        if !handlers.is_empty() {
            traits.extend(client(server, if is_widest { "" } else { name }, &handlers));
            is_widest = false;
        }
    }
    traits
}

fn client(server: &Server, reach: &str, handlers: &[&Handler]) -> TokenStream {
    let Server { name, generics, .. } = server;
    let (message, client) = (server.message(), format_ident!("{name}{reach}Client"));
    let (parameters, arguments, _) = generics.split_for_impl();
    let bounds = server.without_self(&generics.where_clause);
    let visibility = handlers.first().map(|handler| &handler.visibility);
    let docs = format!(
        " What a `{name}` can be asked, by whatever leads to one: an address, a name, a \
             key of a registry."
    );
    let methods = handlers.iter().map(|handler| method(server, handler));
    // A name that no parameter of the user's has.
    let dest = if generics.params.is_empty() { format_ident!("D") } else { format_ident!("__D") };
    let own_parameters = generics.params.iter();
    let to_server = quote!(::fauxtp::Dest<Message = #message #arguments>);
    quote! {
        #[doc = #docs]
        #[allow(
            dead_code, unreachable_pub, private_interfaces, private_bounds,
            reason = "it is as public as the handlers, used or not"
        )]
        #visibility trait #client #parameters: #to_server #bounds { #(#methods)* }

        #[automatically_derived]
        impl<#(#own_parameters,)* #dest: #to_server + ?Sized> #client #arguments for #dest #bounds {}
    }
}

fn method(server: &Server, handler: &Handler) -> TokenStream {
    let Handler { hook, variant, .. } = handler;
    let (message, method) = (server.message(), &hook.method);
    let (_, arguments, _) = server.generics.split_for_impl();
    let names: Vec<_> = hook.arguments().map(|argument| &argument.name).collect();
    let types = hook.arguments().map(|argument| server.without_self(&argument.ty));
    let attributes = hook.attributes.iter().filter_map(carried);
    let conditions = handler.conditions();
    let verb = if handler.answer().is_some() { "Calls" } else { "Casts to" };
    let docs = handler.docs_or(&format!(" {verb} `{}`.", plain(method)));
    let head = quote!(#docs #(#conditions)* #(#attributes)* fn #method(&self #(, #names: #types)*));
    let Some(answer) = handler.answer() else {
        let fields = (!names.is_empty()).then(|| quote!((#(#names),*)));
        return quote!(#head { ::fauxtp::Dest::cast(self, #message::#variant #fields); });
    };
    let span = at(answer.span());
    let is_fallible = is_result(answer);
    let answer = server.without_self(answer);
    let maker = quote! {
        impl ::core::ops::FnOnce(::fauxtp::Reply<#answer>) -> #message #arguments
            + ::core::marker::Send
    };
    let outcome = if is_fallible {
        let part = |name: &str| {
            let name = format_ident!("{name}", span = span);
            quote_spanned!(span=> <#answer as ::fauxtp::expansion::Fallible>::#name)
        };
        let (value, error) = (part("Value"), part("Error"));
        quote!(::fauxtp::call::TryCall<'_, Self, #value, #error, #maker>)
    } else {
        quote!(::fauxtp::Call<'_, Self, #answer, #maker>)
    };
    let ask = if is_fallible { quote!(try_call) } else { quote!(call) };
    let from = own("from");
    let make = if names.is_empty() {
        quote!(#message::#variant)
    } else {
        quote!(move |#from| #message::#variant(#(#names,)* #from))
    };
    quote!(#head -> #outcome { ::fauxtp::Dest::#ask(self, #make) })
}

/// Attributes of a handler that its client has as well. What a handler expects of the compiler, its client may do.
fn carried(attribute: &Attribute) -> Option<TokenStream> {
    let path = attribute.path();
    if path.is_ident("allow") || path.is_ident("deprecated") {
        return Some(attribute.to_token_stream());
    }
    let syn::Meta::List(list) = &attribute.meta else { return None };
    let lints = &list.tokens;
    path.is_ident("expect").then(|| quote!(#[allow(#lints)]))
}
