//! YAML as an editor reads it: plain JSON values, and the lines that each stands on.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value as Json};

/// A YAML file as JSON.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) json: Json,
    /// The lines on which each value, by its JSON pointer, and its key begin.
    pub(crate) lines: BTreeMap<String, BTreeSet<usize>>,
}

/// Reads one YAML document; fails where an editor marks the YAML itself.
pub(crate) fn read(text: &str) -> Result<Read, String> {
    let mut reader = Reader { open: Vec::new(), anchors: BTreeMap::new(), lines: BTreeMap::new(), root: None };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, None) => {
                let json = if style == ScalarStyle::Plain { plain(&text) } else { Json::String(text.into_owned()) };
                reader.value(json, line, anchor)?;
            }
            Event::SequenceStart(anchor, None) => reader.begin(Json::Array(Vec::new()), line, anchor),
            Event::MappingStart(anchor, None) => reader.begin(Json::Object(Map::new()), line, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = reader.open.pop().ok_or("an end without its beginning")?;
                reader.value(open.json, open.line, open.anchor)?;
            }
            Event::Alias(id) => {
                let json = reader.anchors.get(&id).cloned().ok_or("an alias of nothing")?;
                reader.value(json, line, 0)?;
            }
            Event::DocumentStart(_) => documents += 1,
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => return Err("a tag".to_owned()),
            _ => {}
        }
    }
    match (documents, reader.root) {
        (2.., _) => Err("several documents".to_owned()),
        (_, root) => Ok(Read { json: root.unwrap_or_default(), lines: reader.lines }),
    }
}

struct Open {
    json: Json,
    line: usize,
    anchor: usize,
    /// The key whose value comes next, and its line.
    key: Option<(String, usize)>,
    pointer: String,
}

struct Reader {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Json>,
    lines: BTreeMap<String, BTreeSet<usize>>,
    root: Option<Json>,
}

impl Reader {
    fn begin(&mut self, json: Json, line: usize, anchor: usize) {
        let pointer = self.pointer();
        self.open.push(Open { json, line, anchor, key: None, pointer });
    }

    /// Where the next value stands.
    fn pointer(&self) -> String {
        let Some(open) = self.open.last() else { return String::new() };
        let name = match (&open.json, &open.key) {
            (Json::Array(items), _) => items.len().to_string(),
            (_, Some((key, _))) => key.replace('~', "~0").replace('/', "~1"),
            _ => String::new(),
        };
        format!("{}/{name}", open.pointer)
    }

    fn value(&mut self, json: Json, line: usize, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, json.clone());
        }
        let pointer = self.pointer();
        let Some(open) = self.open.last_mut() else {
            self.root = Some(json);
            return Ok(());
        };
        match (&mut open.json, open.key.take()) {
            (Json::Object(map), None) => {
                let key = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
                if json.is_object() || json.is_array() || map.contains_key(&key) {
                    return Err(format!("the key {key}"));
                }
                open.key = Some((key, line));
                return Ok(());
            }
            (Json::Object(map), Some((key, key_line))) => {
                map.insert(key, json);
                self.lines.entry(pointer).or_default().extend([line, key_line]);
            }
            (Json::Array(items), _) => {
                items.push(json);
                self.lines.entry(pointer).or_default().insert(line);
            }
            _ => return Err("a value out of place".to_owned()),
        }
        Ok(())
    }
}

/// A plain scalar, typed by YAML 1.2's core schema.
fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" | "True" | "TRUE" => Json::Bool(true),
        "false" | "False" | "FALSE" => Json::Bool(false),
        _ => {
            let number = text.parse::<i64>().map(Json::from).or_else(|_| match text.parse::<f64>() {
                Ok(float) if text.starts_with(['-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => {
                    Ok(Json::from(float))
                }
                _ => Err(()),
            });
            number.unwrap_or_else(|()| Json::String(text.to_owned()))
        }
    }
}
