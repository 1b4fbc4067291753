//! The conditions of a rule: what of a request they look at, and what they take.

use std::net::IpAddr;

use hyper::header::HOST;
use hyper::http::request::Parts;
use ipnet::IpNet;

use crate::call::form;
use crate::pattern::is_like;
use crate::xml::Element;

/// One condition of a rule, which one of its values must meet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Case counts; the query string does not.
    Path(Vec<String>),
    /// Lower case.
    Host(Vec<String>),
    /// Name and lower-case values.
    Header(String, Vec<String>),
    Method(Vec<String>),
    /// Lower-case keys, where given, and values.
    Query(Vec<(Option<String>, String)>),
    Source(Vec<IpNet>),
    /// One that is not known here, which nothing meets.
    Unknown,
}

impl Condition {
    /// Reads a member of a rule's `Conditions`, whose values stand in one of two places.
    pub(super) fn read(item: &Element) -> Self {
        let values = |config: &str| -> Vec<String> {
            let own = item.texts_at(&format!("{config}/Values/member"));
            let own = if own.is_empty() { item.texts_at("Values/member") } else { own };
            own.into_iter().map(str::to_owned).collect()
        };
        let lower = |config: &str| values(config).iter().map(|value| value.to_lowercase()).collect();
        match item.text_at("Field") {
            "path-pattern" => Self::Path(values("PathPatternConfig")),
            "host-header" => Self::Host(lower("HostHeaderConfig")),
            "http-header" => {
                Self::Header(item.text_at("HttpHeaderConfig/HttpHeaderName").into(), lower("HttpHeaderConfig"))
            }
            "http-request-method" => Self::Method(values("HttpRequestMethodConfig")),
            "query-string" => {
                let pairs = item.list("QueryStringConfig/Values").iter();
                let pairs = pairs.map(|pair| {
                    let key = pair.text_at("Key").to_lowercase();
                    ((!key.is_empty()).then_some(key), pair.text_at("Value").to_lowercase())
                });
                Self::Query(pairs.collect())
            }
            "source-ip" => Self::Source(values("SourceIpConfig").iter().filter_map(|net| net.parse().ok()).collect()),
            _ => Self::Unknown,
        }
    }

    /// Says whether a request from `source` to `path` meets it.
    pub(super) fn is_met(&self, request: &Parts, path: &str, source: IpAddr) -> bool {
        match self {
            Self::Path(patterns) => any(patterns, path),
            Self::Host(patterns) => any(patterns, &host(request)),
            Self::Header(name, patterns) => {
                let values = request.headers.get_all(name.as_str()).iter();
                values.filter_map(|value| value.to_str().ok()).any(|value| any(patterns, &value.to_lowercase()))
            }
            Self::Method(methods) => methods.iter().any(|method| method == request.method.as_str()),
            Self::Query(pairs) => {
                let given = form(request.uri.query().unwrap_or_default().as_bytes());
                pairs.iter().any(|(key, value)| {
                    given.iter().any(|(name, text)| {
                        key.as_ref().is_none_or(|key| like(&name.to_lowercase(), key))
                            && like(&text.to_lowercase(), value)
                    })
                })
            }
            Self::Source(networks) => networks.iter().any(|network| network.contains(&source)),
            Self::Unknown => false,
        }
    }
}

/// Returns the host that a request names, without port, in lower case.
pub(super) fn host(request: &Parts) -> String {
    let named = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| request.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    let end = named.rfind(':').filter(|end| !named[*end..].contains(']')).unwrap_or(named.len());
    named[..end].to_lowercase()
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| like(text, pattern))
}

fn like(text: &str, pattern: &str) -> bool {
    is_like(text.as_bytes(), pattern.as_bytes())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn member(text: &str) -> Condition {
        Condition::read(&Element::parse(format!("<member>{text}</member>").as_bytes()).unwrap())
    }

    #[test]
    fn each_field_looks_at_its_part_of_the_request() {
        let request = Request::post("/img/a.PNG?Version=v1&x=2");
        let request = request.header("host", "Api.Example.com:80").header("X-Env", "Beta-1").body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let table = [
            ("<Field>path-pattern</Field><Values><member>/img/*</member></Values>", true),
            ("<Field>path-pattern</Field><Values><member>/img/*.png</member></Values>", false),
            (
                "<Field>path-pattern</Field><PathPatternConfig><Values><member>/x</member><member>/img/?.PNG</member></Values></PathPatternConfig>",
                true,
            ),
            ("<Field>host-header</Field><Values><member>*.EXAMPLE.com</member></Values>", true),
            ("<Field>host-header</Field><Values><member>example.com</member></Values>", false),
            (
                "<Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-env</HttpHeaderName><Values><member>beta-*</member></Values></HttpHeaderConfig>",
                true,
            ),
            (
                "<Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-none</HttpHeaderName><Values><member>*</member></Values></HttpHeaderConfig>",
                false,
            ),
            ("<Field>http-request-method</Field><Values><member>GET</member><member>POST</member></Values>", true),
            ("<Field>http-request-method</Field><Values><member>GET</member></Values>", false),
            (
                "<Field>query-string</Field><QueryStringConfig><Values><member><Key>version</Key><Value>V?</Value></member></Values></QueryStringConfig>",
                true,
            ),
            (
                "<Field>query-string</Field><QueryStringConfig><Values><member><Value>2</Value></member></Values></QueryStringConfig>",
                true,
            ),
            (
                "<Field>query-string</Field><QueryStringConfig><Values><member><Key>x</Key><Value>3</Value></member></Values></QueryStringConfig>",
                false,
            ),
            ("<Field>source-ip</Field><Values><member>127.0.0.0/8</member></Values>", true),
            ("<Field>source-ip</Field><Values><member>10.0.0.0/8</member></Values>", false),
            ("<Field>moon-phase</Field><Values><member>full</member></Values>", false),
        ];
        for (text, wanted) in table {
            let met = member(text).is_met(&parts, parts.uri.path(), [127, 0, 0, 1].into());
            assert_eq!(met, wanted, "{text}");
        }
    }
}
