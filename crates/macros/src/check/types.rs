//! Questions about types as they are written.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{GenericArgument, PathArguments, PathSegment, Type};

use super::Errors;

/// The last segment of a path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Whether a type's last name is this one.
pub(crate) fn is_called(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// The type arguments of the last segment, if it has brackets.
pub(crate) fn type_arguments(ty: &Type) -> Option<Vec<&Type>> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// Whether a call that returns this type can fail; the type's name says so.
pub(crate) fn is_result(ty: &Type) -> bool {
    is_called(ty, "Result")
}

/// Refuses what cannot be sent to a process that lives as long as it likes.
pub(crate) fn check_owned(ty: &Type, why: &str, errors: &mut Errors) {
    match ty {
        Type::Reference(reference) => {
            let is_static =
                reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            if !is_static {
                let instead = match &*reference.elem {
                    Type::Slice(_) => "`Vec<T>`".to_owned(),
                    elem if is_called(elem, "str") => "`String`".to_owned(),
                    elem => {
                        match last_segment(elem).filter(|segment| segment.arguments.is_none()) {
                            Some(segment) => format!("`{}`, or `Arc<{0}>`", segment.ident),
                            None => "the value itself, or an `Arc` of it".to_owned(),
                        }
                    }
                };
                errors.at(ty, format!("{why}, so it cannot borrow: write {instead}"));
            }
        }
        Type::ImplTrait(_) => {
            errors.at(
                ty,
                format!("{why}, and its type has to have a name: write that, or `Box<dyn …>`"),
            );
        }
        Type::Array(array) => check_owned(&array.elem, why, errors),
        Type::Slice(slice) => check_owned(&slice.elem, why, errors),
        Type::Group(group) => check_owned(&group.elem, why, errors),
        Type::Paren(paren) => check_owned(&paren.elem, why, errors),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| check_owned(elem, why, errors)),
        Type::Path(path) => {
            for segment in &path.path.segments {
                let PathArguments::AngleBracketed(arguments) = &segment.arguments else { continue };
                for argument in &arguments.args {
                    check_argument(argument, why, errors);
                }
            }
        }
        // References inside of function pointers and trait objects are those of their callers.
        _ => {}
    }
}

fn check_argument(argument: &GenericArgument, why: &str, errors: &mut Errors) {
    match argument {
        GenericArgument::Type(ty) => check_owned(ty, why, errors),
        GenericArgument::AssocType(binding) => check_owned(&binding.ty, why, errors),
        GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => {
            errors.at(
                lifetime,
                format!(
                    "{why}, so it cannot borrow: write `'static`, or a type that owns its data"
                ),
            );
        }
        _ => {}
    }
}

/// Finds a word anywhere.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == name => Some(ident),
        TokenTree::Group(group) => find_ident(group.stream(), name),
        _ => None,
    })
}
