//! What is around every page: head, header with the search, footer.

use maud::{DOCTYPE, Markup, html};

use super::assets::address;
use crate::app::App;
use crate::http::caller::Caller;

/// The frame of a page.
pub(super) struct Frame<'p> {
    app: &'p App,
    title: &'p str,
    caller: Option<&'p Caller>,
    is_home: bool,
}

impl<'p> Frame<'p> {
    /// Of a page with this title.
    pub(super) fn new(app: &'p App, title: &'p str, caller: Option<&'p Caller>) -> Self {
        Self { app, title, caller, is_home: false }
    }

    /// Of the page that has a search of its own.
    pub(super) fn home(mut self) -> Self {
        self.is_home = true;
        self
    }

    pub(super) fn around(&self, content: &Markup) -> Markup {
        let base = self.app.config.base_path();
        let name = &self.app.config.title;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { @if self.title.is_empty() { (name) } @else { (self.title) " · " (name) } }
                    link rel="icon" type="image/svg+xml" href=(address(&base, "icon.svg"));
                    link rel="stylesheet" href=(address(&base, "style.css"));
                    script src=(address(&base, "theme.js")) {}
                    script src=(address(&base, "script.js")) defer {}
                }
                body data-base=(base) {
                    a.skip href="#content" { "Skip to the content" }
                    (self.header(&base))
                    main #content { (content) }
                    footer.foot {
                        span { "Drover registry " (env!("CARGO_PKG_VERSION")) }
                        span { a href={ (base) "/v1/" } { "API" } " · " a href={ (base) "/metrics" } { "Metrics" } }
                    }
                }
            }
        }
    }

    fn header(&self, base: &str) -> Markup {
        html! {
            header.top {
                a.brand href={ (base) "/" } { (mark()) span { (self.app.config.title) } }
                @if !self.is_home {
                    form.find action={ (base) "/" } method="get" role="search" {
                        input type="search" name="q" placeholder="Search packs" aria-label="Search packs"
                            autocomplete="off" data-key-focus;
                    }
                }
                div.actions {
                    (self.session(base))
                    button.icon type="button" data-theme-switch hidden title="Light, dark, or as the system" aria-label="Change between light and dark" {
                        span.sun { "☀" } span.moon { "☾" } span.auto { "◐" }
                    }
                }
            }
        }
    }

    fn session(&self, base: &str) -> Markup {
        match self.caller.map(|caller| &caller.identity) {
            Some(identity) if identity.is_known => html! {
                form.session action={ (base) "/logout" } method="post" {
                    span.who title=(identity.subject) { (identity.subject) }
                    button.link type="submit" { "Log out" }
                }
            },
            Some(_) => html! { a.link href={ (base) "/login" } { "Log in" } },
            None => html! {},
        }
    }
}

/// The sign of the registry: a pack, tied up.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" aria-hidden="true" {
            path d="M12 2 3 6.5v11L12 22l9-4.5v-11L12 2Z" class="mark-body" {}
            path d="M3 6.5 12 11l9-4.5M12 11v11M7.5 4.25l9 4.5v4" class="mark-line" {}
        }
    }
}
