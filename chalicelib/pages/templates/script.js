
"use strict";
(() => {
  const form = document.getElementById("filter");
  const cards = [...document.querySelectorAll(".feature")];
  const names = cards.map((card) => card.querySelector(".name").textContent.toLowerCase());
  const shown = document.getElementById("shown");
  const fits = (card, check, state) => {
    if (check === "") return state === "" || card.dataset.state === state;
    return card.dataset.checks.split(" ").some((one) =>
      parseInt(one, 10) === Number(check) && (state === "" || one.endsWith(state)));
  };
  const apply = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    let count = 0;
    cards.forEach((card, i) => {
      const fit = names[i].includes(text) && fits(card, form.elements.check.value, form.elements.state.value);
      card.hidden = !fit;
      count += fit;
    });
    shown.textContent = `${count} of ${cards.length} shown`;
  };
  const reveal = () => {
    const card = location.hash.startsWith("#f") && document.getElementById(location.hash.slice(1));
    if (card) card.open = true;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    document.getElementById("all")?.addEventListener("click", (event) => {
      const open = event.target.getAttribute("aria-pressed") !== "true";
      event.target.setAttribute("aria-pressed", String(open));
      cards.forEach((card) => { if (!card.hidden) card.open = open; });
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        form.elements.text.focus();
      }
    });
    apply();
  }
  addEventListener("hashchange", reveal);
  reveal();

  // The value below the pointer, or of the focused chart: the table behind the chart has it.
  const value = Object.assign(document.createElement("output"), { className: "value" });
  const cursor = Object.assign(document.createElement("span"), { className: "cursor" });
  let at = 0;
  const hide = () => { value.remove(); cursor.remove(); };
  const show = (plot, wanted) => {
    const holder = plot.closest("figure, section");
    const rows = holder.querySelectorAll("tbody tr");
    const names = [...holder.querySelectorAll("thead th")].map((cell) => cell.textContent.toLowerCase());
    at = Math.min(Math.max(wanted(rows.length), 0), rows.length - 1);
    const [first, ...others] = [...rows[at].cells].map((cell) => cell.textContent.trim() || "none");
    value.textContent = `${first}: ${others.map((text, i) => names.length > 2 ? `${names[i + 1]} ${text}` : text).join(", ")}`;
    holder.append(value, cursor);
    const [outer, inner] = [holder.getBoundingClientRect(), plot.getBoundingClientRect()];
    const x = inner.left - outer.left + (at + 0.5) / rows.length * inner.width;
    const y = inner.top - outer.top;
    Object.assign(cursor.style, { left: `${x}px`, top: `${y}px`, height: `${inner.height}px` });
    const left = Math.min(Math.max(x - value.offsetWidth / 2, 0), outer.width - value.offsetWidth);
    Object.assign(value.style, { left: `${left}px`, top: `${y + inner.height + 4}px` });
  };
  const plotOf = (event) => event.target instanceof Element ? event.target.closest("[data-plot]") : null;
  const follow = (event) => {
    const plot = plotOf(event);
    if (!plot) return hide();
    const box = plot.getBoundingClientRect();
    show(plot, (bars) => Math.floor((event.clientX - box.left) / box.width * bars));
  };
  const steps = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, Home: () => 0, End: (bars) => bars - 1 };
  for (const plot of document.querySelectorAll("[data-plot]")) plot.tabIndex = 0;
  addEventListener("pointermove", follow);
  addEventListener("pointerdown", follow);
  addEventListener("focusin", (event) => plotOf(event)?.matches(":focus-visible") && show(plotOf(event), steps.End));
  addEventListener("focusout", hide);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (!plotOf(event) || !steps[event.key]) return;
    event.preventDefault();
    show(plotOf(event), steps[event.key]);
  });

  for (const code of document.querySelectorAll(".steps code")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-label", `Copy: ${code.textContent}`);
    const command = Object.assign(document.createElement("div"), { className: "command" });
    const words = code.textContent.split(" ").map((word) => Object.assign(document.createElement("span"), { textContent: word }));
    code.replaceChildren(...words.flatMap((word, i) => i ? [" ", word] : [word])); // so that no option breaks at its hyphens
    code.replaceWith(command);
    command.append(code, button);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch { // no permission, or a page that is not served over HTTPS
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
})();
