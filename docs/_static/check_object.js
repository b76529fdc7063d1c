// SPDX-License-Identifier: GPL-2.0-only
// Check a compiled object in the page: playground/objects.py reads it, and nothing is sent anywhere.
addEventListener("DOMContentLoaded", () => {
    const element = makeElement;
    const root = document.documentElement.dataset.content_root ?? "";
    const largest = 32 << 20; // bytes
    const page = /^( *see )(\S+\.html\S*)$/;

    const base64 = async file => {
        const address = await new Promise((resolve, reject) => {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result);
            reader.onerror = () => reject(new Error("The browser could not read the file."));
            reader.readAsDataURL(file);
        });
        return address.slice(address.indexOf(",") + 1);
    };
    const shown = lines => element("pre", {tabIndex: 0}, ...lines.flatMap(line => {
        const found = page.exec(line);
        return found ? [found[1], element("a", {href: root + found[2], textContent: found[2]}), "\n"] : [line, "\n"];
    }));

    for (const place of document.querySelectorAll(".check-here")) {
        const input = element("input", {type: "file", id: "object-to-check"});
        const last = Python.releaseChoice("Newest release", "Newest release", () => check(), {own: false});
        const first = Python.releaseChoice("Oldest release", "Oldest release", value => {
            last.node.hidden = value === ownKernel.value; // it is the only one
            check();
        });
        const status = element("span", {className: "run-status", role: "status"});
        const output = element("div", {className: "check-output", ariaLive: "polite"});
        const say = (text, kind = "") => {
            status.textContent = text;
            status.className = `run-status ${kind}`;
        };
        let file, running = false;

        const check = async () => {
            if (!file || running) return;
            output.replaceChildren();
            if (file.size > largest) {
                return say("The page reads files of up to 32 MB: use the command for larger ones.", "differs");
            }
            running = true;
            try {
                say(`Checking ${file.name} \u2026`);
                const answer = await Python.ask(
                    {do: "check", name: file.name, data: await base64(file), first: first.value, last: last.value},
                    {needs: ["stories", "checker"], progress: stage => say(`${stage} \u2026`)},
                );
                if (answer.error) return say(answer.error, "differs");
                output.append(shown(answer.lines));
                say("Checked in this page. Nothing was uploaded.");
            } catch (error) {
                say(error.message, "differs");
            } finally {
                running = false;
            }
        };
        const take = files => {
            if (!files.length) return;
            file = files[0];
            check();
        };
        input.addEventListener("change", () => take(input.files));
        const box = element("div", {className: "check-drop"},
            element("label", {htmlFor: input.id, textContent: "Drop an object here, or choose a file: "}), input,
            element("div", {className: "run-bar"}, first.node, last.node, status));
        for (const each of [first, last]) each.within(box);
        for (const name of ["dragover", "dragleave", "drop"]) {
            box.addEventListener(name, event => {
                event.preventDefault();
                box.classList.toggle("over", name === "dragover");
                if (name === "drop") take(event.dataTransfer.files);
            });
        }
        place.replaceChildren(box, output);
    }
});
