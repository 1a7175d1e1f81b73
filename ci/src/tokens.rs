//! Rust sources as a flat list of tokens with their lines.
//!
//! Rules look for tokens and not for text, because a word in a comment or in a string breaks nothing, and because
//! `todo ! ()` on two lines is still `todo!()`. Not here: syntax; no rule needs more than neighbours and brackets.
//! Read next: `rules::determinism` for how patterns are used.

use std::str::FromStr;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// What a token is, as far as rules care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word, keywords included.
    Word,
    /// A literal: string, character or number.
    Literal,
    /// One character of punctuation, or a bracket.
    Mark,
}

/// A token and the line on which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// As written.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

impl Token {
    /// The content of a plain or raw string literal, escapes left as they are.
    #[must_use]
    pub fn string(&self) -> Option<&str> {
        if self.kind != Kind::Literal {
            return None;
        }
        let text = self.text.trim_start_matches('r').trim_matches('#');
        text.strip_prefix('"')?.strip_suffix('"')
    }

    /// Whether this is a literal with a fraction, an exponent or the type of a float.
    #[must_use]
    pub fn is_float(&self) -> bool {
        if self.kind != Kind::Literal || !self.text.starts_with(|first: char| first.is_ascii_digit()) {
            return false;
        }
        let hex = self.text.starts_with("0x");
        !hex && (self.text.contains(['.', 'e']) && !self.text.ends_with("size") || self.text.contains('f'))
    }
}

/// The tokens of a source, comments left out. Doc comments become `#[doc = ".."]` as they do for the compiler.
///
/// # Errors
///
/// The line at which the source is no Rust.
///
/// # Example: a word in a comment is no token
///
/// ```
/// let tokens = squall_ci::tokens::tokens("// dbg!\nlet x = 1;").unwrap();
/// assert_eq!((tokens[0].text.as_str(), tokens[0].line), ("let", 2));
/// ```
pub fn tokens(source: &str) -> Result<Vec<Token>, usize> {
    let stream = TokenStream::from_str(source).map_err(|error: LexError| error.span().start().line)?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                let end = group.span_close().start().line;
                push(out, Kind::Mark, open, line);
                flatten(group.stream(), out);
                push(out, Kind::Mark, close, end);
            }
            TokenTree::Ident(word) => push(out, Kind::Word, &word.to_string(), line),
            TokenTree::Punct(mark) => push(out, Kind::Mark, &mark.as_char().to_string(), line),
            TokenTree::Literal(literal) => push(out, Kind::Literal, &literal.to_string(), line),
        }
    }
}

fn push(out: &mut Vec<Token>, kind: Kind, text: &str, line: usize) {
    if !text.is_empty() {
        out.push(Token { kind, text: text.to_owned(), line });
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Where a pattern such as `std :: fs` starts. Words of the pattern stand apart; `|` separates alternatives.
///
/// # Example: spacing does not matter
///
/// ```
/// use squall_ci::tokens::{find, tokens};
///
/// let source = tokens("fn f() { todo\n! () }").unwrap();
/// assert_eq!(find(&source, "todo !"), [5]);
/// ```
#[must_use]
pub fn find(tokens: &[Token], pattern: &str) -> Vec<usize> {
    let pattern: Vec<Vec<&str>> = pattern.split(' ').map(|alternatives| alternatives.split('|').collect()).collect();
    let fits = |window: &[Token]| window.iter().zip(&pattern).all(|(token, any)| any.contains(&token.text.as_str()));
    let starts = tokens.windows(pattern.len()).enumerate().filter(|(_, window)| fits(window));
    starts.map(|(start, _)| start).collect()
}

/// The index of the bracket that closes the one at `open`, or the last token.
#[must_use]
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match (token.kind, token.text.as_str()) {
            (Kind::Mark, "(" | "[" | "{") => depth += 1,
            (Kind::Mark, ")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}
