//! `/ui/…`: where browsers look for pages.

use crate::context::Context;
use crate::reply::Reply;

/// What a browser is shown: this build has no pages of its own.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Drover</title></head>
<body>
<h1>Drover</h1>
<p>This build has no web pages. What they would show is here:</p>
<ul>
<li>jobs: <a href="/v1/jobs?pretty">/v1/jobs</a>, or <code>drover job status</code></li>
<li>nodes: <a href="/v1/nodes?pretty">/v1/nodes</a>, or <code>drover node status</code></li>
<li>allocations: <a href="/v1/allocations?pretty">/v1/allocations</a></li>
<li>servers: <a href="/v1/agent/members?pretty">/v1/agent/members</a>, or <code>drover server members</code></li>
<li>metrics: <a href="/v1/metrics?pretty">/v1/metrics</a></li>
</ul>
</body>
</html>
"#;

/// The page, at every path below `/ui/`, as links into pages end there too.
pub(super) fn route(context: &Context, path: &str) -> Option<Reply> {
    let below = path == "/ui" || path.starts_with("/ui/");
    (below && context.state.has_pages).then(|| Reply::text("text/html; charset=utf-8", PAGE))
}
