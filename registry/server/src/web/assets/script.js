"use strict";
(() => {
  const root = document.documentElement;
  const base = document.body.dataset.base || "";

  // Light, dark, or as the system.
  const themes = ["auto", "light", "dark"];
  const names = { auto: "Colours as the system has them", light: "Light colours", dark: "Dark colours" };
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const show = () => {
      const now = root.dataset.theme || "auto";
      button.dataset.now = now;
      button.title = names[now];
    };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      const next = themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % themes.length];
      if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
      try {
        if (next === "auto") localStorage.removeItem("drover-theme"); else localStorage.setItem("drover-theme", next);
      } catch { /* It holds for this page only. */ }
      show();
    });
  }

  // Copying.
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try { return await navigator.clipboard.writeText(text); } catch { /* The older way may be allowed. */ }
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copying is not allowed here");
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      let said = "Copied";
      try { await copy(button.dataset.copy); } catch { said = "Not allowed"; }
      button.textContent = said;
      button.classList.add("done");
      setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1600);
    });
  }

  // Search as you type: only the list changes, and the address with it.
  for (const form of document.querySelectorAll("[data-live-search]")) {
    const input = form.querySelector("input[type=search]");
    const results = document.getElementById("results");
    if (!input || !results) continue;
    const team = form.querySelector("input[name=team]");
    let asked = null;
    let timer = 0;
    const look = async () => {
      if (asked) asked.abort();
      asked = new AbortController();
      const query = new URLSearchParams({ q: input.value });
      if (team) query.set("team", team.value);
      try {
        const answer = await fetch(`${base}/search?${query}`, { signal: asked.signal, credentials: "same-origin" });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        results.replaceChildren(...page.body.childNodes);
        const address = new URL(location.href);
        address.searchParams.delete("cursor");
        if (input.value) address.searchParams.set("q", input.value); else address.searchParams.delete("q");
        history.replaceState(null, "", address);
      } catch (error) {
        if (error.name !== "AbortError") form.submit();
      }
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 90); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); look(); });
  }

  // "/" leads to the search.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const input = document.querySelector("[data-key-focus]");
    if (input) { event.preventDefault(); input.focus(); input.select(); }
  });

  // The part of the page that is being read.
  const tabs = [...document.querySelectorAll(".tabs a")];
  const parts = tabs.map((tab) => document.querySelector(tab.getAttribute("href"))).filter(Boolean);
  if (parts.length > 1 && "IntersectionObserver" in window) {
    const seen = new Set();
    const mark = () => {
      const first = parts.find((part) => seen.has(part)) || parts[0];
      for (const tab of tabs) tab.classList.toggle("on", tab.getAttribute("href") === `#${first.id}`);
    };
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) seen.add(entry.target); else seen.delete(entry.target);
      mark();
    }, { rootMargin: "-80px 0px -55% 0px" });
    parts.forEach((part) => watch.observe(part));
    mark();
  }
})();
