//! EDN as such: forms, with the place where each begins.
//!
//! Written here because what histories use of EDN is small, and because errors should say
//! where they are. Everything is read; what no history means (fractions, characters, symbols)
//! becomes [`Value::Other`]. Nesting is limited, so that no file can exhaust the stack.

use super::super::error::{Misplaced, Place, Wrong};
use super::super::value::Value;
use bytes::Bytes;

/// How deep forms may be nested.
const DEPTH_MAX: usize = 64;

/// The maps of a history, one after the other.
pub(in super::super) struct Forms<'a> {
    reader: Reader<'a>,
    /// What ends the vector or list that they are in, and where it began.
    within: Option<(char, Place)>,
    is_over: bool,
}

impl<'a> Forms<'a> {
    /// All in one vector or list, or one after the other.
    pub fn of_history(text: &'a str) -> Result<Self, Misplaced> {
        let mut reader = Reader::new(text, 1);
        reader.skip()?;
        let place = reader.place();
        let within = match reader.peek() {
            Some('[') => Some((']', place)),
            Some('(') => Some((')', place)),
            _ => None,
        };
        if within.is_some() {
            reader.bump();
        }
        Ok(Self { reader, within, is_over: false })
    }

    fn step(&mut self) -> Result<Option<(Place, Value)>, Misplaced> {
        self.reader.skip()?;
        let place = self.reader.place();
        match (self.reader.peek(), self.within) {
            (None, None) => Ok(None),
            (None, Some((close, began))) => {
                let found = format!("the end of the file inside of what began at line {}", began.line);
                Err(Wrong::new(found, format!("`{close}`: is the file cut off?")).at(place))
            }
            (Some(found), Some((close, _))) if found == close => {
                self.reader.bump();
                self.reader.skip()?;
                match self.reader.peek() {
                    None => Ok(None),
                    Some(more) => {
                        let found = format!("`{more}` behind the end of the history");
                        Err(Wrong::new(found, "nothing more").at(self.reader.place()))
                    }
                }
            }
            _ => self.reader.form().map(|form| Some((place, form))),
        }
    }
}

impl Iterator for Forms<'_> {
    type Item = Result<(Place, Value), Misplaced>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step();
        self.is_over = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

/// The forms of one line, up to its end.
pub(in super::super) fn line(text: &str, line: usize) -> Result<Vec<Value>, Misplaced> {
    let mut reader = Reader::new(text, line);
    let mut forms = Vec::new();
    loop {
        reader.skip()?;
        if reader.peek().is_none() {
            return Ok(forms);
        }
        forms.push(reader.form()?);
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    /// How many forms are open around the present one, discarded ones included.
    depth: usize,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str, line: usize) -> Self {
        Self { text, at: 0, line, line_start: 0, depth: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(next)
    }

    fn place(&self) -> Place {
        Place { line: self.line, column: 1 + self.text[self.line_start..self.at].chars().count() }
    }

    /// White space, commas, comments and discarded forms.
    fn skip(&mut self) -> Result<(), Misplaced> {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() || c == ',' => drop(self.bump()),
                Some(';') => while self.bump().is_some_and(|c| c != '\n') {},
                Some('#') if self.text[self.at..].starts_with("#_") => {
                    self.at += 2;
                    self.discard()?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// A form behind `#_`, and those behind as many more as follow at once.
    fn discard(&mut self) -> Result<(), Misplaced> {
        let mut forms = 1;
        loop {
            while self.peek().is_some_and(|c| c.is_whitespace() || c == ',') {
                self.bump();
            }
            if !self.text[self.at..].starts_with("#_") {
                break;
            }
            self.at += 2;
            forms += 1;
        }
        for _ in 0..forms {
            while self.peek().is_some_and(|c| c.is_whitespace() || c == ',') {
                self.bump();
            }
            self.form()?;
        }
        Ok(())
    }

    /// The form that begins here.
    fn form(&mut self) -> Result<Value, Misplaced> {
        if self.depth > DEPTH_MAX {
            return Err(Wrong::new("forms nested too deep", format!("at most {DEPTH_MAX} levels")).at(self.place()));
        }
        self.depth += 1;
        let form = self.form_inside();
        self.depth -= 1;
        form
    }

    fn form_inside(&mut self) -> Result<Value, Misplaced> {
        let place = self.place();
        match self.peek() {
            None => Err(Wrong::new("the end of the text", "a form: is the file cut off?").at(place)),
            Some('[') => self.until(']', "a vector").map(Value::List),
            Some('(') => self.until(')', "a list").map(Value::List),
            Some('{') => self.map(),
            Some('"') => self.string(),
            Some(':') => {
                self.bump();
                let name = self.token();
                if name.is_empty() {
                    return Err(Wrong::new("`:`", "a keyword").at(place));
                }
                Ok(Value::Keyword(name.to_owned()))
            }
            Some('#') => self.dispatch(),
            Some('\\') => {
                let start = self.at;
                self.bump();
                self.bump();
                self.token();
                Ok(Value::Other(self.text[start..self.at].to_owned()))
            }
            Some(_) => self.atom(),
        }
    }

    /// Forms up to a closing bracket.
    fn until(&mut self, close: char, what: &str) -> Result<Vec<Value>, Misplaced> {
        let began = self.place();
        self.bump();
        let mut forms = Vec::new();
        loop {
            self.skip()?;
            match self.peek() {
                None => {
                    let found = format!("the end of the file inside of {what}");
                    return Err(Wrong::new(found, format!("`{close}`: is the file cut off?")).at(began));
                }
                Some(c) if c == close => {
                    self.bump();
                    return Ok(forms);
                }
                Some(_) => forms.push(self.form()?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, Misplaced> {
        let place = self.place();
        let forms = self.until('}', "a map")?;
        if forms.len() % 2 != 0 {
            return Err(Wrong::new("a map with a key without a value", "keys and values in turn").at(place));
        }
        let mut forms = forms.into_iter();
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        while let (Some(key), Some(value)) = (forms.next(), forms.next()) {
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(Wrong::new(format!("{} twice in a map", key.describe()), "each key once").at(place));
            }
            pairs.push((key, value));
        }
        Ok(Value::Map(pairs))
    }

    /// Sets, and forms with a tag, which says nothing that a history needs.
    fn dispatch(&mut self) -> Result<Value, Misplaced> {
        let place = self.place();
        self.bump();
        if self.peek() == Some('{') {
            return self.until('}', "a set").map(Value::List);
        }
        if self.token().is_empty() {
            return Err(Wrong::new("`#`", "a set or a tagged form").at(place));
        }
        self.skip()?;
        self.form()
    }

    fn string(&mut self) -> Result<Value, Misplaced> {
        let began = self.place();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(Wrong::new("the end of the file inside of a string", "`\"`: is the file cut off?").at(began)),
                Some('"') => return Ok(Value::Text(Bytes::from(text))),
                Some('\\') => text.push(self.escaped()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Misplaced> {
        let place = self.place();
        let wrong = |found: String| Wrong::new(found, "\\n, \\t, \\r, \\b, \\f, \\\\, \\\" or \\u and four hex digits").at(place);
        match self.bump() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some(c @ ('\\' | '"')) => Ok(c),
            Some('u') => {
                let digits: String = (0..4).map_while(|_| self.bump()).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                code.and_then(char::from_u32).ok_or_else(|| wrong(format!("\\u{digits}")))
            }
            other => Err(wrong(other.map_or_else(|| "the end of the text".to_owned(), |c| format!("\\{c}")))),
        }
    }

    /// A number or a symbol.
    fn atom(&mut self) -> Result<Value, Misplaced> {
        let place = self.place();
        let token = self.token();
        let number = token.strip_suffix('N').unwrap_or(token);
        match token {
            "" => {
                let found = self.peek().map_or_else(|| "nothing".to_owned(), |c| format!("`{c}`"));
                Err(Wrong::new(found, "a form").at(place))
            }
            "nil" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Ok(number.parse().map_or_else(|_| Value::Other(token.to_owned()), Value::Int)),
        }
    }

    /// Characters up to one that ends a token.
    fn token(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '(' | ')' | '[' | ']' | '{' | '}');
        let token = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += token.len();
        token
    }
}
