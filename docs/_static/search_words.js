// SPDX-License-Identifier: GPL-2.0-only
// Pages that help come before evidence; a page whose keywords have all words of a query comes first;
// and a query that no page answers whole is searched by its single words.
(() => {
    const keywords = JSON.parse(document.getElementById("keywords").textContent);
    const first = /^(recipes|breaking_changes)\/(?!index)/;
    const last = /^(api|_modules|traces|divergence|conformance|rules|model|about|history|404)/;

    Scorer.score = ([page, , , , score]) => score + (first.test(page) ? 6 : 0) - (last.test(page) ? 12 : 0);

    const wordsOf = text => text.toLowerCase().split(/[^a-z0-9_]+/).filter(Boolean);
    const matches = (query, phrase) => {
        const known = wordsOf(phrase);
        return query.every(word => known.some(it => it === word || (word.length > 3 && it.startsWith(word))));
    };

    // An excerpt begins with the text of the page: its title stands above.
    const textOf = Search.htmlToText;
    Search.htmlToText = (page, ...rest) =>
        textOf(page.replace(/<nav class="on-this-page".*?<\/nav>|<h1>.*?<\/h1>/gs, ""), ...rest);

    const search = Search._performSearch;
    Search._performSearch = (query, terms, excluded, highlighted, objects) => {
        const words = wordsOf(query).filter(word => !stopwords.has(word));
        let found = search(query, terms, excluded, highlighted, objects);
        if (!found.length && terms.size > 1) {
            for (const term of terms) found.push(...search(term, new Set([term]), excluded, highlighted, new Set([term])));
            found.sort((one, other) => one[4] - other[4]);
        }
        const docs = Search._index.docnames;
        const best = !words.length ? [] : keywords
            .filter(([page, , phrases]) => docs.includes(page) && phrases.some(phrase => matches(words, phrase)))
            .map(([page, title]) =>
                [page, title, "", null, 100, Search._index.filenames[docs.indexOf(page)], SearchResultKind.text]);
        const above = new Set(best.map(([page]) => page));
        const seen = new Set();
        const rest = found.reverse().filter(([page, , anchor]) => { // the best is the last of the list
            const place = page + anchor;
            if ((above.has(page) && !anchor) || seen.has(place)) return false;
            return seen.add(place);
        });
        return [...rest.reverse(), ...best.reverse()];
    };
})();
