//! Pages as browsers get them, without one.

use crate::support::{Running, pack};
use reqwest::redirect::Policy;

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_packs_and_carry_nothing_harmful() {
    let server = Running::start(|_| {}).await;
    let text = |path: &str| {
        let request = server.get(path);
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    assert!(text("/").await.contains("No packs yet"));
    let token = server.token(&["shop:publish"]).await;
    assert_eq!(server.publish(&token, "shop", &pack("web", "1.0.0", "<b>&\\\"bold")).await.status(), 201);
    assert_eq!(server.publish(&token, "shop", &pack("web", "1.1.0-rc.1", "x")).await.status(), 201);
    let page = text("/packs/shop/web").await;
    for part in [
        "Where it listens",
        "8080",
        "hidden",
        "drover registry add shop",
        "Not signed",
        "&lt;script&gt;",
        "hl-a\">port<",
    ] {
        assert!(page.contains(part), "{part} not in {page}");
    }
    for part in ["<script>alert", "hunter2", "<b>&"] {
        assert!(!page.contains(part), "{part} in {page}");
    }
    assert!(text("/packs/shop/web/1.1.0-rc.1").await.contains("Pre-release"));
    assert!(text("/?q=wbe").await.contains("Did you mean"));
    assert!(text("/search?q=web").await.contains("1 pack found"));
    for (path, status) in [
        ("/packs/shop/none", 404),
        ("/packs/shop/web/9.9.9", 404),
        ("/nowhere", 404),
        ("/packs/..%2f/x", 404),
        ("/robots.txt", 200),
    ] {
        assert_eq!(server.get(path).send().await.unwrap().status().as_u16(), status, "{path}");
    }
    let answer = server.get("/packs/shop/web").send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_where_reading_needs_a_token() {
    let server = Running::start(|config| config.anonymous_read = false).await;
    let token = server.token(&["shop:publish"]).await;
    assert_eq!(server.publish(&token, "shop", &pack("web", "1.0.0", "x")).await.status(), 201);
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let get = |path: &str, cookie: &str| {
        client.get(format!("{}{path}", server.url)).header("cookie", cookie.to_owned()).send()
    };
    for path in ["/packs/shop/web", "/packs/shop/none"] {
        let answer = get(path, "").await.unwrap();
        assert_eq!(answer.status(), 303, "whether it exists is not told");
        assert!(answer.headers()["location"].to_str().unwrap().starts_with("/login?to="));
    }
    let login = |token: &str, to: &str| {
        client.post(format!("{}/login", server.url)).form(&[("token", token), ("to", to)]).send()
    };
    assert_eq!(login("nonsense", "").await.unwrap().status(), 401);
    let answer = login(&token, "/packs/shop/web").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/packs/shop/web"));
    assert_eq!(login(&token, "//evil.example").await.unwrap().headers()["location"], "/");
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert!(get("/packs/shop/web", cookie).await.unwrap().text().await.unwrap().contains("Log out"));
    // What a browser sends along by itself changes nothing.
    let yank = format!("{}/v1/packs/shop/web/versions/1.0.0/yank", server.url);
    assert_eq!(client.put(yank).header("cookie", cookie).send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_lies_below_the_path_of_the_public_url() {
    let server =
        Running::start(|config| config.public_url = Some("https://example.com/packs/here".parse().unwrap())).await;
    let token = server.token(&["shop:publish"]).await;
    let built = pack("web", "1.0.0", "x");
    let put =
        server.client.put(format!("{}/packs/here/v1/packs/shop/web/versions/1.0.0", server.url)).bearer_auth(&token);
    let put = put
        .header("content-type", built.archive.media_type.as_str())
        .header("drover-digest", built.archive.digest.to_string());
    assert_eq!(put.body(built.archive.bytes.clone()).send().await.unwrap().status(), 201);
    let page = server.get("/packs/here/packs/shop/web").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("drover registry add shop https://example.com/packs/here/shop"), "{page}");
    assert!(page.contains("href=\"/packs/here/packs/shop\""), "{page}");
    assert_eq!(server.get("/packs/here/").send().await.unwrap().status(), 200);
}
