//! A small XML tree: EC2 and query answers read, changed and written again.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// How deep an answer may nest; no AWS answer comes near.
const DEEPEST: usize = 64;

/// Why a text is not the XML of an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    #[error(transparent)]
    Syntax(#[from] quick_xml::Error),
    #[error("not UTF-8")]
    Encoding,
    #[error("no root element, or one that does not end")]
    Root,
    #[error("nested too deep")]
    Depth,
}

/// An element: a name, and either text or children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// The namespace, where the element declares one.
    namespace: Option<String>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Makes an element that holds `children`.
    pub(crate) fn new(name: &str, children: Vec<Element>) -> Self {
        Self { name: name.into(), children, ..Self::default() }
    }

    /// Makes an element that holds `text`.
    pub(crate) fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    /// Reads a document.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        loop {
            match reader.read_event()? {
                Event::Start(start) => {
                    if open.len() == DEEPEST {
                        return Err(XmlError::Depth);
                    }
                    open.push(opened(&start));
                }
                Event::Empty(start) => {
                    let element = opened(&start);
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::End(_) => {
                    let mut element = open.pop().ok_or(XmlError::Root)?;
                    if !element.children.is_empty() {
                        element.text.clear();
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text.xml10_content());
                    }
                }
                Event::CData(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => {
                    if let Some(element) = open.last_mut() {
                        match reference.resolve_char_ref()? {
                            Some(character) => element.text.push(character),
                            None => element.text.push_str(resolve_predefined_entity(&reference).unwrap_or_default()),
                        }
                    }
                }
                Event::Eof => return Err(XmlError::Root),
                _ => {}
            }
        }
    }

    /// Writes the document.
    pub(crate) fn document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        text.push('<');
        text.push_str(&self.name);
        if let Some(namespace) = &self.namespace {
            text.push_str(" xmlns=\"");
            text.push_str(&escape(namespace.as_str()));
            text.push('"');
        }
        text.push('>');
        text.push_str(&escape(self.text.as_str()));
        for child in &self.children {
            child.write(text);
        }
        text.push_str("</");
        text.push_str(&self.name);
        text.push('>');
    }

    /// Finds what stands at `path`, whose steps are parted by `/`; the first of several.
    pub(crate) fn at(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |element, step| element.children.iter().find(|child| child.name == step))
    }

    /// Like [`at`](Self::at), to change it.
    pub(crate) fn at_mut(&mut self, path: &str) -> Option<&mut Element> {
        path.split('/').try_fold(self, |element, step| element.children.iter_mut().find(|child| child.name == step))
    }

    /// Returns the text at `path`, empty when there is none.
    pub(crate) fn text_at(&self, path: &str) -> &str {
        self.at(path).map_or("", |element| element.text.as_str())
    }

    /// Returns every text at `path`, going into all children of a step's name: `groupSet/item/groupId`.
    pub(crate) fn texts_at(&self, path: &str) -> Vec<&str> {
        let mut found = vec![self];
        for step in path.split('/') {
            found =
                found.iter().flat_map(|element| element.children.iter().filter(|child| child.name == step)).collect();
        }
        found.into_iter().map(|element| element.text.as_str()).collect()
    }

    /// Returns the members of the list at `path`.
    pub(crate) fn list(&self, path: &str) -> &[Element] {
        self.at(path).map_or(&[], |element| element.children.as_slice())
    }

    /// Puts `child` in the place of the child of its name, or at the end.
    pub(crate) fn set(&mut self, child: Element) {
        match self.children.iter_mut().find(|there| there.name == child.name) {
            Some(there) => *there = child,
            None => self.children.push(child),
        }
    }
}

fn opened(start: &BytesStart<'_>) -> Element {
    let namespace = start.try_get_attribute("xmlns").ok().flatten();
    let namespace = namespace.map(|attribute| attribute.value.into_owned());
    Element { name: start.name().as_ref().to_owned(), namespace, ..Element::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        let text = "<?xml version=\"1.0\"?>\n<A xmlns=\"http://x/\">\n  <set>\n <item><id>1 &lt; 2 &#38; 3</id></item>\
                    <item><id>b</id></item><none/></set></A>";
        let read = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(read.texts_at("set/item/id"), ["1 < 2 & 3", "b"]);
        assert_eq!(Element::parse(read.document().as_bytes()).unwrap(), read);
        assert!(read.document().contains("<A xmlns=\"http://x/\"><set><item><id>1 &lt; 2 &amp; 3</id>"));
    }

    #[test]
    fn broken_documents_are_errors() {
        let deep = "<a>".repeat(1000);
        for text in ["", "<a>", "<a></b>", "text", &deep] {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text:.20}");
        }
    }
}
