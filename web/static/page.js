// Times are in UTC in the page. Here they become those of the reader's own time zone.
const inWords = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = inWords.format(new Date(time.dateTime));
  }
}

localise(document);
document.addEventListener("htmx:after:swap", () => localise(document));

// A click on a label of the previewed sheet, or on the offer of one, makes it the first one to be printed.
document.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-position]");
  const field = document.getElementById("start_position");
  if (!cell || !field) return;
  event.preventDefault();
  field.value = cell.dataset.position;
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

// Searches of the form are made while somebody types. A change makes the answer to an earlier one worthless.
document.addEventListener("input", (event) => {
  if (event.target.matches(".find")) event.target.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("change", (event) => event.target.form?.dispatchEvent(new Event("htmx:abort")));

// Fields that were shown anew show what the service says, except what is being typed.
document.addEventListener("htmx:after:swap", () => {
  const form = document.getElementById("export");
  const state = form?.elements.state.value;
  if (!form || form.dataset.state === state) return;
  form.dataset.state = state;
  const active = document.activeElement;
  const typed = active.form === form && active.type !== "file" ? active.value : null;
  form.reset();
  if (typed !== null) active.value = typed;
});
