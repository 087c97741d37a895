//! Decides what the functions of an impl block are, and says what is wrong with them.

mod names;
mod signature;
mod types;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Generics, ReturnType, Token, Type, Visibility};

use crate::parse::{Block, Function, Item, Role};
pub(crate) use names::Reach;
use names::{check_coincidences, check_handler_name, check_visibilities, server_name, variant_of};
pub(crate) use signature::{Argument, Parameter, hides_its_error};
use signature::{Receiver, Replies, check_function, check_handler, parameters};
pub(crate) use types::is_result;

/// A server, checked.
pub(crate) struct Server {
    /// The last part of the type's name.
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) this: Type,
    pub(crate) init: Option<Hook>,
    pub(crate) terminate: Option<Hook>,
    pub(crate) handlers: Vec<Handler>,
}

/// How a function is called.
pub(crate) struct Hook {
    pub(crate) method: Ident,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// Where its outcome, or the lack of one, is written.
    pub(crate) outcome: Span,
}

/// A function that handles something.
pub(crate) struct Handler {
    pub(crate) hook: Hook,
    pub(crate) kind: Kind,
    pub(crate) visibility: Visibility,
    pub(crate) variant: Ident,
    /// Of an `async fn` with `&self`: the `&self`.
    pub(crate) shared: Option<Span>,
    /// Whether it returns anything.
    pub(crate) has_outcome: bool,
}

/// What a function handles.
pub(crate) enum Kind {
    /// A call that is answered with what the function returns.
    Call(Type),
    /// A call whose reply is handed over.
    Deferred(Type),
    Cast,
    Info,
    Down,
    Exit,
    Timeout,
    Tick(Box<Expr>),
    ContinueWith,
}

impl Hook {
    /// What a message carries, the address of the answer aside.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(argument),
            Parameter::Context | Parameter::Reply(..) => None,
        })
    }

    pub(crate) fn takes_context(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter, Parameter::Context))
    }
}

impl Handler {
    /// Whether there is a message for it.
    pub(crate) fn has_variant(&self) -> bool {
        !matches!(self.kind, Kind::Down | Kind::Exit | Kind::Timeout)
    }

    /// Whether others send that message.
    pub(crate) fn has_client(&self) -> bool {
        matches!(self.kind, Kind::Call(_) | Kind::Deferred(_) | Kind::Cast)
    }

    /// What answers it, if it is a call.
    pub(crate) fn answer(&self) -> Option<&Type> {
        match &self.kind {
            Kind::Call(answer) | Kind::Deferred(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Everything that is wrong, to be told at once.
#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Into<String>) {
        self.0.push(Error::new_spanned(tokens, message.into()));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(Error::to_compile_error));
    }
}

/// Checks a block. What is wrong is left out of the server.
pub(crate) fn check(block: &Block, arguments: &TokenStream) -> (Option<Server>, Errors) {
    let mut errors = Errors::default();
    if !arguments.is_empty() {
        errors.at(
            arguments,
            "`#[gen_server]` takes no arguments: what a server is started with, `fn init` takes",
        );
    }
    for lifetime in block.generics.lifetimes() {
        errors.at(
            lifetime,
            "a server lives as long as it likes, so it borrows nothing: own the data, \
                 or share it by `Arc`",
        );
    }
    let borrows = block.generics.lifetimes().next().is_some();
    if !borrows {
        types::check_owned(&block.server, "a server owns its state", &mut errors);
    }
    let name = server_name(&block.server, &mut errors);
    let (init, terminate) = hooks(block, &mut errors);
    let mut handlers: Vec<_> =
        functions(block).filter_map(|function| handler(function, &mut errors)).collect();
    check_coincidences(&mut handlers, &mut errors);
    check_visibilities(&handlers, &mut errors);
    let (generics, this) = (block.generics.clone(), block.server.clone());
    let server = name.filter(|_| !borrows).map(|name| Server {
        name,
        generics,
        this,
        init,
        terminate,
        handlers,
    });
    (server, errors)
}

fn functions(block: &Block) -> impl Iterator<Item = &Function> {
    block.items.iter().filter_map(|item| match item {
        Item::Function(function) => Some(&**function),
        Item::Other(_) => None,
    })
}

/// The functions that are known by their names.
fn hooks(block: &Block, errors: &mut Errors) -> (Option<Hook>, Option<Hook>) {
    let (mut init, mut terminate) = (None, None);
    let mut has_init = false;
    for function in functions(block) {
        let ident = &function.signature.ident;
        let (is_init, is_terminate) = (function.name() == "init", function.name() == "terminate");
        if !is_init && !is_terminate {
            continue;
        }
        if let Some((role, attribute)) = function.roles.first() {
            let role = role.name();
            errors.at(
                attribute,
                format!(
                    "`{ident}` is not a `#[{role}]`: every server has its own, which runs by \
                 itself; remove the attribute, or rename the function"
                ),
            );
        }
        if is_init {
            if has_init {
                errors.at(
                    ident,
                    "a second `init`: a server is made in one way; take an enum if there \
                     are several",
                );
            } else {
                init = check_init(function, errors);
            }
            has_init = true;
        } else if terminate.is_some() {
            errors.at(ident, "a second `terminate`: a server ends once");
        } else {
            terminate = check_terminate(function, errors);
        }
    }
    if !has_init {
        errors.at(
            &block.server,
            "a server is made by `fn init`: write `fn init() -> Self { … }`; what it takes \
             is what the server is started with",
        );
    }
    (init, terminate)
}

fn check_init(function: &Function, errors: &mut Errors) -> Option<Hook> {
    let before = errors.count();
    check_function(function, "`init`", errors);
    let signature = &function.signature;
    if let Some(receiver) = signature.receiver() {
        errors.at(
            receiver,
            "`init` makes the server, so there is no `self` yet: write `fn init(…) -> Self`",
        );
    }
    if matches!(signature.output, ReturnType::Default) {
        errors.at(
            &signature.ident,
            "`init` makes the server: write `fn init(…) -> Self`, or `-> Result<Self>` if \
             it can fail",
        );
    }
    let parameters = parameters(function, Replies::Answer, errors);
    signature::check_no_reply(&parameters, "`init`", errors);
    (before == errors.count()).then(|| hook(function, parameters))
}

fn check_terminate(function: &Function, errors: &mut Errors) -> Option<Hook> {
    let shape = "write `fn terminate(&mut self, reason: &ExitReason)`";
    let before = errors.count();
    check_function(function, "`terminate`", errors);
    let signature = &function.signature;
    if Receiver::of(signature).is_none() {
        errors
            .at(&signature.ident, format!("`terminate` is the last thing a server does: {shape}"));
    }
    if let ReturnType::Type(_, output) = &signature.output {
        errors.at(
            output,
            format!("`terminate` returns nothing, nobody is there any more to hear of it: {shape}"),
        );
    }
    let parameters = signature::terminate_parameters(function, shape, errors);
    (before == errors.count()).then(|| hook(function, parameters))
}

fn hook(function: &Function, parameters: Vec<Parameter>) -> Hook {
    let signature = &function.signature;
    Hook {
        method: signature.ident.clone(),
        attributes: function.attributes.clone(),
        is_async: signature.asyncness.is_some(),
        parameters,
        outcome: match &signature.output {
            ReturnType::Default => signature.ident.span(),
            ReturnType::Type(_, output) => output.span(),
        },
    }
}

/// Checks a function that has a role.
fn handler(function: &Function, errors: &mut Errors) -> Option<Handler> {
    let ((role, attribute), others) = function.roles.split_first()?;
    if matches!(function.name().as_str(), "init" | "terminate") {
        return None;
    }
    let before = errors.count();
    for (_, other) in others {
        errors.at(
            other,
            format!(
                "a function has one role, and this is {} already: write two functions",
                role.with_article()
            ),
        );
    }
    check_handler_name(function, *role, errors);
    check_function(function, &role.with_article(), errors);
    let receiver = check_handler(function, errors);
    let replies = if *role == Role::Info { Replies::Argument } else { Replies::Answer };
    let parameters = parameters(function, replies, errors);
    let kind = kind(*role, attribute, function, &parameters, errors);
    let variant = variant_of(&function.signature.ident, errors);
    let kind = kind.filter(|_| before == errors.count())?;
    let is_async = function.signature.asyncness.is_some();
    Some(Handler {
        kind,
        visibility: function.visibility.clone(),
        variant: variant?,
        shared: receiver
            .filter(|receiver| is_async && !receiver.is_mutable)
            .map(|receiver| receiver.span),
        has_outcome: matches!(function.signature.output, ReturnType::Type(..)),
        hook: hook(function, parameters),
    })
}

fn kind(
    role: Role,
    attribute: &Attribute,
    function: &Function,
    parameters: &[Parameter],
    errors: &mut Errors,
) -> Option<Kind> {
    let name = role.with_article();
    if role != Role::Tick && !matches!(attribute.meta, syn::Meta::Path(_)) {
        errors.at(&attribute.meta, format!("`#[{}]` takes no arguments", role.name()));
    }
    if role != Role::Call {
        signature::check_no_reply(parameters, &name, errors);
    }
    match role {
        Role::Call => signature::answer(function, parameters, errors),
        Role::Cast => Some(Kind::Cast),
        Role::Info => Some(Kind::Info),
        Role::Down => {
            signature::takes_one("Down", function, parameters, errors).then_some(Kind::Down)
        }
        Role::Exit => {
            signature::takes_one("Exit", function, parameters, errors).then_some(Kind::Exit)
        }
        Role::Timeout => signature::takes_none(&name, parameters, errors).then_some(Kind::Timeout),
        Role::ContinueWith => {
            signature::takes_none(&name, parameters, errors).then_some(Kind::ContinueWith)
        }
        Role::Tick => {
            let every = every(attribute, errors);
            let alone = signature::takes_none(&name, parameters, errors);
            every.filter(|_| alone).map(|every| Kind::Tick(Box::new(every)))
        }
    }
}

/// The period of a tick.
fn every(attribute: &Attribute, errors: &mut Errors) -> Option<Expr> {
    const SHAPE: &str = "write `#[tick(every = Duration::from_secs(1))]`";
    let parsed = attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
        let key: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok((key, input.parse::<Expr>()?))
    });
    match parsed {
        Ok((key, every)) if key == "every" => {
            if let Some(this) = types::find_ident(every.to_token_stream(), "self") {
                errors.at(
                    this,
                    "a tick is armed before there is a state: write a constant; for a \
                     period that is part of the state, use `ctx.send_after` and an \
                     `#[info]`",
                );
                return None;
            }
            Some(every)
        }
        Ok((key, _)) => {
            errors.at(key, format!("a tick has a period and nothing else: {SHAPE}"));
            None
        }
        Err(_) => {
            errors.at(attribute, format!("a tick says how often it comes: {SHAPE}"));
            None
        }
    }
}
