//! The implementation of `GenServer`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{at, messages, own};
use crate::check::{Handler, Hook, Kind, Parameter, Server, hides_its_error};
use crate::parse::plain;

pub(super) fn expand(server: &Server) -> TokenStream {
    let Server { this, generics, .. } = server;
    let message = server.message();
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let (args, init) = init(server);
    let (handle, info) = (handle(server), handle_info(server));
    let terminate = server.terminate.as_ref().map(terminate);
    let message_name = message_name(server);
    let deprecated = server.handlers.iter().any(|handler| {
        handler.hook.attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"))
    });
    let deprecated =
        deprecated.then(|| quote!(#[allow(deprecated, reason = "who sends is warned")]));
    quote! {
        #[automatically_derived]
        #deprecated
        impl #parameters ::fauxtp::GenServer for #this #bounds {
            type Args = #args;
            type Message = #message #arguments;
            #init
            #handle
            #info
            #terminate
            #message_name
        }
    }
}

/// The context's parameter: without a name if nobody wants it.
fn context(is_used: bool) -> TokenStream {
    let name = if is_used { own("ctx").to_token_stream() } else { quote!(_) };
    quote!(#name: &mut ::fauxtp::Context<Self>)
}

/// The type of the arguments, and `init`.
fn init(server: &Server) -> (TokenStream, TokenStream) {
    let outcome = quote!(::fauxtp::Result<Self>);
    let Some(init) = &server.init else {
        let ctx = context(false);
        // What is wrong with `init` is told at its place; this keeps everything else going.
        return (
            quote!(()),
            quote!(async fn init((): (), #ctx) -> #outcome { ::core::unreachable!() }),
        );
    };
    let names: Vec<_> = init.arguments().map(|argument| &argument.name).collect();
    let types: Vec<_> = init.arguments().map(|argument| &argument.ty).collect();
    let (pattern, args) = match (names.as_slice(), types.as_slice()) {
        ([name], [ty]) => (name.to_token_stream(), ty.to_token_stream()),
        _ => (quote!((#(#names),*)), quote!((#(#types),*))),
    };
    let arming: Vec<_> =
        server.handlers.iter().filter_map(|handler| arm(server, handler)).collect();
    let ctx = context(init.takes_context() || !arming.is_empty());
    let call = init.call(None);
    let made = quote_spanned!(at(init.outcome)=>
        ::fauxtp::expansion::Initialised::<Self>::into_result(#call)
    );
    let body = if arming.is_empty() {
        made
    } else {
        let this = own("server");
        quote!(let #this: Self = #made?; #(#arming)* ::core::result::Result::Ok(#this))
    };
    let conditions = init.conditions();
    (args, quote!(#(#conditions)* async fn init(#pattern: Self::Args, #ctx) -> #outcome { #body }))
}

/// Has something happen that nobody sends.
fn arm(server: &Server, handler: &Handler) -> Option<TokenStream> {
    let (message, ctx) = (server.message(), own("ctx"));
    let variant = &handler.variant;
    let conditions = handler.conditions();
    let arming = match &handler.kind {
        Kind::Tick(every) => quote!(#ctx.send_after(#every, #message::#variant)),
        Kind::ContinueWith => quote!(#ctx.continue_with(#message::#variant)),
        _ => return None,
    };
    Some(quote!(#(#conditions)* #arming;))
}

fn handle(server: &Server) -> TokenStream {
    let with_messages = server.handlers.iter().filter(|handler| handler.has_variant());
    let arms: Vec<_> = with_messages.clone().map(|handler| message_arm(server, handler)).collect();
    let generics = messages::arm_for_generics(server);
    let wants_context = with_messages
        .clone()
        .any(|handler| handler.hook.takes_context() || matches!(handler.kind, Kind::Tick(_)));
    let ctx = context(wants_context);
    let message = own("message");
    // Without messages there is nothing behind the match.
    let always = with_messages.clone().any(|handler| handler.conditions().next().is_none());
    let ok = (always || generics.is_some()).then(|| quote!(::core::result::Result::Ok(())));
    let lenient = (!always && !arms.is_empty() && ok.is_none())
        .then(|| quote!(#[allow(unreachable_code, reason = "there may be no messages")]));
    let ok = ok.or_else(|| lenient.is_some().then(|| quote!(::core::result::Result::Ok(()))));
    quote! {
        #lenient
        async fn handle(&mut self, #message: Self::Message, #ctx) -> ::fauxtp::Result {
            match #message { #(#arms)* #generics }
            #ok
        }
    }
}

fn message_arm(server: &Server, handler: &Handler) -> TokenStream {
    let Handler { hook, kind, variant, .. } = handler;
    let (message, from) = (server.message(), own("from"));
    let conditions = handler.conditions();
    let reply = handler.answer().map(|_| from.to_token_stream());
    let mut fields =
        hook.arguments().map(|argument| argument.name.to_token_stream()).chain(reply).peekable();
    let fields = fields.peek().is_some().then(|| quote!((#(#fields),*)));
    let promises = promises(handler);
    let work = match kind {
        Kind::Call(_) => {
            let call = hook.call(Some(&quote!(self)));
            quote!(#from.send(#call))
        }
        Kind::Tick(_) => {
            let (work, again) = (outcome(handler), arm(server, handler));
            quote!({ #work; #again })
        }
        _ => outcome(handler),
    };
    let work = if promises.is_empty() { work } else { quote!({ #promises #work }) };
    quote!(#(#conditions)* #message::#variant #fields => #work,)
}

/// Calls a handler, and ends the server if it says so.
fn outcome(handler: &Handler) -> TokenStream {
    let call = handler.hook.call(Some(&quote!(self)));
    if handler.has_outcome {
        quote_spanned!(at(handler.hook.outcome)=> ::fauxtp::expansion::Handled::into_result(#call)?)
    } else {
        call
    }
}

/// What must hold for a handler, told at the user's own tokens.
fn promises(handler: &Handler) -> TokenStream {
    let shared = handler.shared.map(
        |place| quote_spanned!(at(place)=> ::fauxtp::expansion::is_shared_across_await::<Self>();),
    );
    let error = handler.answer().filter(|answer| hides_its_error(answer)).map(|answer| {
        let error =
            quote_spanned!(at(answer.span())=> <#answer as ::fauxtp::expansion::Fallible>::Error);
        quote_spanned!(at(answer.span())=> ::fauxtp::expansion::is_data::<#error>();)
    });
    quote!(#shared #error)
}

fn handle_info(server: &Server) -> Option<TokenStream> {
    let (message, ctx, other) = (own("info"), own("ctx"), own("other"));
    let arms = server.handlers.iter().filter_map(|handler| {
        let info = match handler.kind {
            Kind::Down => quote!(Down),
            Kind::Exit => quote!(Exit),
            Kind::Timeout => quote!(Timeout),
            _ => return None,
        };
        let conditions = handler.conditions();
        let fields = handler.hook.arguments().map(|argument| &argument.name);
        let fields = (!matches!(handler.kind, Kind::Timeout)).then(|| quote!((#(#fields),*)));
        let (promises, outcome) = (promises(handler), outcome(handler));
        let work = if promises.is_empty() { outcome } else { quote!({ #promises #outcome }) };
        Some(quote!(#(#conditions)* ::fauxtp::Info::#info #fields => #work,))
    });
    let mut arms = arms.peekable();
    arms.peek()?;
    let context = context(true);
    Some(quote! {
        async fn handle_info(&mut self, #message: ::fauxtp::Info, #context) -> ::fauxtp::Result {
            match #message {
                #(#arms)*
                #other => ::fauxtp::expansion::unhandled(&#other, #ctx),
            }
            ::core::result::Result::Ok(())
        }
    })
}

fn terminate(terminate: &Hook) -> TokenStream {
    let takes_reason =
        terminate.parameters.iter().any(|parameter| matches!(parameter, Parameter::Argument(_)));
    let reason = if takes_reason { own("reason").to_token_stream() } else { quote!(_) };
    let ctx = context(terminate.takes_context());
    let call = terminate.call(Some(&quote!(self)));
    let conditions = terminate.conditions();
    quote! {
        #(#conditions)*
        async fn terminate(&mut self, #reason: &::fauxtp::ExitReason, #ctx) { #call; }
    }
}

fn message_name(server: &Server) -> TokenStream {
    let (enumeration, message) = (server.message(), own("message"));
    let arms = server.handlers.iter().filter(|handler| handler.has_variant()).map(|handler| {
        let (variant, conditions) = (&handler.variant, handler.conditions());
        let name = format!("{}::{}", server.name, plain(&handler.hook.method));
        quote!(#(#conditions)* #enumeration::#variant { .. } => #name,)
    });
    let generics = messages::arm_for_generics(server);
    quote! {
        fn message_name(#message: &Self::Message) -> &'static str {
            match *#message { #(#arms)* #generics }
        }
    }
}
