"use strict";
addEventListener("DOMContentLoaded", () => {
  const cards = [...document.querySelectorAll(".explanation")];
  const search = document.getElementById("search"), wrong = document.getElementById("wrong");
  const left = document.getElementById("left");
  if (!search) return;
  function filter() {
    const words = search.value.trim().toLowerCase(), only = wrong !== null && wrong.checked;
    for (const card of cards) {
      const text = card.querySelector("h3").textContent + " " + card.querySelector("p").title;
      card.hidden = (only && !("wrong" in card.dataset)) || !text.toLowerCase().includes(words);
    }
    const shown = cards.filter(card => !card.hidden).length;
    left.textContent = shown === cards.length ? "" : `${shown} of ${cards.length} images`;
  }
  search.addEventListener("input", filter);
  if (wrong) wrong.addEventListener("change", filter);
  // A click on a picture enlarges its card, and back.
  for (const card of cards) card.addEventListener("click", event => {
    if (event.target.tagName === "IMG") card.classList.toggle("large");
  });
});
