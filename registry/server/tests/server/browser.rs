//! The pages in a real browser, through chromedriver; passed over with a message where there is none.

use crate::support::{Running, pack};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use thirtyfour::prelude::*;

/// A chromedriver that ends with the test.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    #[expect(clippy::print_stdout, reason = "a test that is passed over says so")]
    fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Ok(process) => Some(Self { process, port }),
            Err(error) => {
                println!(
                    "passed over: no chromedriver ({error}); `apt-get install chromium chromium-driver` brings it"
                );
                None
            }
        }
    }

    async fn browser(&self, width: u32) -> WebDriver {
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] {
            capabilities.add_arg(argument).unwrap();
        }
        capabilities.add_arg(&format!("--window-size={width},900")).unwrap();
        let url = format!("http://127.0.0.1:{}", self.port);
        for _ in 0..100 {
            match WebDriver::new(&url, capabilities.clone()).await {
                Ok(driver) => return driver,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("chromedriver starts no browser");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

async fn wait_for_text(browser: &WebDriver, selector: &str, part: &str) {
    for _ in 0..100 {
        if let Ok(element) = browser.find(By::Css(selector)).await
            && element.text().await.is_ok_and(|text| text.contains(part))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{part:?} does not appear in {selector}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_searches_reads_copies_and_changes_the_colours() {
    let Some(driver) = Driver::start() else { return };
    let server = Running::start(|_| {}).await;
    let token = server.token(&["*:publish"]).await;
    for (team, name) in [("shop", "web"), ("data", "postgres"), ("data", "redis")] {
        assert_eq!(server.publish(&token, team, &pack(name, "1.0.0", "x")).await.status(), 201);
    }
    let browser = driver.browser(1280).await;
    let seen = look(&browser, &server.url).await;
    browser.quit().await.unwrap();
    seen.unwrap();
}

async fn look(browser: &WebDriver, url: &str) -> WebDriverResult<()> {
    browser.goto(url).await?;
    assert_eq!(browser.find_all(By::Css(".card")).await?.len(), 3);
    // "/" leads to the search, which changes the list while one types.
    browser.find(By::Css("body")).await?.send_keys("/").await?;
    browser.find(By::Css(".search input")).await?.send_keys("postg").await?;
    wait_for_text(browser, "#results", "1 pack found").await;
    assert!(browser.current_url().await?.as_str().ends_with("?q=postg"));
    browser.find(By::Css(".card")).await?.click().await?;
    wait_for_text(browser, "h1", "postgres").await;
    let button = browser.find(By::Css(".panel .copy")).await?;
    assert!(button.is_displayed().await?);
    button.click().await?;
    wait_for_text(browser, ".panel .copy", "Copied").await;
    // As the system, light, dark; and it is remembered.
    let switch = browser.find(By::Css("[data-theme-switch]")).await?;
    switch.click().await?;
    switch.click().await?;
    let background = "return getComputedStyle(document.body).backgroundColor";
    let dark: String = browser.execute(background, Vec::new()).await?.convert()?;
    browser.refresh().await?;
    let again: String = browser.execute(background, Vec::new()).await?.convert()?;
    assert_eq!((dark.as_str(), &again), ("rgb(14, 18, 19)", &dark));
    // Nothing was refused by the page's own policy, and nothing sticks out of a phone's width.
    browser.set_window_rect(0, 0, 500, 900).await?;
    for path in ["/", "/packs/data/postgres"] {
        browser.goto(format!("{url}{path}")).await?;
        let widths: (i64, i64) = browser
            .execute("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]", Vec::new())
            .await?
            .convert()?;
        assert!(widths.0 <= widths.1, "{path} is {} wide in a window of {}", widths.0, widths.1);
    }
    Ok(())
}
