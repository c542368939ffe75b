//! Makes text from outside harmless where it is printed: tags, names, banners, certificates.
//!
//! Each function is for one place. All but JSON's show a hidden character as `\u{202e}` in place of
//! passing or dropping it, so that two different names never look alike.

mod github;
mod json;
mod markdown;
mod visible;

pub use github::{data as github_data, property as github_property};
pub use json::{json_document, json_line};
pub use markdown::{
    cell as markdown_cell, code as markdown_code, fence as markdown_fence, text as markdown_text,
};
pub use visible::{is_hidden, line, visible};
