// SPDX-License-Identifier: GPL-2.0-only
// What is wider than the page scrolls: with the keyboard as well, so it can be focused.
addEventListener("load", () => {
    const look = () => {
        for (const box of document.querySelectorAll("pre, .wide, .wy-table-responsive")) {
            if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
            else box.removeAttribute("tabindex");
        }
    };
    // The theme puts tables in boxes of its own, and it may do so late.
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
    new ResizeObserver(look).observe(document.body);
    document.addEventListener("change", look); // a tab was chosen
    look();
});
