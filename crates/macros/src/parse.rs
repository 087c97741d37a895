//! Reads the impl block: functions with their attributes sorted, everything else as it is.
//!
//! Bodies of functions are not looked into: they may be half written, and cost time to read.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, Generics, ImplItem, Result, Signature, Token, Type, Visibility, braced,
};

/// An inherent impl block.
pub(crate) struct Block {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) generics: Generics,
    pub(crate) server: Type,
    pub(crate) items: Vec<Item>,
}

/// What stands in an impl block.
pub(crate) enum Item {
    Function(Box<Function>),
    Other(TokenStream),
}

/// A function. Its roles are taken off it; the rest is written back as it was.
pub(crate) struct Function {
    pub(crate) roles: Vec<(Role, Attribute)>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    body: TokenTree,
}

/// What an attribute makes of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Call,
    Cast,
    Info,
    Down,
    Exit,
    Timeout,
    Tick,
    ContinueWith,
}

impl Role {
    const ALL: [(&str, Self); 8] = [
        ("call", Self::Call),
        ("cast", Self::Cast),
        ("info", Self::Info),
        ("down", Self::Down),
        ("exit", Self::Exit),
        ("timeout", Self::Timeout),
        ("tick", Self::Tick),
        ("continue_with", Self::ContinueWith),
    ];

    fn of(attribute: &Attribute) -> Option<Self> {
        let name = attribute.path().get_ident()?.to_string();
        Self::ALL.iter().find(|(text, _)| *text == name).map(|(_, role)| *role)
    }

    /// As in "a `#[call]` is …".
    pub(crate) fn with_article(self) -> String {
        let article = if matches!(self, Self::Exit | Self::Info) { "an" } else { "a" };
        format!("{article} `#[{}]`", self.name())
    }

    /// As it is written, without the brackets.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, role)| *role == self).map_or("", |(text, _)| text)
    }
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        if !input.peek(Token![impl]) {
            let advice = "`#[gen_server]` stands on an impl block: write `impl Counter { … }`, with \
                          `fn init` and the handlers in it";
            return Err(Error::new(input.span(), advice));
        }
        input.parse::<Token![impl]>()?;
        let mut generics: Generics = input.parse()?;
        let server: Type = input.parse()?;
        if input.peek(Token![for]) {
            let advice = "`#[gen_server]` stands on an inherent impl block and writes `impl GenServer` \
                          itself: write `impl Counter { … }`";
            return Err(Error::new_spanned(server, advice));
        }
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        attributes.extend(content.call(Attribute::parse_inner)?);
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(content.parse()?);
        }
        Ok(Self { attributes, generics, server, items })
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if ahead.parse::<Signature>().is_ok() {
            return input.parse().map(|function| Self::Function(Box::new(function)));
        }
        Ok(Self::Other(input.parse::<ImplItem>()?.into_token_stream()))
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut roles, mut attributes) = (Vec::new(), Vec::new());
        for attribute in input.call(Attribute::parse_outer)? {
            match Role::of(&attribute) {
                Some(role) => roles.push((role, attribute)),
                None => attributes.push(attribute),
            }
        }
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("a function of a server has a body"));
        }
        Ok(Self { roles, attributes, visibility, signature, body: input.parse()? })
    }
}

impl Function {
    /// The name, without `r#`.
    pub(crate) fn name(&self) -> String {
        plain(&self.signature.ident)
    }
}

/// An identifier's text, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or_else(|| text.clone(), str::to_owned)
}

impl ToTokens for Block {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, generics, server, items } = self;
        let outer =
            attributes.iter().filter(|attribute| matches!(attribute.style, syn::AttrStyle::Outer));
        let inner =
            attributes.iter().filter(|attribute| !matches!(attribute.style, syn::AttrStyle::Outer));
        let (parameters, _, bounds) = generics.split_for_impl();
        tokens.extend(quote! {
            #(#outer)* impl #parameters #server #bounds { #(#inner)* #(#items)* }
        });
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(function) => {
                let Function { attributes, visibility, signature, body, .. } = &**function;
                tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
            }
            Self::Other(item) => item.to_tokens(tokens),
        }
    }
}
