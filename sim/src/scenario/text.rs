//! Where things stand in a RON text: tokens with offsets, and the way from a field's path to its line and column.
//!
//! ron knows positions only while it parses. Errors of meaning are found later, in values, so this scanner finds the
//! place again. It accepts any text and never fails: what it cannot find, it places at the nearest parent that it can.
//! Not here: what is wrong, see [`super::error`] and [`super::validate`].

use super::path::{Path, Step};

/// What a token is, as far as an error message cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name: field, variant, `true`.
    Name,
    /// A number.
    Number,
    /// A string or character.
    Text,
    /// One character of punctuation.
    Punct(char),
}

/// A piece of text that is neither white space nor comment, by its byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A RON text, cut into tokens.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

/// A place for people: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl<'a> Text<'a> {
    /// Cuts a text into tokens.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < text.len() {
            match token_at(text, at) {
                Ok(token) => {
                    at = token.end;
                    tokens.push(token);
                }
                Err(next) => at = next,
            }
        }
        Self { text, tokens }
    }

    /// Line and column of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = &self.text[..floor(self.text, offset)];
        let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
        let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
        Place { line, column }
    }

    /// The byte offset of a line and column; the text's end if there is no such place.
    pub(crate) fn offset(&self, place: Place) -> usize {
        let mut start = 0;
        for _ in 1..place.line {
            match self.text[start..].find('\n') {
                Some(end) => start += end + 1,
                None => return self.text.len(),
            }
        }
        let column = place.column.saturating_sub(1);
        self.text[start..].char_indices().nth(column).map_or(self.text.len(), |(offset, _)| start + offset)
    }

    /// The token that holds this offset, or else the next one; none at the end.
    pub(crate) fn token(&self, offset: usize) -> Option<Token> {
        self.tokens.iter().copied().find(|token| token.end > offset)
    }

    /// The last token that ends at or before this offset.
    pub(crate) fn token_before(&self, offset: usize) -> Option<Token> {
        self.tokens.iter().copied().rev().find(|token| token.end <= offset)
    }

    /// What a token says, shortened.
    pub(crate) fn show(&self, token: Token) -> String {
        const SHOWN: usize = 40;
        let text = &self.text[token.start..token.end];
        if text.chars().count() <= SHOWN {
            return text.escape_debug_but_quotes();
        }
        let head: String = text.chars().take(SHOWN).collect();
        format!("{}...", head.escape_debug_but_quotes())
    }

    /// The offset of the end of the last token: where a text ends that stops too early.
    pub(crate) fn end(&self) -> usize {
        self.tokens.last().map_or(0, |token| token.end)
    }

    /// Whether it holds nothing but white space and comments.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The offset of the value at a path, or of its nearest parent that is written down.
    pub(crate) fn locate(&self, path: &Path) -> usize {
        let mut at = self.skip_attributes();
        for step in path.steps() {
            match self.child(at, step) {
                Some(child) => at = child,
                None => break,
            }
        }
        self.tokens.get(at).map_or(0, |token| token.start)
    }

    fn punct(&self, at: usize) -> Option<char> {
        match self.tokens.get(at)?.kind {
            Kind::Punct(c) => Some(c),
            _ => None,
        }
    }

    /// `#![enable(..)]` may stand in front of the value.
    fn skip_attributes(&self) -> usize {
        let mut at = 0;
        while self.punct(at) == Some('#') && self.punct(at + 1) == Some('!') {
            at = self.skip_value(at + 2);
        }
        at
    }

    /// The first token of a part of the value that starts at a token.
    fn child(&self, at: usize, step: &Step) -> Option<usize> {
        let open = if self.tokens.get(at)?.kind == Kind::Name { at + 1 } else { at };
        if !matches!(self.punct(open)?, '(' | '[' | '{') {
            return None;
        }
        let mut entry = open + 1;
        let mut n = 0;
        while entry < self.tokens.len() && !matches!(self.punct(entry), Some(')' | ']' | '}')) {
            let named = self.punct(entry + 1) == Some(':');
            let matches = match step {
                Step::Field(name) => named && self.name(entry) == *name,
                Step::Item(item) => n == *item,
            };
            if matches {
                return Some(if named { entry + 2 } else { entry });
            }
            entry = self.skip_entry(entry);
            n += 1;
        }
        None
    }

    fn name(&self, at: usize) -> &str {
        let token = self.tokens[at];
        let text = &self.text[token.start..token.end];
        text.strip_prefix("r#").unwrap_or(text)
    }

    /// The token behind the comma that ends this entry, or the bracket that ends the list.
    fn skip_entry(&self, mut at: usize) -> usize {
        while at < self.tokens.len() {
            match self.punct(at) {
                Some(',') => return at + 1,
                Some(')' | ']' | '}') => return at,
                _ => at = self.skip_value(at),
            }
        }
        at
    }

    /// The token behind this one, or behind the bracket that closes it.
    fn skip_value(&self, mut at: usize) -> usize {
        let mut depth = 0_usize;
        while at < self.tokens.len() {
            match self.punct(at) {
                Some('(' | '[' | '{') => depth += 1,
                Some(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        at
    }
}

/// Shows control characters by their escapes, and leaves quotes as they are.
trait Readable {
    fn escape_debug_but_quotes(&self) -> String;
}

impl Readable for str {
    fn escape_debug_but_quotes(&self) -> String {
        self.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
    }
}

/// The largest offset up to this one that does not cut a character in two.
fn floor(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The token that starts here, or where to look next.
fn token_at(text: &str, start: usize) -> Result<Token, usize> {
    let rest = &text[start..];
    let Some(first) = rest.chars().next() else { return Err(text.len()) };
    if first.is_whitespace() {
        return Err(start + first.len_utf8());
    }
    if rest.starts_with("//") {
        return Err(start + rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Err(start + block_comment(rest));
    }
    let (kind, length) = match first {
        '"' => (Kind::Text, string(rest)),
        '\'' => (Kind::Text, character(rest)),
        'r' | 'b' if literal(rest).is_some() => (Kind::Text, literal(rest).unwrap_or(1)),
        'r' if rest.starts_with("r#") => (Kind::Name, 2 + word(&rest[2..])),
        c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => (Kind::Number, number(rest)),
        c if is_word(c) => (Kind::Name, word(rest)),
        c => (Kind::Punct(c), c.len_utf8()),
    };
    Ok(Token { kind, start, end: start + length })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn number(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text[sign..].find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
    (sign + digits.unwrap_or(text.len() - sign)).max(1)
}

/// Comments may hold comments.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of a quoted string with escapes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn character(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r"..."`, `r#"..."#`, `b"..."`, `br"..."`, `b'.'`; none if it is a name.
fn literal(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'b' | 'r')).filter(|length| *length <= 2)?;
    let rest = &text[prefix..];
    if text[..prefix].contains('r') {
        let hashes = rest.find(|c| c != '#').unwrap_or(rest.len());
        let body = rest[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&close).map_or(body.len(), |end| end + close.len());
        return Some(prefix + hashes + 1 + length);
    }
    match rest.chars().next()? {
        '"' => Some(prefix + string(rest)),
        '\'' => Some(prefix + character(rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STORY: &str = r##"
// A comment with "quotes", (brackets] and a comma,
#![enable(implicit_some)]
Scenario( /* one: /* nested */ 1, */
    nodes: 5,
    text: "a \" string, with (brackets",
    raw: r#"raw " string, ]"#,
    faults: [
        (when: At("1s"), what: Kill(Node(1))),
        (when: On(event: Append, nth: 3), what: Cut(OneWay(from: Leader, to: Others))),
    ],
)"##;

    fn at(path: &Path) -> (usize, String) {
        let text = Text::new(STORY);
        let offset = text.locate(path);
        (text.place(offset).line, text.show(text.token(offset).unwrap()))
    }

    #[test]
    fn finds_values_by_their_path() {
        let fault = Path::new().field("faults").item(1);
        for (path, line, token) in [
            (Path::new(), 4, "Scenario"),
            (Path::new().field("nodes"), 5, "5"),
            (Path::new().field("text"), 6, r#""a \" string, with (brackets""#),
            (Path::new().field("raw"), 7, r##"r#"raw " string, ]"#"##),
            (Path::new().field("faults"), 8, "["),
            (Path::new().field("faults").item(0).field("what").item(0).item(0), 9, "1"),
            (fault.clone(), 10, "("),
            (fault.field("when").field("nth"), 10, "3"),
            (fault.field("what").item(0).field("to"), 10, "Others"),
            (fault.field("until"), 10, "("),
            (Path::new().field("faults").item(7), 8, "["),
            (Path::new().field("missing").field("part"), 4, "Scenario"),
        ] {
            assert_eq!(at(&path), (line, token.to_owned()), "{path}");
        }
    }

    #[test]
    fn places_and_offsets_are_inverse() {
        let text = Text::new("ä\nöü\n\nx");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 2), (3, 2, 1), (5, 2, 2), (7, 2, 3), (8, 3, 1), (9, 4, 1), (10, 4, 2)] {
            let place = Place { line, column };
            assert_eq!(text.place(offset), place);
            assert_eq!(text.offset(place), offset);
        }
        assert_eq!(text.offset(Place { line: 99, column: 1 }), 10);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_tokens_in_order(text in r#"[a-z0-9"'#!/*(){}\[\],:.\\ \nä-]{0,60}"#) {
            let scanned = Text::new(&text);
            let mut end = 0;
            for token in &scanned.tokens {
                prop_assert!(end <= token.start && token.start < token.end);
                prop_assert!(text.is_char_boundary(token.start) && text.is_char_boundary(token.end));
                end = token.end;
            }
            let _ = scanned.locate(&Path::new().field("a").item(1).field("b"));
        }
    }
}
