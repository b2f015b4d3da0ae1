"use strict";
// A link into a folded part opens it.
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = target && target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();

// The contents say where the reader is.
const links = new Map();
for (const link of document.querySelectorAll(".contents a")) links.set(link.hash.slice(1), link);
const seen = new Set();
const watch = new IntersectionObserver((entries) => {
  for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
  const here = [...links.keys()].find((id) => seen.has(id));
  for (const [id, link] of links) {
    if (id === here) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const current = links.get(here);
  if (current) current.closest("ol").scrollTo({ left: current.offsetLeft - 48 });
}, { rootMargin: "-10% 0px -70% 0px" });
for (const id of links.keys()) watch.observe(document.getElementById(id));

// The first table is sorted by a click on a column's head; a third click gives the lessons' own order.
const summary = document.querySelector(".summary");
const rows = summary ? [...summary.tBodies[0].rows] : [];
const key = (row, at) => row.cells[at].dataset.order ?? row.cells[at].innerText;
const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
const sort = (at, way) => {
  const sorted = way ? [...rows].sort((a, b) => way * compare(key(a, at), key(b, at))) : rows;
  summary.tBodies[0].append(...sorted);
};
for (const [at, head] of [...(summary ? summary.tHead.rows[0].cells : [])].entries()) {
  const button = document.createElement("button");
  const label = head.firstChild;
  button.type = "button";
  button.className = "sort";
  head.replaceChild(button, label);
  button.append(label);
  button.addEventListener("click", () => {
    const way = { none: 1, ascending: -1, descending: 0 }[head.getAttribute("aria-sort") ?? "none"];
    for (const other of summary.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (way) head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    sort(at, way);
  });
}

// Every table can be taken along.
const words = (cell) => (cell ? cell.innerText.replace(/\s+/g, " ").trim() : "");
const grid = (table) => [...table.rows].map((row) => [...row.cells].flatMap((cell) => [words(cell), ...Array(cell.colSpan - 1).fill("")]));
const forms = {
  CSV: (lines) => lines.map((line) => line.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\r\n"),
  Markdown: (lines) => {
    const [head, ...rest] = lines.map((line) => `| ${line.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`);
    return [head, `|${lines[0].map(() => "---").join("|")}|`, ...rest].join("\n");
  },
};
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
};
for (const table of document.querySelectorAll("table")) {
  const tools = document.createElement("p");
  tools.className = "tools";
  const box = table.closest(".wide");
  for (const [name, form] of Object.entries(forms)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `Copy ${name}`;
    button.setAttribute("aria-label", `Copy ${name}: ${box.getAttribute("aria-label") ?? "the answers"}`);
    button.addEventListener("click", async () => {
      await copy(form(grid(table)));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = `Copy ${name}`; }, 1500);
    });
    tools.append(button);
  }
  box.after(tools);
}
