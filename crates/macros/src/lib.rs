//! The attribute macros of `fauxtp`, which re-exports them.

mod parse;
mod check;
mod expand;
mod sim_test;

use proc_macro2::TokenStream;
use quote::quote;

#[doc = include_str!("../docs/gen_server.md")]
///
/// # What it expands to
///
/// This program
///
/// ```
#[doc = include_str!("../docs/counter.rs")]
/// ```
///
/// expands to this one:
///
/// ```
#[doc = include_str!("../docs/counter_expanded.rs")]
/// ```
#[proc_macro_attribute]
pub fn gen_server(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expansion(&arguments.into(), item.into()).into()
}

#[doc = include_str!("../docs/sim_test.md")]
#[proc_macro_attribute]
pub fn sim_test(
    settings: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let expanded = syn::parse(settings).and_then(|settings| {
        let function = syn::parse(item.clone())?;
        sim_test::expand(&settings, &function)
    });
    // What is wrong is told beside the function, so that editors can go on helping with it.
    expanded.map_or_else(
        |error| {
            let (item, error) = (TokenStream::from(item), error.into_compile_error());
            quote!(#[allow(unused)] #item #error).into()
        },
        Into::into,
    )
}

/// What stands in place of the impl block. What is right is expanded even if something else is wrong: all errors are
/// told at once, and editors can complete.
fn expansion(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let block = match syn::parse2::<parse::Block>(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let (server, errors) = check::check(&block, arguments);
    let expanded = server.map(|server| expand::expand(&server));
    // Where there are errors, nothing else is told: what is left unused is so because of them.
    let quiet = (errors.count() > 0).then(|| quote!(#[allow(unused)]));
    quote!(#quiet #block #expanded #errors)
}

#[cfg(test)]
mod tests {
    use syn::{File, Item};

    use super::*;

    const COUNTER: &str = include_str!("../docs/counter.rs");
    const EXPANDED: &str = include_str!("../docs/counter_expanded.rs");

    fn expand_file(text: &str) -> String {
        let mut file: File = syn::parse_str(text).expect("the documented program is Rust");
        file.items = file.items.into_iter().flat_map(expand_item).collect();
        prettyplease::unparse(&file)
    }

    fn expand_item(item: Item) -> Vec<Item> {
        let Item::Impl(mut block) = item else { return vec![item] };
        let attributes = block.attrs.len();
        block.attrs.retain(|attribute| !attribute.path().is_ident("gen_server"));
        if block.attrs.len() == attributes {
            return vec![Item::Impl(block)];
        }
        let expanded = expansion(&TokenStream::new(), quote!(#block));
        syn::parse2::<File>(expanded).expect("the expansion is Rust").items
    }

    /// After a change on purpose, `UPDATE_EXPANSION=1` writes the file anew.
    #[test]
    fn the_documented_expansion_is_the_expansion() {
        let expanded = expand_file(COUNTER);
        if std::env::var_os("UPDATE_EXPANSION").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/counter_expanded.rs");
            std::fs::write(file, &expanded).expect("the file can be written");
        } else {
            assert_eq!(expanded, EXPANDED);
        }
    }
}
