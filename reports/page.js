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
}, { rootMargin: "-10% 0px -70% 0px" });
for (const id of links.keys()) watch.observe(document.getElementById(id));
