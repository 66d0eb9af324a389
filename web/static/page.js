// Times are in UTC in the page. Here they become those of the reader's own time zone.
const inWords = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = inWords.format(new Date(time.dateTime));
  }
}

localise(document);
document.addEventListener("htmx:after:swap", () => localise(document));

// A click on a label of the previewed sheet makes it the first one to be printed.
document.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-position]");
  const field = document.getElementById("start_position");
  if (!cell || !field) return;
  field.value = cell.dataset.position;
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
