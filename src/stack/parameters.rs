//! Values of parameters: whether one fits, and reading one from the command line.

use std::path::PathBuf;

use super::document::{Parameter, ParameterType};
use super::expression::{Compiler, Problem, Template, article};
use super::{suggest, yaml};
use crate::diagnostic::Source;
use crate::value::Value;

/// Why `value` is not of the type; `None` where it is, or is not known yet.
pub(super) fn type_problem(kind: ParameterType, value: &Value) -> Option<Problem> {
    let fits = match (kind, value) {
        (_, Value::Unknown) => true,
        (ParameterType::String, Value::String(_)) => true,
        (ParameterType::Integer, Value::Int(_)) => true,
        (ParameterType::Number, Value::Int(_) | Value::Float(_)) => true,
        (ParameterType::Boolean, Value::Bool(_)) => true,
        (ParameterType::List, Value::List(_)) => true,
        (ParameterType::Map, Value::Map(_)) => true,
        (kind, Value::Secret(inner)) => return type_problem(kind, inner),
        _ => false,
    };
    if fits {
        return None;
    }
    let problem = Problem::new(format!("this takes {}, not {}", article(kind.name()), article(value.kind())));
    Some(match (kind, value) {
        (ParameterType::String, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => problem.help("put it in quotes"),
        (ParameterType::Integer | ParameterType::Number | ParameterType::Boolean, Value::String(text))
            if super::typing::reads_as(text, kind.name()) =>
        {
            problem.help("take the quotes away")
        }
        _ => problem,
    })
}

/// Why no value of that kind fits a parameter.
pub(super) fn kind_problem(parameter: &Parameter, kind: &str) -> Option<Problem> {
    let wanted = parameter.kind.name();
    let fits = parameter.broken || wanted == kind || (wanted == "number" && kind == "integer");
    (!fits).then(|| Problem::new(format!("`{}` takes {}, not {}", parameter.name, article(wanted), article(kind))))
}

/// Checks a value against everything that a parameter declares.
pub(super) fn check(parameter: &Parameter, value: &Value) -> Result<(), Problem> {
    if parameter.broken {
        return Ok(());
    }
    let optional = parameter.default.as_ref().is_some_and(|default| default.value == Value::Null);
    if optional && *value == Value::Null {
        return Ok(());
    }
    if let Some(mut problem) = type_problem(parameter.kind, value) {
        problem.message =
            format!("`{}` takes {}, not {}", parameter.name, article(parameter.kind.name()), article(value.kind()));
        return Err(problem);
    }
    let value = value.revealed();
    if !value.is_known() {
        return Ok(());
    }
    let shown = if parameter.secret { "this value".to_owned() } else { value.reveal().to_string() };
    let name = &parameter.name;
    if let Some(allowed) = &parameter.allowed
        && !allowed.contains(&value)
    {
        let mut problem = Problem::new(format!("{shown} is not among the values that `{name}` takes"));
        let texts: Vec<String> = allowed.iter().map(|value| value.reveal().to_string()).collect();
        let names: Vec<String> = allowed.iter().filter_map(super::expression::as_text).collect();
        problem.help = suggest::help(value.as_str().unwrap_or_default(), names.iter().map(String::as_str), || {
            Some(format!("it takes {}", suggest::list(texts.iter().map(String::as_str))))
        });
        return Err(problem);
    }
    let number = match value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => None,
    };
    if let (Some(number), Some(minimum)) = (number, parameter.minimum)
        && number < minimum
    {
        return Err(Problem::new(format!("{shown} is less than {minimum}, the minimum of `{name}`")));
    }
    if let (Some(number), Some(maximum)) = (number, parameter.maximum)
        && number > maximum
    {
        return Err(Problem::new(format!("{shown} is more than {maximum}, the maximum of `{name}`")));
    }
    if let (Value::String(text), Some(pattern)) = (&value, &parameter.pattern)
        && !pattern.is_match(text)
    {
        let whole = pattern.as_str();
        let pattern = whole.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(whole);
        return Err(Problem::new(format!("{shown} does not match the pattern of `{name}`"))
            .help(format!("the pattern is `{pattern}`")));
    }
    Ok(())
}

/// The value that `text`, given on the command line, means for a parameter of its type.
pub(super) fn from_text(parameter: &Parameter, text: &str) -> Result<Value, Problem> {
    let wrong = || Problem::new(format!("`{}` takes {}", parameter.name, article(parameter.kind.name())));
    let text = text.trim_end_matches('\n');
    match parameter.kind {
        ParameterType::String => Ok(Value::String(text.to_owned())),
        ParameterType::Integer => text.trim().parse().map(Value::Int).map_err(|_| wrong()),
        ParameterType::Number => match (text.trim().parse::<i64>(), text.trim().parse::<f64>()) {
            (Ok(value), _) => Ok(Value::Int(value)),
            (_, Ok(value)) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(wrong()),
        },
        ParameterType::Boolean => match text.trim() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        ParameterType::List | ParameterType::Map => {
            let source = Source::new(PathBuf::from("--set"), text);
            let mut diagnostics = Vec::new();
            let node = yaml::parse(&source, &mut diagnostics).ok_or_else(wrong)?;
            let template = Template::new(node, &source, &mut Compiler::default(), &mut diagnostics);
            template.constant().filter(|_| diagnostics.is_empty()).ok_or_else(wrong)
        }
    }
}
