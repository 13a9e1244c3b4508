//! A YAML text as a tree in which every node knows the bytes it is written in.
//!
//! Only places, spellings and anchors come from here; what the text means is for [`super::super::yaml`]. Aliases are kept
//! as aliases, because what they stand for is written elsewhere.
//!
//! The parser counts characters; bytes are looked up only for the few places that are asked for.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    /// First character, and the one after the last.
    pub(super) chars: (usize, usize),
    /// Line it begins on, from 1.
    pub(super) line: usize,
    /// Other places may refer to it.
    pub(super) anchored: bool,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar(String, ScalarStyle),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Alias,
}

impl Node {
    /// The value written at `key` in this very mapping, with its key; merged ones are written elsewhere.
    pub(super) fn own(&self, key: &str) -> Option<&(Node, Node)> {
        let Content::Map(entries) = &self.content else { return None };
        entries.iter().find(|(k, _)| matches!(&k.content, Content::Scalar(text, _) if text == key))
    }
}

/// A collection whose end has not been seen.
struct Open {
    span: Span,
    anchor: usize,
    is_map: bool,
    children: Vec<Node>,
}

impl Open {
    fn close(self, end: Span) -> Option<Node> {
        let content =
            if self.is_map { Content::Map(pairs(self.children)?) } else { Content::List(self.children) };
        let span = Span::new(self.span.start, end.end);
        Some(node(span, self.anchor, content))
    }
}

fn node(span: Span, anchor: usize, content: Content) -> Node {
    Node {
        chars: (span.start.index(), span.end.index()),
        line: span.start.line(),
        anchored: anchor > 0,
        content,
    }
}

fn pairs(children: Vec<Node>) -> Option<Vec<(Node, Node)>> {
    let mut children = children.into_iter();
    let mut pairs = Vec::new();
    while let Some(key) = children.next() {
        pairs.push((key, children.next()?));
    }
    Some(pairs)
}

/// The tree of the first document; `None` when this reader does not understand it.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        let (event, span) = parser.next_event()?.ok()?;
        let done = match event {
            Event::StreamEnd | Event::DocumentEnd => return None,
            Event::MappingStart(anchor, _) => {
                open.push(Open { span, anchor, is_map: true, children: Vec::new() });
                continue;
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { span, anchor, is_map: false, children: Vec::new() });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop()?.close(span)?,
            Event::Scalar(text, style, anchor, _) => {
                node(span, anchor, Content::Scalar(text.into_owned(), style))
            }
            Event::Alias(_) => node(span, 0, Content::Alias),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => return Some(done),
        }
    }
}
