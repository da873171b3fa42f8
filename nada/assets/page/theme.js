"use strict";
// The button that turns a page light or dark, or lets the reader's system decide.
function makeThemeButton() {
  const names = ["auto", "light", "dark"];
  let place = 0;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "theme: auto";
  button.addEventListener("click", () => {
    place = (place + 1) % names.length;
    if (place) document.documentElement.dataset.theme = names[place];
    else delete document.documentElement.dataset.theme;
    button.textContent = `theme: ${names[place]}`;
  });
  return button;
}
