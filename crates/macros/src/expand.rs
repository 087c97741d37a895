//! Writes what one could write by hand: the messages, the server, and its client.

mod client;
mod messages;
mod server;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::Attribute;

use crate::check::{Handler, Hook, Parameter, Server};

/// Everything besides the impl block itself.
pub(crate) fn expand(server: &Server) -> TokenStream {
    let messages = messages::expand(server);
    let implementation = server::expand(server);
    let clients = client::expand(server);
    quote!(#messages #implementation #clients)
}

impl Server {
    fn message(&self) -> Ident {
        format_ident!("{}Message", self.name)
    }

    /// The same outside of the impl block, where `Self` is something else.
    fn without_self(&self, tokens: impl ToTokens) -> TokenStream {
        replace_self(tokens.to_token_stream(), &self.this.to_token_stream())
    }
}

/// Writes `this` where `Self` stands.
fn replace_self(tokens: TokenStream, this: &TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let goes_on = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                replaced.extend(if goes_on { quote!(<#this>) } else { this.clone() });
            }
            TokenTree::Group(group) => {
                let stream = replace_self(group.stream(), this);
                let mut inside = proc_macro2::Group::new(group.delimiter(), stream);
                inside.set_span(group.span());
                inside.to_tokens(&mut replaced);
            }
            other => other.to_tokens(&mut replaced),
        }
    }
    replaced
}

/// A variable of the expansion's own, which no name of the user's can be.
fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// At a place of the user's, so that errors point there, but known to be written by a macro.
fn at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

impl Handler {
    /// Attributes that say whether it exists.
    fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.hook.conditions()
    }

    /// The docs as they are, or these.
    fn docs_or(&self, text: &str) -> TokenStream {
        let mut docs = self
            .hook
            .attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"))
            .peekable();
        if docs.peek().is_some() { quote!(#(#docs)*) } else { quote!(#[doc = #text]) }
    }
}

impl Hook {
    fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// Calls it in the server, with the arguments by their names.
    fn call(&self, receiver: Option<&TokenStream>) -> TokenStream {
        let span = at(self.outcome);
        let Self { method, is_async, parameters, .. } = self;
        let arguments = parameters.iter().map(|parameter| match parameter {
            Parameter::Argument(argument) => argument.name.to_token_stream(),
            Parameter::Context => own("ctx").to_token_stream(),
            Parameter::Reply(..) => own("from").to_token_stream(),
        });
        let arguments = receiver.cloned().into_iter().chain(arguments);
        let waits = is_async.then(|| quote::quote_spanned!(span=> .await));
        quote::quote_spanned!(span=> Self::#method(#(#arguments),*) #waits)
    }
}
