//! Resource types of Amazon SES.
