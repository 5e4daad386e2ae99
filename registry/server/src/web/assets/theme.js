// Runs before the page is drawn, so that it is never drawn in the wrong colours.
"use strict";
(() => {
  let theme = null;
  try { theme = localStorage.getItem("drover-theme"); } catch { /* Storage is off: the system decides. */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
