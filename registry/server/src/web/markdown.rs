//! READMEs of strangers: Markdown to HTML without anything that could do harm. HTML in them is shown as text, links lead to
//! web pages only, and images are links, so that nobody learns who reads a page.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html::push_html,
};

use super::highlight::hcl;

/// How many elements of a README are shown.
const MAX_EVENTS: usize = 100_000;

/// A README as HTML.
pub(super) fn render(text: &str) -> Markup {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut events = Vec::new();
    let mut state = State::default();
    for event in Parser::new_ext(text, options).take(MAX_EVENTS) {
        state.take(event, &mut events);
    }
    let mut out = String::with_capacity(text.len() * 2);
    push_html(&mut out, events.into_iter());
    PreEscaped(out)
}

#[derive(Default)]
struct State {
    /// The language and the text of the code block that is being read.
    code: Option<(String, String)>,
    /// Whether the links that are open are shown as such.
    links: Vec<bool>,
}

impl State {
    fn take<'e>(&mut self, event: Event<'e>, events: &mut Vec<Event<'e>>) {
        if let Some((_, code)) = &mut self.code {
            match event {
                Event::Text(text) => code.push_str(&text),
                Event::End(TagEnd::CodeBlock) => self.end_code(events),
                _ => {}
            }
            return;
        }
        match event {
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. }) => {
                let is_shown = is_harmless(&dest_url) && !self.links.contains(&true);
                self.links.push(is_shown);
                if is_shown {
                    events.push(Event::Start(link(dest_url)));
                }
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if self.links.pop() == Some(true) {
                    events.push(Event::End(TagEnd::Link));
                }
            }
            // The page has its title already.
            Event::Start(Tag::Heading { level, .. }) => events.push(Event::Start(Tag::Heading {
                level: lower(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::End(TagEnd::Heading(level)) => events.push(Event::End(TagEnd::Heading(lower(level)))),
            event => events.push(event),
        }
    }

    fn end_code(&mut self, events: &mut Vec<Event<'_>>) {
        let Some((language, code)) = self.code.take() else { return };
        let is_hcl = matches!(language.split([' ', ',']).next(), Some("hcl" | "terraform" | "tf" | "nomad"));
        let shown = html! { pre { code { @if is_hcl { (hcl(&code)) } @else { (code) } } } };
        events.push(Event::Html(CowStr::from(shown.into_string())));
    }
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        _ => HeadingLevel::H5,
    }
}

fn link(dest_url: CowStr<'_>) -> Tag<'_> {
    Tag::Link { link_type: LinkType::Inline, dest_url, title: CowStr::Borrowed(""), id: CowStr::Borrowed("") }
}

/// Whether a link leads to a web page or a mail box. Paths within the pack lead nowhere here.
fn is_harmless(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_is_laid_out() {
        let html =
            render("# Web\n\nA *site*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```hcl\ncount = 1\n```\n").into_string();
        for part in ["<h3>Web</h3>", "<em>site</em>", "<table>", "hl-a\">count<"] {
            assert!(html.contains(part), "{part} not in {html}");
        }
    }

    #[test]
    fn nothing_harmful_gets_through() {
        let html = render(
            "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [b](data:text/html,x) [c](JaVaScRiPt:x)\n\n\
             [d](https://ok.example \"t\\\" onclick=x\") ![pixel](https://spy.example/p.png) ![e](x.png)\n\n```\"><script>\n</code><script>x</script>\n```\n\n\
             [x]: javascript:alert(1)\n[x]\n\n<a href=\"javascript:x\">y</a>",
        )
        .into_string();
        for part in ["<script", "<img", "<a href=\"javascript", "<a href=\"data", "onclick=x\""] {
            assert!(!html.to_lowercase().contains(&part.to_lowercase()), "{part} in {html}");
        }
        assert!(html.contains("href=\"https://ok.example\"") && html.contains("href=\"https://spy.example/p.png\""));
    }
}
