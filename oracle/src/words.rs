//! Enums whose variants are single words, written as atoms.

/// Declares an enum each of whose variants has an atom.
macro_rules! words {
    ($(#[$docs:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The atom that stands for it.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(crate) const fn to_term(self) -> $crate::term::Term {
                $crate::term::atom(self.word())
            }

            pub(crate) fn parse(term: &$crate::term::Term) -> anyhow::Result<Self> {
                let word = term.as_atom()?;
                let found = Self::ALL.iter().copied().find(|value| value.word() == word);
                anyhow::Context::with_context(found, || {
                    format!("{word} is no {}", stringify!($name))
                })
            }
        }
    };
}

pub(crate) use words;
