
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
})();
