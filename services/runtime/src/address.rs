//! E-mail addresses as SES takes them.

use email_address::{EmailAddress, Options};

/// Checks an address as SES takes it: one mailbox, without a name, with a domain of at least two labels, in ASCII.
///
/// # Errors
/// What is wrong with it, without quoting it.
pub fn address(text: &str) -> Result<EmailAddress, String> {
    if !text.is_ascii() {
        // https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html: no SMTPUTF8.
        return Err("it has other characters than ASCII; write a domain's name in Punycode".into());
    }
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    let address = EmailAddress::parse_with_options(text, options).map_err(|error| error.to_string())?;
    if address.local_part().starts_with('"') {
        return Err("its local part is quoted".into());
    }
    host(address.domain())?;
    Ok(address)
}

/// Holds a domain to the names of hosts: RFC 1123, section 2.1. What the parser takes goes beyond.
fn host(domain: &str) -> Result<(), &'static str> {
    let is_label = |label: &str| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len())
            && edges
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if domain.len() > 253 || !domain.split('.').all(is_label) {
        return Err("its domain is not the name of a host");
    }
    match domain.rsplit('.').next() {
        Some(last) if !last.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err("its domain ends in a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_ses_takes() {
        for good in [
            "ada@example.org",
            "ada+news@mail.example.org",
            "a@xn--bcher-kva.example",
            "o'hara@4you.example",
            "a@b.xn--p1ai",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "Ada <ada@example.org>",
            "ada@bücher.example",
            "a@b.c,d@e.f",
            r#""a b"@example.org"#,
            r#""ada"@example.org"#,
            "ada@my_host.example",
            "ada@-a.example",
            "ada@a-.example",
            "ada@example.123",
            "ada@127.0.0.1",
            "ada@exam!ple.org",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
