// SPDX-License-Identifier: GPL-2.0-only
// A box above the lists of symptoms that hides those without the words that are typed into it.
addEventListener("DOMContentLoaded", () => {
    const lists = [...document.querySelectorAll("dl.symptoms")];
    if (!lists.length) return;
    const label = document.createElement("label");
    label.className = "filter";
    label.textContent = "Filter the symptoms: ";
    const box = label.appendChild(document.createElement("input"));
    box.type = "search";
    lists[0].closest("section").before(label);
    const matches = (term, words) => {
        const text = (term.textContent + term.nextElementSibling.textContent).toLowerCase();
        return words.every(word => text.includes(word));
    };
    box.addEventListener("input", () => {
        const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const list of lists) {
            let shown = 0;
            for (const term of list.querySelectorAll("dt")) {
                const hidden = !matches(term, words);
                term.hidden = term.nextElementSibling.hidden = hidden;
                shown += !hidden;
            }
            list.closest("section").hidden = !shown;
        }
    });
});
