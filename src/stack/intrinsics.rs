//! CloudFormation's functions, which a stack doesn't have, and what to write instead.

/// What to write instead of a CloudFormation function, named without `!` or `Fn::`; `None` where it is no such thing.
pub(super) fn instead_of(name: &str) -> Option<&'static str> {
    Some(match name.strip_prefix("Fn::").unwrap_or(name) {
        "Ref" => "write `${params.name}` for a parameter, `${Name.Output}` for a resource's output",
        "GetAtt" => "write `${Name.Output}`",
        "Sub" => "write `${…}` in the text itself, as in `arn:aws:s3:::${params.bucket}`",
        "Join" => "write `${join([…], \",\")}`, or `${…}` in the text itself",
        "Split" => "write `${split(text, \",\")}`",
        "Select" => "write `${list[0]}`",
        "GetAZs" => "write `${zones(2)}`",
        "Cidr" => "write `${cidr_subnet(\"10.0.0.0/16\", 8, 0)}`",
        "Base64" => "write `${base64(text)}`",
        "ImportValue" => "write `${stack(\"name\", \"environment\").output}`",
        "If" | "Equals" | "And" | "Or" | "Not" | "Condition" => {
            "write a CEL condition, as in `${params.environment == \"prod\" ? 2 : 1}`, or `when: ${…}` on the resource"
        }
        "FindInMap" => "put the map under `locals` and write `${local.map[key]}`",
        "Length" => "write `${size(list)}`",
        "ToJsonString" => "write `${json(value)}`",
        "ForEach" => "write `for_each` on the resource",
        "Transform" => "write a component",
        _ => return None,
    })
}

/// What to write instead of a map with the single key `key`, if that is a CloudFormation function.
pub(super) fn instead_of_key(key: &str) -> Option<&'static str> {
    if key == "Ref" || key.starts_with("Fn::") {
        instead_of(key).or(Some("write an expression, `${…}`"))
    } else {
        None
    }
}
