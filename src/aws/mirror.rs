//! Parts of properties that say the same as a type of the SDK, declared once for both directions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use aws_smithy_types::error::operation::BuildError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What has a counterpart in the SDK.
pub trait Mirror: Sized {
    /// The SDK's type.
    type Sdk;

    /// As the SDK wants it; fails where the SDK misses something that it requires.
    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError>;

    /// From what the SDK told.
    fn of(sdk: Option<Self::Sdk>) -> Self;

    /// Whether it is left out of what is written.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A word of one of the SDK's enumerations, written as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word<E>(pub E);

impl<E: AsRef<str>> Word<E> {
    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl<E: AsRef<str>> fmt::Display for Word<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<E: AsRef<str>> Serialize for Word<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, E: for<'a> From<&'a str>> Deserialize<'de> for Word<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(E::from(&text)))
    }
}

impl<E> JsonSchema for Word<E> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl<E: Clone + for<'a> From<&'a str>> Mirror for Word<E> {
    type Sdk = E;

    fn sdk(&self) -> Result<Option<E>, BuildError> {
        Ok(Some(self.0.clone()))
    }

    fn of(sdk: Option<E>) -> Self {
        Self(sdk.unwrap_or_else(|| E::from("")))
    }
}

macro_rules! scalars {
    ($($type:ty)*) => { $(
        impl Mirror for $type {
            type Sdk = Self;

            fn sdk(&self) -> Result<Option<Self>, BuildError> {
                Ok(Some(self.clone()))
            }

            fn of(sdk: Option<Self>) -> Self {
                sdk.unwrap_or_default()
            }
        }
    )* };
}
scalars!(bool f64 i32 i64 String);

impl<T: Mirror> Mirror for Option<T> {
    type Sdk = T::Sdk;

    fn sdk(&self) -> Result<Option<T::Sdk>, BuildError> {
        self.as_ref().map_or(Ok(None), T::sdk)
    }

    fn of(sdk: Option<T::Sdk>) -> Self {
        sdk.map(|sdk| T::of(Some(sdk)))
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Mirror> Mirror for Vec<T> {
    type Sdk = Vec<T::Sdk>;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        self.iter().filter_map(|element| element.sdk().transpose()).collect::<Result<_, _>>().map(Some)
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        sdk.into_iter().flatten().map(|element| T::of(Some(element))).collect()
    }
}

impl<T: Mirror + Ord> Mirror for BTreeSet<T> {
    type Sdk = Vec<T::Sdk>;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        self.iter().filter_map(|element| element.sdk().transpose()).collect::<Result<_, _>>().map(Some)
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        sdk.into_iter().flatten().map(|element| T::of(Some(element))).collect()
    }
}

impl Mirror for BTreeMap<String, String> {
    type Sdk = HashMap<String, String>;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(Some(self.clone().into_iter().collect()))
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        sdk.into_iter().flatten().collect()
    }
}

/// Declares structs whose fields are those of an SDK type: each with the SDK builder's setter in parentheses, and
/// `fallible` behind the type where its builder can refuse.
macro_rules! mirror {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident = $sdk:ty $(, $fallible:ident)? {
            $( $(#[$field_meta:meta])* $field:ident($set:ident): $type:ty, )*
        }
    )*) => { $(
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "crate::aws::mirror::Mirror::is_absent")]
                pub $field: $type,
            )*
        }

        impl $crate::aws::mirror::Mirror for $name {
            type Sdk = $sdk;

            fn sdk(&self) -> std::result::Result<Option<$sdk>, aws_smithy_types::error::operation::BuildError> {
                use $crate::aws::mirror::Mirror;
                let builder = <$sdk>::builder() $(.$set(Mirror::sdk(&self.$field)?))*;
                $crate::aws::mirror::mirror!(@built builder.build() $(, $fallible)?)
            }

            fn of(sdk: Option<$sdk>) -> Self {
                use $crate::aws::mirror::Mirror;
                match sdk {
                    Some(sdk) => Self { $($field: Mirror::of(sdk.$field.into()),)* },
                    None => Self { $($field: Mirror::of(None),)* },
                }
            }
        }
    )* };
    (@built $built:expr, fallible) => { $built.map(Some) };
    (@built $built:expr) => { Ok(Some($built)) };
}
pub(super) use mirror;

/// Declares structs of which a stack gives one field: those of a union of the SDK, each with the union's variant in
/// parentheses.
macro_rules! mirror_union {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident = $sdk:ty {
            $( $(#[$field_meta:meta])* $field:ident($variant:ident): $type:ty, )*
        }
    )*) => { $(
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        $(#[$meta])*
        #[schemars(transform = crate::aws::schema::one_of)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $crate::aws::mirror::Mirror for $name {
            type Sdk = $sdk;

            fn sdk(&self) -> std::result::Result<Option<$sdk>, aws_smithy_types::error::operation::BuildError> {
                use $crate::aws::mirror::Mirror;
                type Union = $sdk;
                $(
                    if let Some(value) = Mirror::sdk(&self.$field)? {
                        return Ok(Some(Union::$variant(value)));
                    }
                )*
                Ok(None)
            }

            fn of(sdk: Option<$sdk>) -> Self {
                use $crate::aws::mirror::Mirror;
                type Union = $sdk;
                let mut union = Self { $($field: None,)* };
                match sdk {
                    $( Some(Union::$variant(value)) => union.$field = Mirror::of(Some(value)), )*
                    _ => {}
                }
                union
            }
        }
    )* };
}
pub(super) use mirror_union;
