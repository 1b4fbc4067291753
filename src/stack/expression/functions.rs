//! The functions of expressions: CEL's standard ones and ours, one table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;

use super::evaluate::article;
use super::{Evaluator, Operand, Problem};
use crate::cloud::Lookup;
use crate::stack::suggest;
use crate::value::Value;

/// The longest list that `range` makes.
const MAX_RANGE: i64 = 1_000_000;

/// A function, callable as `name(a, b)` and as `a.name(b)`.
pub(in crate::stack) struct Function {
    /// Its name.
    pub(in crate::stack) name: &'static str,
    /// How it is called.
    pub(in crate::stack) signature: &'static str,
    /// What it gives.
    pub(in crate::stack) about: &'static str,
    /// How many arguments it takes, at least and at most.
    arguments: (usize, usize),
    /// Whether it needs its arguments known through and through, or only their outermost level.
    deep: bool,
    run: fn(&Call<'_>, &[Value]) -> Result<Value, Problem>,
}

/// What a function may ask of the place it is called from.
struct Call<'a> {
    lookup: &'a dyn Fn(Lookup) -> Result<Value, Problem>,
    file: &'a dyn Fn(&str) -> Result<String, Problem>,
    variable: &'a dyn Fn(&str) -> Option<String>,
    spend: &'a dyn Fn(usize) -> Result<(), Problem>,
}

macro_rules! functions {
    ($($name:literal, $min:literal..=$max:literal, $depth:ident, $run:path, $signature:literal, $about:literal;)*) => {
        /// All functions, sorted by name.
        pub(in crate::stack) const FUNCTIONS: &[Function] = &[$(Function {
            name: $name,
            signature: $signature,
            about: $about,
            arguments: ($min, $max),
            deep: $depth,
            run: $run,
        }),*];
    };
}

const DEEP: bool = true;
const SHALLOW: bool = false;

functions! {
    "base64", 1..=1, DEEP, base64, "base64(text)", "the text in base64";
    "bool", 1..=1, DEEP, to_bool, "bool(value)", "a boolean of `\"true\"` or `\"false\"`";
    "cidr_subnet", 3..=3, DEEP, cidr_subnet, "cidr_subnet(cidr, newbits, index)", "the `index`-th subnet of `cidr` whose prefix is `newbits` longer";
    "contains", 2..=2, DEEP, contains, "text.contains(part)", "whether `part` stands in `text`";
    "double", 1..=1, DEEP, to_double, "double(value)", "a number of an integer or of text";
    "endsWith", 2..=2, DEEP, ends_with, "text.endsWith(part)", "whether `text` ends with `part`";
    "env", 1..=2, DEEP, env, "env(name, otherwise)", "an environment variable; `otherwise` where it is not set, an error where that is not given";
    "file", 1..=1, DEEP, file, "file(path)", "the text of a file, its path relative to the file that says so and below that file's folder";
    "int", 1..=1, DEEP, to_int, "int(value)", "an integer of a number, cut, or of text";
    "join", 1..=2, DEEP, join, "join(list, separator)", "the elements as one text";
    "json", 1..=1, DEEP, json, "json(value)", "the value as compact JSON text, its keys sorted";
    "keys", 1..=1, SHALLOW, keys, "keys(map)", "the keys in order; of a `for_each`, in its order";
    "lower", 1..=1, DEEP, lower, "lower(text)", "the text in lower case";
    "lowerAscii", 1..=1, DEEP, lower, "text.lowerAscii()", "the same as `lower`";
    "matches", 2..=2, DEEP, matches, "text.matches(pattern)", "whether the regular expression matches somewhere in `text`";
    "merge", 1..=8, SHALLOW, merge, "merge(map, …)", "one map of all; of a key that several have, the last counts";
    "range", 1..=2, DEEP, range, "range(n)", "the integers from 0 up to `n`, without it; `range(a, b)` from `a`";
    "replace", 3..=3, DEEP, replace, "replace(text, from, to)", "the text with each `from` replaced";
    "size", 1..=1, SHALLOW, size, "size(value)", "how many characters, elements or keys it has";
    "split", 2..=2, DEEP, split, "split(text, separator)", "the parts of the text as a list";
    "ssm", 1..=1, DEEP, ssm, "ssm(name)", "the value of an SSM parameter (a lookup)";
    "stack", 1..=2, DEEP, stack, "stack(name, environment)", "the outputs of another stack as a map (a lookup); the environment is `default` where not given";
    "startsWith", 2..=2, DEEP, starts_with, "text.startsWith(part)", "whether `text` begins with `part`";
    "string", 1..=1, DEEP, string, "string(value)", "the text of a string, number or boolean";
    "trim", 1..=1, DEEP, trim, "trim(text)", "the text without white space around it";
    "type", 1..=1, SHALLOW, kind, "type(value)", "the kind of a value as text: `string`, `integer`, `number`, `boolean`, `list`, `map`, `null`";
    "upper", 1..=1, DEEP, upper, "upper(text)", "the text in upper case";
    "upperAscii", 1..=1, DEEP, upper, "text.upperAscii()", "the same as `upper`";
    "values", 1..=1, SHALLOW, values, "values(map)", "the values in the order of `keys`; of a `for_each`, its resources";
    "zones", 0..=1, DEEP, zones, "zones(n)", "the names of the region's first `n` availability zones, or of all (a lookup)";
}

/// The function of that name.
pub(in crate::stack) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
}

/// Checks that a call names a function and gives it as many arguments as it takes.
pub(super) fn admit(name: &str, method: bool, arguments: usize) -> Result<(), Problem> {
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(());
    }
    let Some(function) = function(name) else {
        let names = FUNCTIONS.iter().map(|function| function.name).chain([
            "map",
            "filter",
            "all",
            "exists",
            "exists_one",
            "has",
        ]);
        if matches!(name, "map" | "filter" | "all" | "exists" | "exists_one" | "has") {
            return Err(Problem::new(format!("`{name}` is not called like this")).help(
                "as in `list.map(x, x + 1)`, `list.filter(x, x > 1)`, `list.exists(x, x == 1)`, `has(map.key)`",
            ));
        }
        let mut problem = Problem::new(format!("there is no function `{name}`"));
        problem.help = suggest::help(name, names, || None);
        return Err(problem);
    };
    let given = arguments + usize::from(method);
    let (min, max) = function.arguments;
    if (min..=max).contains(&given) {
        return Ok(());
    }
    let wanted = if min == max { min.to_string() } else { format!("{min} to {max}") };
    let problem = Problem::new(format!("`{name}` takes {wanted} arguments, not {given}"));
    Err(problem.help(format!("it is called as `{}`", function.signature)))
}

/// Calls a function that [`admit`] has let through.
pub(super) fn call<'s>(
    evaluator: &mut Evaluator<'_, 's>,
    name: &str,
    operands: Vec<Operand<'s>>,
) -> Result<Operand<'s>, Problem> {
    if let ("values" | "keys" | "size", [Operand::Object(object)]) = (name, operands.as_slice())
        && let Some(keys) = object.keys()
    {
        return Ok(match name {
            "size" => Value::Int(i64::try_from(keys.len()).unwrap_or(i64::MAX)).into(),
            "keys" => Value::List(keys.into_iter().map(Value::String).collect()).into(),
            _ => {
                let values: Result<Vec<Value>, Problem> =
                    keys.iter().map(|key| object.get(key)?.into_value()).collect();
                Value::List(values?).into()
            }
        });
    }
    let Some(function) = function(name) else { return Err(Problem::new(format!("there is no function `{name}`"))) };
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        let value = Cow::Owned(operand.into_value()?);
        let value = if function.deep { evaluator.open(value) } else { evaluator.open_shallow(value) };
        values.push(value.into_owned());
    }
    let unknown = |value: &Value| if function.deep { !value.is_known() } else { matches!(value, Value::Unknown) };
    if values.iter().any(unknown) {
        return Ok(Value::Unknown.into());
    }
    let scope = evaluator.scope();
    let call = Call {
        lookup: &|lookup| scope.lookup(lookup),
        file: &|path| scope.file(path),
        variable: &|name| scope.variable(name),
        spend: &|steps| scope.spend(steps),
    };
    (function.run)(&call, &values).map(Operand::from)
}

fn text(values: &[Value], at: usize) -> Result<&str, Problem> {
    match values.get(at) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(expected("a string", other)),
        None => Ok(""),
    }
}

fn integer(values: &[Value], at: usize) -> Result<i64, Problem> {
    match values.get(at) {
        Some(Value::Int(value)) => Ok(*value),
        Some(other) => Err(expected("an integer", other)),
        None => Ok(0),
    }
}

fn expected(wanted: &str, found: &Value) -> Problem {
    Problem::new(format!("this takes {wanted}, not {}", article(found.kind())))
}

fn base64(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(base64::engine::general_purpose::STANDARD.encode(text(values, 0)?).into())
}

fn to_bool(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    match &values[0] {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        Value::String(_) => Err(Problem::new("this text is neither `true` nor `false`")),
        other => Err(expected("a string", other)),
    }
}

fn to_int(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    match &values[0] {
        Value::Int(value) => Ok(Value::Int(*value)),
        Value::Float(value) if value.abs() < 9.2e18 => Ok(Value::Int(value.trunc() as i64)),
        Value::Float(_) => Err(Problem::new("the number is too large")),
        Value::String(text) => text.parse().map(Value::Int).map_err(|_| Problem::new("this text is no integer")),
        other => Err(expected("a number or a string", other)),
    }
}

fn to_double(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    match &values[0] {
        Value::Int(value) => Ok(Value::Float(*value as f64)),
        Value::Float(value) => Ok(Value::Float(*value)),
        Value::String(text) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(Problem::new("this text is no number")),
        },
        other => Err(expected("a number or a string", other)),
    }
}

fn string(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    as_text(&values[0]).map(Value::String).ok_or_else(|| {
        Problem::new(format!("{} is no text", article(values[0].kind()))).help("`json(…)` makes text of any value")
    })
}

/// The text of a scalar, as it stands inside other text.
pub(in crate::stack) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn cidr_subnet(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let cidr = text(values, 0)?;
    let network: ipnet::IpNet = cidr.parse().map_err(|_| Problem::new(format!("`{cidr}` is no CIDR block")))?;
    let too_long =
        || Problem::new(format!("a prefix of {} can't grow by {} bits", network.prefix_len(), values[1].reveal()));
    let bits = u8::try_from(integer(values, 1)?).map_err(|_| too_long())?;
    let prefix = network.prefix_len().checked_add(bits).filter(|prefix| *prefix <= network.max_prefix_len());
    let prefix = prefix.ok_or_else(too_long)?;
    let index = integer(values, 2)?;
    let outside = || Problem::new(format!("`{cidr}` has no subnet {index} of {bits} more bits"));
    let index = u128::try_from(index).map_err(|_| outside())?;
    if bits < 128 && index >> bits != 0 {
        return Err(outside());
    }
    let shift = u32::from(network.max_prefix_len() - prefix);
    let offset = index.checked_shl(shift).filter(|_| shift < 128).unwrap_or(0);
    let address: std::net::IpAddr = match network.network() {
        std::net::IpAddr::V4(base) => {
            let offset = u32::try_from(offset).map_err(|_| outside())?;
            std::net::Ipv4Addr::from(u32::from(base) | offset).into()
        }
        std::net::IpAddr::V6(base) => std::net::Ipv6Addr::from(u128::from(base) | offset).into(),
    };
    Ok(format!("{address}/{prefix}").into())
}

fn contains(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.contains(text(values, 1)?).into())
}

fn starts_with(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.starts_with(text(values, 1)?).into())
}

fn ends_with(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.ends_with(text(values, 1)?).into())
}

fn matches(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let pattern = text(values, 1)?;
    let regex = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
    let regex = regex.map_err(|_| Problem::new(format!("`{pattern}` is no regular expression")))?;
    Ok(regex.is_match(text(values, 0)?).into())
}

fn env(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let name = text(values, 0)?;
    match ((call.variable)(name), values.get(1)) {
        (Some(value), _) => Ok(value.into()),
        (None, Some(otherwise)) => Ok(otherwise.clone()),
        (None, None) => Err(Problem::new(format!("the environment variable `{name}` is not set"))
            .help(format!("set it, or say what holds without it: `env(\"{name}\", \"…\")`"))),
    }
}

fn file(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    (call.file)(text(values, 0)?).map(Value::String)
}

fn join(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let Value::List(list) = &values[0] else { return Err(expected("a list", &values[0])) };
    let separator = text(values, 1)?;
    let parts: Option<Vec<String>> = list.iter().map(as_text).collect();
    match parts {
        Some(parts) => Ok(parts.join(separator).into()),
        None => Err(Problem::new("only strings, numbers and booleans can be joined")),
    }
}

fn json(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(values[0].reveal().to_string().into())
}

fn keys(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    match &values[0] {
        Value::Map(map) => Ok(map.keys().cloned().map(Value::String).collect()),
        other => Err(expected("a map", other)),
    }
}

fn values(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    match &values[0] {
        Value::Map(map) => Ok(map.values().cloned().collect()),
        other => Err(expected("a map or a `for_each`", other)),
    }
}

fn size(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let size = match &values[0] {
        Value::String(text) => text.chars().count(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => return Err(expected("a string, a list or a map", other)),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn kind(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(values[0].kind().into())
}

fn lower(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.to_ascii_lowercase().into())
}

fn upper(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.to_ascii_uppercase().into())
}

fn trim(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    Ok(text(values, 0)?.trim().into())
}

fn merge(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let mut merged = BTreeMap::new();
    for value in values {
        let Value::Map(map) = value else { return Err(expected("maps", value)) };
        merged.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(Value::Map(merged))
}

fn range(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let (from, to) = match values {
        [_] => (0, integer(values, 0)?),
        _ => (integer(values, 0)?, integer(values, 1)?),
    };
    let length = to.saturating_sub(from).max(0);
    if length > MAX_RANGE {
        return Err(Problem::new(format!("`range` makes at most {MAX_RANGE} elements, not {length}")));
    }
    (call.spend)(usize::try_from(length).unwrap_or(0))?;
    Ok((from..from + length).map(Value::Int).collect())
}

fn replace(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let (whole, from, to) = (text(values, 0)?, text(values, 1)?, text(values, 2)?);
    Ok(if from.is_empty() { whole.into() } else { whole.replace(from, to).into() })
}

fn split(_: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let (whole, separator) = (text(values, 0)?, text(values, 1)?);
    if separator.is_empty() {
        return Ok(whole.chars().map(|c| Value::String(c.to_string())).collect());
    }
    Ok(whole.split(separator).map(Value::from).collect())
}

fn ssm(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    (call.lookup)(Lookup::SsmParameter(text(values, 0)?.to_owned()))
}

fn stack(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let environment = if values.len() > 1 { text(values, 1)? } else { "default" };
    (call.lookup)(Lookup::Stack { stack: text(values, 0)?.to_owned(), environment: environment.to_owned() })
}

fn zones(call: &Call<'_>, values: &[Value]) -> Result<Value, Problem> {
    let count = match values {
        [] => None,
        _ => Some(integer(values, 0)?),
    };
    let Value::List(mut zones) = (call.lookup)(Lookup::Zones)? else { return Ok(Value::Unknown) };
    if let Some(count) = count {
        let count = usize::try_from(count).ok().filter(|count| *count <= zones.len());
        let Some(count) = count else {
            return Err(Problem::new(format!("the region has {} availability zones", zones.len())));
        };
        zones.truncate(count);
    }
    Ok(Value::List(zones))
}
