// SPDX-License-Identifier: GPL-2.0-only
// The button of the menu says whether the menu is open; Escape closes it; / goes to the search box.
// The sections of the page are listed open where they stand beside it.
addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector(".menu-button");
    const menu = document.querySelector(".wy-nav-side");
    const search = document.querySelector("#rtd-search-form input[name=q]");
    const isOpen = () => menu.classList.contains("shift");
    new MutationObserver(() => {
        button.setAttribute("aria-expanded", isOpen());
        if (isOpen()) search.focus();
    }).observe(menu, {attributeFilter: ["class"]});
    addEventListener("keydown", event => {
        if (event.key === "Escape" && isOpen()) {
            button.click();
            button.focus();
        }
        const writes = event.target.closest?.("input, textarea, select, [contenteditable]");
        if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            search.focus();
        }
    });
    const sections = document.querySelector(".on-this-page details");
    const beside = matchMedia("(min-width: 1360px)");
    const show = () => { if (sections) sections.open = beside.matches; };
    beside.addEventListener("change", show);
    show();
});
