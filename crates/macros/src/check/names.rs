//! What things are called, and which names are taken.

use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::{Type, Visibility};

use super::{Errors, Handler, Kind, types};
use crate::parse::{Function, Role, plain};

/// Methods that an address, a name or a key of a registry has anyway, and whose they are. A client's method of the same
/// name would be hidden by them, or could not be told from them.
const TAKEN: [(&str, &[&str]); 4] = [
    ("addresses", &["of", "pid", "is_alive", "send", "try_send", "queue_len", "join"]),
    (
        "names and keys",
        &["new", "from_string", "as_str", "whereis", "send", "send_after", "await_restart"],
    ),
    (
        "everything that leads to a server",
        &["resolve", "call", "try_call", "cast", "send_request", "target"],
    ),
    (
        "the traits of Rust's prelude on addresses and names",
        &["clone", "clone_from", "eq", "ne", "into", "try_into", "to_owned", "to_string"],
    ),
];

/// Functions that every server type has.
const OF_SERVERS: [&str; 2] = ["start", "spec"];

/// Refuses names that would hide something, or be hidden.
pub(super) fn check_handler_name(function: &Function, role: Role, errors: &mut Errors) {
    let ident = &function.signature.ident;
    let name = function.name();
    if OF_SERVERS.contains(&name.as_str()) {
        errors.at(
            ident,
            format!(
                "`{name}` is what servers are started with (`Counter::{name}(…)`), and this \
             would hide it: rename it"
            ),
        );
    }
    if !matches!(role, Role::Call | Role::Cast) {
        return;
    }
    let whose = TAKEN.iter().find(|(_, names)| names.contains(&name.as_str()));
    if let Some((whose, _)) = whose {
        errors.at(
            ident,
            format!(
                "`{name}` is a method of {whose} already, so `address.{name}(…)` could not mean \
             this: rename it"
            ),
        );
    }
}

/// The name of a server's type.
pub(super) fn server_name(server: &Type, errors: &mut Errors) -> Option<Ident> {
    let name = types::last_segment(server).map(|segment| segment.ident.clone());
    if name.is_none() {
        errors.at(
            server,
            "a server is a type with a name of its own: write `struct Counter(…);` and \
             `impl Counter { … }`",
        );
    }
    name
}

/// The variant for a method: `add_one` becomes `AddOne`.
pub(super) fn variant_of(method: &Ident, errors: &mut Errors) -> Option<Ident> {
    let text: String = plain(method)
        .split('_')
        .filter_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
        })
        .collect();
    let begins_well = text.chars().next().is_some_and(char::is_alphabetic);
    if !begins_well || text == "Self" {
        errors.at(method, format!("`{method}` makes no name for a message (`{text}`): rename it"));
        return None;
    }
    Some(format_ident!("{text}", span = method.span()))
}

/// Refuses two handlers of what can be handled once only, and leaves the second one out. Those under a `cfg` may stand in
/// for each other.
pub(super) fn check_coincidences(handlers: &mut Vec<Handler>, errors: &mut Errors) {
    let mut first: Vec<Handler> = Vec::new();
    for handler in handlers.drain(..) {
        let mut rivals =
            first.iter().filter(|other| !(is_optional(other) && is_optional(&handler)));
        match rivals.find_map(|other| coincidence(other, &handler)) {
            Some(message) => errors.at(&handler.hook.method, message),
            None => first.push(handler),
        }
    }
    *handlers = first;
}

/// Why there cannot be another handler besides the first.
fn coincidence(first: &Handler, other: &Handler) -> Option<String> {
    let (method, variant) = (&other.hook.method, &other.variant);
    let before = &first.hook.method;
    let once = match (&first.kind, &other.kind) {
        (Kind::Down, Kind::Down) => Role::Down,
        (Kind::Exit, Kind::Exit) => Role::Exit,
        (Kind::Timeout, Kind::Timeout) => Role::Timeout,
        (Kind::ContinueWith, Kind::ContinueWith) => Role::ContinueWith,
        _ if first.has_variant() && other.has_variant() && first.variant == *variant => {
            return Some(format!(
                "the messages of `{before}` and `{method}` would both be called `{variant}`: \
                 rename one of them"
            ));
        }
        _ => return None,
    };
    let once = once.name();
    Some(format!(
        "a second `#[{once}]`, after `{before}`: a server has one, which looks at what has come"
    ))
}

fn is_optional(handler: &Handler) -> bool {
    handler.hook.attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// How far something is visible; the widest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Public,
    Restricted,
    Private,
}

impl Reach {
    pub(crate) fn of(visibility: &Visibility) -> Self {
        match visibility {
            Visibility::Public(_) => Self::Public,
            Visibility::Restricted(restricted) if !restricted.path.is_ident("self") => {
                Self::Restricted
            }
            Visibility::Restricted(_) | Visibility::Inherited => Self::Private,
        }
    }
}

/// Refuses clients that would need more than one trait between `pub` and private.
pub(super) fn check_visibilities(handlers: &[Handler], errors: &mut Errors) {
    let text = |handler: &Handler| handler.visibility.to_token_stream().to_string();
    let mut restricted = handlers.iter().filter(|handler| {
        handler.has_client() && Reach::of(&handler.visibility) == Reach::Restricted
    });
    let Some(first) = restricted.next() else { return };
    for other in restricted.filter(|other| text(other) != text(first)) {
        errors.at(
            &other.visibility,
            format!(
                "between `pub` and private, all handlers of a server are visible equally far: \
             write `{}` here, as above",
                text(first)
            ),
        );
    }
}
