// SPDX-License-Identifier: GPL-2.0-only
// What is wider than the page scrolls: with the keyboard as well, so it can be focused, and a table
// says so.
addEventListener("load", () => {
    let planned = false;
    const look = () => {
        planned = false;
        const boxes = [...document.querySelectorAll("pre, .wide, .wy-table-responsive")];
        // All are measured before one changes, as each change makes the next measure lay out again.
        const wide = boxes.map(box => box.scrollWidth > box.clientWidth);
        boxes.forEach((box, place) => {
            if (wide[place]) box.tabIndex = 0;
            else box.removeAttribute("tabindex");
            box.classList.toggle("scrolls", wide[place]);
        });
    };
    const plan = () => {
        if (!planned) requestAnimationFrame(look);
        planned = true;
    };
    // The theme puts tables in boxes of its own, and it may do so late.
    new MutationObserver(plan).observe(document.body, {childList: true, subtree: true});
    new ResizeObserver(plan).observe(document.body);
    document.addEventListener("change", plan); // a tab was chosen
    plan();
});
