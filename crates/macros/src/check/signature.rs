//! What is wrong with one function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::{FnArg, Pat, ReceiverKind, ReturnType, Safety, Signature, Type};

use super::types::{self, check_owned, is_called, is_result};
use super::{Errors, Kind};
use crate::parse::Function;

/// A parameter, `self` aside, in its place.
pub(crate) enum Parameter {
    Argument(Argument),
    Context,
    /// The answer's type, and what stands there.
    Reply(Type, TokenStream),
}

/// What a message carries.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// `&self` or `&mut self`.
pub(super) struct Receiver {
    pub(super) is_mutable: bool,
    pub(super) span: Span,
}

impl Receiver {
    pub(super) fn of(signature: &Signature) -> Option<Self> {
        let receiver = signature.receiver()?;
        let ReceiverKind::Reference(_, _, mutability) = &receiver.kind else { return None };
        Some(Self { is_mutable: mutability.is_some(), span: receiver.span() })
    }
}

/// Refuses functions that cannot be called as they are.
pub(super) fn check_function(function: &Function, what: &str, errors: &mut Errors) {
    let Signature { constness, safety, abi, generics, variadic, .. } = &function.signature;
    let plain = format!("{what} is a plain `fn` or `async fn`");
    if let Some(constness) = constness {
        errors.at(constness, format!("{plain}: remove `const`"));
    }
    if !matches!(safety, Safety::Default) {
        errors.at(
            safety,
            format!("{plain}: nobody is there to keep what an unsafe function asks for"),
        );
    }
    if let Some(abi) = abi {
        errors.at(abi, format!("{plain}: remove `extern`"));
    }
    if let Some(variadic) = variadic {
        errors.at(variadic, format!("{plain}: its arguments are fixed"));
    }
    if !generics.params.is_empty() || generics.where_clause.is_some() {
        errors.at(
            if generics.params.is_empty() {
                generics.where_clause.to_token_stream()
            } else {
                generics.params.to_token_stream()
            },
            format!(
                "{what} is not generic, for what it carries is part of one message type: \
                 write the types, or make the server generic (`impl<T> Server<T>`)"
            ),
        );
    }
}

/// Refuses handlers without a state.
pub(super) fn check_handler(function: &Function, errors: &mut Errors) -> Option<Receiver> {
    let signature = &function.signature;
    let found = Receiver::of(signature);
    match signature.receiver() {
        None => {
            errors.at(
                &signature.ident,
                "a handler works on the server's state: begin its parameters with `&mut \
                 self` or `&self`",
            );
        }
        Some(receiver) if found.is_none() => {
            errors.at(
                receiver,
                "the state stays with its server: write `&mut self` or `&self`; to end the \
                 server, use `ctx.stop(…)`",
            );
        }
        Some(_) => {}
    }
    found
}

/// What a parameter of the type `Reply` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replies {
    /// The address of the answer.
    Answer,
    /// An argument like any other: a message of the server's own may bring back a reply that was put aside.
    Argument,
}

/// The parameters of a function, `self` aside.
pub(super) fn parameters(
    function: &Function,
    replies: Replies,
    errors: &mut Errors,
) -> Vec<Parameter> {
    let mut found = Vec::new();
    for (index, input) in function.signature.inputs.iter().enumerate() {
        let FnArg::Typed(input) = input else { continue };
        for attribute in &input.attrs {
            errors.at(
                attribute,
                "parameters of a server's functions have no attributes: put it on the function",
            );
        }
        let parameter = if is_context(&input.ty, errors) {
            Parameter::Context
        } else if let Some(answer) =
            answer_of_reply(&input.ty).filter(|_| replies == Replies::Answer)
        {
            check_owned(answer, "an answer is sent to another process", errors);
            Parameter::Reply(answer.clone(), input.ty.to_token_stream())
        } else {
            check_owned(&input.ty, "an argument is sent to another process", errors);
            let name = match &*input.pat {
                Pat::Ident(pattern) if pattern.subpat.is_none() => argument_name(&pattern.ident),
                _ => format_ident!("argument_{index}"),
            };
            Parameter::Argument(Argument { name, ty: (*input.ty).clone() })
        };
        let is_second =
            |other: &Parameter| std::mem::discriminant(other) == std::mem::discriminant(&parameter);
        match &parameter {
            Parameter::Context if found.iter().any(is_second) => {
                errors.at(input, "a second context: a server has one")
            }
            Parameter::Reply(..) if found.iter().any(is_second) => {
                errors.at(
                    input,
                    "a second `Reply`: a call has one answer; return a tuple if there are several",
                );
            }
            _ => {}
        }
        found.push(parameter);
    }
    found
}

/// What is unused in the function is used in the expansion, which the user is not to be blamed for. No name of the
/// expansion's own begins like this.
fn argument_name(ident: &Ident) -> Ident {
    let mut name = ident.clone();
    if name.to_string().starts_with('_') {
        name.set_span(Span::mixed_site().located_at(name.span()));
    }
    name
}

/// Whether a parameter is the context; the type says so.
fn is_context(ty: &Type, errors: &mut Errors) -> bool {
    let advice = "the context is lent to a handler: write `ctx: &mut Context<Self>`";
    match ty {
        Type::Reference(reference) if is_called(&reference.elem, "Context") => {
            if reference.mutability.is_none() {
                errors.at(ty, advice);
            }
            true
        }
        // A type called `Context` without arguments is somebody else's.
        ty if is_called(ty, "Context") && types::type_arguments(ty).is_some() => {
            errors.at(ty, advice);
            true
        }
        _ => false,
    }
}

/// What `Reply<T>` is answered with.
fn answer_of_reply(ty: &Type) -> Option<&Type> {
    let arguments = types::type_arguments(ty).filter(|_| is_called(ty, "Reply"))?;
    arguments.first().copied().filter(|_| arguments.len() == 1)
}

/// Refuses a reply where nobody waits for one.
pub(super) fn check_no_reply(parameters: &[Parameter], what: &str, errors: &mut Errors) {
    for parameter in parameters {
        if let Parameter::Reply(_, written) = parameter {
            errors.at(written, format!("{what} is not answered: make it a `#[call]`"));
        }
    }
}

/// How a call is answered.
pub(super) fn answer(
    function: &Function,
    parameters: &[Parameter],
    errors: &mut Errors,
) -> Option<Kind> {
    let reply = parameters.iter().find_map(|parameter| match parameter {
        Parameter::Reply(answer, _) => Some(answer.clone()),
        _ => None,
    });
    match (reply, &function.signature.output) {
        (Some(answer), ReturnType::Default) => Some(Kind::Deferred(answer)),
        (Some(_), ReturnType::Type(_, output)) => {
            errors.at(
                output,
                "a call is answered either by what it returns or by its `Reply`: remove one \
                 of them",
            );
            None
        }
        (None, ReturnType::Default) => Some(Kind::Call(syn::parse_quote!(()))),
        (None, ReturnType::Type(_, output)) => {
            let before = errors.count();
            check_owned(output, "an answer is sent to another process", errors);
            (before == errors.count()).then(|| Kind::Call((**output).clone()))
        }
    }
}

/// Whether the answer is a `Result` that does not name its error, as an alias does.
pub(crate) fn hides_its_error(answer: &Type) -> bool {
    is_result(answer) && types::type_arguments(answer).is_none_or(|arguments| arguments.len() < 2)
}

/// Whether a function takes exactly one thing besides the context, and it is of this type.
pub(super) fn takes_one(
    name: &str,
    function: &Function,
    parameters: &[Parameter],
    errors: &mut Errors,
) -> bool {
    let role = name.to_lowercase();
    let advice = format!("`#[{role}]` takes what has come: write `{role}: {name}`");
    let mut count = 0;
    let mut is_right = true;
    for parameter in parameters {
        let Parameter::Argument(argument) = parameter else { continue };
        count += 1;
        if count > 1 || !is_called(&argument.ty, name) {
            errors.at(&argument.ty, &*advice);
            is_right = false;
        }
    }
    if count == 0 {
        errors.at(&function.signature.ident, advice);
    }
    is_right && count == 1
}

/// Whether a function takes nothing besides the context.
pub(super) fn takes_none(what: &str, parameters: &[Parameter], errors: &mut Errors) -> bool {
    let before = errors.count();
    for parameter in parameters {
        if let Parameter::Argument(argument) = parameter {
            errors.at(
                &argument.ty,
                format!(
                    "{what} takes nothing but the context, for nobody sends it anything: keep \
                 what it needs in the state"
                ),
            );
        }
    }
    before == errors.count()
}

/// The parameters of `terminate`: the reason, which is the only argument that is lent, and the context.
pub(super) fn terminate_parameters(
    function: &Function,
    shape: &str,
    errors: &mut Errors,
) -> Vec<Parameter> {
    let mut found = Vec::new();
    let mut has_reason = false;
    for input in &function.signature.inputs {
        let FnArg::Typed(input) = input else { continue };
        match &*input.ty {
            Type::Reference(reference)
                if !has_reason
                    && reference.mutability.is_none()
                    && is_called(&reference.elem, "ExitReason") =>
            {
                has_reason = true;
                let name = Ident::new("reason", Span::mixed_site());
                found.push(Parameter::Argument(Argument { name, ty: (*input.ty).clone() }));
            }
            ty if is_context(ty, errors) => found.push(Parameter::Context),
            ty => errors.at(
                ty,
                format!("`terminate` takes the reason, and the context if it likes: {shape}"),
            ),
        }
    }
    if !has_reason && found.iter().all(|parameter| matches!(parameter, Parameter::Context)) {
        let complained = function
            .signature
            .inputs
            .iter()
            .filter(|input| matches!(input, FnArg::Typed(_)))
            .count()
            > found.len();
        if !complained {
            errors.at(&function.signature.ident, format!("`terminate` takes the reason: {shape}"));
        }
    }
    found
}
