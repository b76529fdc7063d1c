// SPDX-License-Identifier: GPL-2.0-only
// A closed part of a page opens for a link that leads into it, and for print.
(() => {
    const closed = () => [...document.querySelectorAll("details.folded:not([open])")];
    const open = () => {
        const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
        const part = target?.closest("details.folded:not([open])");
        if (!part) return;
        part.open = true;
        target.scrollIntoView();
    };
    addEventListener("DOMContentLoaded", open);
    addEventListener("hashchange", open);
    document.addEventListener("click", event => { // the hash may be the same as before
        if (event.target.closest?.("a[href^='#']")) setTimeout(open);
    });
    let printed = [];
    addEventListener("beforeprint", () => {
        printed = closed();
        for (const part of printed) part.open = true;
    });
    addEventListener("afterprint", () => {
        for (const part of printed) part.open = false;
    });
})();
