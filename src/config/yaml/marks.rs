//! Where the nodes of a YAML text stand. Only places and spellings come from here, never meaning.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser};

/// The place of one node; the shape mirrors the document, keys and values of a mapping alternate.
#[derive(Debug)]
pub(super) struct Mark {
    /// Line, from 1.
    pub(super) line: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar(String),
    Children(Vec<Rc<Mark>>),
}

impl Mark {
    /// The scalar as it was written, without quotes.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            Content::Children(_) => None,
        }
    }

    /// The children, if there are exactly as many as the caller has values; otherwise the two readers disagree.
    pub(super) fn children(&self, expected: usize) -> &[Rc<Mark>] {
        match &self.content {
            Content::Children(list) if list.len() == expected => list,
            Content::Children(_) | Content::Scalar(_) => &[],
        }
    }
}

/// A collection whose end has not been seen.
struct Open {
    line: usize,
    anchor: usize,
    children: Vec<Rc<Mark>>,
}

/// The marks of the first document; `None` when this reader does not understand it.
///
/// Iterative, and aliases share their node, so depth and size are those of the text.
pub(super) fn read(text: &str) -> Option<Rc<Mark>> {
    let mut parser = Parser::new_from_str(text);
    let mut anchors: HashMap<usize, Rc<Mark>> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    loop {
        let (event, span) = parser.next_event()?.ok()?;
        let line = span.start.line();
        let (anchor, mark) = match event {
            Event::StreamEnd | Event::DocumentEnd => return None,
            Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) => {
                open.push(Open { line, anchor, children: Vec::new() });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let done = open.pop()?;
                (done.anchor, Rc::new(Mark { line: done.line, content: Content::Children(done.children) }))
            }
            Event::Scalar(text, _, anchor, _) => {
                (anchor, Rc::new(Mark { line, content: Content::Scalar(text.into_owned()) }))
            }
            Event::Alias(anchor) => (0, Rc::clone(anchors.get(&anchor)?)),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
        };
        if anchor > 0 {
            anchors.insert(anchor, Rc::clone(&mark));
        }
        match open.last_mut() {
            Some(parent) => parent.children.push(mark),
            None => return Some(mark),
        }
    }
}
