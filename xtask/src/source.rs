//! A Rust file, line by line, with code and comments told apart.

/// A Rust file as the rules see it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the root of the repository, with slashes.
    pub(crate) path: String,
    pub(crate) lines: Vec<Line>,
}

/// One line. A rule about code must not trip over the same words in a comment or a string.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The line without comments and without what its strings and characters hold.
    pub(crate) code: String,
    /// The text of its comments, with the slashes.
    pub(crate) comment: String,
    /// Whether it stands in an item under `#[cfg(test)]`, or in a file of tests.
    pub(crate) in_tests: bool,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut source = Self { path: path.to_owned(), lines: Scanner::new(text).lines() };
        source.mark_tests();
        source
    }

    /// Whether the file lies in the `src` of one of the two crates whose rules are strictest.
    pub(crate) fn is_core(&self) -> bool {
        ["crates/logic/src/", "crates/runtime/src/"].iter().any(|at| self.path.starts_with(at))
    }

    /// Whether the whole file is tests.
    pub(crate) fn is_test_file(&self) -> bool {
        let mut parts = self.path.split('/');
        self.path.starts_with("conformance/")
            || parts.any(|part| matches!(part.trim_end_matches(".rs"), "tests" | "models"))
    }

    /// Whether a comment on this line, on the one before or in the block above says why, after the
    /// word `marker`.
    pub(crate) fn is_explained(&self, index: usize, marker: &str) -> bool {
        let explains = |line: &Line| {
            line.comment.split_once(marker).is_some_and(|(_, why)| !why.trim().is_empty())
        };
        // Comments and attributes directly above belong to the line, and one line more is read.
        let above = self.lines[..index].iter().rev();
        let block = above.clone().take_while(|line| line.is_about_the_next()).count();
        explains(&self.lines[index]) || above.take(block + 1).any(explains)
    }

    fn mark_tests(&mut self) {
        let everywhere = self.is_test_file();
        let mut item = None;
        for line in &mut self.lines {
            let code = line.code.trim_start();
            if item.is_none()
                && (code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test"))
            {
                item = Some(0_usize);
            }
            line.in_tests = everywhere || item.is_some();
            // The item ends with its last brace, or with a semicolon outside of any.
            let Some(mut depth) = item else { continue };
            let mut ended = false;
            for character in code.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => {
                        depth = depth.saturating_sub(1);
                        ended |= depth == 0;
                    }
                    ';' => ended |= depth == 0,
                    _ => {}
                }
            }
            item = if ended { None } else { Some(depth) };
        }
    }
}

impl Line {
    /// Whether it holds nothing but a comment, or an attribute.
    fn is_about_the_next(&self) -> bool {
        let code = self.code.trim();
        if code.is_empty() { !self.comment.is_empty() } else { code.starts_with("#[") }
    }
}

/// Whether `text` has `word` in it, not as a part of a longer name.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    words(text, word).next().is_some()
}

/// Where `text` has `word` in it, not as a part of a longer name.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !text[..at].ends_with(is_name) && !text[at + word.len()..].starts_with(is_name)
    })
}

/// What the scanner is inside of.
#[derive(Debug, Clone, Copy)]
enum State {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text,
    RawText { hashes: usize },
}

/// Reads a file once, character by character.
#[derive(Debug)]
struct Scanner {
    characters: Vec<char>,
    at: usize,
    state: State,
    lines: Vec<Line>,
}

impl Scanner {
    fn new(text: &str) -> Self {
        let characters = text.chars().collect();
        Self { characters, at: 0, state: State::Code, lines: vec![Line::default()] }
    }

    /// Consumes the file. Each turn consumes at least one character, so it ends.
    fn lines(mut self) -> Vec<Line> {
        while self.at < self.characters.len() {
            if self.characters[self.at] == '\n' {
                if matches!(self.state, State::LineComment) {
                    self.state = State::Code;
                }
                self.lines.push(Line::default());
                self.at += 1;
                continue;
            }
            match self.state {
                State::Code => self.code(),
                State::LineComment => self.comment(1),
                State::BlockComment { depth } => self.block_comment(depth),
                State::Text => self.text(),
                State::RawText { hashes } => self.raw_text(hashes),
            }
        }
        self.lines
    }

    fn code(&mut self) {
        if self.sees("//") {
            self.state = State::LineComment;
            self.comment(2);
        } else if self.sees("/*") {
            self.state = State::BlockComment { depth: 1 };
            self.comment(2);
        } else if let Some(hashes) = self.raw_text_starts() {
            self.state = State::RawText { hashes };
            self.keep(hashes + 2);
        } else if self.sees("\"") {
            self.state = State::Text;
            self.keep(1);
        } else if let Some(length) = self.character_literal() {
            self.at += length;
            self.line().code.push_str("''");
        } else {
            self.keep(1);
        }
    }

    fn block_comment(&mut self, depth: usize) {
        let (depth, length) = match () {
            () if self.sees("/*") => (depth + 1, 2),
            () if self.sees("*/") => (depth - 1, 2),
            () => (depth, 1),
        };
        self.state = if depth == 0 { State::Code } else { State::BlockComment { depth } };
        self.comment(length);
    }

    fn text(&mut self) {
        if self.sees("\\") {
            // An escaped line break is still a line break.
            self.at += if self.peek(1) == Some('\n') { 1 } else { 2 };
        } else if self.sees("\"") {
            self.state = State::Code;
            self.keep(1);
        } else {
            self.at += 1;
        }
    }

    fn raw_text(&mut self, hashes: usize) {
        if self.sees("\"") && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#')) {
            self.state = State::Code;
            self.keep(hashes + 1);
        } else {
            self.at += 1;
        }
    }

    /// How many hashes a raw string has that starts here, if one does.
    fn raw_text_starts(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map(|at| self.characters[at]);
        let inside_name = before.is_some_and(|character| {
            character.is_alphanumeric() && !"bc".contains(character) || character == '_'
        });
        if !self.sees("r") || inside_name {
            return None;
        }
        let hashes = (1..).take_while(|&ahead| self.peek(ahead) == Some('#')).count();
        (self.peek(hashes + 1) == Some('"')).then_some(hashes)
    }

    /// How long the character literal is that starts here, if it is one and not a lifetime.
    fn character_literal(&self) -> Option<usize> {
        if !self.sees("'") {
            return None;
        }
        if self.peek(1) == Some('\\') {
            // The longest is '\u{10FFFF}'.
            return (3..=12).find(|&ahead| self.peek(ahead) == Some('\'')).map(|ahead| ahead + 1);
        }
        (self.peek(2) == Some('\'')).then_some(3)
    }

    fn sees(&self, expected: &str) -> bool {
        expected.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn keep(&mut self, length: usize) {
        let characters = self.take(length);
        self.line().code.push_str(&characters);
    }

    fn comment(&mut self, length: usize) {
        let characters = self.take(length);
        self.line().comment.push_str(&characters);
    }

    fn take(&mut self, length: usize) -> String {
        let taken = self.characters[self.at..self.at + length].iter().collect();
        self.at += length;
        taken
    }

    fn line(&mut self) -> &mut Line {
        self.lines.last_mut().expect("there is a line from the start")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        Source::parse("a.rs", text).lines.into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(code("a // b\n/* c\n/* d */ */ e"), ["a ", "", " e"]);
        assert_eq!(code(r#"f("x \" // y", 'z', '\'') as &'a str"#), ["f(\"\", '', '') as &'a str"]);
        assert_eq!(
            code("g(r#\"a \" b\nc\"#, br\"d\", r#type)"),
            ["g(r#\"", "\"#, br\"\", r#type)"]
        );
        assert_eq!(code("\"a \\\n b\" c"), ["\"", "\" c"]);
    }

    #[test]
    fn comments_keep_their_text() {
        let source = Source::parse("a.rs", "x; // order: sorted below\n/// Doc.");
        assert_eq!(source.lines[0].comment, "// order: sorted below");
        assert_eq!(source.lines[1].comment, "/// Doc.");
        assert!(source.is_explained(0, "order:") && source.is_explained(1, "order:"));
        assert!(!Source::parse("a.rs", "x; // order:").is_explained(0, "order:"));
        let block = Source::parse("a.rs", "// order: it is\n// sorted.\n#[allow(x)]\ny;\n\nz;");
        assert!(block.is_explained(3, "order:") && !block.is_explained(5, "order:"));
    }

    #[test]
    fn items_under_cfg_test_are_tests() {
        let text = "a;\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nc;\n#[cfg(test)]\nuse d;\ne;";
        let marks: Vec<_> =
            Source::parse("a.rs", text).lines.iter().map(|line| line.in_tests).collect();
        assert_eq!(marks, [false, true, true, true, true, false, true, true, false]);
        assert!(Source::parse("crates/x/tests/y.rs", "a").lines[0].in_tests);
        assert!(Source::parse("crates/x/src/y/tests.rs", "a").lines[0].in_tests);
    }

    #[test]
    fn a_word_is_not_a_part_of_a_name() {
        assert!(has_word("unsafe {", "unsafe"));
        assert!(!has_word("unsafe_code", "unsafe"));
        assert!(!has_word("my_tokio::spawn", "tokio::spawn"));
    }
}
